"""A command on a terminal: a real pseudo-terminal, which programs can't tell from a person's."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import time

# How TensorFlow's, absl's and gRPC's native messages begin, and those of Python's warnings.
NATIVE = re.compile(
    r"^(WARNING: All log|[IWEF]\d{4} |\d{4}-\d\d-\d\d .*tensorflow/|To enable the following|.*Warning: )", re.MULTILINE
)
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


def on_a_terminal(command: list[object], *, stop_at: str = "", timeout_s: float = 300, **environment: str) -> tuple[int, str]:
    """Run a command on a terminal of its own, 80 columns wide.

    Args:
        command: Program and arguments.
        stop_at: Press Ctrl-C when this text has appeared.
        timeout_s: When to give up.
        **environment: Changes of the environment.

    Returns:
        The exit code, and what was shown, without colours and cursor movements.
    """
    process, terminal = pty.fork()
    if process == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.execvpe(str(command[0]), [str(word) for word in command], {**os.environ, "TERM": "xterm-256color", **environment})
    shown, end, pressed = b"", time.monotonic() + timeout_s, False
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            read = os.read(terminal, 1 << 16)
        except OSError:  # its last process has closed it
            break
        if not read:
            break
        shown += read
        if stop_at and not pressed and stop_at.encode() in shown:
            pressed = True
            os.write(terminal, b"\x03")
    else:
        os.kill(process, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    os.close(terminal)
    return code, _ESCAPES.sub("", shown.decode(errors="replace"))
