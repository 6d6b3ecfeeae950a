"""Pictures of a run."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

from components.gan.training.journal_files import read_samples
from components.gan.training.outcome import read_outcome
from serving.repository.durable import replacing

_MARGIN, _CAPTION = 12, 24  # pixels


def make_pictures(training: Path, directory: Path) -> dict[str, str]:
    """Draw a training's first sample grid beside that of the average that it exports.

    Args:
        training: The journal's directory.
        directory: Where the pictures go; made if missing.

    Returns:
        Paths by what they show; empty where the training kept no samples.
    """
    grids = list(read_samples(training).items())
    if not grids:
        return {}
    directory.mkdir(parents=True, exist_ok=True)
    outcome = read_outcome(training)
    last = next((grid for grid in grids if outcome and grid[0] == outcome.step), grids[-1])  # what is exported
    ends = [(step, Image.open(path)) for step, path in (grids[0], last)]
    width, height = ends[0][1].size
    white = {"L": 255, "RGB": (255, 255, 255)}[ends[0][1].mode]
    sheet = Image.new(ends[0][1].mode, (2 * width + 3 * _MARGIN, height + _CAPTION + 2 * _MARGIN), white)
    for column, (step, image) in enumerate(ends):
        left = _MARGIN + column * (width + _MARGIN)
        ImageDraw.Draw(sheet).text((left, _MARGIN // 2), f"after step {step:,}", fill=0, font_size=18)
        sheet.paste(image, (left, _MARGIN + _CAPTION))
    target = directory / "first_and_last.png"
    with replacing(target) as file:
        sheet.save(file, format="PNG")
    return {"first and last sample": str(target)}
