"""Mass sampling with Beam from a pushed version: what the shards hold, and that nothing but the request decides their bytes."""

import io
import json
import logging
import os
import resource
import signal
import subprocess
import sys
import tarfile

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from click.testing import CliRunner
from PIL import Image

from components.push.layout import push_model
from components.transform.executor import BACKGROUND, SHAPE, preprocessing_fn
from pipeline.cli import cli
from pipeline.engines.local import LocalEngine
from pipeline.generate.directory import REQUEST_FILE, claimed
from pipeline.generate.request import Layout, digest_of
from pipeline.generate.run import said_by_a_worker
from pipeline.generate.worker import WriteShards
from serving.client.rows import seeds_for
from serving.repository.errors import UserError
from serving.saved_model.generator import LocalGenerator
from tests.support.sampling_requests import make_request
from tests.support.shapes import GREY_28
from tests.support.tiny_generator import build_tiny_generator
from tests.support.waiting import wait_until

_COUNT, _SIZE, _SEED = 1500, 260, 7  # 260: a chunk and a bit
_REQUEST = ["--count", _COUNT, "--shard-size", _SIZE, "--seed", _SEED]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Version 1 is stable, version 2 the canary."""
    root = tmp_path_factory.mktemp("generate")
    for number in (1, 2):
        model = build_tiny_generator(root / str(number), scale=float(number), training_key=str(number))
        base = root / "home" / "serving" / "mnist_gan"
        push_model(model, base, run_id="run", verdict={}, keep_versions=5, canary=number == 2)
    return root / "home"


@pytest.fixture(autouse=True)
def logs():
    """The command takes the process's logging over."""
    before = logging.getLogger().handlers
    yield
    logging.getLogger().handlers = before


def generate(home, out, *arguments):
    """`forger generate` in this process, which has TensorFlow already."""
    command = ["generate", "--home", home, "--out", out, *arguments]
    return CliRunner().invoke(cli, list(map(str, command)), catch_exceptions=False).output


def contents(directory):
    return {path.name: path.read_bytes() for path in directory.glob("[!.]*-of-*")}


@pytest.fixture(scope="module")
def records(home, tmp_path_factory):
    """All shards as one worker writes them."""
    out = tmp_path_factory.mktemp("records") / "out"
    said = generate(home, out, *_REQUEST)
    assert f"{_COUNT} images of mnist_gan version 1, seed {_SEED}" in said
    return out


@pytest.fixture(scope="module")
def drawn(home):
    """What `forger sample --seed 7` draws."""
    return LocalGenerator(home / "serving" / "mnist_gan" / "1").sample(seeds_for(_SEED, _COUNT), np.full(_COUNT, -1))


def test_tfds_reads_what_sample_draws(records, drawn):
    builder = tfds.builder_from_directory(records)
    assert builder.info.splits["train"].num_examples == _COUNT
    assert builder.info.features["label"].names == [str(label) for label in range(10)]
    rows = list(builder.as_dataset(split="train").as_numpy_iterator())
    order = {int(seed): place for place, seed in enumerate(seeds_for(_SEED, _COUNT))}
    places = [order[int(row["seed"])] for row in rows]
    assert sorted(places) == list(range(_COUNT))
    assert np.array_equal(np.stack([row["image"] for row in rows]), drawn[0][places])
    assert [row["label"] for row in rows] == drawn[1][places].tolist()


def test_any_row_is_drawn_again_by_sample(home, records, tmp_path):
    shard, place = 3, 101
    serialized = list(tf.data.TFRecordDataset(str(records / f"mnist_gan-train.tfrecord-{shard:05d}-of-00006")))[place].numpy()
    feature = tf.train.Example.FromString(serialized).features.feature
    row, out, labels = shard * _SIZE + place, tmp_path / "one.npy", tmp_path / "labels.npy"
    arguments = ["sample", "--seed", _SEED, "--first-row", row, "--count", 1, "--out", out, "--labels-out", labels]
    done = CliRunner().invoke(cli, list(map(str, [*arguments, "--home", home])), catch_exceptions=False)
    assert f"seed {_SEED} from row {row}" in done.output
    image = np.asarray(Image.open(io.BytesIO(feature["image"].bytes_list.value[0])))
    assert np.array_equal(np.load(out)[0], image)
    assert np.load(labels).tolist() == list(feature["label"].int64_list.value)
    assert feature["seed"].int64_list.value[0] == seeds_for(_SEED, 1, first=row)[0]


def test_the_pipelines_own_transform_takes_the_records(records, drawn):
    first = tf.data.TFRecordDataset(str(records / "mnist_gan-train.tfrecord-00000-of-00006"))
    wanted = {"image": tf.io.FixedLenFeature([], tf.string), "label": tf.io.FixedLenFeature([], tf.int64)}
    parsed = tf.io.parse_example(next(iter(first.batch(_SIZE))), wanted)
    transformed = preprocessing_fn(parsed, {SHAPE: list(GREY_28), BACKGROUND: "#ffffff"})
    pixels = tf.io.decode_raw(transformed["image"], tf.uint8).numpy()
    assert np.array_equal(pixels, drawn[0][:_SIZE].reshape(_SIZE, -1))  # in the order of the rows


def test_bytes_do_not_depend_on_workers_engine_or_order(home, records, tmp_path, monkeypatch):
    expected = contents(records)
    two = ["--beam=--direct_num_workers=2", "--beam=--direct_running_mode=multi_processing"]
    generate(home, tmp_path / "two", *_REQUEST, *two)
    assert contents(tmp_path / "two") == expected
    # Beam's older Python runner: another engine, with bundles of its own.
    monkeypatch.setattr(LocalEngine, "arguments", lambda engine: ["--runner=BundleBasedDirectRunner"])
    generate(home, tmp_path / "other", *_REQUEST)
    assert contents(tmp_path / "other") == expected
    # Shard by shard, the last first, each by a worker that has just started.
    model = home / "serving" / "mnist_gan" / "1"
    changes = {"model_digest": digest_of(model), "count": _COUNT, "seed": _SEED, "shard_size": _SIZE}
    with claimed(tmp_path / "single", make_request(**changes)):
        for number in reversed(range(6)):
            assert list(WriteShards(make_request(**changes), model, tmp_path / "single").process(number)) == [number]
    assert contents(tmp_path / "single") == expected


def test_tars_hold_png_and_json_of_each_row(home, drawn, tmp_path):
    said = generate(home, tmp_path / "out", *_REQUEST, "--format", "png", "--digit", 3)
    assert "6 shards" in said
    seeds, images = seeds_for(_SEED, _COUNT), []
    for path in sorted((tmp_path / "out").glob("*.tar")):
        with tarfile.open(path) as archive:
            members = archive.getmembers()
            for picture, about in zip(members[::2], members[1::2], strict=True):
                assert (picture.name, about.name) == (f"{len(images):012d}.png", f"{len(images):012d}.json")
                told = json.load(archive.extractfile(about))
                assert told == {"label": 3, "seed": int(seeds[len(images)])}
                images.append(np.asarray(Image.open(archive.extractfile(picture))))
                assert (picture.mtime, picture.uid, picture.uname) == (0, 0, "")
    expected = LocalGenerator(home / "serving" / "mnist_gan" / "1").sample(seeds, np.full(_COUNT, 3))[0]
    assert np.array_equal(np.stack(images), expected[..., 0])


def test_a_killed_run_goes_on_and_a_full_disk_is_one_line(home, records, tmp_path):
    out, count = tmp_path / "out", 40 * _SIZE
    request = ["--count", count, "--shard-size", _SIZE, "--seed", _SEED]
    command = [sys.executable, "-c", "from pipeline.cli import main; main()", "generate", *request, "--home", home, "--out", out]
    command = list(map(str, command))

    def no_large_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))  # what a full disk does to a shard of 230 kB

    full = subprocess.run(command, capture_output=True, text=True, preexec_fn=no_large_files, check=False)
    assert full.returncode == 2
    (line,) = full.stderr.splitlines()
    assert line.startswith("forger: cannot write")
    assert line.endswith("goes on with this shard")
    assert not contents(out)

    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: len(contents(out)) >= 2, seconds=120)
        os.kill(process.pid, signal.SIGKILL)
    before = {path.name: path.stat().st_mtime_ns for path in out.glob("[!.]*-of-*")}
    assert 2 <= len(before) < 40
    assert "another request" in _refusal(home, out, "--count", count, "--shard-size", _SIZE, "--seed", _SEED + 1)
    other = subprocess.run([*command, "--seed", str(_SEED + 1)], capture_output=True, text=True, check=False)
    assert len(other.stderr.splitlines()) == 1  # no library's words before ours
    said = generate(home, out, *request)
    assert f"{count - len(before) * _SIZE} drawn" in said
    assert all((out / name).stat().st_mtime_ns == changed for name, changed in before.items())
    assert not list(out.glob(".*.partial"))
    # The first rows are those of the shorter request, whichever process has written them.
    found, shorter = contents(out), contents(records)
    for name in sorted(shorter)[:5]:
        assert found[name.replace("-of-00006", "-of-00040")] == shorter[name]
    assert "all of them were there" in generate(home, out, *request)


def test_the_user_is_told_what_to_mend(home, tmp_path):
    assert "no class 10" in _refusal(home, tmp_path / "a", "--count", 5, "--digit", 10)
    assert "version 9 is not in" in _refusal(home, tmp_path / "a", "--count", 5, "--version", 9)
    assert "not both" in _refusal(home, tmp_path / "a", "--count", 5, "--shards", 2, "--shard-size", 2)
    assert "name fewer" in _refusal(home, tmp_path / "a", "--count", 5, "--shards", 6)
    assert "larger --shard-size" in _refusal(home, tmp_path / "a", "--count", 10**11)
    assert "not a local path" in _refusal(home, "gs://bucket/x", "--count", 5)
    assert "1<=x" in _refusal(home, tmp_path / "a", "--count", 0)
    assert "push one with `forger run`" in _refusal(tmp_path / "nohome", tmp_path / "a", "--count", 5)
    assert not (tmp_path / "a").exists()


def test_a_worker_that_does_not_see_what_it_needs_says_so(home, tmp_path):
    model = home / "serving" / "mnist_gan" / "1"
    right = make_request(model_digest=digest_of(model), layout=Layout.PNG)
    for request, place, said in (
        (right, (model, tmp_path), "with --out"),
        (right, (tmp_path, tmp_path), "with --home"),
        (make_request(), (model, tmp_path), "another model"),
    ):
        with pytest.raises(UserError, match=said):
            list(WriteShards(request, *place).process(0))
        (tmp_path / REQUEST_FILE).touch()


def test_a_workers_line_is_found_however_an_engine_brings_it_back():
    line = "cannot write x: No space left on device; the same command goes on with this shard"
    trace = f"""java.lang.RuntimeException: Traceback (most recent call last):
  File "worker.py", line 3, in process
serving.repository.errors.UserError: {line}

During handling of the above exception, another exception occurred:

serving.repository.errors.UserError: {line} [while running 'Write-ptransform-12']
\tat org.apache.beam.runners"""
    for error in (RuntimeError(trace), UserError(f"{line} [while running 'Write']"), UserError(line)):
        assert said_by_a_worker(error) == line
    assert not said_by_a_worker(RuntimeError("the engine is gone [while running 'Write']"))


def _refusal(home, out, *arguments):
    command = ["generate", "--home", home, "--out", out, *arguments]
    done = CliRunner().invoke(cli, list(map(str, command)))
    assert done.exit_code
    return done.output + str(done.exception)
