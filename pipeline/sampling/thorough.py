"""Score a generator, or images: the gate's figures, and with `forger evaluate --thorough` usefulness as well."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from components.gate.verdict.verdict import Verdict
from components.ingest.settings import EVAL_SPLIT, TRAIN_SPLIT
from components.usefulness.measure import RealImages, measure
from components.usefulness.result import Usefulness
from pipeline.sampling.candidate import Images, Sampler
from pipeline.sampling.evaluate import Yardstick
from serving.repository.errors import UserError


@dataclass(frozen=True)
class Scores:
    """What an evaluation found: the gate's verdict, and the usefulness where it was asked for."""

    verdict: Verdict
    usefulness: Usefulness | None = None

    @property
    def passed(self) -> bool:
        """Whether nothing refuses the images."""
        return self.verdict.blessed and (self.usefulness is None or self.usefulness.passed)

    def to_json(self) -> str:
        """The verdict's fields, and `usefulness` beside them."""
        more = {"usefulness": self.usefulness.model_dump(mode="json")} if self.usefulness else {}
        return json.dumps({**self.verdict.model_dump(mode="json"), **more}, indent=1)


def score(yardstick: Yardstick, generated: Sampler | Images, *, thorough: bool) -> Scores:
    """Score images, with the settings of the yardstick's run.

    Args:
        yardstick: The judge and the real images of a run.
        generated: What draws them, or the images themselves with their classes, -1 in every row for none.
        thorough: Measure usefulness too: minutes.

    Raises:
        UserError: The run's training images are gone.
        ClientError: The server can't be reached or refuses.
        Unfit: The generator can't be drawn from.
    """
    verdict = yardstick.judge(*(generated if isinstance(generated, tuple) else yardstick.draw(generated)))
    return Scores(verdict, _measure(yardstick, generated) if thorough else None)


def _measure(yardstick: Yardstick, generated: Sampler | Images) -> Usefulness:
    examples, settings = Path(yardstick.examples_path), yardstick.usefulness
    train, test = (str(examples / f"Split-{split}" / "*") for split in (TRAIN_SPLIT, EVAL_SPLIT))
    if not (examples / f"Split-{TRAIN_SPLIT}").is_dir():
        raise UserError(f"{examples} holds no training images to compare with: `forger run` makes them again")
    real = RealImages.read(train, test, settings)
    images = generated if isinstance(generated, tuple) else generated(*real.wanted(settings))
    return measure(real, images, len(yardstick.class_names), settings)
