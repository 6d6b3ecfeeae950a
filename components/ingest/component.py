"""TfdsExampleGen: a prepared TFDS dataset as an Examples artifact with the splits `train` and `test`."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.ingest import executor


class TfdsExampleGenSpec(component_spec.ComponentSpec):
    """Everything that decides the output is a parameter, so TFX's cache sees it."""

    PARAMETERS = {  # noqa: RUF012 (TFX's own way to declare them)
        executor.DATASET: component_spec.ExecutionParameter(type=str),
        executor.DATA_DIR: component_spec.ExecutionParameter(type=str),
        executor.TRAIN_EXPRESSION: component_spec.ExecutionParameter(type=str),
        executor.EVAL_EXPRESSION: component_spec.ExecutionParameter(type=str),
        executor.DATA_DIGEST: component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {}  # noqa: RUF012
    OUTPUTS = {executor.EXAMPLES: component_spec.ChannelParameter(type=standard_artifacts.Examples)}  # noqa: RUF012


class TfdsExampleGen(base_beam_component.BaseBeamComponent):
    """Pass TFDS's own records on, undecoded.

    The cache depends on the data's digest, not on files' names or times. Outputs `examples`, splits `train` and `test`.
    """

    SPEC_CLASS = TfdsExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(self, dataset: str, data_dir: str, train_split: str, eval_split: str, data_digest: str) -> None:
        """Construct the component.

        Args:
            dataset: TFDS name.
            data_dir: TFDS's data_dir; on a distributed runner, a path that every worker sees.
            train_split: TFDS split expression of the output split `train`, e.g. "train[:2000]".
            eval_split: TFDS split expression of the output split `test`.
            data_digest: `PreparedDataset.digest`; the run stops if the data on disk has another.
        """
        parameters = {
            executor.DATASET: dataset,
            executor.DATA_DIR: data_dir,
            executor.TRAIN_EXPRESSION: train_split,
            executor.EVAL_EXPRESSION: eval_split,
            executor.DATA_DIGEST: data_digest,
        }
        super().__init__(spec=TfdsExampleGenSpec(**parameters, examples=types.Channel(type=standard_artifacts.Examples)))
