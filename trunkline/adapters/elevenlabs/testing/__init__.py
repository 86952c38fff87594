"""What the platform is given for a test, as pure translations.

An agent's rendering for tests, and scripted tests as tests of the platform's own. Nothing here
asks the platform anything.
"""
