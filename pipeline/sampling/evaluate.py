"""What `forger evaluate` does: the gate's figures and thresholds for images that come from anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from components.classes import group_count
from components.gate.calibration.record import Calibration
from components.gate.combiners.keys import content_keys
from components.gate.combiners.rows import View, look, shared_eyes
from components.gate.combiners.scoring import Scorer
from components.gate.settings import GateSettings
from components.gate.tfma.eval_config import bind, make_eval_config, metric_options
from components.gate.verdict.conclude import LEAST_EXAMPLES, judge_figures
from components.gate.verdict.verdict import Verdict
from components.ingest.settings import EVAL_SPLIT
from components.judge.features import load_record
from components.transform.examples import read_examples
from components.usefulness.settings import UsefulnessSettings
from pipeline.home.home import Home
from pipeline.home.run_record import RunRecord, load_all
from pipeline.sampling.candidate import Images, Sampler
from serving.repository import contract
from serving.repository.errors import UserError


@dataclass(frozen=True)
class Yardstick:
    """The judge and the held-out real images of a home's newest judged run.

    Attributes:
        judge_path: The judge artifact's directory.
        calibration_path: The calibration artifact's.
        dataset: TFDS name.
        settings: The gate's settings in that run.
        class_names: Names by label.
        images: uint8 [N, H, W, C], real, in random order.
        labels: int64 [N], theirs.
        keys: int64 [N], hashes of their content; what the gate draws from as well.
        examples_path: The directory of the run's transformed examples.
        usefulness: How usefulness was measured in that run, or would have been.
    """

    judge_path: str
    calibration_path: str
    dataset: str
    settings: GateSettings
    class_names: list[str]
    images: np.ndarray
    labels: np.ndarray
    keys: np.ndarray
    examples_path: str
    usefulness: UsefulnessSettings

    @classmethod
    def of(cls, home: Home, dataset: str, count: int | None) -> Yardstick:
        """Find the yardstick.

        Args:
            home: The home.
            dataset: TFDS name.
            count: Real images wanted; as many as the gate looks at if not given.

        Raises:
            UserError: No run of this home has judged a generator of the dataset, or its artifacts are gone.
        """
        record = next((record for record in load_all(home.runs) if _judged(record, dataset)), None)
        if record is None:
            raise UserError(f"no run in {home.path} has a judge of {dataset}: `forger run` makes one, or name another --home")
        verdict = Verdict.model_validate(record.verdict)
        settings = GateSettings(**record.config["gate"])
        images, labels = read_examples([str(Path(verdict.examples_path) / f"Split-{EVAL_SPLIT}" / "*")])
        keys = content_keys(images)
        chosen = np.argsort(keys, kind="stable")[: count or settings.max_examples]
        if len(chosen) < LEAST_EXAMPLES:
            raise UserError(f"{len(chosen)} images are too few to judge by: at least {LEAST_EXAMPLES} are needed")
        judge = verdict.judge["path"]
        # A verdict on a faulty generator names none; neither does the judge of unlabelled images.
        class_names = verdict.class_names or load_record(judge).get("class_names") or []
        return cls(
            judge_path=judge,
            calibration_path=verdict.calibration["path"],
            dataset=dataset,
            settings=settings,
            class_names=class_names,
            images=images[chosen],
            labels=labels[chosen],
            keys=keys[chosen],
            examples_path=verdict.examples_path,
            usefulness=UsefulnessSettings(**record.config.get("usefulness", {})),
        )

    def draw(self, sample: Sampler) -> Images:
        """Draw what the gate would draw: one image for each real one, of its class, from the hash of its content."""
        return sample(self.keys, self.labels)

    def judge(self, images: np.ndarray, answered: np.ndarray) -> Verdict:
        """Judge generated images; those beyond the real ones' number, or the other way round, are left out.

        Args:
            images: uint8 [M, H, W, C].
            answered: int64 [M], their classes; -1 in every row for a generator without classes.
        """
        places, eyes = np.arange(min(len(images), len(self.images))), shared_eyes(self.judge_path)
        order = _beside(self.labels[places], answered[: len(places)])
        images, answered = images[order], answered[order]
        return self.judge_views(places, look(eyes, self.images[places], copies=False), look(eyes, images), images, answered)

    def judge_views(self, places: np.ndarray, real: View, generated: View, images: np.ndarray, answered: np.ndarray) -> Verdict:
        """Judge generated images that have been looked at, against some of the real ones.

        Args:
            places: int64 [N], of the real images.
            real: View of these.
            generated: View of N generated images.
            images: uint8 [N, H, W, C], these.
            answered: int64 [N], their classes; -1 in every row for a generator without classes.
        """
        calibration = Calibration.load(self.calibration_path)
        classes, settings = group_count(self.class_names), self.settings
        scorer = Scorer(
            self.judge_path,
            self.calibration_path,
            classes,
            settings.neighbour_examples,
            settings.precision_k,
            settings.density_k,
            calibration.closeness,
        )
        figures = scorer.score(real, self.labels[places], self.keys[places], generated, images, answered)
        config = make_eval_config(settings, self.dataset, self.class_names, "")
        sizes = real.features.shape[1], real.second.shape[1]
        conditional = bool((answered >= 0).all())
        record = load_record(self.judge_path)
        artifacts = self.judge_path, self.calibration_path
        bind(config, *artifacts, sizes, len(places), accuracy=record["accuracy"], conditional=conditional, compared=False)
        options = metric_options(config)
        verdict = judge_figures(config, figures, self.class_names, calibration, options=options, conditional=conditional)
        verdict.judge = {"accuracy": record["accuracy"], "digest": record["digest"], "path": self.judge_path}
        return verdict


def _beside(labels: np.ndarray, answered: np.ndarray) -> np.ndarray:
    """Order generated images so that each stands beside a real one of its class, as far as there are.

    So do those that the gate draws; KID, over blocks of rows, would otherwise have three times the noise.

    Args:
        labels: int64 [N], of the real images.
        answered: int64 [N], of the generated ones.

    Returns:
        int64 [N], places of the generated images; 0..N-1 where the classes are the same already.
    """
    order = np.full(len(labels), -1)
    for label in np.unique(labels):
        places, own = np.flatnonzero(labels == label), np.flatnonzero(answered == label)
        count = min(len(places), len(own))
        order[places[:count]] = own[:count]
    order[order < 0] = np.setdiff1d(np.arange(len(answered)), order)
    return order


def from_array(samples: Path, labels: Path | None, yardstick: Yardstick) -> Images:
    """Read images and their classes.

    Raises:
        UserError: Not arrays of the right kind, or too few images.
    """
    images = _load(samples)
    shape = yardstick.images.shape[1:]
    wanted = shape[:2] if shape[2] == 1 else shape  # grey images may leave their one channel out
    if images.dtype != np.uint8 or images.shape[1:] not in (shape, wanted):
        sides = ", ".join(map(str, wanted))
        raise UserError(f"{samples} holds {images.dtype} {list(images.shape)}: save uint8 images (N, {sides})")
    if len(images) < LEAST_EXAMPLES:
        raise UserError(f"{samples} holds {len(images)} images, too few to judge by: at least {LEAST_EXAMPLES} are needed")
    images = images.reshape(-1, *shape)
    if labels is None:
        answered = np.full(len(images), contract.ANY_LABEL, np.int64)
    else:
        answered, classes = _load(labels), len(yardstick.class_names)
        if not classes:
            raise UserError(f"{labels}: the images of this dataset are unlabelled, so leave --labels out")
        if answered.shape != (len(images),) or answered.dtype.kind not in "iu":
            raise UserError(f"{labels} holds {answered.dtype} {list(answered.shape)}: save one integer for each image")
        if answered.min() < 0 or answered.max() >= classes:
            raise UserError(f"{labels} holds classes {answered.min()}..{answered.max()}: the judge knows 0..{classes - 1}")
    # In an order of their own: files are often sorted by class, and a part would miss some.
    order = np.random.default_rng(0).permutation(len(images))
    return images[order], answered[order].astype(np.int64)


def _load(path: Path) -> np.ndarray:
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{path} is no NumPy array: save one with numpy.save") from error
    if not isinstance(found, np.ndarray) or found.ndim == 0:
        raise UserError(f"{path} is no NumPy array: save one with numpy.save")
    return found


def _judged(record: RunRecord, dataset: str) -> bool:
    """Say whether a run has left a judge of a dataset, and real images, that are still on disk."""
    if record.config["data"]["dataset"] != dataset or not record.verdict:
        return False
    try:
        verdict = Verdict.model_validate(record.verdict)
    except ValidationError:  # written by another version
        return False
    places = (verdict.judge.get("path", ""), verdict.calibration.get("path", ""), verdict.examples_path)
    return all(place and Path(place).is_dir() for place in places)
