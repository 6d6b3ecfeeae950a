"""Whether the gate agrees with a network that neither it nor the GAN has ever seen, on 40 kinds of generators."""

from tests.benchmarks.gate_unseen.benchmark import main

__all__ = ["main"]
