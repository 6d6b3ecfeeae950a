"""Last words of a run that has no time for any: killed for want of memory or from outside, or crashed in native code.

A shell beside the run waits for the end of a pipe, which Linux closes however the run ends, and says which node was at work.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from pipeline.home.memory import NEEDS
from pipeline.home.run_record import NodeRecord

_ENDED = "ended"  # what a run writes that ends by itself; every other line is a node
_KILLS = "oom_kill "  # how Linux's counter begins of kills by which it made room
# $1: the log, $2: what a run needs, $3: Linux's counters, $4: the line of kills as it was.
_SHELL = f"""
while IFS= read -r line; do node=$line; done
[ "$node" = {_ENDED} ] && exit
[ -t 2 ] && printf '\\033[?25h\\n' >&2  # the cursor, which a progress bar had hidden
if [ "$(grep -s '^{_KILLS}' "$3")" = "$4" ]; then
    why="the run was killed or crashed ($1 may tell more)"
else
    why="Linux ended the run for want of memory: $2"
fi
printf 'forger: %s%s; the same command goes on where it was\\n' "${{node:+$node: }}" "$why" >&2
"""


class LastWords:
    """Knows which node is at work (a `NodeObserver`), and lets a shell know."""

    def __init__(self, shell: subprocess.Popen[str] | None) -> None:
        """Tell a shell, where there is one."""
        self._shell = shell

    def started(self, node_id: str, number: int, total: int) -> None:
        """Note that a node starts."""
        self._say(node_id)

    def ended(self, node: NodeRecord) -> None:
        """Nothing to note: what comes next is quick, and has no name."""

    def close(self) -> None:
        """Note that the run ends by itself."""
        self._say(_ENDED)
        if self._shell is not None:
            with contextlib.suppress(OSError):
                self._shell.communicate()

    def _say(self, line: str) -> None:
        if self._shell is not None and self._shell.stdin is not None:
            with contextlib.suppress(OSError):
                self._shell.stdin.write(f"{line}\n")
                self._shell.stdin.flush()


@contextlib.contextmanager
def last_words(log_file: Path, vmstat: Path = Path("/proc/vmstat")) -> Iterator[LastWords]:
    """See to it that a sudden end is told in one line on standard error.

    Args:
        log_file: The run's log.
        vmstat: Linux's counters.
    """
    command = ["sh", "-c", _SHELL, "sh", str(log_file), NEEDS, str(vmstat), _kills(vmstat)]
    try:
        # In a session of its own: what is sent to the run's group, Ctrl-C or a kill, does not reach it.
        shell = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, start_new_session=True)
    except OSError:  # no shell here, or no room for one
        shell = None
    words = LastWords(shell)
    try:
        yield words
    finally:
        words.close()


def _kills(vmstat: Path) -> str:
    try:
        lines = vmstat.read_text(encoding="ascii").splitlines()
    except OSError:
        return ""
    return next((line for line in lines if line.startswith(_KILLS)), "")
