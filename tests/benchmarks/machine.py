"""What a benchmark ran on."""

from __future__ import annotations

import platform
import shutil
import subprocess


def cpu() -> str:
    """The processor's name."""
    if shutil.which("lscpu"):
        lines = subprocess.run(["lscpu"], capture_output=True, text=True, check=True).stdout.splitlines()
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("Model name")]
        if names:
            return names[0]
    return platform.processor() or platform.machine()
