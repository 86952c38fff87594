"""What API, command line and dashboard ask for, once; ports and a Temporal client behind it.

Nothing here knows HTTP, a terminal or an adapter.
"""
