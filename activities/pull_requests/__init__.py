"""What the workflow of a pull request asks for: look, heed what people said, tell, sweep.

Reading and deciding are apart from writing, and nothing here writes to a platform.
"""
