"""The life of a home: first push, no-op, changes, a refused candidate. The tests build on one another, in this order."""

import json
import shutil
import subprocess

import numpy as np
import tensorflow_datasets as tfds
from ml_metadata.metadata_store.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2

from serving.repository import contract
from serving.repository.layout import list_versions
from tests.e2e.conftest import FORGER, new_session

ALL = {
    "TfdsExampleGen", "ImportSchemaGen", "StatisticsGen", "FatalExampleValidator", "Transform", "JudgeTrainer", "GanTrainer",
    "GateCalibrator", "Baseline", "Gate", "GeneratorInfraValidator", "GeneratorPusher",
}  # fmt: skip


def ran(session) -> set[str]:
    return {node for node, outcome in session.outcomes.items() if outcome == "ran"}


def test_the_first_run_pushes_a_version(session):
    done = session.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert ran(session) == ALL
    assert list_versions(session.base) == [1]
    assert "training the generator: 60/60 steps" in done.stdout
    assert "no baseline" in done.stdout
    assert f"pushed: version 1, {session.base / '1'}" in done.stdout
    assert "forger sample --out" in done.stdout
    metadata = json.loads((session.base / "1" / contract.METADATA_FILE).read_text())
    run = session.status["last_run"]
    assert metadata[contract.META_RUN_ID] == run["run_id"]
    assert metadata[contract.META_GATE]["blessed"]
    assert metadata[contract.META_CLASS_NAMES] == [str(digit) for digit in range(10)]
    assert metadata[contract.META_CONFIG] == run["config"]["gan"]
    report = session.home / "reports" / run["run_id"] / "report.html"
    assert f"report: {report}" in done.stdout
    assert "Blessed and pushed: version 1" in report.read_text()


def test_the_generator_saw_the_datasets_own_images(session, mnist):
    from components.transform.examples import read_examples

    (files,) = (session.home / "pipeline_root" / "Transform" / "transformed_examples").iterdir()
    images, labels = read_examples([str(files / "Split-train" / "*")])
    builder = tfds.builder_from_directory(mnist.directory)
    original = list(builder.as_dataset(split="train[:1500]", as_supervised=True).as_numpy_iterator())
    expected = {(image.tobytes(), int(label)) for image, label in original}
    assert {(image.tobytes(), int(label)) for image, label in zip(images, labels, strict=True)} == expected


def test_an_unchanged_rerun_does_nothing(session):
    done = session.run()
    assert f"as before: version 1, {session.base / '1'}" in done.stdout
    assert done.returncode == 0
    assert set(session.outcomes) == ALL
    assert ran(session) == set()
    assert list_versions(session.base) == [1]


def test_a_moved_home_is_the_same_home(session):
    old, record = session.home, session.status["last_run"]
    session.home = old.rename(old.with_name("moved ü"))
    done = session.run()
    assert done.returncode == 0, done.stderr
    assert ran(session) == set()
    report = session.home / "reports" / session.status["last_run"]["run_id"] / "report.html"
    assert report.read_text(encoding="utf-8").count("data:image") > 10
    assert str(old) not in (session.home / "serving" / "models.config").read_text(encoding="utf-8")
    assert session.status["last_run"]["pushed_version"] == record["pushed_version"]
    session.home = session.home.rename(old)


def test_usefulness_is_measured_where_asked_for_and_gates_where_limited(session):
    few = {"usefulness__enabled": "true", "usefulness__images": 300, "usefulness__test_images": 200, "usefulness__steps": 20}
    done = session.run(**few)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ran(session) == {"Usefulness", "GeneratorInfraValidator", "GeneratorPusher"}
    assert "usefulness: a classifier trained on 300 generated images is right on" in done.stdout
    run = session.status["last_run"]
    assert run["usefulness"]["training"]["images"] == 300
    assert (
        "two-sample test"
        in subprocess.run([FORGER, "status", "--home", str(session.home)], capture_output=True, text=True, check=True).stdout
    )
    refused = session.run(**few, usefulness__max_error_ratio=1e-6)
    assert refused.returncode == 1
    assert ran(session) == {"Usefulness", "GeneratorInfraValidator", "GeneratorPusher"}
    assert session.status["last_run"]["reason"].startswith("not useful enough: a classifier trained on the generated images")
    assert list_versions(session.base) == [1]


def test_a_version_that_was_deleted_is_pushed_again_without_training(session):
    shutil.rmtree(session.base)
    done = session.run()
    assert done.returncode == 0, done.stdout
    assert ran(session) == {"GeneratorPusher"}
    assert list_versions(session.base) == [1]


def test_digits_are_drawn_alike_from_disk_twice(session, tmp_path):
    drawn = []
    for name in ("a.npy", "b.npy"):
        out, labels = tmp_path / name, tmp_path / f"labels_{name}"
        command = [
            FORGER,
            "sample",
            "--model",
            session.base,
            "--count",
            "12",
            "--digit",
            "7",
            "--out",
            out,
            "--labels-out",
            labels,
        ]
        subprocess.run([str(part) for part in command], check=True, capture_output=True)
        drawn.append(np.load(out))
        assert (np.load(labels) == 7).all()
    assert drawn[0].shape == (12, 28, 28)
    assert drawn[0].dtype == np.uint8
    np.testing.assert_array_equal(*drawn)


def test_a_refused_candidate_leaves_what_is_served_and_says_why(session):
    before = {path: path.read_bytes() for path in session.base.rglob("*") if path.is_file()}
    done = session.run(gan__seed=2, gate__min_recall=0.999)
    assert done.returncode == 1, done.stdout + done.stderr
    assert ran(session) == {"GanTrainer", "Baseline", "Gate", "GeneratorInfraValidator", "GeneratorPusher"}
    assert "mode collapse" in done.stdout
    assert {path: path.read_bytes() for path in session.base.rglob("*") if path.is_file()} == before
    last = session.status["last_run"]
    assert last["state"] == "blocked"
    assert last["verdict"]["baseline_version"] == "1"
    assert "recall" in last["reason"]
    shown = subprocess.run([FORGER, "status", "--home", str(session.home)], capture_output=True, text=True, check=True).stdout
    assert "mode collapse" in shown
    assert "failed" in shown
    report = (session.home / "reports" / last["run_id"] / "report.html").read_text()
    assert "Refused: mode collapse" in report
    assert "served version 1" in report


def test_a_refusal_stays_a_refusal_without_work(session):
    done = session.run(gan__seed=2, gate__min_recall=0.999)
    assert done.returncode == 1
    assert ran(session) == set()


def test_changed_thresholds_run_only_the_gate_and_what_follows(session):
    done = session.run(gan__seed=2)
    assert done.returncode == 0, done.stdout
    assert ran(session) == {"Gate", "GeneratorInfraValidator", "GeneratorPusher"}
    assert list_versions(session.base) == [1, 2]
    verdict = json.loads((session.base / "2" / contract.METADATA_FILE).read_text())[contract.META_GATE]
    assert verdict["baseline_version"] == "1"
    assert any(check["kind"] == "change" and not check["ignored"] for check in verdict["checks"])


def test_the_history_is_what_happened(session):
    command = [FORGER, "history", "--json", "--home", str(session.home)]
    runs = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    became = [(run["state"], run["version"], run["is_new"]) for run in runs]
    assert became == [
        ("blessed", 2, True),
        ("blocked", None, False),
        ("blocked", None, False),
        ("blessed", 1, False),  # pushed again after it was deleted
        ("blocked", None, False),  # not useful enough
        ("blessed", 1, False),  # its usefulness measured
        ("blessed", 1, False),  # in a moved home
        ("blessed", 1, False),
        ("blessed", 1, True),
    ]
    assert {run["model"] for run in runs} == {"mnist_gan"}
    assert all(run["figures"]["frechet_ratio"] > 1 for run in runs)


def test_a_changed_judge_runs_the_judge_and_the_gate_but_no_training(session):
    done = session.run(gan__seed=2, judge__seed=8)
    assert done.returncode == 0, done.stdout
    assert "JudgeTrainer" in ran(session)
    assert "Gate" in ran(session)
    assert not ran(session) & {"GanTrainer", "Transform", "StatisticsGen", "TfdsExampleGen"}
    # The very model is pushed already.
    assert list_versions(session.base) == [1, 2]


def test_changed_data_run_everything_that_depends_on_them(session):
    done = session.run("--force-baseline", data__train_split="train[:1400]")
    assert done.returncode == 0, done.stdout
    # The schema is the same; what is served now differs, hence the baseline.
    assert ran(session) == ALL - {"ImportSchemaGen"}


def test_a_forced_baseline_is_recorded_in_the_verdict_and_in_mlmd(session):
    version = list_versions(session.base)[-1]
    verdict = json.loads((session.base / str(version) / contract.METADATA_FILE).read_text())[contract.META_GATE]
    assert verdict["forced_baseline"]
    assert (verdict["baseline_version"], verdict["served_version"]) == ("", "2")
    assert all(check["ignored"] for check in verdict["checks"] if check["kind"] == "change")
    connection = metadata_store_pb2.ConnectionConfig()
    connection.sqlite.filename_uri = str(session.home / "metadata.sqlite")
    evaluations = MetadataStore(connection).get_artifacts_by_type("ModelEvaluation")
    evaluation = max(evaluations, key=lambda artifact: artifact.id)
    assert evaluation.custom_properties["comparison"].string_value == "forced: not compared"
    assert evaluation.custom_properties["blessed"].int_value == 1


def test_an_unchanged_rerun_with_a_forced_baseline_does_nothing(session):
    done = session.run("--force-baseline", data__train_split="train[:1400]")
    assert done.returncode == 0, done.stdout
    assert ran(session) == set()


def test_the_smoke_profile_passes_its_own_gate(tmp_path, mnist):
    fresh = new_session(tmp_path / "home", mnist)
    done = subprocess.run(
        [FORGER, "run", "--profile", "smoke", "--home", str(fresh.home)], capture_output=True, text=True, timeout=580, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert list_versions(fresh.base) == [1]
