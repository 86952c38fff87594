"""The verbs with their options, as thin as they can be: what they do is imported when they run."""
