"""What checks of a pull request come to, and how that is said: pure."""
