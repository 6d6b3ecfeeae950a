"""Mergeable statistics and bounded samples that the figures are computed from."""
