"""Prometheus metrics of one server: what was asked and answered, in which batches, and what is served."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily

CONTENT_TYPE = CONTENT_TYPE_LATEST
_LATENCIES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)  # seconds
_BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024)  # rows


@dataclass
class Request:
    """What is known of a request so far; names stay empty until they turn out to be real, which bounds the number of series."""

    method: str
    entrypoint: str
    model: str = ""
    signature: str = ""
    code: str = "OK"


@dataclass(frozen=True)
class ServedVersion:
    """One served version as the metrics show it: its waiting rows by signature, and the gate's figures by name."""

    model: str
    version: int
    labels: tuple[str, ...]
    waiting: dict[str, int]
    gate: dict[str, float]


class Metrics:
    """Counters and histograms in a registry of their own, so that two servers in one process keep apart."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("model", "signature", "method", "entrypoint")
        self._requests = Counter(
            "forger_serving_requests", "Requests answered, by gRPC status code.", (*labels, "code"), registry=self.registry
        )
        self._latency = Histogram(
            "forger_serving_request_seconds",
            "Time from a request's arrival to its answer.",
            labels,
            buckets=_LATENCIES,
            registry=self.registry,
        )
        self._batches = Histogram(
            "forger_serving_batch_rows",
            "Rows that ran at once.",
            ("model", "signature"),
            buckets=_BATCH_SIZES,
            registry=self.registry,
        )
        self._running = Gauge("forger_serving_requests_in_progress", "Requests that are being handled.", registry=self.registry)

    def watch(self, served: Callable[[], list[ServedVersion]]) -> None:
        """Ask for what is served at every scrape."""
        self.registry.register(_ServedCollector(served))

    def observe_batch(self, model: str, signature: str, rows: int) -> None:
        """Count a batch."""
        self._batches.labels(model, signature).observe(rows)

    @contextlib.contextmanager
    def request(self, method: str, entrypoint: str) -> Iterator[Request]:
        """Count and time a request; whoever handles it fills in what it learns."""
        request, began = Request(method, entrypoint), time.perf_counter()
        self._running.inc()
        try:
            yield request
        finally:
            self._running.dec()
            labels = (request.model, request.signature, method, entrypoint)
            self._requests.labels(*labels, request.code).inc()
            self._latency.labels(*labels).observe(time.perf_counter() - began)

    def page(self) -> bytes:
        """All metrics in Prometheus's text format."""
        return generate_latest(self.registry)


class _ServedCollector:
    def __init__(self, served: Callable[[], list[ServedVersion]]) -> None:
        self._served = served

    def collect(self) -> Iterator[GaugeMetricFamily]:
        served = self._served()
        version = GaugeMetricFamily("forger_serving_model_version", "The highest served version.", labels=("model",))
        available = GaugeMetricFamily("forger_serving_version_available", "1 for a served version.", labels=("model", "version"))
        labelled = GaugeMetricFamily("forger_serving_version_label", "The version of a label.", labels=("model", "label"))
        waiting = GaugeMetricFamily(
            "forger_serving_queue_rows", "Rows that wait for their batch.", labels=("model", "version", "signature")
        )
        gate = GaugeMetricFamily(
            "forger_serving_gate", "The gate's figures of a served version.", labels=("model", "version", "metric")
        )
        for model in sorted({one.model for one in served}):
            version.add_metric((model,), max(one.version for one in served if one.model == model))
        for one in served:
            number = str(one.version)
            available.add_metric((one.model, number), 1)
            for label in one.labels:
                labelled.add_metric((one.model, label), one.version)
            for signature, rows in one.waiting.items():
                waiting.add_metric((one.model, number, signature), rows)
            for metric, value in one.gate.items():
                gate.add_metric((one.model, number, metric), value)
        return iter((version, available, labelled, waiting, gate))
