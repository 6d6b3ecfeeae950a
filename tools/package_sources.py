"""Where packages come from: pip's own settings (indexes, proxy, certificates), handed to pip and to uv, and none of its others.

A company tells pip of its index and its proxy, in pip.conf or the environment. uv, which installs the lock, reads neither.
What a user has set for packages of their own (`user`, `target`, `prefix`, ...) must not move ours out of `.venv`.
"""

from __future__ import annotations

import json
import math
import os
import ssl
import subprocess
from pathlib import Path
from typing import Any

# pip's settings that say where packages come from, by their names in its environment.
_PLACES = {
    "index_url": "INDEX_URL",
    "extra_index_urls": "EXTRA_INDEX_URL",
    "find_links": "FIND_LINKS",
    "no_index": "NO_INDEX",
    "trusted_hosts": "TRUSTED_HOST",
    "proxy": "PROXY",
    "cert": "CERT",
    "client_cert": "CLIENT_CERT",
    "timeout": "DEFAULT_TIMEOUT",
    "retries": "RETRIES",
    "keyring_provider": "KEYRING_PROVIDER",
    "features_enabled": "USE_FEATURE",
    "cache_dir": "CACHE_DIR",
}
# uv's own that say the same, or how to fetch. The others may change what is installed, or where.
_UV_INDEXES = ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL")
_UV_KEPT = (
    *_UV_INDEXES, "UV_FIND_LINKS", "UV_INSECURE_HOST", "UV_KEYRING_PROVIDER", "UV_SYSTEM_CERTS", "UV_NATIVE_TLS", "UV_HTTP_",
    "UV_REQUEST_TIMEOUT", "UV_CONCURRENT_", "UV_CACHE_DIR", "UV_NO_CACHE", "UV_LINK_MODE", "UV_OFFLINE",
    "UV_NO_CONFIG", "UV_CONFIG_FILE",
)  # fmt: skip
_UV_TIMEOUT_S = 30  # its default
# `pip config list` leaves the file out that PIP_CONFIG_FILE names; the command's own defaults don't.
_ASK_PIP = """
import json, sys
from pip._internal.commands import create_command
print(json.dumps({name: value for name, value in vars(create_command("install").parser.get_default_values()).items()
                  if name in sys.argv[1:]}))
"""


def ask_pip(python: Path) -> dict[str, Any]:
    """Read pip's settings of where packages come from, as pip itself would.

    Args:
        python: An interpreter that has pip.

    Raises:
        ValueError: They can't be read; the message is pip's.
    """
    done = subprocess.run([python, "-c", _ASK_PIP, *_PLACES], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError((done.stderr.strip() or done.stdout.strip()).replace("\n", " "))
    return json.loads(done.stdout.splitlines()[-1])


def environment_of_pip(found: dict[str, Any]) -> dict[str, str]:
    """Return an environment in which pip knows these settings and no others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    for name, variable in _PLACES.items():
        if value := found.get(name):
            kept[f"PIP_{variable}"] = " ".join(value) if isinstance(value, list) else str(int(value) if value is True else value)
    return {**kept, "PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def environment_of_uv(found: dict[str, Any]) -> dict[str, str]:
    """Return an environment in which uv knows them too; what the user has told uv itself comes first."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("UV_") or name.startswith(_UV_KEPT)}
    told: dict[str, str] = {"UV_HTTP_TIMEOUT": str(max(_UV_TIMEOUT_S, math.ceil(found.get("timeout") or 0)))}
    if not any(name.startswith(_UV_INDEXES) for name in kept):
        told["UV_DEFAULT_INDEX"] = found["index_url"]
        if found.get("extra_index_urls"):
            # To pip all indexes are one; the lock's hashes say that a package is the right one, wherever it is from.
            told |= {"UV_EXTRA_INDEX_URL": " ".join(found["extra_index_urls"]), "UV_INDEX_STRATEGY": "unsafe-best-match"}
    if links := [link for link in found.get("find_links") or [] if "://" in link or os.path.exists(link)]:
        told["UV_FIND_LINKS"] = ",".join(links)
    if hosts := found.get("trusted_hosts"):
        told["UV_INSECURE_HOST"] = " ".join(hosts)
    if found.get("keyring_provider") == "subprocess":
        told["UV_KEYRING_PROVIDER"] = "subprocess"
    if client := found.get("client_cert"):
        told["SSL_CLIENT_CERT"] = client
    if ssl.get_default_verify_paths().cafile:
        told["UV_SYSTEM_CERTS"] = "1"
    if known := next((kept[name] for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE") if kept.get(name)), ""):
        told["SSL_CERT_DIR" if os.path.isdir(known) else "SSL_CERT_FILE"] = known
    kept = {**told, **kept}
    # These two go before the environment's, as with pip.
    if cert := found.get("cert"):
        kept.pop("SSL_CERT_DIR", None)
        kept["SSL_CERT_DIR" if os.path.isdir(cert) else "SSL_CERT_FILE"] = cert
    if proxy := found.get("proxy"):
        url = proxy if "://" in proxy else f"http://{proxy}"
        kept |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), url)
    return kept


def flags_of_uv(found: dict[str, Any]) -> list[str]:
    """Return what uv takes by no variable."""
    return ["--no-index"] if found.get("no_index") else []
