"""The gate's TFMA metrics; TFMA finds them by this module's name in the metric config."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.metrics import metric_types

from components.gate.combiners import NeighbourCombiner, QualityCombiner, Row
from components.gate.extractors import DRAWN, FACTS, LOOK, REAL

QUALITY_FIGURES = (
    "examples",
    "frechet_distance",
    "frechet_floor",
    "frechet_ratio",
    "label_agreement",
    "smallest_class_share",
    "faulty_draws",
    "fault",
)
CLASS_SHARE = "class_share"  # one key for each class
NEIGHBOUR_FIGURES = ("precision", "recall", "density", "coverage")


class RowPreprocessor(metric_types.Preprocessor):
    """From one example's extracts to the row of one model."""

    def __init__(self, model_name: str) -> None:
        """Set up for TFMA's name of the model; "" if there is only one."""
        super().__init__(name=f"row_{model_name}")
        self._model_name = model_name or tfma.CANDIDATE_KEY

    def process(self, extracts: dict[str, Any]) -> Iterator[Row]:
        """Pick the row."""
        real, drawn = extracts[REAL], extracts[DRAWN][self._model_name]
        yield Row(real[LOOK], drawn[LOOK], *(int(fact) for fact in (*real[FACTS], *drawn[FACTS])))


class SampleQuality(metric_types.Metric):
    """Fréchet distance with floor and ratio, label agreement, class shares, faults."""

    def __init__(self, name: str = "sample_quality", **options: Any) -> None:
        """Set up with the options that `components/gate/eval_config.py` writes."""
        super().__init__(_quality_computations, name=name, **options)


class NeighbourQuality(metric_types.Metric):
    """Precision, recall, density and coverage."""

    def __init__(self, name: str = "neighbour_quality", **options: Any) -> None:
        """Set up with the options that `components/gate/eval_config.py` writes."""
        super().__init__(_neighbour_computations, name=name, **options)


# TFMA inspects the names of the arguments: without `model_names` spelled out a baseline would go unnoticed.
def _quality_computations(
    name: str, judge: str, class_names: list[str], feature_size: int, model_names: list[str] | None = None, **_: Any
) -> metric_types.MetricComputations:
    del name
    return [
        metric_types.MetricComputation(
            keys=_keys(model, QUALITY_FIGURES) + _class_keys(model, len(class_names)),
            preprocessors=[RowPreprocessor(model)],
            combiner=_of_model(_KeyedQuality(judge, len(class_names), feature_size), model),
        )
        for model in model_names or [""]
    ]


def _neighbour_computations(
    name: str,
    feature_size: int,
    neighbour_examples: int,
    precision_k: int,
    density_k: int,
    model_names: list[str] | None = None,
    **_: Any,
) -> metric_types.MetricComputations:
    del name
    return [
        metric_types.MetricComputation(
            keys=_keys(model, NEIGHBOUR_FIGURES),
            preprocessors=[RowPreprocessor(model)],
            combiner=_of_model(_KeyedNeighbours(feature_size, neighbour_examples, precision_k, density_k), model),
        )
        for model in model_names or [""]
    ]


def _of_model(combiner: _Keyed, model: str) -> _Keyed:
    combiner.model = model
    return combiner


def _key(model: str, name: str, label: int | None = None) -> metric_types.MetricKey:
    sub_key = None if label is None else metric_types.SubKey(class_id=label)
    # Thresholds by name, as in MetricsSpec.per_slice_thresholds, look for keys whose `example_weighted` is None.
    return metric_types.MetricKey(name, model_name=model, sub_key=sub_key, example_weighted=None)


def _keys(model: str, names: tuple[str, ...]) -> list[metric_types.MetricKey]:
    return [_key(model, name) for name in names]


def _class_keys(model: str, classes: int) -> list[metric_types.MetricKey]:
    return [_key(model, CLASS_SHARE, label) for label in range(classes)]


class _Keyed:
    """Puts a combiner's figures under TFMA's keys of one model."""

    model = ""

    def extract_output(self, accumulator: Any) -> dict[metric_types.MetricKey, float]:
        figures = super().extract_output(accumulator)
        shares = figures.pop(CLASS_SHARE, [])
        keyed = dict(zip(_class_keys(self.model, len(shares)), shares, strict=True))
        return keyed | {_key(self.model, name): value for name, value in figures.items()}


class _KeyedQuality(_Keyed, QualityCombiner):
    """Of one model."""


class _KeyedNeighbours(_Keyed, NeighbourCombiner):
    """Of one model."""
