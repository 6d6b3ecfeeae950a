"""The comparison as a table and as a plot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks.peers.contenders import TITLES

_SHOWN = (60, 120, 300, 1200)  # seconds
_RATIOS = (10, 5, 3, 2)


def title(name: str) -> str:
    """Return what a contender is called, and the time that its schedule was planned for where that isn't the longest."""
    contender, _, seconds = name.rpartition("_")
    return f"{TITLES[contender]}, planned for {seconds} s" if contender in TITLES else TITLES[name]


def time_to(looks: list[dict[str, Any]], ratio: float) -> float | None:
    """Seconds of training at the first look whose Fréchet ratio is at most this; None where none is."""
    return next((look["seconds"] for look in looks if look["frechet_ratio"] <= ratio), None)


def print_table(measured: dict[str, Any]) -> None:
    """Print two tables: quality after equal times, and times to equal quality."""
    console = Console(width=140)
    quality = Table("", "s", "images/s", "Fréchet ratio", "KID", "precision", "recall", "coverage", "rarest class", "gate")
    times = Table("", *(f"s to ratio {ratio}" for ratio in _RATIOS), "peak MiB")
    for name, looks in measured["contenders"].items():
        for wanted in _SHOWN:
            for look in looks:
                if abs(look["seconds"] - wanted) <= 0.05 * wanted:
                    quality.add_row(
                        title(name),
                        f"{look['seconds']:.0f}",
                        f"{look['images_per_second']:.0f}",
                        f"{look['frechet_ratio']:.3g}",
                        f"{look['kid']:.3g} ± {look['kid_error']:.1g}",
                        *(f"{look[figure]:.3f}" for figure in ("precision", "recall", "coverage", "smallest_class_share")),
                        {True: "blessed", False: "refused", None: ""}[look.get("blessed")],
                    )
        reached = [time_to(looks, ratio) for ratio in _RATIOS]
        times.add_row(
            title(name),
            *("not reached" if seconds is None else f"{seconds:.0f}" for seconds in reached),
            f"{looks[-1]['peak_mib']:.0f}",
        )
    console.print(f"{measured['machine']}, {measured['rows']:,} images against the test split of {measured['dataset']}")
    console.print(quality)
    console.print(times)


def plot(measured: dict[str, Any], path: Path) -> None:
    """Draw the Fréchet ratio over the seconds of training."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    for name, looks in measured["contenders"].items():
        axes.plot(
            [look["seconds"] for look in looks], [look["frechet_ratio"] for look in looks], marker="o", markersize=3,
            label=title(name),
        )  # fmt: skip
    axes.set(
        xlabel="seconds of training",
        ylabel="Fréchet distance / that of real images",
        yscale="log",
        title="Sample quality against training time (lower is better; 1 = real images)",
    )
    axes.axhline(1, color="0.6", linewidth=1, linestyle="--")
    axes.grid(alpha=0.3, which="both")
    axes.legend()
    figure.savefig(path, dpi=150)
    pyplot.close(figure)
