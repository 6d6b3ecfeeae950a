"""What the networks of every recipe take, and the dtype that images keep."""

from __future__ import annotations

import keras

from components.gan.settings import GanSettings
from components.shape import ImageShape


def generator_inputs(settings: GanSettings) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Return the symbolic inputs latent, float32 [N, Z], and label, int64 [N]."""
    return _input([settings.latent_size], "float32", "latent"), _input([], "int64", "label")


def discriminator_inputs(shape: ImageShape) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Return the symbolic inputs image, float32 [N, H, W, C] in [-1, 1], and label, int64 [N]."""
    return _input(shape, "float32", "image"), _input([], "int64", "label")


def image_dtype(policy: str) -> str:
    """Return the dtype of generated images: float32 even where bfloat16 trains, whose 8 bits are as coarse as the pixels."""
    return "float64" if policy == "float64" else "float32"


def _input(shape: tuple[int, ...] | list[int], dtype: str, name: str) -> keras.KerasTensor:
    return keras.Input(shape, dtype=dtype, name=name)
