"""The verdict: what the gate found, in a form that people, the push and the report can read."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from serving.repository.contract import VERDICT_FILE

FIGURE_PREFIX = "figure."  # begins the names of figures among the properties that MLMD keeps of an evaluation
FAULTY = "faulty generator"
LOSES_CLASSES = "no classes"
COLLAPSE = "mode collapse"
MEMORISATION = "memorisation"
_DISAGREES = "the second judge disagrees"
_LEAK = "the held-out images are in the training"
# What a failed metric says about the generator; a metric that isn't here speaks for itself.
_CAUSES = {
    "recall": COLLAPSE,
    "coverage": COLLAPSE,
    "smallest_class_share": COLLAPSE,
    "diversity": COLLAPSE,
    "duplicate_share": COLLAPSE,
    "memorisation": MEMORISATION,
    "copied_share": MEMORISATION,
    "second_frechet_ratio": _DISAGREES,
    "label_agreement": "label confusion",
    "precision": "low fidelity",
    "faulty_draws": FAULTY,
    "near_copy_share": MEMORISATION,
    "leaked_share": _LEAK,
    "style_gap": COLLAPSE,
    "outlier_share": "images like no real one",
    "pixel_shift": "an artefact in every image",
    "pixel_spread": "an artefact in every image",
    "spectrum_shift": "an artefact in every image",
    "spectrum_spread": "an artefact in every image",
}
_WORSE = "worse than what is served"
_WORSE_THAN_BEST = "worse than the best that was pushed"
_FAR = "far from real images"  # the Fréchet distance alone failed


class Check(BaseModel):
    """One threshold and what became of it."""

    model_config = ConfigDict(extra="forbid")

    metric: str
    slice: str = Field(description="'' for overall, else the class's name")
    value: float | None = Field(description="The figure, or its difference to the baseline's for a change; None: not finite")
    limit: float = Field(description="In the value's unit; for an ignored change of a Fréchet ratio, a fraction")
    kind: Literal["max", "min", "change"]
    baseline: float | None = Field(default=None, description="The served version's figure, for a change")
    passed: bool
    ignored: bool = Field(default=False, description="A change threshold on a first run: there is nothing to compare with")
    lenient: bool = Field(default=False, description="The limit is a loose one: nothing better is known for this dataset")
    typical: float | None = Field(default=None, description="What real images have, where the calibration tells it")


class Sharpness(BaseModel):
    """What the gate would have refused of one fault of the catalogue."""

    model_config = ConfigDict(extra="forbid")

    fault: str
    unit: str
    refused_from: float | None = Field(description="The mildest strength that is refused; None: none of them is")
    must_from: float | None = Field(description="The mildest strength that should be")
    seen_by: list[str] = Field(description="The figures that refuse it")


class Best(BaseModel):
    """The best figures that were pushed so far, each with the standard error it was measured with (0: none told)."""

    model_config = ConfigDict(extra="forbid")

    judge: str = Field(description="Digest of the judge that measured them: another one's don't compare")
    figures: dict[str, float] = {}
    errors: dict[str, float] = {}


class Verdict(BaseModel):
    """The gate's verdict on one generator.

    Figures that are not finite numbers are None.
    """

    model_config = ConfigDict(extra="forbid")

    blessed: bool
    reason: str = Field(description="One line: why not, or what was reached")
    causes: list[str] = []
    checks: list[Check] = []
    figures: dict[str, float | None] = {}
    per_class: dict[str, dict[str, float | None]] = Field(default={}, description="By label, as a string")
    powerless: list[str] = Field(default=[], description="Figures that are not gated: no fault stands out on these data")
    too_few_for: list[str] = Field(default=[], description="Figures that too few images were compared for")
    sharpness: list[Sharpness] = Field(default=[], description="What of each catalogued fault would have been refused")
    calibration: dict[str, Any] = Field(default={}, description="path, and the number of images that it is for")
    best: Best | None = Field(default=None, description="What later versions are held to as well, this one counted in")
    baseline_version: str = Field(default="", description="'' for none")
    baseline_digest: str = Field(default="", description="Digest of that version's metadata, see `choose_baseline`")
    served_version: str = Field(default="", description="What was served, also where it was not compared with; '' for none")
    served_digest: str = Field(default="", description="The same of it")
    baseline_figures: dict[str, float | None] = {}
    baseline_per_class: dict[str, dict[str, float | None]] = {}
    floor_figures: dict[str, float | None] = Field(
        default={}, description="What other real images reach in the generated ones' place"
    )
    intervals: dict[str, tuple[float, float]] = Field(default={}, description="95 % interval of a figure")
    change_intervals: dict[str, tuple[float, float]] = Field(
        default={}, description="The same of its difference to the baseline's"
    )
    forced_baseline: bool = Field(default=False, description="Not compared with what is served, because the user said so")
    class_names: list[str] = Field(default=[], description="By label")
    baseline_note: str = Field(default="", description="Why a served version was not compared with, if that is so")
    conditional: bool | None = Field(default=None, description="Whether the generator has classes; None if it could not be asked")
    judge: dict[str, Any] = Field(default={}, description="accuracy, digest and path")
    second_judge: dict[str, Any] = Field(default={}, description="quality, digest, frechet_ratio, and whether it agreed")
    examples_path: str = Field(default="", description="Directory of the held-out real examples' artifact")
    examples: int = 0

    @classmethod
    def load(cls, path: Path | str) -> Verdict:
        """Read a verdict, from the file or from the directory that holds it."""
        path = Path(path)
        return cls.model_validate_json((path / VERDICT_FILE if path.is_dir() else path).read_text("utf-8"))

    def save(self, directory: Path | str) -> None:
        """Write the verdict into a directory, made if missing."""
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        (directory / VERDICT_FILE).write_text(self.model_dump_json(indent=1), "utf-8")


def finite(value: float | None) -> float | None:
    """Return the value, None where it is not a finite number."""
    return value if value is not None and math.isfinite(value) else None


def causes_of(checks: list[Check]) -> list[str]:
    """Name what the failed checks point at, each once."""
    failed = [check for check in checks if not check.passed]
    named = [_cause_of(check) for check in failed]
    if FAULTY in named:
        return [FAULTY]
    if any(check.metric == "frechet_ratio" and not check.slice for check in failed):
        named = [name for name in named if name != _LEAK]  # what knows the held-out images is not far from them
    if any(name not in (None, _DISAGREES) for name in named):
        named = [name for name in named if name != _DISAGREES]  # it says that something is wrong, the others say what
    return list(dict.fromkeys(filter(None, named))) or ([_FAR] if failed else [])


def _cause_of(check: Check) -> str | None:
    if check.metric.startswith("best_"):
        return _WORSE_THAN_BEST
    return _WORSE if check.kind == "change" else _CAUSES.get(check.metric)


def comparison_of(verdict: Verdict) -> str:
    """Say in words what the verdict compared the generator with."""
    if verdict.forced_baseline:
        return "forced: not compared"
    if verdict.baseline_version:
        return f"compared with version {verdict.baseline_version}"
    return f"not comparable: {verdict.baseline_note}" if verdict.baseline_note else "first push"


def reason_of(checks: list[Check], causes: list[str], figures: dict[str, float | None]) -> str:
    """Put the outcome in one line."""
    failed = [check for check in checks if not check.passed]
    if not failed:
        shown = [
            f"{name} {figures[name]:.3g}" for name in ("frechet_ratio", "recall", "precision") if figures.get(name) is not None
        ]
        lenient = " under lenient limits" if any(check.lenient for check in checks) else ""
        return f"all {sum(not check.ignored for check in checks)} checks passed{lenient} ({', '.join(shown)})"
    shown = [_failure(check) for check in failed[:3]]
    more = f" and {len(failed) - 3} more" if len(failed) > 3 else ""
    return f"{', '.join(causes)}: {'; '.join(shown)}{more}"


def _failure(check: Check) -> str:
    where = f" of class {check.slice}" if check.slice else ""
    if check.value is None:
        return f"{check.metric}{where} is not a finite number"
    if check.kind == "change":
        served = f" from {check.baseline:.3g}" if check.baseline is not None else ""
        return f"{check.metric}{where} changed by {check.value:+.3g}{served} (limit {check.limit:+.3g})"
    return f"{check.metric}{where} {check.value:.3g} is {'above' if check.kind == 'max' else 'below'} {check.limit:.3g}"
