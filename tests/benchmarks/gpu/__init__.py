"""What a GPU changes, in one command: rates in both precisions, exact resume, whole runs, and the time to a quality."""

from tests.benchmarks.gpu.benchmark import main

__all__ = ["main"]
