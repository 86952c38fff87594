"""Live calls: what they are, what happens in them, and who may steer them."""
