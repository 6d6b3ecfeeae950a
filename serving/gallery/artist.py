"""Draw for the page: from the server's own gRPC port, as PNGs."""

from __future__ import annotations

import base64
import functools
import io
import time
from typing import TYPE_CHECKING, Any

from serving.client import GeneratorClient
from serving.client.images import grid, picture
from serving.gallery.queries import PathQuery, PictureQuery
from serving.repository import contract

if TYPE_CHECKING:
    import numpy as np


class Artist:
    """Draws from pinned versions of one model; safe to use from many threads."""

    def __init__(self, target: str, model_name: str) -> None:
        """Prepare; nothing is sent before the first draw.

        Args:
            target: HOST:PORT of the gRPC port.
            model_name: The servable's name.
        """
        self._target, self._model_name = target, model_name

    def images(self, version: int, query: PictureQuery) -> dict[str, Any]:
        """Draw images one by one.

        Returns:
            version, milliseconds (what the model server took) and images: for each its seed (a string: JavaScript's numbers end
            at 2**53), label and png (a data URL).

        Raises:
            ClientError: The model server's refusal.
        """
        began = time.perf_counter()
        images, labels = self._sample(version, query)
        milliseconds = (time.perf_counter() - began) * 1000
        drawn = [
            {"seed": str(query.seed + row), "label": int(label), "png": _data_url(picture(image))}
            for row, (image, label) in enumerate(zip(images, labels, strict=True))
        ]
        return {"version": version, "milliseconds": milliseconds, "images": drawn}

    def path(self, version: int, query: PathQuery) -> dict[str, Any]:
        """Draw the way from one seed to another, in the latent space.

        For any class the class is the one of the first seed: a path through two classes would be no path.

        Returns:
            version, milliseconds, label, and frames: a data URL for each step.

        Raises:
            ClientError: The model server's refusal.
        """
        client, began = self._client.at(version=version), time.perf_counter()
        label = query.label if query.label != contract.ANY_LABEL else int(client.sample([query.start], [query.label])[1][0])
        images, labels = client.interpolate(query.start, query.end, query.steps, None if label == contract.ANY_LABEL else label)
        milliseconds = (time.perf_counter() - began) * 1000
        frames = [_data_url(picture(image)) for image in images]
        return {"version": version, "milliseconds": milliseconds, "label": int(labels[0]), "frames": frames}

    def picture(self, version: int, query: PictureQuery) -> bytes:
        """Draw a PNG file: one image, or a sheet of several.

        Raises:
            ClientError: The model server's refusal.
            BadQuery: The file would be too large.
        """
        images, labels = self._sample(version, query)
        sheet = picture(images[0]) if query.count == 1 else grid(images, labels)
        return _png(sheet, query.size(sheet.shape[1], sheet.shape[0]))

    def _sample(self, version: int, query: PictureQuery) -> tuple[np.ndarray, np.ndarray]:
        seeds = [query.seed + row for row in range(query.count)]
        return self._client.at(version=version).sample(seeds, [query.label] * query.count)

    @functools.cached_property
    def _client(self) -> GeneratorClient:
        return GeneratorClient(self._target, self._model_name)


def _png(pixels: np.ndarray, size: tuple[int, int] | None = None) -> bytes:
    """A PNG file, scaled to a width and height where they are given."""
    from PIL import Image

    image, file = Image.fromarray(pixels), io.BytesIO()
    if size is not None:
        image = image.resize(size, Image.Resampling.NEAREST)
    image.save(file, format="PNG")
    return file.getvalue()


def _data_url(pixels: np.ndarray) -> str:
    return "data:image/png;base64," + base64.b64encode(_png(pixels)).decode()
