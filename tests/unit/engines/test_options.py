"""The engines of the Beam steps: what the user may say, and what Beam is told."""

import json

import pytest
from apache_beam.options.pipeline_options import FlinkRunnerOptions, PipelineOptions
from click.testing import CliRunner

from pipeline.cli import cli
from pipeline.engines.base import BEAM_VERSION, job_prefix
from pipeline.engines.flink import FLINK_VERSION
from pipeline.engines.options import ENGINES, resolve_engine
from serving.repository.errors import UserError

FLINK = {"flink_master": "flink:8081"}
SPARK = {"spark_master": "spark://spark:7077"}
DATAFLOW = {"dataflow_project": "p", "dataflow_region": "europe-west4", "beam_temp": "gs://bucket/tmp", "beam_image": "forger:1"}


def options_of(runner, **chosen):
    """What Beam reads from an engine's arguments; an argument that it doesn't know fails."""
    arguments = resolve_engine(runner, **chosen).beam_args("job")
    known = PipelineOptions(arguments).get_all_options()
    for argument in arguments:
        assert argument.removeprefix("--").split("=")[0] in known, argument
    return known


def test_beam_has_the_locked_release_and_knows_the_flink_that_is_asked_for():
    import apache_beam

    assert apache_beam.__version__ == BEAM_VERSION
    assert FlinkRunnerOptions.PUBLISHED_FLINK_VERSIONS[-1] == FLINK_VERSION


def test_this_machine_alone():
    known = options_of("local")
    assert (known["runner"], known["direct_running_mode"], known["direct_num_workers"]) == ("FnApiRunner", "in_memory", 1)
    assert known["sdk_container_image"] == "none"


def test_flink_with_a_worker_pool():
    known = options_of("flink", **FLINK, beam_parallelism=4, beam_processes=2, flink_job_server_jar="/jars/server.jar")
    assert (known["runner"], known["flink_master"], known["flink_submit_uber_jar"]) == ("FlinkRunner", "http://flink:8081", True)
    assert (known["parallelism"], known["sdk_worker_parallelism"]) == (4, "2")
    assert (known["environment_type"], known["environment_config"]) == ("EXTERNAL", "localhost:50000")
    assert known["flink_job_server_jar"] == "/jars/server.jar"
    assert known["job_name"] == "job"


def test_the_job_server_is_looked_for_where_maven_keeps_it():
    jar = options_of("flink", **FLINK)["flink_job_server_jar"]
    assert jar.endswith(f"/beam-runners-flink-{FLINK_VERSION}-job-server-{BEAM_VERSION}.jar")
    assert options_of("spark", **SPARK)["spark_job_server_jar"].endswith(f"/beam-runners-spark-3-job-server-{BEAM_VERSION}.jar")


@pytest.mark.parametrize(("runner", "needed"), [("flink", FLINK), ("spark", SPARK)])
def test_beam_fuses_the_steps_itself_and_keeps_what_the_user_adds(runner, needed):
    assert options_of(runner, **needed)["experiments"] == ["pre_optimize=all"]
    more = options_of(runner, **needed, beam=("--experiments=other",))["experiments"]
    assert more == ["pre_optimize=all", "other"]


@pytest.mark.parametrize(
    ("chosen", "kind", "config"),
    [
        ({"beam_environment": "docker", "beam_image": "forger:1"}, "DOCKER", "forger:1"),
        ({"beam_environment": "process", "beam_workers": "/opt/boot"}, "PROCESS", json.dumps({"command": "/opt/boot"})),
        ({"beam_environment": "loopback"}, "LOOPBACK", None),
        ({"beam_workers": "10.0.0.1:5000"}, "EXTERNAL", "10.0.0.1:5000"),
    ],
)
@pytest.mark.parametrize(("runner", "needed"), [("flink", FLINK), ("spark", SPARK)])
def test_environments(runner, needed, chosen, kind, config):
    known = options_of(runner, **needed, **chosen)
    assert (known["environment_type"], known["environment_config"]) == (kind, config)


def test_spark():
    known = options_of("spark", **SPARK, spark_job_server_jar="/jars/spark.jar", beam_temp="/shared/tmp")
    assert (known["runner"], known["spark_master_url"]) == ("SparkRunner", "spark://spark:7077")
    assert (known["spark_job_server_jar"], known["temp_location"]) == ("/jars/spark.jar", "/shared/tmp")
    assert int(known["environment_cache_millis"]) > 60_000


def test_spark_takes_the_parallelism_as_its_cores():
    for chosen, told in (({}, []), ({"beam_parallelism": 3}, ["-Dspark.cores.max=3"])):
        properties = options_of("spark", **SPARK, **chosen)["job_server_jvm_properties"]
        assert [each for each in properties if "cores" in each] == told


def test_what_a_run_leaves_on_spark_is_told_by_its_home():
    arguments = [resolve_engine("spark", **SPARK).beam_args(f"forger-1a2b3c4d-{step}") for step in ("probe", "transform")]
    marks = [set(each) for each in arguments]
    assert marks[0] ^ marks[1] == {"--job_name=forger-1a2b3c4d-probe", "--job_name=forger-1a2b3c4d-transform"}
    assert "--job_server_jvm_properties=-Dforger.jobs=forger-1a2b3c4d" in arguments[0]


def test_dataflow():
    known = options_of("dataflow", **DATAFLOW, beam_parallelism=50)
    assert (known["runner"], known["project"], known["region"]) == ("DataflowRunner", "p", "europe-west4")
    assert (known["temp_location"], known["sdk_container_image"]) == ("gs://bucket/tmp", "forger:1")
    assert known["max_num_workers"] == 50


def test_a_further_argument_wins():
    assert options_of("local", beam=("--direct_num_workers=3",))["direct_num_workers"] == 3


@pytest.mark.parametrize(
    ("runner", "chosen", "line"),
    [
        ("flink", {}, "--beam-runner flink needs --flink-master"),
        ("flink", {"flink_master": "flink"}, "--flink-master must be HOST:PORT, not 'flink'"),
        ("flink", {"flink_master": "flink:many"}, "--flink-master must be HOST:PORT, not 'flink:many'"),
        ("flink", {**FLINK, "beam_parallelism": 0}, "--beam-parallelism: .* greater than or equal to 1, not 0"),
        ("flink", {"flink_master": "file://flink:8081"}, "--flink-master must be HOST:PORT, not 'file://flink:8081'"),
        ("flink", {**FLINK, "beam_workers": "pool"}, "--beam-workers must be HOST:PORT, not 'pool'"),
        ("flink", {**FLINK, "beam_environment": "docker"}, "docker needs --beam-image"),
        ("flink", {**FLINK, "beam_environment": "process"}, "process needs --beam-workers"),
        ("flink", {**FLINK, "beam_environment": "loopback", "beam_workers": "a:1"}, "--beam-workers is of no use"),
        ("flink", {**FLINK, "beam_environment": "cloud"}, "--beam-environment: .*, not 'cloud'"),
        ("flink", {**FLINK, **SPARK}, "--spark-master is for --beam-runner spark, not for flink"),
        ("local", FLINK, "--flink-master is for --beam-runner flink, not for local"),
        ("local", {"beam_parallelism": 2}, "--beam-parallelism is for --beam-runner flink or spark or dataflow"),
        ("local", {"beam": ("--runner=FlinkRunner",)}, "choose the engine with --beam-runner"),
        ("local", {"beam": ("direct_num_workers=2",)}, "a Beam argument starts with --"),
        ("spark", {"spark_master": "spark:7077"}, "--spark-master must be spark://HOST:PORT"),
        ("dataflow", {**DATAFLOW, "beam_temp": "/tmp"}, "gs://BUCKET/PATH, not '/tmp'"),
        ("dataflow", {**DATAFLOW, "beam_image": ""}, "--beam-runner dataflow needs --beam-image"),
        ("storm", {}, "choose one of local, flink, spark, dataflow"),
    ],
)
def test_what_is_wrong_is_named(runner, chosen, line):
    with pytest.raises(UserError, match=line):
        resolve_engine(runner, **chosen)


def test_every_field_is_an_option_of_the_command():
    shown = CliRunner().invoke(cli, ["run", "--help"]).output
    for kind in ENGINES.values():
        for name in kind.model_fields:
            assert f"--{name.replace('_', '-')} " in shown


def test_a_dry_run_shows_what_beam_is_told():
    shown = CliRunner().invoke(cli, ["run", "--dry-run", "--beam-runner", "flink", "--flink-master", "flink:8081"]).output
    assert "Beam on flink: --runner=FlinkRunner --flink_master=http://flink:8081" in " ".join(shown.split())


def test_jobs_of_two_homes_have_different_names(tmp_path):
    assert job_prefix(tmp_path / "a") != job_prefix(tmp_path / "b")
    assert job_prefix(tmp_path / "a") == job_prefix(tmp_path / "a")
