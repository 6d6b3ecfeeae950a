"""What `forger sample` does: the same images for the same seed, drawn here or by a server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.sampling.classes import class_number
from serving.client.images import check_names, write_images
from serving.client.rows import labels_for, seeds_for
from serving.repository.layout import model_name

if TYPE_CHECKING:
    from serving.client import ClientTls, GeneratorClient
    from serving.saved_model.generator import LocalGenerator


@dataclass(frozen=True)
class Drawn:
    """What was drawn, and where it is; the fields are those of `draw`."""

    count: int
    source: str
    seed: int
    first_row: int
    last_seed: int | None
    label: int | None
    out: Path
    labels_out: Path | None

    @property
    def line(self) -> str:
        """All of it for a person."""
        if self.last_seed is None:
            which = f"seed {self.seed}" + (f" from row {self.first_row}" if self.first_row else "")
        else:
            which = f"on the way from seed {self.seed} to seed {self.last_seed}"
        return f"{self.count} images from {self.source}, {which}: {self.out}"

    @property
    def facts(self) -> dict[str, Any]:
        """All of it for a program."""
        return {
            "images": self.count,
            "source": self.source,
            "seed": self.seed,
            "first_row": self.first_row,
            "to_seed": self.last_seed,
            "label": self.label,
            "out": str(self.out),
            "labels_out": None if self.labels_out is None else str(self.labels_out),
        }


def open_server(
    server: str, dataset: str, *, version: int | None, version_label: str | None, timeout: float, tls: ClientTls | None
) -> GeneratorClient:
    """A client of a running model server.

    Args:
        server: HOST:PORT.
        dataset: TFDS name, which names the servable.
        version: The version to draw from.
        version_label: Its label; without both, the newest that the server has.
        timeout: Seconds that one request may take.
        tls: TLS towards the server, None for none.

    Raises:
        ClientError: No address, TLS files that can't be read, or a version and a label.
    """
    from serving.client import GeneratorClient

    return GeneratorClient(server, model_name(dataset), timeout, version=version, label=version_label, tls=tls)


def draw(
    generator: GeneratorClient | LocalGenerator,
    source: str,
    *,
    count: int,
    label: str | None,
    seed: int,
    first_row: int,
    last_seed: int | None,
    out: Path,
    labels_out: Path | None,
) -> Drawn:
    """Draw images and write them.

    Args:
        generator: What draws.
        source: What the user calls it.
        count: How many images.
        label: Number or name of the class of all, or None for any class, drawn from each row's seed.
        seed: Decides every image.
        first_row: Number of the first of the seed's rows that are drawn.
        last_seed: Draw the way from the first image of `seed` to the first of this seed; None for images of `seed` alone.
        out: `.png` or `.npy`.
        labels_out: `.npy`, or None.

    Raises:
        UserError: The generator does not know the class, or the one on disk refuses.
        ClientError: The server can't be reached or refuses, or a file can't be written.
    """
    check_names(out, labels_out)
    number = None if label is None else class_number(label, getattr(generator, "class_names", None), source)
    if last_seed is None:
        images, drawn = generator.sample(seeds_for(seed, count, first=first_row), labels_for(number, count))
    else:
        first, last = (int(seeds_for(one, 1)[0]) for one in (seed, last_seed))
        images, drawn = generator.interpolate(first, last, count, number)
    write_images(out, images, drawn, labels_out)
    return Drawn(count, source, seed, first_row, last_seed, number, out, labels_out)
