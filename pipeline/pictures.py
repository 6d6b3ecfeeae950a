"""Pictures of a run."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

from components.gan.journal import SAMPLES_DIR

_MARGIN, _CAPTION = 12, 24  # pixels


def make_pictures(training: Path, directory: Path) -> dict[str, str]:
    """Draw a training's first sample grid beside its last.

    Args:
        training: The journal's directory.
        directory: Where the pictures go; made if missing.

    Returns:
        Paths by what they show; empty where the training kept no samples.
    """
    grids = sorted((training / SAMPLES_DIR).glob("step_*.png"))
    if not grids:
        return {}
    directory.mkdir(parents=True, exist_ok=True)
    images = [Image.open(path) for path in (grids[0], grids[-1])]
    width, height = images[0].size
    sheet = Image.new("L", (2 * width + 3 * _MARGIN, height + _CAPTION + 2 * _MARGIN), 255)
    for column, (path, image) in enumerate(zip((grids[0], grids[-1]), images, strict=True)):
        left = _MARGIN + column * (width + _MARGIN)
        ImageDraw.Draw(sheet).text(
            (left, _MARGIN // 2), f"after step {int(path.stem.removeprefix('step_')):,}", fill=0, font_size=18
        )
        sheet.paste(image, (left, _MARGIN + _CAPTION))
    target = directory / "first_and_last.png"
    partial = target.with_suffix(".partial.png")
    sheet.save(partial)
    partial.replace(target)
    return {"first and last sample": str(target)}
