"""Servers that a user would take from PyPI for the same SavedModel. Each file runs in that server's own environment."""
