"""CONTRIBUTING's recipes work as printed: applied to a copy of the code, each does what it promises."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
_BLOCK = re.compile(r"^( *)`([^`\n]+)`:\n\n\1```(diff|python)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


def recipe(title: str) -> list[tuple[str, str, str]]:
    """The blocks of one recipe: language, file, text."""
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    section = re.search(rf"^### {title}\n(.*?)(?=^### |\Z)", page, re.MULTILINE | re.DOTALL)
    assert section, f"CONTRIBUTING.md has no recipe {title!r}"
    assert len(_BLOCK.findall(section[1])) == len(re.findall(r"^ *```(?:diff|python)", section[1], re.MULTILINE)), (
        "a block has no file"
    )
    return [(language, file, textwrap.dedent(body)) for _, file, language, body in _BLOCK.findall(section[1])]


def changed(text: str, diff: str) -> str:
    """Apply a diff without line numbers: hunks are parted by @@, and what a hunk looks for must be there exactly once."""
    for hunk in re.split(r"^@@\n", diff, flags=re.MULTILINE):
        lines = hunk.splitlines()
        before = "\n".join(line[1:] for line in lines if not line.startswith("+"))
        after = "\n".join(line[1:] for line in lines if not line.startswith("-"))
        assert text.count(before) == 1, f"to be found once, not {text.count(before)} times:\n{before}"
        text = text.replace(before, after)
    return text


@pytest.fixture
def apply(tmp_path):
    """Apply a recipe to a copy of the code; returns the copy."""
    for package in ("pipeline", "components", "serving", "tools"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py"):
        shutil.copy(ROOT / name, tmp_path)

    def applied(title: str) -> Path:
        blocks = recipe(title)
        assert blocks
        for language, name, body in blocks:
            file = tmp_path / name
            if language == "diff":
                file.write_text(changed(file.read_text("utf-8"), body), "utf-8")
            else:
                file.parent.mkdir(exist_ok=True)
                file.write_text(body, "utf-8")
        files = sorted({name for _, name, _ in blocks if name.endswith(".py")})
        run(tmp_path, "-m", "ruff", "check", *files)
        run(tmp_path, "-m", "ruff", "format", "--check", *files)
        return tmp_path

    return applied


def run(copy: Path, *words: str, check: bool = True) -> str:
    """Run Python in the copy; returns all it printed."""
    environment = {**os.environ, "PYTHONPATH": str(copy), "CUDA_VISIBLE_DEVICES": "", "COLUMNS": "400"}
    done = subprocess.run(
        [sys.executable, *words], cwd=copy, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def script(copy: Path, code: str) -> str:
    """Run a script in the copy, on the copy's packages."""
    return run(copy, "-c", f"import components; assert components.__file__.startswith({str(copy)!r})\n{textwrap.dedent(code)}")


FORGER = "import sys; from pipeline.cli import main; sys.argv[0] = 'forger'; main()"


def test_a_setting(apply):
    copy = apply("Add a setting")
    assert '"weight_decay": 0.01' in run(copy, "-c", FORGER, "run", "--dry-run", "--set", "judge.weight_decay=0.01")
    refused = run(copy, "-c", FORGER, "run", "--dry-run", "--set", "judge.weight_decay=2", check=False)
    assert "judge.weight_decay" in refused
    assert "Traceback" not in refused
    # It reaches the training: other weights come out.
    script(
        copy,
        """
        import numpy as np
        from components.judge.settings import JudgeSettings
        from components.judge.training import train_judge
        rng = np.random.default_rng(0)
        images, labels = rng.integers(0, 256, (40, 28, 28, 1), dtype=np.uint8), np.arange(40) % 4
        def weights(decay):
            settings = JudgeSettings(steps=2, batch_size=8, weight_decay=decay)
            return np.concatenate([value.ravel() for value in train_judge(images, labels, settings).get_weights()])
        assert np.array_equal(weights(0.001), weights(0.001))
        assert not np.array_equal(weights(0.001), weights(1.0))
        """,
    )


def test_a_figure(apply):
    copy = apply("Add a figure to the gate")
    script(
        copy,
        """
        import numpy as np
        from components.gate.combiners import quality
        from components.gate.combiners.rows import View, rows_of
        from components.gate.settings import GateSettings
        from components.gate.tfma.eval_config import make_eval_config
        from types import SimpleNamespace
        from components.gate.figures.frechet import Moments
        from pipeline.report.glossary import meaning

        rng, count = np.random.default_rng(0), 400
        labels = np.arange(count) % 2
        def view(shift):
            features = rng.normal(shift, 1, (count, 4)).astype(np.float32)
            one = np.ones(count, np.float32)
            return View(features, features, one, one, features, labels, one)
        real, generated, train = view(0), view(1), view(0)
        halves = tuple(Moments.of(train.features[half::2]) for half in range(2))
        quality.shared_train_reference = lambda place: SimpleNamespace(halves=lambda counts, second=False: halves)
        images = np.zeros((count, 4, 4, 1), np.uint8)
        combiner, found = quality.QualityCombiner("", 2, 4, 4), []
        for parts in (1, 3):
            accumulators = []
            rows = list(rows_of(real, labels, np.arange(count), generated, images, labels))
            for part in range(parts):
                accumulator = combiner.create_accumulator()
                for row in rows[part::parts]:
                    accumulator = combiner.add_input(accumulator, row)
                accumulators.append(accumulator)
            found.append(combiner.extract_output(combiner.merge_accumulators(accumulators))["mean_distance"])
        expected = float(((real.features.mean(0) - generated.features.mean(0)) ** 2).sum())
        assert np.allclose(found, expected, rtol=1e-4), (found, expected)
        assert "mean_distance" in quality.QUALITY_FIGURES

        def gated(limit):
            config = make_eval_config(GateSettings(max_mean_distance=limit), "mnist", ["a", "b"], "")
            return "mean_distance" in config.metrics_specs[0].per_slice_thresholds
        assert gated(1.0) and not gated(None)
        assert meaning("mean_distance").better == "low"
        """,
    )


def test_a_component(apply):
    copy = apply("Add a component")
    script(
        copy,
        """
        import dataclasses
        import tempfile
        from pathlib import Path
        import tensorflow as tf
        from tfx.types import standard_artifacts
        from components.class_check.executor import Executor
        from components.ingest.record import PreparedDataset
        from components.shape import ImageShape
        from pipeline.config import Config
        from pipeline.nodes import NODES
        from pipeline.pipeline import Places, create_components
        from serving.repository.errors import UserError

        prepared = PreparedDataset("mnist", "1", Path(), ("0", "1"), {}, {ImageShape(28, 28, 1): 1}, "", "")
        places = Places(**{field.name: "x" for field in dataclasses.fields(Places)} | {"baseline": ("", "")})
        nodes = create_components(Config(), prepared, places)
        assert tuple(node.id for node in nodes) == Config().nodes
        place = NODES.index("ClassCheck")
        assert NODES[place + 1] == "JudgeTrainer"
        assert nodes[place] in nodes[place + 1].upstream_nodes

        def check(labels):
            examples = standard_artifacts.Examples()
            examples.uri, examples.split_names = tempfile.mkdtemp(), '["train"]'
            folder = Path(examples.uri) / "Split-train"
            folder.mkdir()
            with tf.io.TFRecordWriter(str(folder / "a.gz"), "GZIP") as writer:
                for label in labels:
                    image = tf.train.Feature(bytes_list=tf.train.BytesList(value=[bytes(784)]))
                    number = tf.train.Feature(int64_list=tf.train.Int64List(value=[label]))
                    shape = tf.train.Feature(int64_list=tf.train.Int64List(value=[28, 28, 1]))
                    features = tf.train.Features(feature={"image": image, "label": number, "shape": shape})
                    writer.write(tf.train.Example(features=features).SerializeToString())
            Executor().Do({"examples": [examples]}, {}, {"classes": 3})

        check([0, 1, 2])
        try:
            check([0, 2])
        except UserError as error:
            assert "[1]" in str(error)
        else:
            raise AssertionError("a rare class went unnoticed")
        """,
    )
    compiled = copy / "pipeline.yaml"
    words = ("--image", "forger:1", "--pipeline-root", "gs://bucket/path", "--out", str(compiled))
    run(copy, "-c", FORGER, "kubeflow", "compile", *words)
    assert "ClassCheck" in compiled.read_text("utf-8")
    lint = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert lint.returncode == 0, lint.stdout


def test_a_dataset_needs_no_code():
    assert not recipe("Add a dataset")
    assert '"emnist/balanced"' in run(ROOT, "-c", FORGER, "run", "--dry-run", "--set", "data.dataset=emnist/balanced")
    script(
        ROOT,
        """
        import tempfile
        from pathlib import Path
        from components.ingest.settings import DataSettings
        from components.ingest.tfds_dataset import open_builder
        from serving.repository.errors import UserError

        builder, fields = open_builder(DataSettings(dataset="emnist/balanced"), Path(tempfile.mkdtemp()))
        assert builder.url_infos, "TFDS registers checksums, so it can be fetched"
        assert len(fields.class_names) == 47
        try:
            open_builder(DataSettings(dataset="iris"), Path(tempfile.mkdtemp()))
        except UserError as error:
            assert "no image feature" in str(error)
        else:
            raise AssertionError("a dataset without images was taken")
        """,
    )


def test_a_hunk_must_be_found_once():
    assert changed("a\nb\n", "+x\n b\n") == "a\nx\nb\n"
    with pytest.raises(AssertionError, match="not 0 times"):
        changed("a\n", "-b\n+c\n")
    with pytest.raises(AssertionError, match="not 2 times"):
        changed("a a\n", "-a\n+c\n")
