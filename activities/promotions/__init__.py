"""What the workflow of a promotion asks for: looking, releasing, steering, and opening others.

Whatever decides is pure and elsewhere; here it is found out and carried out.
"""
