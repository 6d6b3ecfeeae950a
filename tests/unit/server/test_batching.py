"""Rows of waiting requests run together, and nobody can tell."""

import threading
import time

import grpc
import numpy as np
import pytest
import tensorflow as tf

from serving.client import GeneratorClient
from serving.client.rows import seeds_for
from serving.saved_model.generator import LocalGenerator
from serving.server.options import ServerOptions
from serving.server.requests.batching import Batcher, QueueFull
from tests.support.predict_requests import predict_request
from tests.support.waiting import wait_until


class _Model:
    """Doubles its input; can be held up; remembers the batches it ran."""

    def __init__(self):
        self.batches, self.entered, self.go_on = [], threading.Event(), threading.Event()
        self.go_on.set()

    def run(self, signature, inputs):
        self.entered.set()
        self.go_on.wait()
        self.batches.append(inputs["x"].tolist())
        if (inputs["x"] < 0).any():
            raise tf.errors.InvalidArgumentError(None, None, "negative")
        return {"y": 2 * inputs["x"]}


@pytest.fixture
def model():
    return _Model()


@pytest.fixture
def make(model):
    batchers = []

    def begin(**options):
        batchers.append(Batcher(model.run, ServerOptions(**options), lambda signature, rows: None))
        return batchers[-1]

    yield begin
    model.go_on.set()
    for batcher in batchers:
        batcher.close()


def _start(batcher, values, deadline=None):
    """Run in a thread; returns it and the list that its result or error goes to."""
    results = []

    def call():
        try:
            results.append(batcher.run("s", {"x": np.array(values)}, deadline)["y"].tolist())
        except Exception as error:
            results.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    return thread, results


def _hold(model, batcher):
    """Occupy the batcher's thread, so that what comes next has to wait."""
    model.go_on.clear()
    thread, _ = _start(batcher, [0])
    model.entered.wait()
    return thread


def _queue(batcher, *requests):
    """Put requests into the queue in this order."""
    calls = []
    for values in requests:
        waiting = batcher.queued_rows()["s"]
        calls.append(_start(batcher, values))
        wait_until(lambda waiting=waiting, values=values: batcher.queued_rows()["s"] == waiting + len(values))
    return calls


def test_waiting_requests_run_together(model, make):
    batcher = make(max_batch_size=4)
    first = _hold(model, batcher)
    calls = _queue(batcher, [1], [2, 3], [4, 5], [6])
    model.go_on.set()
    for thread, _ in [*calls, (first, None)]:
        thread.join()
    assert model.batches == [[0], [1, 2, 3], [4, 5, 6]]
    assert [results for _, results in calls] == [[[2]], [[4, 6]], [[8, 10]], [[12]]]


def test_a_large_request_is_cut_and_lets_small_ones_pass(model, make):
    batcher = make(max_batch_size=3)
    first = _hold(model, batcher)
    calls = _queue(batcher, list(range(10, 17)), [1], [2])
    model.go_on.set()
    for thread, _ in [*calls, (first, None)]:
        thread.join()
    assert model.batches == [[0], [10, 11, 12], [1, 2, 13], [14, 15, 16]]
    assert calls[0][1] == [[2 * value for value in range(10, 17)]]


def test_a_bad_value_fails_only_its_own_request(model, make):
    batcher = make(max_batch_size=4)
    first = _hold(model, batcher)
    calls = _queue(batcher, [1], [-1], [3])
    model.go_on.set()
    for thread, _ in [*calls, (first, None)]:
        thread.join()
    (good,), (bad,), (other,) = (results for _, results in calls)
    assert (good, other) == ([2], [6])
    assert isinstance(bad, tf.errors.InvalidArgumentError)


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ({"max_queue": 2}, r"up to 2 requests may wait \(max-queue\)"),
        ({"max_queue_rows": 4}, r"up to 4 rows may wait \(max_enqueued_batches\)"),
        # Of three rows, each 8 bytes in and 8 out, two requests are 72 with what is known of answers by then.
        ({"max_queue_bytes": 90}, r"answers of up to 90 bytes may wait \(max-queue-bytes\)"),
    ],
)
def test_a_full_queue_refuses(model, make, limits, says):
    batcher = make(max_batch_size=4, **limits)
    first = _hold(model, batcher)
    calls = _queue(batcher, [1, 2], [3])
    model.go_on.set()
    for thread, _ in [*calls, (first, None)]:
        thread.join()
    first = _hold(model, batcher)
    calls = _queue(batcher, [1, 2], [3])
    with pytest.raises(QueueFull, match=says):
        batcher.run("s", {"x": np.array([1, 2, 3])})
    model.go_on.set()
    for thread, _ in [*calls, (first, None)]:
        thread.join()
    assert batcher.run("s", {"x": np.arange(7)})["y"].tolist() == [0, 2, 4, 6, 8, 10, 12]  # an empty queue takes any


def test_requests_that_nobody_waits_for_leave_room(model, make):
    batcher = make(max_batch_size=4, max_queue=2)
    first = _hold(model, batcher)
    alive = _queue(batcher, [1])
    dead, results = _start(batcher, [2], time.monotonic() + 0.05)
    dead.join()
    assert isinstance(results[0], TimeoutError)
    alive += _queue(batcher, [3]) if batcher.queued_rows() == {"s": 1} else [_start(batcher, [3])]
    model.go_on.set()
    for thread, _ in [*alive, (first, None)]:
        thread.join()
    assert [results for _, results in alive] == [[[2]], [[6]]]


@pytest.mark.parametrize(("clients", "rows"), [(3, 1024), (64, 64)])
def test_ordinary_load_is_not_refused(model, make, clients, rows):
    """Whole requests of the documented size, from as many clients as a small web service has, with the default limits."""
    batcher = make()
    first = _hold(model, batcher)
    calls = [_start(batcher, [client] * rows) for client in range(clients)]
    wait_until(lambda: batcher.queued_rows()["s"] == clients * rows)
    model.go_on.set()
    for thread, _ in [*calls, (first, None)]:
        thread.join()
    assert [results for _, results in calls] == [[[2 * client] * rows] for client in range(clients)]
    assert batcher.queued_rows() == {"s": 0}


def test_a_request_whose_deadline_passes_while_it_waits_never_runs(model, make):
    batcher = make(max_batch_size=4)
    first = _hold(model, batcher)
    thread, results = _start(batcher, [1], time.monotonic() + 0.05)
    thread.join()
    assert isinstance(results[0], TimeoutError)
    model.go_on.set()
    first.join()
    assert batcher.run("s", {"x": np.array([2])})["y"].tolist() == [4]
    assert model.batches == [[0], [2]]
    assert batcher.queued_rows() == {"s": 0}


def test_a_batch_waits_for_more_rows_if_told_to(model, make):
    batcher = make(max_batch_size=2, batch_timeout_ms=10_000)
    calls = [_start(batcher, [value]) for value in (1, 2)]
    for thread, _ in calls:
        thread.join()
    assert [sorted(batch) for batch in model.batches] == [[1, 2]]


def test_no_batching(model, make):
    batcher = make(max_batch_size=0)
    assert batcher.run("s", {"x": np.array([1, 2, 3])})["y"].tolist() == [2, 4, 6]
    assert batcher.queued_rows() == {}
    with pytest.raises(TimeoutError):
        batcher.run("s", {"x": np.array([1])}, time.monotonic() - 1)


def test_inputs_that_do_not_fit_together_run_apart(model, make):
    batcher = make(max_batch_size=8)
    first = _hold(model, batcher)
    calls = _queue(batcher, [[1, 2]], [[3]])
    model.go_on.set()
    for thread, _ in [*calls, (first, None)]:
        thread.join()
    assert model.batches == [[0], [[1, 2]], [[3]]]


def test_every_row_is_bit_equal_however_it_travelled(base, start):
    """32 clients of one row, and some of more, against rows drawn one by one in this process."""
    seeds, labels = seeds_for(5, 200), np.arange(200) % 11 - 1
    local = LocalGenerator(base)
    expected = [local.sample(seeds[row : row + 1], labels[row : row + 1])[0][0] for row in range(200)]
    server, problems = start(base, max_batch_size=16), []

    def draw(rows):
        with GeneratorClient(server.target, "tiny", timeout=60) as client:
            for row in rows:
                size = 1 if len(rows) % 2 else 3
                images, _ = client.sample(seeds[row : row + size], labels[row : row + size])
                problems.extend(
                    row + index for index, image in enumerate(images) if not np.array_equal(image, expected[row + index])
                )

    threads = [threading.Thread(target=draw, args=(range(first, 200, 32),)) for first in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def test_a_full_queue_is_resource_exhausted(base, start, monkeypatch):
    from serving.saved_model.session import SignatureSession

    server = start(base, max_queue=1, max_batch_size=1)
    entered, go_on, run = threading.Event(), threading.Event(), SignatureSession.run
    monkeypatch.setattr(SignatureSession, "run", lambda *arguments: (entered.set(), go_on.wait(), run(*arguments))[2])
    with grpc.insecure_channel(server.target) as channel:
        from tensorflow_serving.apis import prediction_service_pb2_grpc

        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        calls = [stub.Predict.future(predict_request(), timeout=60) for _ in range(3)]
        entered.wait()
        wait_until(lambda: any(call.done() for call in calls))
        refused = next(call for call in calls if call.done())
        assert refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "queue to which this task was submitted is full" in refused.details()
        go_on.set()
        assert sum(call.code() is grpc.StatusCode.OK for call in calls) == 2
