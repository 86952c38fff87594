"""Activities that test agents by talking to them.

They prepare a branch beside what is live, hold the conversations, and put it all away again.
What a conversation proves is `trunkline.model.testing`; how one is driven is `conversing`.
"""
