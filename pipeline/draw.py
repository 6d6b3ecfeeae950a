"""What `forger sample` does: the same images for the same seed, drawn here or by a server."""

from __future__ import annotations

from pathlib import Path

from components.errors import UserError
from serving import contract
from serving.images import check_names, write_images
from serving.rows import labels_for, seeds_for


def draw(
    *,
    server: str | None,
    directory: Path,
    dataset: str,
    count: int,
    label: int | None,
    seed: int,
    out: Path,
    labels_out: Path | None,
) -> str:
    """Draw images and write them.

    Args:
        server: Address of a model server, or None to load `directory`.
        directory: A version directory or a model base.
        dataset: TFDS name, which names the servable.
        count: How many images.
        label: The class of all, or None for any class, drawn from each row's seed.
        seed: Decides every image.
        out: `.png` or `.npy`.
        labels_out: `.npy`, or None.

    Returns:
        One line that says what was written.

    Raises:
        UserError: The generator does not know the class.
        ServingError: Nothing to draw with, or a file that can't be written.
    """
    check_names(out, labels_out)
    if server:
        from serving.client import GeneratorClient

        generator = GeneratorClient(server, contract.model_name(dataset))
        classes = None
    else:
        from serving.local import LocalGenerator

        generator = LocalGenerator(directory)
        classes = len(generator.class_names)
    if label is not None and classes is not None and label >= classes:
        raise UserError(f"there is no class {label}: the generator in {directory} knows 0..{classes - 1}")
    images, drawn = generator.sample(seeds_for(seed, count), labels_for(label, count))
    write_images(out, images, drawn, labels_out)
    return f"{count} images from {server or directory}, seed {seed}: {out}"
