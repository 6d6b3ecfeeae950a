import os

from components.progress import log_note
from pipeline.terminal.console import capture_logs, make_console
from pipeline.terminal.run import RunView


def test_what_users_should_see_is_not_lost_in_the_log(capfd, tmp_path):
    with capture_logs(tmp_path / "log", RunView(make_console(stderr=True)), debug=False):
        log_note("a line for the user")
        os.write(2, b"a native library's line\n")
    shown = capfd.readouterr()
    assert "a line for the user" in shown.err
    assert "native" not in shown.err
    assert "native" in (tmp_path / "log").read_text("utf-8")
    assert not shown.out
