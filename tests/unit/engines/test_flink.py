"""What is asked of a Flink cluster before a run: a stand-in for its REST API answers here, the real one in tests/scale."""

import json
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipeline.engines.base import BEAM_VERSION
from pipeline.engines.flink import FLINK_VERSION, cancel_jobs, check_cluster
from pipeline.engines.job_server import check_jar
from pipeline.engines.options import resolve_engine
from serving.repository.errors import UserError


@pytest.fixture
def rest():
    """A REST API; what it answers is in `answers`, what it was asked to change in `changes`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self._answer(server.answers.get(self.path))

        def do_PATCH(self):
            server.changes.append(self.path)
            job = self.path.split("?")[0]
            server.answers[job] = {"state": "CANCELED"}
            self._answer({})

        def _answer(self, content):
            self.send_response(200 if content is not None else 404)
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.changes = []
        server.answers = {
            "/v1/config": {"flink-version": f"{FLINK_VERSION}.5"},
            "/v1/jobmanager/config": [{"key": "rest.port", "value": "8081"}],
            "/v1/overview": {"slots-total": 2},
        }
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def jar(tmp_path):
    """A job server as far as its release marks go."""

    def make(beam=BEAM_VERSION, flink=f"{FLINK_VERSION}.0"):
        path = tmp_path / f"job-server-{beam}.jar"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("org/apache/beam/sdk/sdk.properties", f"# a licence\nversion={beam}\nsdk_version={beam}\n")
            if flink:
                archive.writestr(".flink-runtime.version.properties", f"project.version={flink}\n")
        return path

    return make


def engine(rest, jar, **changes):
    master = f"127.0.0.1:{rest.server_address[1]}"
    return resolve_engine("flink", **{"flink_master": master, "flink_job_server_jar": jar, **changes})


def test_a_cluster_that_fits(rest, jar):
    chosen = engine(rest, jar(), beam_parallelism=2)
    check_jar(chosen)
    check_cluster(chosen)


def test_an_unreachable_master(rest, jar):
    with pytest.raises(UserError, match=r"no Flink answers at 127\.0\.0\.1:9 \(.*refused.*\): start it, or name another"):
        check_cluster(engine(rest, jar(), flink_master="127.0.0.1:9"))


def test_a_master_that_is_no_flink(rest, jar):
    rest.answers.clear()
    with pytest.raises(UserError, match="no Flink answers at"):
        check_cluster(engine(rest, jar()))


def test_a_missing_or_broken_job_server(rest, tmp_path):
    with pytest.raises(UserError, match=r"there is no job server .*/none\.jar: fetch it with `mvn dependency:get .*:2\."):
        check_jar(engine(rest, tmp_path / "none.jar"))
    (tmp_path / "broken.jar").write_text("not a zip")
    with pytest.raises(UserError, match=r"broken\.jar is not a job server of Beam"):
        check_jar(engine(rest, tmp_path / "broken.jar"))
    with zipfile.ZipFile(tmp_path / "other.jar", "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", "")
    with pytest.raises(UserError, match=r"other\.jar is not a job server of Beam"):
        check_jar(engine(rest, tmp_path / "other.jar"))


def test_a_job_server_of_another_beam(rest, jar):
    with pytest.raises(UserError, match=rf"is a job server of Beam 2\.50\.0, but this is Beam {BEAM_VERSION}: "):
        check_jar(engine(rest, jar(beam="2.50.0")))
    check_jar(engine(rest, jar(beam="2.50.0"), beam_allow_skew=True))


def test_a_cluster_of_another_flink(rest, jar):
    rest.answers["/v1/config"] = {"flink-version": "1.18.1"}
    for flink in (f"{FLINK_VERSION}.0", ""):
        with pytest.raises(UserError, match=rf"is Flink 1\.18\.1, but .* is for Flink {FLINK_VERSION}: "):
            check_cluster(engine(rest, jar(flink=flink)))
    check_cluster(engine(rest, jar(), beam_allow_skew=True))


def test_too_few_slots_unless_the_cluster_grows(rest, jar):
    with pytest.raises(UserError, match="has 2 task slots, --beam-parallelism asks for 3"):
        check_cluster(engine(rest, jar(), beam_parallelism=3))
    rest.answers["/v1/jobmanager/config"].append({"key": "kubernetes.cluster-id", "value": "c"})
    check_cluster(engine(rest, jar(), beam_parallelism=3))


def test_before_a_run_all_is_checked_and_an_earlier_runs_jobs_end_and_after_it_its_own(rest, jar):
    rest.answers["/v1/jobs/overview"] = {"jobs": [{"jid": "a", "name": "forger-1-gate", "state": "RUNNING"}]}
    chosen = engine(rest, jar())
    chosen.check("forger-1")
    assert rest.changes == ["/v1/jobs/a?mode=cancel"]
    chosen.end_jobs("forger-1")
    assert rest.changes == ["/v1/jobs/a?mode=cancel"] * 2
    rest.answers.clear()
    chosen.end_jobs("forger-1")  # a cluster that is gone: the run's own error says more
    with pytest.raises(UserError, match="no Flink answers"):
        chosen.check("forger-1")
    with pytest.raises(UserError, match="there is no job server"):
        engine(rest, jar().with_name("none.jar")).check("forger-1")


def test_only_live_jobs_of_this_home_are_cancelled(rest, jar):
    states = {"a": ("forger-1-gate", "RUNNING"), "b": ("forger-1-gate", "FINISHED"), "c": ("forger-2-gate", "RUNNING")}
    rest.answers["/v1/jobs/overview"] = {
        "jobs": [{"jid": jid, "name": name, "state": state} for jid, (name, state) in states.items()]
    }
    assert cancel_jobs(engine(rest, jar()), "forger-1") == ["forger-1-gate"]
    assert rest.changes == ["/v1/jobs/a?mode=cancel"]
