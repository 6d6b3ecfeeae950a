"""TFMA's evaluation configuration, made from the gate's settings."""

from __future__ import annotations

import json
from typing import Any

from tensorflow_model_analysis.proto import config_pb2

from components.classes import group_count
from components.gate.combiners.changes import SETBACKS
from components.gate.settings import GateSettings
from components.transform.pixels import LABEL_KEY

_METRICS = ("SampleQuality", "SampleNeighbours", "SampleChange")
_OVERALL = config_pb2.SlicingSpec()
_PER_CLASS = config_pb2.SlicingSpec(feature_keys=[LABEL_KEY])


def make_eval_config(settings: GateSettings, class_names: list[str], code_hash: str) -> config_pb2.EvalConfig:
    """Make the configuration that the Gate component carries.

    Args:
        settings: Thresholds and sizes.
        class_names: Names by label; empty for unlabelled images, of which there are no class slices and no figures about classes.
        code_hash: Hash of the sources behind the metrics: TFX's cache sees it as part of this configuration.

    Returns:
        Configuration with both slices (overall, each class) and thresholds; what is known only at run time (the judge's place)
        comes in by `bind`.
    """
    options = {
        "class_names": class_names,
        "precision_k": settings.precision_k,
        "density_k": settings.density_k,
        "neighbour_examples": settings.neighbour_examples,
        "max_examples": settings.max_examples,
        "comparison_draws": settings.comparison_draws,
        "draw_timeout_s": settings.draw_timeout_s,
        "max_frechet_increase": settings.max_frechet_increase,
        "force_baseline": settings.force_baseline,
        "code_hash": code_hash,
    }
    metrics = [
        config_pb2.MetricConfig(
            class_name=name, module="components.gate.tfma.metrics", config=json.dumps(options, sort_keys=True)
        )
        for name in _METRICS
    ]
    spec = config_pb2.MetricsSpec(metrics=metrics)
    even = 1 / group_count(class_names)
    _at_most(spec, "frechet_ratio", _OVERALL, settings.max_frechet_ratio)
    _at_most(spec, "frechet_ratio", _PER_CLASS, settings.max_class_frechet_ratio)
    _at_most(spec, "second_frechet_ratio", _OVERALL, settings.max_second_frechet_ratio)
    _at_most(spec, "second_frechet_ratio", _PER_CLASS, settings.max_class_second_frechet_ratio)
    _at_least(spec, "precision", _OVERALL, settings.min_precision)
    _at_least(spec, "recall", _OVERALL, settings.min_recall)
    _at_least(spec, "recall", _PER_CLASS, settings.min_class_recall)
    _at_least(spec, "coverage", _OVERALL, settings.min_coverage)
    _at_least(spec, "diversity", _OVERALL, settings.min_diversity)
    _at_least(spec, "diversity", _PER_CLASS, settings.min_class_diversity)
    _at_most(spec, "duplicate_share", _OVERALL, settings.max_duplicate_share)
    _at_most(spec, "memorisation", _OVERALL, settings.max_memorisation)
    _at_most(spec, "copied_share", _OVERALL, settings.max_copied_share)
    _at_least(spec, "label_agreement", _OVERALL, settings.min_label_agreement)
    _at_least(
        spec, "smallest_class_share", _OVERALL, None if settings.min_class_share is None else settings.min_class_share * even
    )
    _drop(spec, "recall", settings.max_recall_drop)
    _drop(spec, "label_agreement", settings.max_label_agreement_drop)
    if not class_names:
        _without_classes(spec)
        spec.per_slice_thresholds.pop("smallest_class_share", None)
    if spec.per_slice_thresholds:  # with no threshold set nothing may look like one: TFX then blesses nothing
        _at_most(spec, "faulty_draws", _OVERALL, 0.0)
    return config_pb2.EvalConfig(
        model_specs=[config_pb2.ModelSpec(model_type="tf_generic")],
        slicing_specs=[_OVERALL, _PER_CLASS] if class_names else [_OVERALL],
        metrics_specs=[spec],
        options=config_pb2.Options(include_default_metrics={"value": False}),
    )


def bind(
    eval_config: config_pb2.EvalConfig,
    judge: str,
    sizes: tuple[int, int],
    count: int,
    *,
    accuracy: float,
    conditional: bool,
    compared: bool,
) -> None:
    """Add what is known at run time, in place.

    Args:
        eval_config: Configuration of `make_eval_config`.
        judge: The judge artifact's directory.
        sizes: Lengths D and E of its features.
        count: Number of real images there are; about `max_examples` of them are used.
        accuracy: The judge's, 0..1 on real images: what label agreement is measured by.
        conditional: Whether the candidate has classes; without, neither class slices nor label agreement are gated.
        compared: Whether there is a baseline; without, what it takes to compare doesn't exist, and TFMA refuses what is missing.
    """
    options = metric_options(eval_config)
    limit = options["max_frechet_increase"]
    known = {
        "judge": judge,
        "feature_size": sizes[0],
        "second_size": sizes[1],
        "fraction": min(1.0, options["max_examples"] / max(count, 1)),
        "neighbour_share": min(1.0, options["neighbour_examples"] / max(count, 1)),
    }
    for spec in eval_config.metrics_specs:
        for metric in spec.metrics:
            metric.config = json.dumps(json.loads(metric.config) | known, sort_keys=True)
        if compared and limit is not None:
            for setback in SETBACKS:  # the limit itself is part of the margin that a setback exceeds
                _at_most(spec, setback, _OVERALL, 0.0)
        # A judge that mistakes a tenth of the real images can't agree with more than nine tenths of the generated ones.
        _scale_lower_bounds(spec, "label_agreement", accuracy)
        if not conditional:
            _without_classes(spec)


def metric_options(eval_config: config_pb2.EvalConfig) -> dict[str, Any]:
    """Read the options that all of the gate's metrics share."""
    return json.loads(eval_config.metrics_specs[0].metrics[0].config)


def _without_classes(spec: config_pb2.MetricsSpec) -> None:
    """Take away the thresholds that only mean something where the label chooses the class."""
    spec.per_slice_thresholds.pop("label_agreement", None)
    for thresholds in spec.per_slice_thresholds.values():
        kept = [threshold for threshold in thresholds.thresholds if _PER_CLASS not in threshold.slicing_specs]
        del thresholds.thresholds[:]
        thresholds.thresholds.extend(kept)


def _at_most(spec: config_pb2.MetricsSpec, metric: str, where: config_pb2.SlicingSpec, limit: float | None) -> None:
    if limit is not None:
        _add(spec, metric, where, config_pb2.MetricThreshold(value_threshold={"upper_bound": {"value": limit}}))


def _at_least(spec: config_pb2.MetricsSpec, metric: str, where: config_pb2.SlicingSpec, limit: float | None) -> None:
    if limit is not None:
        _add(spec, metric, where, config_pb2.MetricThreshold(value_threshold={"lower_bound": {"value": limit}}))


def _scale_lower_bounds(spec: config_pb2.MetricsSpec, metric: str, factor: float) -> None:
    if metric in spec.per_slice_thresholds:
        for threshold in spec.per_slice_thresholds[metric].thresholds:
            if threshold.threshold.HasField("value_threshold"):
                threshold.threshold.value_threshold.lower_bound.value *= factor


def _drop(spec: config_pb2.MetricsSpec, metric: str, limit: float | None) -> None:
    """Limit the fall, below the baseline's, of a metric that should be large."""
    if limit is not None:
        change = config_pb2.GenericChangeThreshold(direction=config_pb2.HIGHER_IS_BETTER, absolute={"value": -limit})
        _add(spec, metric, _OVERALL, config_pb2.MetricThreshold(change_threshold=change))


def _add(spec: config_pb2.MetricsSpec, metric: str, where: config_pb2.SlicingSpec, threshold: config_pb2.MetricThreshold) -> None:
    entry = config_pb2.PerSliceMetricThreshold(slicing_specs=[where], threshold=threshold)
    spec.per_slice_thresholds[metric].thresholds.append(entry)
