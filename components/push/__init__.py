"""The atomic push of a blessed generator as the next served version."""
