"""A copy of the served version, which a new generator must not fall behind."""
