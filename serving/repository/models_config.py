"""models.config: TensorFlow Serving's ModelServerConfig as a text proto."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from serving.repository.errors import UserError

if TYPE_CHECKING:
    from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig


def parse_models_config(path: Path, content: bytes) -> ModelServerConfig:
    """Parse what a file holds; nothing at all is an empty one.

    Args:
        path: Where it came from.
        content: The text proto.

    Raises:
        UserError: It is no ModelServerConfig.
    """
    from google.protobuf import text_format
    from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

    try:
        return text_format.Parse(content.decode("utf-8"), ModelServerConfig())
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not a ModelServerConfig ({' '.join(str(error).split())})") from error
