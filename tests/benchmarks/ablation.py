"""What each ingredient of the `conv` recipe gives: it trains without the one and is judged on a slice of the train split.

`make bench ARGS="ablation --out DIRECTORY"` writes ablation.json there; `forger data fetch` comes first. What is there is not
trained again. `--set gan.steps=3200` and the like hold for all variants.
"""

from __future__ import annotations

import argparse
import functools
import json
import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.environment import prepare_tensorflow

prepare_tensorflow(quiet=True)

import tensorflow as tf  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from components.gan.recipes import conv  # noqa: E402
from components.gan.recipes.losses import MAX_EXPONENT  # noqa: E402
from components.gan.settings import GanSettings  # noqa: E402
from pipeline.config import resolve_config  # noqa: E402
from pipeline.home.home import Home  # noqa: E402
from tests.benchmarks import validation  # noqa: E402
from tests.benchmarks.machine import cpu  # noqa: E402
from tests.benchmarks.peers.contenders.forger import Ours  # noqa: E402
from tests.benchmarks.speed import step_flops  # noqa: E402
from tests.benchmarks.training import keep_to  # noqa: E402


def _penalise_real_only() -> None:
    both = conv.gradient_penalty

    def real_only(discriminator: Any, shown: list[tf.Tensor], labels: tf.Tensor, gamma: tf.Tensor) -> tf.Tensor:
        half = labels.shape[0] // 2  # the real ones come first; the caller counts the mean twice, for R1 + R2
        return 0.5 * both(discriminator, [one[:half] for one in shown], labels[:half], gamma)

    conv.gradient_penalty = real_only


def _pair() -> None:
    """R3GAN's relativistic pairing loss, Huang et al. 2024, eq. 2: a real and a generated image of the same class meet."""

    def losses(real_logit: tf.Tensor, fake_logit: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        difference = real_logit - fake_logit
        slope_ratio = -tf.exp(tf.clip_by_value(difference, -MAX_EXPONENT, MAX_EXPONENT))
        return tf.reduce_mean(tf.nn.softplus(-difference)), tf.reduce_mean(tf.nn.softplus(difference)), slope_ratio

    conv.non_saturating_losses = losses


def _pair_across_classes() -> None:
    _pair()
    by_class = conv.non_saturating_losses
    conv.non_saturating_losses = lambda real_logit, fake_logit: by_class(tf.roll(real_logit, 1, 0), fake_logit)


class Variant(NamedTuple):
    """The recipe, changed by settings or by code, in a process of its own."""

    changes: tuple[str, ...] = ()
    change_code: Callable[[], None] = lambda: None


VARIANTS = {
    "the recipe": Variant(),
    "no average of the weights": Variant(("gan.ema_decay=0",)),
    "the rate stays": Variant((f"gan.final_learning_rate={GanSettings().learning_rate}",)),
    "no floor for the discriminator's rate": Variant(("gan.min_discriminator_rate=0",)),
    "one rate for both networks": Variant(("gan.rate_ratio=1", "gan.min_discriminator_rate=0")),
    "momentum 0.5": Variant(("gan.beta_1=0.5",)),
    "no gradient penalties": Variant(("gan.gamma=0", "gan.final_gamma=0")),
    "penalties on real images only": Variant((), _penalise_real_only),
    "penalties on every row": Variant((), functools.partial(setattr, conv, "ROWS", 1)),
    "penalties at every step": Variant((), functools.partial(setattr, conv, "CYCLE", 1)),
    "paired loss": Variant((), _pair),
    "paired across classes": Variant((), _pair_across_classes),
    "float32": Variant(("gan.precision=float32",)),
}


def main() -> None:
    """Train, judge, print, write."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=ablation", description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, default=Path(".forger"), help="where the data lie")
    parser.add_argument("--out", type=Path, default=Path("ablation"), help="directory for the results")
    parser.add_argument("--set", dest="changes", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS), metavar="NAME")
    options = parser.parse_args()
    keep_to(options.out, options.changes)
    data_dir = Home.at(options.home).data
    path = options.out / "ablation.json"
    measured = json.loads(path.read_text("utf-8")) if path.exists() else {"machine": cpu(), "looks": {}}
    for name in options.variants:
        if name not in measured["looks"]:
            # A process each: a variant's change of the code must not reach the next one.
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                measured["looks"][name] = pool.apply(train, (name, options.changes, data_dir, options.out))
            path.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    show(measured)


def train(name: str, changes: list[str], data_dir: Path, out: Path) -> dict[str, Any]:
    """Train one variant and judge what it draws."""
    variant = VARIANTS[name]
    variant.change_code()
    settings = resolve_config("quick", [*changes, *variant.changes]).gan
    trained_on, held_out = validation.load(data_dir, out / "mnist.npz")
    ours = Ours(settings, *trained_on)
    seconds = ours.train(float("inf"))
    judge = validation.ValidationJudge(trained_on, held_out, out)
    return {
        "settings": settings.model_dump(),
        "gflop_per_step": step_flops(ours.state, settings.batch_size) / 1e9,
        "seconds": seconds,
        **judge.score(ours.draw),
    }


def show(measured: dict[str, Any]) -> None:
    """Print a table."""
    table = Table("variant", "GFLOP a step", "seconds", *(name.replace("_", " ") for name in validation.FIGURES))
    for name, look in measured["looks"].items():
        figures = (f"{look[figure]:.3f}" for figure in validation.FIGURES)
        table.add_row(name, f"{look['gflop_per_step']:.2f}", f"{look['seconds']:.0f}", *figures)
    console = Console(width=140)
    console.print(f"{measured['machine']}, a slice of {validation.SLICE:,} train images, another judge than the gate's")
    console.print(table)


if __name__ == "__main__":
    main()
