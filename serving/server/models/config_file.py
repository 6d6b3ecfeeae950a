"""models.config: TensorFlow Serving's ModelServerConfig as a text proto, read again whenever its content changes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from serving.repository import contract
from serving.repository.errors import UserError
from serving.repository.models_config import parse_models_config
from serving.server.models.model_config import ModelConfig, from_list, from_proto

if TYPE_CHECKING:
    from tensorflow_serving.config.model_server_config_pb2 import ModelConfigList

_LOGGER = logging.getLogger("forger.serving")
_MAX_BYTES = 2**20


class ConfigFile:
    """A ModelServerConfig on disk that may change while a server runs."""

    def __init__(self, path: Path, interpret: Callable[[ModelConfigList | None], list[ModelConfig]]) -> None:
        """Prepare; nothing is read before `read`.

        Args:
            path: The file.
            interpret: Makes models of the file's list; given None where there is no file.
        """
        self.path, self._interpret = path, interpret
        self._seen: bytes | None = None

    def read(self) -> list[ModelConfig]:
        """Read the models that the file lists.

        Raises:
            UserError: It cannot be read, or is no ModelServerConfig with a model_config_list.
        """
        self._seen = self._content()
        return self._models(self._seen)

    def changed(self) -> list[ModelConfig] | None:
        """Read the models if the content is another than at the last look; a broken file is logged once and changes nothing."""
        try:
            content = self._content()
            if content == self._seen:
                return None
            self._seen = content
            return self._models(content)
        except (UserError, OSError) as error:
            _LOGGER.error("%s; what is served stays", error)
            return None

    def _content(self) -> bytes | None:
        try:
            with self.path.open("rb") as file:
                return file.read(_MAX_BYTES + 1)
        except FileNotFoundError:
            return None

    def _models(self, content: bytes | None) -> list[ModelConfig]:
        if content is None:
            return self._interpret(None)
        if len(content) > _MAX_BYTES:
            raise UserError(f"{self.path} is larger than {_MAX_BYTES} bytes")
        config = parse_models_config(self.path, content)
        if config.WhichOneof("config") != "model_config_list":
            raise UserError(f"{self.path} has no model_config_list")
        try:
            return self._interpret(config.model_config_list)
        except UserError as error:
            raise UserError(f"{self.path}: {error}") from error


def beside(model: ModelConfig) -> ConfigFile:
    """The models.config beside a model base, as Forger's push writes it: it decides versions and labels of that one model.

    Its base_path does not count, because the directory may be mounted elsewhere. Without a file or an entry of that name the
    newest version is served, without labels.
    """

    def interpret(listed: ModelConfigList | None) -> list[ModelConfig]:
        entry = next((one for one in listed.config if one.name == model.name), None) if listed else None
        if entry is None:
            return [model]
        found = from_proto(entry, model.base.parent)
        return [ModelConfig(model.name, model.base, found.policy, found.labels)]

    return ConfigFile(model.base.parent / contract.MODELS_CONFIG_FILE, interpret)


def standalone(path: Path) -> ConfigFile:
    """A models.config that lists every model of a server; relative base paths are relative to the file's directory."""

    def interpret(listed: ModelConfigList | None) -> list[ModelConfig]:
        if listed is None:
            raise UserError("there is no such file: name another with --model-config-file")
        if not listed.config:
            raise UserError("it lists no model")
        return from_list(listed, path.absolute().parent)

    return ConfigFile(path, interpret)
