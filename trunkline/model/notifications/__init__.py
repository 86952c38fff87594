"""Who is told of which event, when, and in which words. Pure."""
