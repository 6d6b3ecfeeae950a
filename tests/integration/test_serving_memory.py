"""Memory returns after a version is unloaded: 50 swaps in a server of its own process."""

import subprocess
import sys

from tests.support.tiny_generator import build_tiny_generator

_SWAPS, _SETTLED = 50, 10  # swaps; after so many the allocator has found its size
_MAX_GROWTH = 64  # MiB over the other 40; a leak of each version's 8 MiB of weights would be five times that

# 2,700 classes make each version's weights 8 MiB, so that a version that stays shows.
_PROGRAM = """
import sys, time
from pathlib import Path
from serving.client import GeneratorClient
from serving.server.app import GeneratorServer
from serving.server.options import ServerOptions

base, swaps = Path(sys.argv[1]), int(sys.argv[2])

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 // 2**20

with GeneratorServer(base, "tiny", port=0, options=ServerOptions(poll_seconds=0.01)) as server:
    with GeneratorClient(server.target, "tiny", timeout=60) as client:
        for version in range(2, swaps + 2):
            (base / str(version - 1)).rename(base / str(version))
            while [state.state for state in client.status() if state.version == version] != ["AVAILABLE"] or any(
                state.state == "UNLOADING" for state in client.status()
            ):
                time.sleep(0.01)
            client.sample(range(8), [1] * 8)
            print(resident(), flush=True)
"""


def test_memory_returns_after_each_swap(tmp_path):
    build_tiny_generator(tmp_path / "tiny" / "1", num_classes=2700)
    command = [sys.executable, "-c", _PROGRAM, str(tmp_path / "tiny"), str(_SWAPS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    print(done.stdout.split())
    resident = [int(line) for line in done.stdout.split()]
    assert len(resident) == _SWAPS
    assert max(resident[_SETTLED:]) - max(resident[:_SETTLED]) < _MAX_GROWTH, resident
