"""Too little memory is told before a run begins: of a machine, a container, a process; and the step where it ran out."""

import mmap
import subprocess
import sys
import time
from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf

from pipeline.engines.local import LocalEngine
from pipeline.home.memory import NEEDED_ADDRESSES, NEEDED_BYTES, NEEDS, check_memory, naming_exhausted_memory
from serving.repository.errors import UserError

FORGER = Path(sys.executable).with_name("forger")
GIB = 1 << 30
MACHINE = {"MemTotal": 8 * GIB, "MemAvailable": 6 * GIB, "SwapFree": 0}


def system(root, *, groups="0::/\n", limits=(), **memory):
    """Write what Linux says of itself below `root`."""
    (root / "proc/self").mkdir(parents=True)
    fields = MACHINE | memory
    text = "".join(f"{name}:  {size >> 10} kB\n" for name, size in fields.items()) + "HugePages_Total:       0\n"
    (root / "proc/meminfo").write_text(text)
    (root / "proc/self/cgroup").write_text(groups)
    for file, content in limits:
        path = root / "sys/fs/cgroup" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content}\n")
    return root


V1 = "11:cpu,cpuacct:/docker/a\n9:memory:/docker/a\n0::/x\n"


@pytest.mark.parametrize(
    ("groups", "limits"),
    [
        ("0::/\n", [("memory.max", "max")]),
        ("0::/a/b\n", [("a/b/memory.max", "max"), ("a/memory.max", 5 * GIB)]),
        (V1, [("memory/docker/a/memory.limit_in_bytes", 9223372036854771712)]),
        ("", []),
        ("0::/a\n", [("a/memory.max", "what?")]),
    ],
)
def test_a_machine_with_room_says_nothing(tmp_path, groups, limits):
    assert check_memory(system(tmp_path, groups=groups, limits=limits)) == ""


@pytest.mark.parametrize(
    ("groups", "limits", "named"),
    [
        ("0::/\n", [("memory.max", GIB)], "sys/fs/cgroup/memory.max"),
        ("0::/a/b\n", [("a/b/memory.max", "max"), ("a/memory.max", GIB)], "a/memory.max"),
        ("0::/kubepods/x\n", [("memory.max", GIB)], "sys/fs/cgroup/memory.max"),
        (V1, [("memory/memory.limit_in_bytes", GIB)], "memory/memory.limit_in_bytes"),
        (V1, [("memory/docker/a/memory.limit_in_bytes", GIB)], "docker/a/memory.limit_in_bytes"),
    ],
)
def test_a_containers_limit_is_named(tmp_path, groups, limits, named):
    with pytest.raises(UserError, match=rf"too little memory: the container's limit \(.*{named}\) is 1\.0 GiB, a run needs "):
        check_memory(system(tmp_path, groups=groups, limits=limits))


def test_a_small_machine_is_refused_and_a_busy_one_warned_of(tmp_path):
    with pytest.raises(UserError, match=r"this machine has 1\.0 GiB"):
        check_memory(system(tmp_path / "small", MemTotal=GIB, MemAvailable=GIB))
    assert "only 0.5 GiB of memory are free" in check_memory(system(tmp_path / "busy", MemAvailable=GIB // 2))
    assert check_memory(system(tmp_path / "swap", MemAvailable=GIB // 2, SwapFree=NEEDED_BYTES)) == ""
    assert check_memory(tmp_path / "nothing known") == ""


def test_the_limit_of_a_process_ends_the_command_at_once(tmp_path):
    began = time.monotonic()
    command = ["prlimit", f"--as={NEEDED_ADDRESSES - 1}", FORGER, "run", "--home", tmp_path / "home"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("forger: too little address space")
    assert done.stderr.count("\n") == 1
    assert time.monotonic() - began < 20
    assert not (tmp_path / "home" / "runs").exists() or not list((tmp_path / "home" / "runs").iterdir())


def by_python():
    bytearray(1 << 62)


def by_numpy():
    np.ones(1 << 60, np.uint8)


def by_arrow():
    pa.allocate_buffer(1 << 62)


def by_the_system():
    mmap.mmap(-1, 1 << 62)


def by_tensorflow():
    tf.zeros([1 << 50], tf.uint8) + tf.ones([1 << 50], tf.uint8)


def by_beam():
    with beam.Pipeline(argv=LocalEngine().beam_args()) as pipeline:
        _ = pipeline | beam.Create([1]) | beam.Map(lambda _: by_numpy())


@pytest.mark.parametrize("work", [by_python, by_numpy, by_arrow, by_the_system, by_tensorflow, by_beam])
def test_memory_that_runs_out_is_told_with_the_step(work):
    with pytest.raises(UserError) as raised, naming_exhausted_memory("run again"):
        try:
            work()
        except Exception as error:
            error.add_note("GanTrainer")
            raise
    line = str(raised.value)
    assert line.startswith("GanTrainer: out of memory (")
    assert line.endswith(f"): {NEEDS}, more for larger images: make room, or raise the limit if there is one, and run again")
    assert "\n" not in line


def test_a_gpus_memory_is_told_apart():
    gpu = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor with shape[9,9] on /device:GPU:0 by GPU_0_bfc")
    with pytest.raises(UserError, match=r"set a smaller gan\.batch_size"), naming_exhausted_memory("run again"):
        raise gpu


def test_other_errors_stay_what_they_are():
    refusal = UserError("the file holds 'out of memory'")
    with pytest.raises(UserError) as raised, naming_exhausted_memory("run again"):
        raise refusal
    assert raised.value is refusal
    with pytest.raises(FileNotFoundError), naming_exhausted_memory("run again"):
        Path("/no/such/file").read_text()
