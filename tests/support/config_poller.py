"""What tensorflow_model_server does with its models.config, for tests of what writes that file.

Follows TensorFlow Serving's server_core.cc (ReloadConfig, UpdateModelVersionLabelMap): labels first, and a label that exists
moves only to a version that is available; a refused file changes nothing.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig


class ConfigPoller:
    """Polls a models.config and answers for its versions' states over REST, in threads; use it in `with`.

    Attributes:
        labels: (model, label) -> version, as in force.
        refused: Every refused change of a label, as (model, label, version).
        broken: Versions that don't load.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._available = path, set()
        self.labels: dict[tuple[str, str], int] = {}
        self.refused: list[tuple[str, str, int]] = []
        self.broken: set[int] = set()
        self._stop = threading.Event()
        poller = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                model, _, version = self.path.removeprefix("/v1/models/").partition("/versions/")
                state = "AVAILABLE" if (model, int(version)) in poller._available else "LOADING"
                body = json.dumps({"model_version_status": [{"version": version, "state": state}]}, indent=1).encode()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._http.server_port}/v1/models"
        self._threads = [threading.Thread(target=self._http.serve_forever), threading.Thread(target=self._poll)]

    def serving(self) -> set[tuple[str, int]]:
        """Models and versions that are loaded."""
        return set(self._available)

    def __enter__(self) -> ConfigPoller:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._http.shutdown()
        for thread in self._threads:
            thread.join()
        self._http.server_close()

    def _poll(self) -> None:
        while not self._stop.wait(0.05):
            if self._path.is_file():
                self._reload(text_format.Parse(self._path.read_text("utf-8"), ModelServerConfig()))

    def _reload(self, config: ModelServerConfig) -> None:
        labels = {
            (model.name, label): at for model in config.model_config_list.config for label, at in model.version_labels.items()
        }
        for (model, label), version in labels.items():
            moves = self.labels.get((model, label), version) != version
            if moves and (model, version) not in self._available:
                self.refused.append((model, label, version))
                return
        self.labels = labels
        self._available = {
            (model.name, version)
            for model in config.model_config_list.config
            for version in model.model_version_policy.specific.versions
            if version not in self.broken and (Path(model.base_path) / str(version) / "saved_model.pb").is_file()
        }
