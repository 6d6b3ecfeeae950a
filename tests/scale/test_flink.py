"""The pipeline on a real Flink cluster gives what it gives on one machine."""

from __future__ import annotations

import base64
import json
import re
import time
from collections import Counter
from pathlib import Path

import apache_beam as beam
import pytest
import tensorflow as tf
import tensorflow_data_validation as tfdv
from apache_beam.coders import VarIntCoder

from pipeline.engines.base import job_prefix
from pipeline.engines.options import resolve_engine
from pipeline.engines.probe import ready
from tests.scale.conftest import engine_flags
from tests.scale.downloads import is_stand_in
from tests.scale.site import make_site
from tests.support.waiting import wait_until

pytestmark = pytest.mark.scale
BEAM_NODES = ("TfdsExampleGen", "StatisticsGen", "Transform", "Gate")
RECORDS = {"train": 1500, "test": 500}  # of the settings that all tests here use


def jobs_of(cluster, name):
    """Jobs of a node or of the probe, oldest first."""
    return [job for job in cluster.jobs() if job["name"].endswith(f"-{name.lower()}")]


def element_counts(cluster, job) -> set[int]:
    """How many elements the collections of a job had, as its workers told Flink; a vertex counts only what passes its borders."""
    (metrics,) = cluster.get(f"jobs/{job['jid']}/accumulators")["user-task-accumulators"]
    counters = json.loads(metrics["value"])["metrics"]["attempted"]
    counts = [base64.b64decode(each["payload"]) for each in counters if each["urn"] == "beam:metric:element_count:v1"]
    return {VarIntCoder().decode(count) for count in counts}


def records(folder: Path) -> Counter:
    """The multiset of records in a folder's files."""
    files = [str(path) for path in sorted(folder.iterdir())]
    return Counter(tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator())


def parsed(serialized: bytes) -> tuple:
    """A tf.Example in a form that doesn't depend on the order of its map's entries."""
    features = tf.train.Example.FromString(serialized).features.feature
    return tuple((name, features[name].SerializeToString()) for name in sorted(features))


def statistics(file: Path):
    """TFDV's statistics, with the features in one order: Beam merges them in any."""
    (dataset,) = tfdv.load_stats_binary(str(file)).datasets
    return dataset.num_examples, sorted(feature.SerializeToString(deterministic=True) for feature in dataset.features)


def equal_figures(mine: dict, theirs: dict, tolerance: float) -> bool:
    """Compare the gate's figures; None stands for one that can't be computed of so few images."""
    numbers = [{name: value for name, value in some.items() if value is not None} for some in (mine, theirs)]
    return mine.keys() == theirs.keys() and numbers[0] == pytest.approx(numbers[1], rel=tolerance)


@pytest.fixture(scope="module")
def on_flink(cluster, place):
    """A home in which the whole pipeline has run on Flink, while its TaskManager was lost in the middle of Transform."""
    made = place("flink")
    with made.start(*engine_flags(cluster)) as process:
        deadline = time.monotonic() + 900

        def transforming():
            assert process.poll() is None and time.monotonic() < deadline, process.stdout.read()
            return [
                job
                for job in jobs_of(cluster, "Transform")
                if job["state"] == "RUNNING" and any(vertex["status"] == "RUNNING" for vertex in job["vertices"])
            ]

        wait_until(transforming, 900)
        cluster.kill_task_manager()
        cluster.start_task_manager()
        seen, _ = process.communicate(timeout=900)
    assert process.returncode == 0, seen
    return made


def test_every_beam_step_ran_on_the_cluster(on_flink, cluster):
    assert set(BEAM_NODES) < on_flink.ran
    for node in BEAM_NODES:
        jobs = jobs_of(cluster, node)
        assert jobs, node
        assert {job["state"] for job in jobs} == {"FINISHED"}, node
        vertices = [vertex for job in jobs for vertex in job["vertices"]]
        assert {vertex["status"] for vertex in vertices} == {"FINISHED"}
        assert any(vertex["metrics"]["read-records"] for vertex in vertices)
        splits = ("test",) if node == "Gate" else ("train", "test")
        assert {RECORDS[split] for split in splits} <= set().union(*(element_counts(cluster, job) for job in jobs)), node
        assert max(vertex["parallelism"] for vertex in vertices) == cluster.slots
    assert on_flink.last_run["state"] == "blessed"


def test_a_lost_task_manager_restarts_the_job(on_flink, cluster):
    restarted = [job for job in jobs_of(cluster, "Transform") if job["timestamps"]["RESTARTING"]]
    assert restarted
    assert all(job["state"] == "FINISHED" for job in restarted)


def test_statistics_and_examples_are_those_of_one_machine(on_flink, local):
    for split, count in RECORDS.items():
        examples = [records(home.output("TfdsExampleGen", "examples") / f"Split-{split}") for home in (on_flink, local)]
        assert examples[0] == examples[1]
        assert examples[0].total() == count
        transformed = [records(home.output("Transform", "transformed_examples") / f"Split-{split}") for home in (on_flink, local)]
        mine, theirs = (Counter(map(parsed, some.elements())) for some in transformed)
        assert mine == theirs
        assert mine.total() == count
        files = [home.output("StatisticsGen", "statistics") / f"Split-{split}" / "FeatureStats.pb" for home in (on_flink, local)]
        assert statistics(files[0]) == statistics(files[1])


def test_another_engine_keeps_what_is_done_and_the_gate_finds_the_same(local, cluster):
    before, began = local.last_run, time.time()
    code, seen = local.run(*engine_flags(cluster), gate__max_frechet_ratio=2e6)
    assert code == 0, seen
    assert local.ran == {"Gate", "GeneratorInfraValidator", "GeneratorPusher"}
    (job,) = [job for job in jobs_of(cluster, "Gate") if job["start-time"] > began * 1000]
    assert job["state"] == "FINISHED"
    verdict, there = before["verdict"], local.last_run["verdict"]
    assert len(verdict["figures"]) > 10
    assert equal_figures(there["figures"], verdict["figures"], 1e-6)
    assert there["per_class"].keys() == verdict["per_class"].keys()
    # Sums in another order: what chance leaves between the 50 images of a class is a small difference of large numbers.
    assert all(equal_figures(there["per_class"][name], figures, 1e-3) for name, figures in verdict["per_class"].items())


def test_a_run_that_ends_leaves_no_job(cluster, place):
    engine = resolve_engine(
        "flink",
        flink_master=cluster.master,
        flink_job_server_jar=cluster.job_server_jar,
        beam_workers=cluster.worker_pool,
        beam_allow_skew=is_stand_in(cluster.job_server_jar),
    )
    home = place("stopped").home
    with pytest.raises(KeyboardInterrupt), ready(engine, home):
        endless = beam.Pipeline(argv=engine.beam_args(f"{job_prefix(home)}-endless"))
        _ = endless | beam.Create([600]) | beam.Map(time.sleep)
        endless.run()
        wait_until(lambda: [job for job in jobs_of(cluster, "endless") if job["state"] == "RUNNING"], 120)
        raise KeyboardInterrupt
    assert [job["state"] for job in jobs_of(cluster, "endless")] == ["CANCELED"]
    assert not (home / "probe").exists()


def test_workers_without_forger_are_found_before_the_run(cluster, place, tmp_path):
    made = place("bare")
    with cluster.another_pool(make_site(tmp_path / "bare", forger=False)) as pool:
        code, seen = made.run(*engine_flags(cluster, beam_workers=pool))
    assert code == 2
    assert "has no Forger (ModuleNotFoundError: No module named 'components')" in seen
    assert not (made.home / "runs").exists() or not list((made.home / "runs").iterdir())


def test_a_pool_that_nobody_runs_is_found_before_the_run(cluster, place):
    made = place("nobody")
    code, seen = made.run(*engine_flags(cluster, beam_workers="127.0.0.1:9"))
    assert code == 2
    assert "the workers at 127.0.0.1:9 can't be started (ConnectException: " in seen


def test_what_does_not_fit_the_cluster_is_refused(cluster, place):
    made = place("misfit")
    code, seen = made.run(*engine_flags(cluster, beam_parallelism=99))
    assert (code, "has 2 task slots, --beam-parallelism asks for 99" in seen) == (2, True), seen
    code, seen = made.run(*engine_flags(cluster, flink_job_server_jar="/nowhere/job-server.jar"))
    assert (code, "there is no job server /nowhere/job-server.jar: fetch it with `mvn dependency:get" in seen) == (2, True), seen
    if is_stand_in(cluster.job_server_jar):
        code, seen = made.run(*engine_flags(cluster, beam_allow_skew=None))
        assert code == 2
        assert re.search(r"is a job server of Beam 2\.[\d.]+, but this is Beam", seen), seen
