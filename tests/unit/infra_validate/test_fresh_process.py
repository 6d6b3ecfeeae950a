"""Infra validation's own process: passes, refuses, crashes and hangs."""

import os
import shutil
import subprocess
import sys
import time

import pytest

from components.infra_validate.fresh_process import replay_failure
from serving.repository import contract
from serving.repository.errors import UserError


def test_a_good_model(tiny):
    assert replay_failure(tiny, 300) is None


def test_a_refused_model_gives_the_reason(tiny, tmp_path):
    shutil.copytree(tiny, tmp_path / "m")
    (tmp_path / "m" / contract.SAVED_MODEL_FILE).write_bytes(b"no graph")
    reason = replay_failure(tmp_path / "m", 300)
    assert "cannot be loaded" in reason
    assert "\n" not in reason


def test_the_time_limit_ends_the_process(tiny):
    began = time.monotonic()
    with pytest.raises(UserError, match=r"took longer than 0\.2 s: run again .* or raise push\.infra_timeout_s"):
        replay_failure(tiny, 0.2)
    assert time.monotonic() - began < 60
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert f"components.infra_validate.replay {tiny}" not in listed


def test_a_killed_process_is_named(tmp_path, monkeypatch):
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\nkill -SEGV $$\n")
    os.chmod(script, 0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    assert replay_failure(tmp_path, 60) == "the process that loaded the model was ended by SIGSEGV"
    script.write_text("#!/bin/sh\nkill -KILL $$\n")
    with pytest.raises(UserError, match="was killed, most likely for memory"):
        replay_failure(tmp_path, 60)
    script.write_text("#!/bin/sh\necho first >&2; echo 'out of luck' >&2; exit 7\n")
    assert replay_failure(tmp_path, 60) == "the process that loaded the model ended with status 7: out of luck"
