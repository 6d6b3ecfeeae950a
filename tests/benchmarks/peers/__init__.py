"""Side by side with the GANs that people would write: equal time on the same cores, one table."""


def main() -> None:
    """Run the benchmark; imported late, because the contenders' processes need nothing of it."""
    from tests.benchmarks.peers.benchmark import main as run

    run()
