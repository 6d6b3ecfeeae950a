"""From Go modules: kube-apiserver, built once and kept in the user's cache, and the CRDs that the manifests need."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

VERSION = "1.33.1"
# Module and the file in it. The last release of the operator whose module holds them where its own kustomization looks.
TFJOB_CRD = ("github.com/kubeflow/training-operator@v1.8.1", "manifests/base/crds/kubeflow.org_tfjobs.yaml")
MONITOR_CRD = (
    "github.com/prometheus-operator/prometheus-operator@v0.82.2",
    "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
)
_TOOLS = '//go:build tools\n\npackage tools\n\nimport _ "k8s.io/kubernetes/cmd/kube-apiserver"\n'
_STAGED = re.compile(r"^\s*(?:replace )?(k8s\.io/[a-z0-9-]+) => \./staging", re.MULTILINE)


def kube_apiserver() -> Path:
    """Return the server, built where it isn't yet: about ten minutes on two cores."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    directory = cache / "forger-tests" / f"kube-apiserver-{VERSION}"
    server = directory / "kube-apiserver"
    if not server.exists():
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "go.mod").write_text(_go_mod())
        (directory / "tools.go").write_text(_TOOLS)
        _go("mod", "tidy", "-e", cwd=directory)
        partial = directory / f"partial-{os.getpid()}"
        _go("build", "-trimpath", "-ldflags", "-s -w", "-o", str(partial), "k8s.io/kubernetes/cmd/kube-apiserver", cwd=directory)
        partial.replace(server)
    return server


def module_file(module: str, path: str) -> Path:
    """Return a file of a module, downloaded where it isn't yet."""
    return Path(_download(module)["Dir"]) / path


def _go_mod() -> str:
    """Make a module that requires Kubernetes: its own says that its parts lie beside it, which no module's zip holds."""
    text = Path(_download(f"k8s.io/kubernetes@v{VERSION}")["GoMod"]).read_text(encoding="utf-8")
    (go,) = re.findall(r"^go \S+$", text, re.MULTILINE)
    parts = "0" + VERSION.removeprefix("1")
    replaced = "\n".join(f"replace {name} => {name} v{parts}" for name in _STAGED.findall(text))
    return f"module apiserver\n\n{go}\n\nrequire k8s.io/kubernetes v{VERSION}\n\n{replaced}\n"


def _download(module: str) -> dict[str, str]:
    return json.loads(_go("mod", "download", "-json", module))


def _go(*arguments: str, cwd: Path | None = None) -> str:
    assert shutil.which("go"), "kube-apiserver is built with Go: install it (https://go.dev/dl)"
    done = subprocess.run(["go", *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"go {' '.join(arguments)}: {done.stderr[-2000:]}"
    return done.stdout
