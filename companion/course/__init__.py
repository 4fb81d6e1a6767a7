"""Courses of treatment: indication, areas, planned sessions."""
