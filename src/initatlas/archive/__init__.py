"""The archive of a scale: a research object that says what it is, and from which a claim is computed again."""
