"""A process that is a server: the blocking call behind `forger serve`."""

from __future__ import annotations

import logging
import signal
import sys

from serving.server import pauses
from serving.server.app import GeneratorServer

_LOGGER = logging.getLogger("forger.serving")
# Seconds that Python lets one thread run before another's turn. With the default of 5 ms, requests wait behind the loading of a
# version: 3 clients of one row had a p99 of 178 ms while versions changed; with this 26 ms, and 20 ms without changes.
_SWITCH_SECONDS = 0.0005


def serve(server: GeneratorServer) -> signal.Signals | None:
    """Serve until SIGINT, SIGTERM or SIGHUP, then drain. Call it from the main thread.

    A closed terminal sends SIGHUP, and there is nothing to reload by it: models.config is polled. Where the signal is ignored, as
    below `nohup`, it stays so.

    Progress goes to the logger `forger.serving`: INFO for what happens, ERROR for a version that cannot be served.

    Returns:
        The signal that ended it.

    Raises:
        UserError: No version that loads.
    """
    received: list[signal.Signals] = []

    def on_signal(number: int, _frame: object) -> None:
        server.request_stop(at_once=bool(received))  # a second signal means now
        received.append(signal.Signals(number))

    sys.setswitchinterval(_SWITCH_SECONDS)
    ends = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        ends.append(signal.SIGHUP)
    previous = {number: signal.signal(number, on_signal) for number in ends}
    try:
        pauses.keep_short()
        server.start()
        server.wait()
        _LOGGER.info("stopping: no new requests, running ones may finish")
        server.stop()
    finally:
        server.stop(0)
        for number, handler in previous.items():
            signal.signal(number, handler)
    return received[0] if received else None
