"""The lease of the one training: one holder at a time, taken over only from one that is gone."""

from __future__ import annotations

import errno
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.kubeflow.lease import Lease, end_without

BEAT_S, STALE_S = 0.05, 0.5
ANOTHER = json.dumps({"holder": "another", "beat": 1})


class _File(type(Path())):
    """A file on a volume that may be away, for one machine or for all."""

    fails: tuple[str, ...] = ()  # of: r (read), x (make), unlink
    failed = 0

    def open(self, mode: str = "r", *args: Any, **options: Any) -> Any:
        self._check(mode)
        return super().open(mode, *args, **options)

    def unlink(self, missing_ok: bool = False) -> None:
        self._check("unlink")
        super().unlink(missing_ok)

    def _check(self, operation: str) -> None:
        if operation in self.fails:
            self.failed += 1
            raise OSError(errno.ESTALE, "Stale file handle", str(self))


def _wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(BEAT_S / 5)


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
        file.write_text(ANOTHER)
        assert lost.wait(5)
    assert file.read_text() == ANOTHER


def test_a_holder_whose_volume_was_briefly_away_goes_on(file: Path) -> None:
    lost, flaky = threading.Event(), _File(file)
    with Lease(flaky, beat_s=BEAT_S).held(on_loss=lost.set):
        flaky.fails = ("r",)
        _wait_for(lambda: lost.is_set() or flaky.failed >= 2)
        flaky.fails = ()
        before = file.read_text()
        _wait_for(lambda: lost.is_set() or file.read_text() != before)
    assert not lost.is_set() and not file.exists()


def test_a_holder_whose_volume_stays_away_ends_and_says_so(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    lost, flaky = threading.Event(), _File(file)
    with Lease(flaky, beat_s=BEAT_S, stale_s=STALE_S).held(on_loss=lost.set):
        flaky.fails = ("r",)
        assert lost.wait(30)
    assert "Stale file handle" in caplog.text and "lost to another process" not in caplog.text


@pytest.mark.parametrize("left", [ANOTHER, None])
def test_a_holder_whose_lease_was_taken_while_the_volume_was_away_ends(
    file: Path, left: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    lost, flaky = threading.Event(), _File(file)
    with Lease(flaky, beat_s=BEAT_S).held(on_loss=lost.set):
        flaky.fails = ("r",)
        _wait_for(lambda: flaky.failed >= 2)
        file.unlink()  # another's, which may have given it back
        if left:
            file.write_text(left)
        assert not lost.is_set()
        flaky.fails = ()
        assert lost.wait(30)
    assert "lost to another process" in caplog.text
    assert (file.read_text() if file.exists() else None) == left


def test_a_waiter_that_cannot_read_takes_nothing(file: Path) -> None:
    lost, flaky = threading.Event(), _File(file)
    flaky.fails = ("r",)
    with _lease(file).held(on_loss=lost.set):
        with pytest.raises(OSError, match="Stale file handle"), _lease(flaky).held():
            pass
        assert not lost.is_set()


def test_a_waiter_whose_volume_was_briefly_away_waits_on(file: Path) -> None:
    flaky, inside = _File(file), threading.Event()
    flaky.fails = ("r", "x")

    def work() -> None:
        with Lease(flaky, beat_s=BEAT_S).held():
            inside.set()

    with Lease(file, beat_s=BEAT_S).held():
        waiting = threading.Thread(target=work)
        waiting.start()
        _wait_for(lambda: not waiting.is_alive() or flaky.failed >= 3)
        flaky.fails = ()
        assert waiting.is_alive() and not inside.is_set()
    waiting.join(30)
    assert inside.is_set()


@pytest.mark.parametrize("operation", ["r", "unlink"])
def test_a_volume_that_is_away_at_the_end_does_not_fail_what_was_done(file: Path, operation: str) -> None:
    flaky = _File(file)
    with Lease(flaky).held():
        flaky.fails = (operation,)
    assert file.exists()  # silent from now on, which whoever waits will see


def test_a_replica_ends_with_the_step_that_waits_for_it(file: Path) -> None:
    ended = threading.Event()
    with _lease(file).held():
        end_without(file, stale_s=STALE_S, on_loss=ended.set)
        assert not ended.wait(3 * STALE_S)
    assert ended.wait(10 * STALE_S)


def test_a_replica_whose_volume_stays_away_ends(file: Path) -> None:
    ended, flaky = threading.Event(), _File(file)
    flaky.fails = ("r",)
    end_without(flaky, stale_s=STALE_S, on_loss=ended.set)
    assert ended.wait(30)
