"""The configuration of a run: every component's settings together, and the profiles.

The knobs themselves, with units and reasons, are in each component's `settings.py`.
"""

from __future__ import annotations

import difflib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from components.gan.settings import GanSettings
from components.gate.settings import GateSettings
from components.ingest.settings import DataSettings
from components.judge.settings import JudgeSettings
from components.push.settings import PushSettings
from components.usefulness.settings import UsefulnessSettings
from pipeline.nodes import NODES, USEFULNESS
from pipeline.validation import refusal
from serving.repository.errors import UserError

DEFAULT_PROFILE = "quick"


class Config(BaseModel):
    """All settings of one run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: DataSettings = DataSettings()
    judge: JudgeSettings = JudgeSettings()
    gan: GanSettings = GanSettings()
    gate: GateSettings = GateSettings()
    usefulness: UsefulnessSettings = UsefulnessSettings()
    push: PushSettings = PushSettings()

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes that run with these settings, in their order."""
        return tuple(node for node in NODES if node != USEFULNESS or self.usefulness.enabled)


# What each profile changes of the defaults.
PROFILES: dict[str, dict[str, dict[str, Any]]] = {
    # The whole pipeline in under 2 minutes on 2 CPU cores, for tests: few images, little training, a gate to match.
    "smoke": {
        "data": {"train_split": "train[:6000]", "eval_split": "test[:1000]"},
        "judge": {"steps": 300, "reference_size": 3000, "encoder_steps": 300},
        "gan": {
            "width": 16,
            "steps": 400,
            "checkpoint_every": 100,
            "sample_every": 100,
            "ema_decay": 0.98,
            "learning_rate": 1e-3,
            "final_learning_rate": 4e-4,
        },
        # What half a minute of training reaches, with room; still no collapsed generator gets through.
        "gate": {
            "max_frechet_ratio": 200.0,
            "max_class_frechet_ratio": 500.0,
            "min_precision": 0.3,
            "min_recall": 0.2,
            "min_class_recall": 0.05,
            "min_coverage": 0.2,
            "min_label_agreement": 0.4,
            "min_class_share": 0.3,
            "max_second_frechet_ratio": 100.0,
            "max_class_second_frechet_ratio": 500.0,
            "min_diversity": 0.3,
            "min_class_diversity": 0.1,
            "max_duplicate_share": 0.3,
            "max_spectrum_shift": 2.0,
            "max_spectrum_spread": 1.0,
            "max_style_gap": 4.0,
            "max_outlier_share": 0.1,
            "max_leaked_share": 0.65,
            "max_frechet_increase": 0.6,
            "max_recall_drop": 0.2,
            "max_label_agreement_drop": 0.2,
        },
    },
    # Full MNIST, about 5 minutes of GAN training on 2 CPU cores: the defaults.
    "quick": {},
    # One GPU: wider, longer, larger batches.
    "full": {
        "judge": {"steps": 6000},
        "gan": {
            "width": 64,
            "batch_size": 256,
            "steps": 40_000,
            "learning_rate": 8e-4,
            "final_learning_rate": 2e-5,
            "ema_decay": 0.999,
            "checkpoint_every": 2000,
            "sample_every": 4000,
        },
        "usefulness": {"enabled": True},
    },
    # The article's dense GAN, as it was: 100 passes over 60,000 images in batches of 100, a sample kept each pass.
    "article": {
        "gan": {
            "recipe": "article",
            "width": 128,
            "latent_size": 100,
            "batch_size": 100,
            "steps": 60_000,
            "learning_rate": 1e-3,
            "final_learning_rate": 1e-3,
            "rate_ratio": 1.0,
            "beta_1": 0.9,
            "beta_2": 0.999,
            "ema_decay": 0.0,
            "checkpoint_every": 6000,
            "sample_every": 600,
        },
    },
}


def resolve_config(profile: str = DEFAULT_PROFILE, changes: list[str] | None = None) -> Config:
    """Make a configuration from a profile and changes of it.

    Args:
        profile: Name in PROFILES.
        changes: Each "SECTION.KEY=VALUE", e.g. "gan.steps=1000"; values are read as JSON, else as text.

    Raises:
        UserError: An unknown profile or key, or a value out of its range; the line names the mend.
    """
    if profile not in PROFILES:
        raise UserError(f"unknown profile {profile!r}: choose one of {', '.join(PROFILES)}")
    sections: dict[str, dict[str, Any]] = {name: dict(values) for name, values in PROFILES[profile].items()}
    for change in changes or []:
        section, key, value = _parse(change)
        sections.setdefault(section, {})[key] = value
    try:
        return Config.model_validate(sections)
    except ValidationError as error:
        raise refusal(error) from None


def _parse(change: str) -> tuple[str, str, Any]:
    name, equals, text = change.partition("=")
    if not equals:
        raise UserError(f"--set {change}: expected SECTION.KEY=VALUE, e.g. gan.steps=1000")
    known = [f"{section}.{key}" for section, settings in Config() for key in type(settings).model_fields]
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
        hint = f"did you mean {close[0]}?" if close else f"the sections are {', '.join(Config.model_fields)}"
        raise UserError(f"--set {change}: there is no setting {name!r}; {hint}")
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    section, _, key = name.partition(".")
    return section, key, value
