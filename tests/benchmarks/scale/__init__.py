"""`make bench-scale`: what each Beam step costs in time and memory as the data grow, here and on Flink."""

from tests.benchmarks.scale.benchmark import main

__all__ = ["main"]
