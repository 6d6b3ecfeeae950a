"""GanTrainer: TFX's own Trainer, which runs the adversarial training."""

from __future__ import annotations

from tfx import types

from components.gan.settings import GanSettings
from components.trainer import SplitTrainer


class GanTrainer(SplitTrainer):
    """The stock Trainer over `executor.run_fn`; outputs `model`, the exported generator, and `model_run`, its journal."""

    def __init__(
        self,
        *,
        examples: types.BaseChannel,
        settings: GanSettings,
        dataset: str,
        class_names: list[str],
        code_hash: str,
        data_digest: str,
        training_key: str,
        work_dir: str,
    ) -> None:
        """Wire the component.

        Args:
            examples: Transformed examples (standard_artifacts.Examples).
            settings: The knobs.
            dataset: TFDS name.
            class_names: Names by label.
            code_hash: Hash of this component's sources, for TFX's cache and the model's metadata.
            data_digest: `PreparedDataset.digest`, for the model's metadata.
            training_key: Identity of the training, see `training_key.py`.
            work_dir: Where interrupted trainings are kept; "" for the Trainer's own output.
        """
        super().__init__(
            run_fn="components.gan.executor.run_fn",
            examples=examples,
            settings=settings,
            dataset=dataset,
            class_names=class_names,
            code_hash=code_hash,
            data_digest=data_digest,
            training_key=training_key,
            work_dir=work_dir,
        )
