"""Beam's local workers: what one writes is what the other reads."""

import resource
import sys

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import worker_handlers

from pipeline.engines.local import LocalEngine
from pipeline.engines.probe import ready

_KEYS, _EACH = 20, 2000
_MOST_MEMORY = 16 << 30


def _elements(key):
    return [(key, {"place": place, "text": str(place) * 5}) for place in range(_EACH)]


def _told(element):
    key, values = element
    return f"{key} {sorted(value['place'] for value in values) == list(range(_EACH))}"


@pytest.fixture
def hasty(monkeypatch):
    """Beam's clock and the turns of threads a thousand times as fast: what is rare in a long run is sure in a short one."""
    monkeypatch.setattr(worker_handlers, "DATA_BUFFER_TIME_LIMIT_MS", 1)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, limits[1]))  # lost bytes may be read as gigabytes
    yield
    resource.setrlimit(resource.RLIMIT_AS, limits)
    sys.setswitchinterval(interval)


@pytest.mark.parametrize("mode", ["in_memory", "multi_threading", "multi_processing"])
def test_nothing_is_lost_between_workers(hasty, tmp_path, mode):
    engine = LocalEngine(beam=(f"--direct_running_mode={mode}", "--direct_num_workers=2"))
    with ready(engine, tmp_path), beam.Pipeline(argv=engine.beam_args()) as pipeline:
        made = pipeline | beam.Create(range(_KEYS)) | beam.FlatMap(_elements) | beam.GroupByKey() | beam.Map(_told)
        _ = made | beam.io.WriteToText(str(tmp_path / "told"))
    told = [line for path in tmp_path.glob("told*") for line in path.read_text().splitlines()]
    assert sorted(told) == sorted(f"{key} True" for key in range(_KEYS))
