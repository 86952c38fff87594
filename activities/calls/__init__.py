"""Calls somebody asked for: looked at, placed once, followed to their end."""
