"""The command line. Commands that ask about a running installation talk HTTP to its API."""
