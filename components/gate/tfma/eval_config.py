"""TFMA's evaluation configuration, made from the gate's settings."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tensorflow_model_analysis.proto import config_pb2

from components.classes import group_count
from components.gate.calibration.record import Calibration
from components.gate.combiners.changes import SETBACKS
from components.gate.limits import CALIBRATED, is_automatic, reach_limits
from components.gate.settings import GateSettings
from components.transform.pixels import LABEL_KEY

_METRICS = ("SampleQuality", "SampleNeighbours", "SharedTraits", "SampleChange")
_OVERALL = config_pb2.SlicingSpec()
_PER_CLASS = config_pb2.SlicingSpec(feature_keys=[LABEL_KEY])


def make_eval_config(settings: GateSettings, dataset: str, class_names: list[str], code_hash: str) -> config_pb2.EvalConfig:
    """Make the configuration that the Gate component carries.

    Args:
        settings: Thresholds and sizes.
        dataset: TFDS name; what is known of it gives the limits that the settings leave open.
        class_names: Names by label; empty for unlabelled images, of which there are no class slices and no figures about classes.
        code_hash: Hash of the sources behind the metrics: TFX's cache sees it as part of this configuration.

    Returns:
        Configuration with both slices (overall, each class) and thresholds; what is known only at run time (the judge's place,
        the calibrated limits) comes in by `bind`.
    """
    reach, lenient = reach_limits(settings, dataset)
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
        "max_recall_drop": settings.max_recall_drop,
        "max_label_agreement_drop": settings.max_label_agreement_drop,
        "calibrated": [one.setting for one in CALIBRATED if is_automatic(settings, one)],
        "lenient_overall": [_metric_of(name) for name in lenient if not _is_of_classes(name)],
        "lenient_of_classes": [_metric_of(name) for name in lenient if _is_of_classes(name)],
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
    for name, limit in reach.items():
        add, metric, where = _place(name)
        add(spec, metric, where, limit)
    _at_most(spec, "train_frechet_ratio", _OVERALL, settings.max_train_frechet_ratio)
    _at_most(spec, "memorisation", _OVERALL, settings.max_memorisation)
    for one in CALIBRATED:
        chosen = getattr(settings, one.setting)
        if chosen is None or is_automatic(settings, one):
            continue
        # A judge that mistakes a tenth of the real images can't agree with more of the generated ones: `bind` scales it.
        limit = chosen * even if one.metric == "smallest_class_share" else chosen
        _bound(one.kind)(spec, one.metric, _OVERALL, limit)
    _drop(spec, "recall", settings.max_recall_drop)
    _drop(spec, "label_agreement", settings.max_label_agreement_drop)
    if not class_names:
        _without_classes(spec)
        spec.per_slice_thresholds.pop("smallest_class_share", None)
    # With no threshold set nothing may look like one: TFX then blesses nothing.
    if spec.per_slice_thresholds or options["calibrated"]:
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
    calibration: str,
    sizes: tuple[int, int],
    count: int,
    *,
    accuracy: float,
    conditional: bool,
    compared: bool,
    compared_by_class: bool = True,
) -> None:
    """Add what is known at run time, in place.

    Args:
        eval_config: Configuration of `make_eval_config`.
        judge: The judge artifact's directory.
        calibration: The calibration artifact's, whose limits are put in where the settings leave them open.
        sizes: Lengths D and E of its features.
        count: Number of real images there are; about `max_examples` of them are used.
        accuracy: The judge's, 0..1 on real images: what label agreement is measured by.
        conditional: Whether the candidate has classes; without, neither class slices nor label agreement are gated.
        compared: Whether there is a baseline; without, what it takes to compare doesn't exist, and TFMA refuses what is missing.
        compared_by_class: Whether the baseline has classes, too: without, there is no label agreement that could fall.
    """
    options = metric_options(eval_config)
    limit = options["max_frechet_increase"]
    found, classes = Calibration.load(calibration), group_count(options["class_names"])
    known = {
        "judge": judge,
        "calibration": calibration,
        "closeness": found.closeness,
        "powerless": [
            one.metric for one in CALIBRATED if one.setting in options["calibrated"] and found.limit(one.figure) is None
        ],
        "feature_size": sizes[0],
        "second_size": sizes[1],
        "fraction": min(1.0, options["max_examples"] / max(count, 1)),
        "images": min(options["max_examples"], count),
        "neighbour_share": min(1.0, options["neighbour_examples"] / max(count, 1)),
    }
    for spec in eval_config.metrics_specs:
        for metric in spec.metrics:
            metric.config = json.dumps(json.loads(metric.config) | known, sort_keys=True)
        if compared and limit is not None:
            for setback in SETBACKS:  # the limit itself is part of the margin that a setback exceeds
                _at_most(spec, setback, _OVERALL, 0.0)
        if compared and not compared_by_class:
            _without_changes(spec, "label_agreement")
        # A judge that mistakes a tenth of the real images can't agree with more than nine tenths of the generated ones.
        _scale_lower_bounds(spec, "label_agreement", accuracy)
        for one in CALIBRATED:
            if one.setting not in options["calibrated"]:
                continue
            for where in (_OVERALL, _PER_CLASS) if one.of_classes else (_OVERALL,):
                worst = found.limit(one.figure, of_class=where is _PER_CLASS, images=min(count, options["max_examples"]))
                _bound(one.kind)(spec, one.metric, where, None if worst is None else one.limit(worst, classes))
        if not conditional:
            _without_classes(spec)
        if not options["class_names"]:
            spec.per_slice_thresholds.pop("smallest_class_share", None)


def metric_options(eval_config: config_pb2.EvalConfig) -> dict[str, Any]:
    """Read the options that all of the gate's metrics share."""
    return json.loads(eval_config.metrics_specs[0].metrics[0].config)


def _metric_of(setting: str) -> str:
    """Return the metric that a setting limits: "max_class_frechet_ratio" limits "frechet_ratio"."""
    return setting.removeprefix("max_").removeprefix("min_").removeprefix("class_")


def _bound(kind: str) -> Callable[[config_pb2.MetricsSpec, str, config_pb2.SlicingSpec, float | None], None]:
    return _at_most if kind == "max" else _at_least


def _place(
    setting: str,
) -> tuple[Callable[[config_pb2.MetricsSpec, str, config_pb2.SlicingSpec, float | None], None], str, config_pb2.SlicingSpec]:
    """Tell what a setting's name says: which way it bounds, which metric, and where."""
    kind = setting.partition("_")[0]
    return _bound(kind), _metric_of(setting), _PER_CLASS if _is_of_classes(setting) else _OVERALL


def _is_of_classes(setting: str) -> bool:
    return setting.partition("_")[2].startswith("class_")


def _without_classes(spec: config_pb2.MetricsSpec) -> None:
    """Take away the thresholds that only mean something where the label chooses the class."""
    spec.per_slice_thresholds.pop("label_agreement", None)
    for thresholds in spec.per_slice_thresholds.values():
        kept = [threshold for threshold in thresholds.thresholds if _PER_CLASS not in threshold.slicing_specs]
        del thresholds.thresholds[:]
        thresholds.thresholds.extend(kept)


def _without_changes(spec: config_pb2.MetricsSpec, metric: str) -> None:
    """Take away the thresholds of a metric that compare with the baseline."""
    if metric in spec.per_slice_thresholds:
        thresholds = spec.per_slice_thresholds[metric].thresholds
        kept = [one for one in thresholds if not one.threshold.HasField("change_threshold")]
        del thresholds[:]
        thresholds.extend(kept)


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
