"""The options of TLS become what the client is told."""

from pathlib import Path

import cloup
import pytest
from click.testing import CliRunner

from pipeline.commands.connection import connection_options
from serving.client import ClientTls

A = Path("a.pem")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], None),
        (["--tls"], ClientTls()),
        (["--tls-ca", "a.pem"], ClientTls(A)),
        (["--tls-cert", "a.pem", "--tls-key", "a.pem"], ClientTls(None, A, A)),
    ],
)
def test_the_command_gets_them_as_one(words, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    A.touch()
    told = []

    @cloup.command()
    @cloup.option("--server")
    @connection_options()
    def ask(server, tls):
        told.append((server, tls))

    done = CliRunner().invoke(ask, ["--server", "h:1", *words])
    assert (done.exit_code, told) == (0, [("h:1", expected)]), done.output
