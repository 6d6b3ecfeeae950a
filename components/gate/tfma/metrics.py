"""The gate's TFMA metrics; TFMA finds them by this module's name in the metric config."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.metrics import metric_types

from components.classes import group_count
from components.gate.combiners.changes import CHANGE_FIGURES, ChangeCombiner
from components.gate.combiners.quality import CLASS_SHARE, QUALITY_FIGURES, QualityCombiner
from components.gate.combiners.rows import Row
from components.gate.combiners.sample import SAMPLE_FIGURES, SampleCombiner
from components.gate.combiners.shared_traits import TRAIT_FIGURES, SharedTraitsCombiner
from components.gate.tfma.extractors import ANSWERED, COMPARED, DRAWN, FAULT, IMAGE, KEY, LABEL, REAL, VIEW


class RowPreprocessor(metric_types.Preprocessor):
    """From one example's extracts to the row of one model, or of a pair with all that both drew, [2, draws, D]."""

    def __init__(self, *model_names: str) -> None:
        """Set up for TFMA's names of one or two models; "" if there is only one."""
        super().__init__(name="_".join(("row", *model_names)))
        self._model_names = [name or tfma.CANDIDATE_KEY for name in model_names]

    def process(self, extracts: dict[str, Any]) -> Iterator[Row]:
        """Pick the row."""
        real, (drawn, *others) = extracts[REAL], [extracts[DRAWN][name] for name in self._model_names]
        features, second = drawn[VIEW]["features"], drawn[VIEW]["second"]
        if others:
            features, second = (np.stack([side[COMPARED][kind] for side in (drawn, *others)]) for kind in ("features", "second"))
        yield Row(
            real=real[VIEW]["features"],
            generated=features,
            real_second=real[VIEW]["second"],
            generated_second=second,
            # TFMA unbatches numbers to arrays of one.
            real_nearest=real[VIEW]["nearest"].item(),
            generated_nearest=drawn[VIEW]["nearest"].item(),
            real_residual=real[VIEW]["residual"].item(),
            generated_residual=drawn[VIEW]["residual"].item(),
            real_code=real[VIEW]["code"],
            generated_code=drawn[VIEW]["code"],
            closeness=drawn[VIEW]["closeness"].item(),
            image=drawn[IMAGE],
            label=real[LABEL].item(),
            key=real[KEY].item(),
            predicted=drawn[VIEW]["predicted"].item(),
            answered=drawn[ANSWERED].item(),
            fault=drawn[FAULT].item(),
        )


class SampleQuality(metric_types.Metric):
    """Figures from sums: Fréchet distances, label agreement, class shares, diversity, faults."""

    def __init__(self, name: str = "sample_quality", **options: Any) -> None:
        """Set up with the options that `components/gate/tfma/eval_config.py` writes."""
        super().__init__(_quality_computations, name=name, **options)


class SharedTraits(metric_types.Metric):
    """Figures of what all samples share: pixels, frequencies, styles."""

    def __init__(self, name: str = "shared_traits", **options: Any) -> None:
        """Set up with the options that `components/gate/tfma/eval_config.py` writes."""
        super().__init__(_trait_computations, name=name, **options)


class SampleNeighbours(metric_types.Metric):
    """Figures from single rows: precision, recall, density, coverage, near-duplicates, KID, outliers, memorisation, leakage."""

    def __init__(self, name: str = "sample_neighbours", **options: Any) -> None:
        """Set up with the options that `components/gate/tfma/eval_config.py` writes."""
        super().__init__(_sample_computations, name=name, **options)


class SampleChange(metric_types.Metric):
    """How much farther off than the baseline's samples the candidate's are, and how far that can be trusted."""

    def __init__(self, name: str = "sample_change", **options: Any) -> None:
        """Set up with the options that `components/gate/tfma/eval_config.py` writes."""
        super().__init__(_change_computations, name=name, **options)


# TFMA inspects the names of the arguments: without `model_names` spelled out a baseline would go unnoticed.
def _quality_computations(
    name: str,
    calibration: str,
    class_names: list[str],
    feature_size: int,
    second_size: int,
    model_names: list[str] | None = None,
    **_: Any,
) -> metric_types.MetricComputations:
    del name
    classes = group_count(class_names)
    return [
        _computation(QualityCombiner(calibration, classes, feature_size, second_size), QUALITY_FIGURES, classes, model)
        for model in model_names or [""]
    ]


def _trait_computations(
    name: str, calibration: str, model_names: list[str] | None = None, **_: Any
) -> metric_types.MetricComputations:
    del name
    return [_computation(SharedTraitsCombiner(calibration), TRAIT_FIGURES, 0, model) for model in model_names or [""]]


def _sample_computations(
    name: str,
    judge: str,
    calibration: str,
    closeness: float | None,
    class_names: list[str],
    neighbour_examples: int,
    precision_k: int,
    density_k: int,
    neighbour_share: float,
    model_names: list[str] | None = None,
    **_: Any,
) -> metric_types.MetricComputations:
    del name
    combiner = SampleCombiner(
        judge,
        calibration,
        group_count(class_names),
        neighbour_examples,
        precision_k,
        density_k,
        closeness=float("nan") if closeness is None else closeness,
        share=neighbour_share,
    )
    return [_computation(combiner, SAMPLE_FIGURES, 0, model) for model in model_names or [""]]


def _change_computations(
    name: str,
    calibration: str,
    class_names: list[str],
    feature_size: int,
    second_size: int,
    max_frechet_increase: float | None,
    model_names: list[str] | None = None,
    **_: Any,
) -> metric_types.MetricComputations:
    del name
    models = model_names or [""]
    if len(models) == 1:
        return []
    (candidate,) = (model for model in models if model != tfma.BASELINE_KEY)
    classes, least = group_count(class_names), max_frechet_increase or 0.0
    combiner = ChangeCombiner(calibration, classes, feature_size, second_size, least)
    return [_computation(combiner, CHANGE_FIGURES, 0, candidate, tfma.BASELINE_KEY)]


def _computation(combiner: beam.CombineFn, names: tuple[str, ...], classes: int, *models: str) -> metric_types.MetricComputation:
    """Compute figures, and the share of each of `classes`, from rows of one model or of a pair; told of the first one."""
    keys = [_key(models[0], name) for name in names] + [_key(models[0], CLASS_SHARE, label) for label in range(classes)]
    keyed = _KeyedCombiner(combiner, models[0])
    return metric_types.MetricComputation(keys=keys, preprocessors=[RowPreprocessor(*models)], combiner=keyed)


def _key(model: str, name: str, label: int | None = None) -> metric_types.MetricKey:
    sub_key = None if label is None else metric_types.SubKey(class_id=label)
    # Thresholds by name, as in MetricsSpec.per_slice_thresholds, look for keys whose `example_weighted` is None.
    return metric_types.MetricKey(name, model_name=model, sub_key=sub_key, example_weighted=None)


class _KeyedCombiner(beam.CombineFn):
    """Puts another combiner's figures under TFMA's keys of one model."""

    def __init__(self, combiner: beam.CombineFn, model: str) -> None:
        super().__init__()
        self._combiner, self._model = combiner, model

    def create_accumulator(self) -> Any:
        return self._combiner.create_accumulator()

    def add_input(self, accumulator: Any, row: Row) -> Any:
        return self._combiner.add_input(accumulator, row)

    def compact(self, accumulator: Any) -> Any:
        return self._combiner.compact(accumulator)

    def merge_accumulators(self, accumulators: Any) -> Any:
        return self._combiner.merge_accumulators(list(accumulators))

    def extract_output(self, accumulator: Any) -> dict[metric_types.MetricKey, float]:
        figures = self._combiner.extract_output(accumulator)
        shares = figures.pop(CLASS_SHARE, [])
        keyed = {_key(self._model, CLASS_SHARE, label): share for label, share in enumerate(shares)}
        return keyed | {_key(self._model, name): value for name, value in figures.items()}
