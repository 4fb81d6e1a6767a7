"""Aftercare Companion: patients report how they heal, nurses hear what is out of the ordinary."""

__version__ = "0.1.0"
