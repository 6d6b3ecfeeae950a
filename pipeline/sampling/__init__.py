"""Draw from a generator, and score what was drawn."""
