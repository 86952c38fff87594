"""Scripted conversations: what was heard, what it means, and what it is worth. Pure."""
