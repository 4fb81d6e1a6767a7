"""Signing in by a passkey: the phone's own lock instead of a password or a code."""
