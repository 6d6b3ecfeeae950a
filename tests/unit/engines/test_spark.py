"""What is looked at before a run on Spark; a real cluster answers in tests/scale."""

import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pipeline.engines import spark
from pipeline.engines.base import BEAM_VERSION, job_prefix
from pipeline.engines.job_server import check_jar
from pipeline.engines.options import resolve_engine
from pipeline.engines.spark import spark_mark
from serving.repository.errors import UserError
from tests.support.waiting import wait_until


def test_a_master_that_answers_and_one_that_does_not(monkeypatch):
    monkeypatch.setattr(spark.shutil, "which", lambda _: "/usr/bin/java")
    with socket.create_server(("127.0.0.1", 0)) as master:
        address = f"spark://127.0.0.1:{master.getsockname()[1]}"
        spark.check_master(resolve_engine("spark", spark_master=address))
    with pytest.raises(
        UserError, match=rf"no Spark answers at {address} \(.*refused.*\): start it, or name another with --spark"
    ):
        spark.check_master(resolve_engine("spark", spark_master=address))


def test_a_machine_without_java(monkeypatch):
    monkeypatch.setattr(spark.shutil, "which", lambda _: None)
    with pytest.raises(UserError, match="starts Beam's job server here, which needs Java"):
        spark.check_master(resolve_engine("spark", spark_master="spark://127.0.0.1:9"))


def test_a_missing_job_server_names_its_own_option(tmp_path):
    engine = resolve_engine("spark", spark_master="spark://s:7077", spark_job_server_jar=tmp_path / "none.jar")
    with pytest.raises(
        UserError, match=rf"none\.jar: .*beam-runners-spark-3-job-server:{BEAM_VERSION}`, .* --spark-job-server-jar"
    ):
        check_jar(engine)


def test_before_a_run_job_server_and_master_are_checked(tmp_path, monkeypatch):
    monkeypatch.setattr(spark.shutil, "which", lambda _: "/usr/bin/java")
    jar = tmp_path / "job-server.jar"
    chosen = resolve_engine("spark", spark_master="spark://127.0.0.1:9", spark_job_server_jar=jar)
    with pytest.raises(UserError, match="there is no job server"):
        chosen.check("forger-1")
    with zipfile.ZipFile(jar, "w") as archive:
        archive.writestr("org/apache/beam/sdk/sdk.properties", f"version={BEAM_VERSION}\n")
    with pytest.raises(UserError, match="no Spark answers"):
        chosen.check("forger-1")


def words(pid):
    """What a process was called with; none of one that has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except FileNotFoundError:
        return []


def test_what_a_killed_run_left_ends_and_nothing_else(tmp_path):
    mine, other = (spark_mark(job_prefix(tmp_path / name)) for name in ("mine", "other"))
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    # What a killed run left has lost its parent; a child of this process stands for this run's own job server.
    leave = "import subprocess as s, sys; print(s.Popen(sys.argv[1:], stdout=s.DEVNULL).pid)"
    parent = subprocess.run([sys.executable, "-c", leave, *sleep, mine], stdout=subprocess.PIPE, check=True)
    left = int(parent.stdout)
    kept = [subprocess.Popen([*sleep, mark]) for mark in (mine, other)]
    try:
        wait_until(lambda: mine in words(left) and mine in words(kept[0].pid) and other in words(kept[1].pid))
        assert spark.end_job_servers(job_prefix(tmp_path / "mine")) == 1
        wait_until(lambda: mine not in words(left), 10)
        assert [each.poll() for each in kept] == [None, None]
    finally:
        for each in kept:
            each.kill()
            each.wait()
