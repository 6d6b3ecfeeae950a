"""The growth benchmark's own parts: its data, what it sees of processes, and the plan that it draws from figures."""

import io
import sys
import time

import numpy as np
import psutil
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from PIL import Image

from components.ingest import record
from tests.benchmarks.scale.grid import key
from tests.benchmarks.scale.inputs import enlarged
from tests.benchmarks.scale.plan import fit
from tests.benchmarks.scale.plots import plot
from tests.benchmarks.scale.tables import write_into
from tests.benchmarks.scale.watch import CellError, measure


def read(prepared, count=-1):
    """Train images and labels in the order of the files; TFDS itself would take turns between them."""
    files = tf.data.TFRecordDataset(sorted(map(str, prepared.directory.glob("mnist-train.tfrecord-*"))))
    rows = [tf.train.Example.FromString(one).features.feature for one in files.take(count).as_numpy_iterator()]
    images = [np.asarray(Image.open(io.BytesIO(row["image"].bytes_list.value[0]))) for row in rows]
    return np.stack(images)[..., np.newaxis], np.array([row["label"].int64_list.value[0] for row in rows])


def test_larger_data_repeat_the_images_with_small_changes(mnist, tmp_path):
    base = enlarged(mnist, 700, tmp_path / "base")
    assert base.splits == {"test": 100, "train": 600}
    large = enlarged(base, 1750, tmp_path / "large")
    assert large.splits == {"test": 250, "train": 1500}
    assert record.load("mnist", tmp_path / "large") == large
    assert enlarged(base, 1750, tmp_path / "large") == large  # kept
    assert tfds.builder_from_directory(large.directory).info.splits["train"].shard_lengths == [600, 600, 300]
    (original, labels), (images, repeated) = read(mnist, 600), read(large)
    assert np.array_equal(images[:600], original)
    assert np.array_equal(repeated, np.resize(labels, 1500))
    wide, changed = original.astype(float), images[600:1200].astype(float)
    assert (np.abs(changed - wide).mean((1, 2, 3)) > 0.5).mean() > 0.95
    assert np.mean([np.corrcoef(one.ravel(), other.ravel())[0, 1] for one, other in zip(wide, changed, strict=True)]) > 0.5
    assert 0.8 < changed.sum() / wide.sum() < 1.2
    assert not np.array_equal(images[600:900], images[1200:1500])


def test_memory_and_processor_of_all_descendants_are_seen(tmp_path):
    child = "import time; held = bytearray(300 << 20); time.sleep(1.5)"
    parent = (
        "import subprocess, sys, time; "
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}]); "
        "end = time.process_time() + 1.0\n"
        "while time.process_time() < end: pass\n"
        "child.wait(); print('{\"seconds\": 1}')"
    )
    found = measure([sys.executable, "-c", parent], tmp_path / "log", 60)
    assert found["seconds"] == 1
    assert found["peak_mib"] >= 300
    assert found["driver_mib"] >= 300
    assert found["workers_mib"] == found["java_mib"] == 0
    assert 0.5 <= found["cpu_seconds"] < 10


def test_a_cell_that_fails_or_hangs_is_said_and_ended(tmp_path):
    with pytest.raises(CellError, match=r"exit code 3, .*no data"):
        measure([sys.executable, "-c", "print('no data'); raise SystemExit(3)"], tmp_path / "log", 60)
    sleep = "import time; time.sleep(99)"
    child = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {sleep!r}]); {sleep}"
    with pytest.raises(CellError, match="not done within 1 s"):
        measure([sys.executable, "-c", child], tmp_path / "log", 1.0)
    time.sleep(0.1)
    assert not [one for one in psutil.Process().children(recursive=True) if "time.sleep(99)" in " ".join(one.cmdline())]


def test_the_plan_follows_from_the_two_largest_sizes():
    def cell(cpu):
        return {"seconds": 1.0, "cpu_seconds": cpu}

    cells = {
        "Transform local 10": cell(999.0),
        "Transform local 1000": cell(30.0),
        "Transform local 3000": cell(70.0),
        "Transform flink-1 1000": cell(1.0),
        "Gate local 1000": cell(5.0),
        "Gate local 3000": {"failed": "not done"},
    }
    lines = fit({"cells": cells}, "local")
    assert list(lines) == ["Transform"]
    assert lines["Transform"].per_image == pytest.approx(0.02)
    assert lines["Transform"].core_hours(1e6) == pytest.approx((10 + 0.02 * 1e6) / 3600)


def test_the_page_gets_the_figures(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- figures: begin -->\nold\n<!-- figures: end -->\nafter\n")
    cells = {
        f"Transform local {size}": {"seconds": size / 100, "cpu_seconds": size / 50, "peak_mib": 1234} for size in (1000, 3000)
    }
    flink = {"seconds": 2, "peak_mib": 3210, "workers_mib": 1111, "java_mib": 222, "driver_mib": 999}
    cells |= {"Gate flink-1 1000": flink, "Gate flink-1 3000": {"failed": "no"}}
    measured = {"machine": {"cpu": "A", "cores": 2}, "cells": cells}
    for _ in range(2):  # again over its own
        write_into(page, measured)
    assert page.read_text() == (
        "before\n<!-- figures: begin -->\nA, 2 cores:\n\n"
        "| step | engine | 1,000 images | 3,000 images |\n| --- | --- | --- | --- |\n"
        "| Transform | local | 10 s, 1,234 MiB | 30 s, 1,234 MiB |\n| Gate | flink-1 | 2 s, 3,210 MiB | failed |\n\n"
        "Peaks in MiB of the Beam workers + both JVMs + the driver, each at its own moment:\n\n"
        "| step | engine | 1,000 images | 3,000 images |\n| --- | --- | --- | --- |\n"
        "| Gate | flink-1 | 1,111 + 222 + 999 | - |\n\n"
        "| step | fixed processor s | processor s per million images | core-hours of 10⁹ images |\n| --- | --- | --- | --- |\n"
        "| Transform | 0 | 20000 | 5556 |\n<!-- figures: end -->\nafter\n"
    )


def test_the_picture_shows_the_memory_of_every_engine():
    cells = {
        key("Transform", name, size): {"seconds": 1.0, "peak_mib": mib}
        for name, mib in (("local", 1000), ("flink-2", 5000))
        for size in (10, 100)
    }
    (_, flink) = plot(cells).axes[2:]
    low, high = flink.get_ylim()
    assert low == 0 and high > 5000
