"""Devices that receive web push, and how a message is put on the wire."""
