"""The lease of the one training: one holder at a time, taken over only from one that is gone."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from pipeline.kubeflow.lease import Lease, end_without

BEAT_S, STALE_S = 0.05, 0.5


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the lease is."""
    return tmp_path / "kubeflow" / "training.lease"


def _lease(file: Path) -> Lease:
    return Lease(file, beat_s=BEAT_S, stale_s=STALE_S)


def test_several_that_want_it_hold_it_one_after_the_other(file: Path) -> None:
    inside, most = [], []

    def work(number: int) -> None:
        with _lease(file).held():
            inside.append(number)
            most.append(len(inside))
            time.sleep(2 * STALE_S)  # longer than a holder may be silent
            inside.remove(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1, 1]
    assert not file.exists()


@pytest.mark.parametrize("left", [json.dumps({"holder": "a-machine-that-is-lost", "beat": 7}), "", "{"])
def test_a_holder_that_is_silent_is_gone(file: Path, left: str) -> None:
    file.parent.mkdir()
    file.write_text(left)
    began = time.monotonic()
    with _lease(file).held():
        assert time.monotonic() - began >= STALE_S
        assert json.loads(file.read_text())["holder"] != "a-machine-that-is-lost"


def test_of_several_that_wait_for_a_lost_holder_one_gets_it(file: Path) -> None:
    file.parent.mkdir()
    file.write_text("lost")
    inside, most, lost = [], [], []

    def work(number: int) -> None:
        with _lease(file).held(on_loss=lambda: lost.append(number)):
            inside.append(number)
            most.append(len(inside))
            time.sleep(4 * BEAT_S)
            inside.remove(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 5 and not lost


def test_a_holder_that_was_taken_for_dead_ends(file: Path) -> None:
    lost = threading.Event()
    with _lease(file).held(on_loss=lost.set):
        file.write_text(json.dumps({"holder": "another", "beat": 1}))
        assert lost.wait(5)
    assert json.loads(file.read_text())["holder"] == "another"


def test_a_replica_ends_with_the_step_that_waits_for_it(file: Path) -> None:
    ended = threading.Event()
    with _lease(file).held():
        end_without(file, stale_s=STALE_S, on_loss=ended.set)
        assert not ended.wait(3 * STALE_S)
    assert ended.wait(10 * STALE_S)
