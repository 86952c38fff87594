"""What `trunkline test` shows: runs as they happen, their reports, and what there is to run.

It knows reports and how to print them; nothing here decides whether a test passed.
"""
