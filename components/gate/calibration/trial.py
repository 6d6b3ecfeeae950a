"""Try the catalogue's faults: make faulty images of held-out ones, and look at them as the gate does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from components.gate.calibration.faults import CATALOGUE, FaultKind, Held
from components.gate.calibration.record import LABEL_ERROR, SHORTFALL, Response
from components.gate.combiners.keys import content_keys
from components.gate.combiners.rows import Eyes, View, look
from components.gate.combiners.scoring import OVERALL, Scorer
from components.gate.combiners.shared_traits import shared_traits
from components.gate.figures.marginals import Marginals, log_powers, pixel_values
from components.gate.figures.styles import count_styles
from components.gate.reference.train_reference import TrainReference
from components.progress import report_progress

_JUDGED = 1000  # images that are looked at through the judges: a share of 1 % is 10 of them
_COPY_QUANTILE = 0.01  # of held-out real images that count as near copies


class Trial:
    """Held-out images and what they are looked at with; figures of real against real are in `honest`."""

    def __init__(self, eyes: Eyes, reference: TrainReference, held: Held, judge: str, calibration: Path) -> None:
        """Look at the images as they are.

        Args:
            eyes: What images are looked at with.
            reference: Statistics of the train images.
            held: Held-out images.
            judge: The judge artifact's directory.
            calibration: The directory that holds the reference.
        """
        self._eyes, self._reference, self._held = eyes, reference, held
        few = slice(0, _JUDGED)
        self._labels, self._keys = held.labels[few], content_keys(held.unseen[few])
        self._unseen, self._base = look(eyes, held.unseen[few]), look(eyes, held.images[few])
        both = np.concatenate([self._unseen.closeness, self._base.closeness])
        self.closeness = float(np.quantile(both, _COPY_QUANTILE))
        self._scorer = Scorer(str(judge), str(calibration), reference.classes, closeness=self.closeness, floors=False)
        self._values = pixel_values(held.images), log_powers(held.images), eyes.memory.encode(held.images)
        self.honest = self._figures(held.images, self._base, self._values)

    def shares(self) -> dict[str, float]:
        """Return the figures of single images that are shares, as real images have them."""
        # Bounds of the first are set so that 1 in 100 held-out images lies beyond.
        bounded = dict.fromkeys(("outlier_share", "copied_share", "near_copy_share", "duplicate_share"), 0.01)
        return bounded | {LABEL_ERROR: self.honest[LABEL_ERROR], SHORTFALL: 2 * self.honest[LABEL_ERROR]}

    def respond(self, number: int, kind: FaultKind) -> Iterator[Response]:
        """Try a fault at each of its strengths; `number` is its place in the catalogue."""
        report_progress("calibrating the gate", number, len(CATALOGUE), "faults")
        rng, copies = np.random.default_rng(number), "near_copy_share" in kind.figures
        whole = self._look(kind.make(self._held, 1.0, rng), copies) if kind.partial else None
        for strength in kind.strengths:
            faulty = self._mixed(whole, strength) if whole else self._look(kind.make(self._held, strength, rng), copies)
            figures = self._figures(*faulty)
            yield Response(
                fault=kind.name,
                unit=kind.unit,
                strength=strength,
                must=strength == kind.refused_from,
                seen_by=kind.figures,
                figures={name: float(value) if np.isfinite(value) else None for name, value in figures.items()},
            )

    def _look(self, images: np.ndarray, copies: bool) -> _Seen:
        view = look(self._eyes, images[:_JUDGED], copies=copies)
        if not copies:
            view = view._replace(closeness=self._base.closeness)
        return images, view, (pixel_values(images), log_powers(images), self._eyes.memory.encode(images))

    def _mixed(self, whole: _Seen, share: float) -> _Seen:
        """Let a share of the images be faulty ones: the first, of the judged ones as of all."""
        images, view, values = whole
        base = self._held.images, self._base, self._values

        def mixed(wrong: np.ndarray, right: np.ndarray) -> np.ndarray:
            count = round(share * len(right))
            part = _JUDGED if len(right) > _JUDGED else len(right)
            first = round(share * part)
            rest = count - first
            return np.concatenate([wrong[:first], right[first:part], wrong[part : part + rest], right[part + rest :]])

        return (
            mixed(images, base[0]),
            View(*map(mixed, view, base[1])),
            (mixed(values[0], base[2][0]), mixed(values[1], base[2][1]), mixed(values[2], base[2][2])),
        )

    def _figures(self, images: np.ndarray, view: View, values: _Values) -> dict[str, float]:
        labels, reference = self._held.labels, self._reference
        scored = self._scorer.score(
            self._unseen, self._labels, self._keys, view, images[:_JUDGED], self._labels, per_class=False
        )[OVERALL]
        counts = np.bincount(labels, minlength=reference.classes)
        traits = shared_traits(
            Marginals.of(values[0]),
            Marginals.of(values[1]),
            count_styles(values[2], labels, reference.style_centres),
            (reference.pixels(counts), reference.powers(counts), reference.style_counts),
        )
        worse = {
            LABEL_ERROR: 1 - scored["label_agreement"],
            SHORTFALL: 1 - scored["smallest_class_share"] * reference.classes,
        }
        return scored | traits | worse


_Values = tuple[np.ndarray, np.ndarray, np.ndarray]  # pixels, log-powers and components of images
_Seen = tuple[np.ndarray, View, _Values]
