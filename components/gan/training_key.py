"""The identity of a training: equal keys mean equal weights on one kind of device, from examples in one order.

The order is the data's own where examples are written on one machine; a cluster writes them in whatever order.
"""

from __future__ import annotations

import hashlib
import json

from components.gan.settings import GanSettings
from components.shape import ImageShape

# What may change without a change of the weights.
_WITHOUT_EFFECT = {"checkpoint_every", "sample_every"}
# The sources that decide the weights or the exported signatures.
SOURCES = ("components/gan", "components/transform", "components/shape.py", "serving/repository/contract.py")


def make_training_key(
    settings: GanSettings, dataset: str, train_split: str, data_digest: str, shape: ImageShape, background: str, code_hash: str
) -> str:
    """Hash all that decides a training's weights, as SHA-256 in hex."""
    decisive = {
        "settings": settings.model_dump(exclude=_WITHOUT_EFFECT),
        "data": [dataset, train_split, data_digest, shape, background],
        "code": code_hash,
    }
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()
