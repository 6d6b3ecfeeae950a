"""The serving benchmark's load generator, as processes against a real server: what it counts is what the server answered."""

import numpy as np
import pytest

from components.push.layout import push_model
from serving.saved_model.generator import LocalGenerator
from serving.server.app import GeneratorServer
from tests.benchmarks.serving import servers
from tests.benchmarks.serving.generator import MODEL, predict_requests, predicted_images, rows_of
from tests.benchmarks.serving.load import Load
from tests.benchmarks.serving.measure import in_process, measure
from tests.support.tiny_generator import build_tiny_generator


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    root = tmp_path_factory.mktemp("load")
    model = build_tiny_generator(root / "model")
    push_model(model, root / "serving" / MODEL, run_id="r", verdict={}, keep_versions=2)
    return root / "serving" / MODEL


@pytest.fixture(scope="module")
def target(base):
    with GeneratorServer(base, MODEL, port=0) as server:
        yield server.target


def test_rates_and_answers(base, target):
    rate, answer = measure(Load(target, servers.PREDICT, predict_requests(3), 4, 0.2, 1.0), rows=3)
    assert rate.failed == 0
    assert rate.images_per_s > 0
    assert 0 < rate.p50_ms <= rate.p99_ms
    assert np.array_equal(predicted_images(answer), LocalGenerator(base).sample(*rows_of(0, 3))[0])


def test_a_paced_load_stays_below_its_rate(target):
    load = Load(target, servers.PREDICT, predict_requests(1), 4, 0.0, 2.0, rate=10.0)
    rate, _ = measure(load, rows=1)
    assert 0 < rate.images_per_s <= 10.0 + load.clients / load.seconds  # each client may begin with one more


def test_failures_are_counted(base, target):
    good = predict_requests(1, count=1)[0]
    rate, _ = measure(Load(target, servers.PREDICT, [good, "AAAA"], 1, 0.0, 1.0), rows=1)
    assert rate.failed > 0
    with pytest.raises(SystemExit, match=r"no call to .* was answered"):
        measure(Load(target, servers.PREDICT, ["AAAA"], 1, 0.0, 0.3), rows=1)


def test_the_bare_model_is_measured(base):
    assert in_process(base / "1", rows=2, seconds=0.2) > 0
