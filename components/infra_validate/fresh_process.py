"""Run the replay in a process of its own, so that a model which crashes, hangs or exhausts memory takes nothing with it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from serving.repository.errors import UserError

_ROOT = Path(__file__).resolve().parents[2]
REFUSED = 3  # exit status of a replay that ended with a reason on standard output


def replay_failure(model: Path, timeout_s: float) -> str | None:
    """Replay a model's warm-up requests in a fresh Python process.

    Args:
        model: The SavedModel directory.
        timeout_s: Seconds that it may take.

    Returns:
        Why the model cannot be served, one line; None when it can.

    Raises:
        UserError: The process took too long or was killed, which may be the machine's fault: TFX would cache a refusal, so that
            running again would not try again.
    """
    command = [sys.executable, "-m", "components.infra_validate.replay", str(model)]
    path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env={**os.environ, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "2"},
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired as error:
        raise UserError(
            f"loading the model and replaying its warm-up requests took longer than {timeout_s:g} s: run again when the machine "
            "is less busy, or raise push.infra_timeout_s"
        ) from error
    finally:
        # Also on Ctrl-C: the group may hold more than the one process.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()
    if process.returncode == 0:
        return None
    if process.returncode == REFUSED:
        return _last_line(output)
    if process.returncode == -signal.SIGKILL:
        raise UserError("the process that loaded the model was killed, most likely for memory: free some and run again")
    if process.returncode < 0:
        return f"the process that loaded the model was ended by {signal.Signals(-process.returncode).name}"
    return f"the process that loaded the model ended with status {process.returncode}: {_last_line(errors)}"


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
