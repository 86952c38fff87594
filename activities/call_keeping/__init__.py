"""What is done about calls that nobody carries: reading those a platform carried, closing those a
process left behind, finding out what they cost, and forgetting what is old.
"""
