"""Promotions at the command line: starting, deciding, following, showing."""
