"""Judges of conversations, and models that play callers, behind ``ports.Judges``."""
