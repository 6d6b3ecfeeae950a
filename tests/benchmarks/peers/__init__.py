"""Side by side with the GANs that people would write: equal time on the same cores, one table."""

from tests.benchmarks.peers.benchmark import main

__all__ = ["main"]
