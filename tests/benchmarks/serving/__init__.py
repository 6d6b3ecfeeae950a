"""`make bench ARGS=serving`: the embedded server beside the bare SavedModel and other servers, and while versions change."""

from tests.benchmarks.serving.benchmark import main

__all__ = ["main"]
