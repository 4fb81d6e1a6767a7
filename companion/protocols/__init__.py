"""The clinic's own protocol: published by a clinician, every older version kept."""
