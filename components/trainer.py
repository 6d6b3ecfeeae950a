"""What the two Trainer nodes share: TFX's own Trainer on this project's splits."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from tfx import components as stock
from tfx import types
from tfx.proto import trainer_pb2

from components.ingest.settings import EVAL_SPLIT, TRAIN_SPLIT


class SplitTrainer(stock.Trainer):
    """The stock Trainer, which trains on the train split and evaluates on the test split."""

    def __init__(
        self,
        *,
        run_fn: str,
        examples: types.BaseChannel,
        settings: BaseModel,
        dataset: str,
        class_names: list[str],
        code_hash: str,
        **config: Any,
    ) -> None:
        """Wire the component.

        Args:
            run_fn: Dotted name of the function that trains; it finds all that follows in `custom_config`.
            examples: Transformed examples (standard_artifacts.Examples).
            settings: The knobs.
            dataset: TFDS name.
            class_names: Names by label.
            code_hash: Hash of the component's sources, for TFX's cache, which doesn't see the code behind `run_fn`.
            **config: More for `custom_config`; JSON values.
        """
        super().__init__(
            run_fn=run_fn,
            examples=examples,
            train_args=trainer_pb2.TrainArgs(splits=[TRAIN_SPLIT]),
            eval_args=trainer_pb2.EvalArgs(splits=[EVAL_SPLIT]),
            custom_config={
                "settings": settings.model_dump(),
                "dataset": dataset,
                "class_names": class_names,
                "code_hash": code_hash,
                **config,
            },
        )
