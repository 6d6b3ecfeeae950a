"""Samples of a generator, drawn as they would be served."""
