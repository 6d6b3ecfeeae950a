"""The names in TFMA's configuration are looked up when a run is under way: they must be there."""

import importlib
import inspect

from tensorflow_model_analysis.metrics import metric_types

from components.gate.settings import GateSettings
from components.gate.tfma.eval_config import make_eval_config


def test_the_configuration_names_every_metric_of_the_module_that_it_names():
    (spec,) = make_eval_config(GateSettings(), "mnist", ["cat", "dog"], "h").metrics_specs
    (place,) = {metric.module for metric in spec.metrics}
    module = importlib.import_module(place)
    defined = {
        name
        for name, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, metric_types.Metric) and member.__module__ == place
    }
    assert {metric.class_name for metric in spec.metrics} == defined


def test_of_unlabelled_images_nothing_is_asked_about_classes():
    config = make_eval_config(GateSettings(), "mnist", [], "h")
    (spec,) = config.metrics_specs
    assert [list(slicing.feature_keys) for slicing in config.slicing_specs] == [[]]
    asked = {name for name, thresholds in spec.per_slice_thresholds.items() if thresholds.thresholds}
    assert {"frechet_ratio", "recall", "memorisation"} <= asked
    assert not {"label_agreement", "smallest_class_share"} & asked
    slices = [
        slicing for entry in spec.per_slice_thresholds.values() for one in entry.thresholds for slicing in one.slicing_specs
    ]
    assert all(not slicing.feature_keys for slicing in slices)
