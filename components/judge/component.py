"""JudgeTrainer: TFX's own Trainer, which trains the frozen networks that the gate looks through."""

from __future__ import annotations

from tfx import types

from components.judge.settings import JudgeSettings
from components.trainer import SplitTrainer


class JudgeTrainer(SplitTrainer):
    """The stock Trainer over `executor.run_fn`; outputs `model`, which also holds the reference features, and `model_run`."""

    def __init__(
        self, *, examples: types.BaseChannel, settings: JudgeSettings, dataset: str, class_names: list[str], code_hash: str
    ) -> None:
        """Wire the component.

        Args:
            examples: Transformed examples (standard_artifacts.Examples).
            settings: The knobs.
            dataset: TFDS name; decides the bar that the judge must reach.
            class_names: Names by label.
            code_hash: Hash of this component's sources, for TFX's cache.
        """
        super().__init__(
            run_fn="components.judge.executor.run_fn",
            examples=examples,
            settings=settings,
            dataset=dataset,
            class_names=class_names,
            code_hash=code_hash,
        )
