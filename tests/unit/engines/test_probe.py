"""What is concluded from the workers' answers; workers of a real cluster answer in tests/scale."""

import platform

import pytest

from components.codehash import code_digest
from pipeline.engines.local import LocalEngine
from pipeline.engines.options import resolve_engine
from pipeline.engines.probe import _CODE, _PACKAGES, _cause, _compare, probe, ready, version
from serving.repository.errors import UserError

FLINK = resolve_engine("flink", flink_master="flink:8081")
GOOD = {
    "host": "worker-7",
    "python": platform.python_version(),
    "forger": code_digest(*_CODE),
    "packages": {name: version(name) for name in _PACKAGES},
    "with_forger": True,
}


def test_workers_like_this_process_pass_and_leave_nothing(tmp_path):
    probe(LocalEngine(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_this_machine_is_not_asked(tmp_path):
    with ready(LocalEngine(), tmp_path / "not there"):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("answers", "line"),
    [
        ([], "can't write .*: name a directory .* that every machine sees"),
        (
            [{**GOOD, "with_forger": False, "error": "ModuleNotFoundError: No module named 'components'"}],
            "worker-7 has no Forger",
        ),
        ([GOOD, {**GOOD, "error": "PackageNotFoundError: tfx"}], "worker-7 is incomplete .*tfx"),
        ([{**GOOD, "python": "3.12.1"}], r"worker-7 has Python 3\.12\.1, this is 3\.11"),
        ([{**GOOD, "packages": {**GOOD["packages"], "apache-beam": "2.60.0"}}], r"has apache-beam 2\.60\.0, this is"),
        ([{**GOOD, "forger": "other"}], "worker-7 has another Forger than this one: install there"),
    ],
)
def test_each_difference_has_its_line(answers, line, tmp_path):
    _compare([GOOD], FLINK, tmp_path)
    with pytest.raises(UserError, match=line):
        _compare(answers, FLINK, tmp_path)


def test_the_innermost_cause_of_a_java_trace_is_told():
    trace = (
        "Pipeline job-1 failed in state FAILED: org.apache.flink.JobException: no more attempts\n\tat a.b(C.java:1)\n"
        "Caused by: java.lang.RuntimeException: outer\n\tat d.e(F.java:2)\n"
        "Caused by: java.net.ConnectException: Connection refused\n\t... 3 more\n"
    )
    assert _cause(trace) == "ConnectException: Connection refused"
    assert _cause("Pipeline job-1 failed in state FAILED: java.io.IOException: no such file") == "IOException: no such file"
    assert _cause("one line\nanother") == "one line"
