"""What a calibration found, as it is kept: calibration.json beside the train images' statistics."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from serving.repository.errors import UserError, first_line

CALIBRATION_FILE = "calibration.json"
# Figures that grow with what is wrong, for label agreement and the smallest class share, which fall.
LABEL_ERROR, SHORTFALL = "label_error", "class_shortfall"
# Of the way from real against real to the mildest fault, in logarithms: a GAN is never quite nature, and faults are far off.
_WAY = 0.75
# About half of the images by chance alone: what counts is what exceeds real against real.
_FROM_TYPICAL = ("leaked_share",)
_LEAST_POWER = 1.5  # a fault's figure over that of real against real: nearer, the two can't be told apart


class Response(BaseModel):
    """What one fault of the catalogue does to the figures."""

    model_config = ConfigDict(extra="forbid")

    fault: str
    unit: str
    strength: float
    must: bool = Field(description="Whether this strength has to be refused")
    seen_by: tuple[str, ...] = Field(description="The figures that are there to see it")
    figures: dict[str, float | None]


class Calibration(BaseModel):
    """How the figures behave on one dataset; a figure that the data have too few images for is left out."""

    # What isn't a number could be written but not read again: better found before the long training than after it.
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    images: int = Field(description="Generated images that the noise is that of")
    classes: int
    closeness: float = Field(description="What 1 % of held-out real images are closer to the train images than")
    typical: dict[str, float] = Field(description="Figures of real against real")
    noise: dict[str, float] = Field(description="What real against real exceeds 1 time in 100")
    class_noise: dict[str, float] = Field(description="The same of the worst class")
    responses: list[Response]
    seconds: float = 0.0

    @classmethod
    def load(cls, directory: str | Path) -> Calibration:
        """Read what `save` wrote.

        Raises:
            UserError: It cannot be read.
        """
        path = Path(directory) / CALIBRATION_FILE
        try:
            return cls.model_validate_json(path.read_text("utf-8"))
        except (OSError, ValidationError) as error:
            raise UserError(f"no usable calibration in {path.parent}: {first_line(error)}; run the pipeline again") from error

    def save(self, directory: str | Path) -> None:
        """Write into a directory."""
        (Path(directory) / CALIBRATION_FILE).write_text(self.model_dump_json(indent=1), "utf-8")

    def limit(self, figure: str, *, of_class: bool = False, images: int | None = None) -> float | None:
        """Return the limit of a figure that grows with what is wrong.

        It lies three quarters of the way, in logarithms, from what real against real exceeds 1 time in 100 to the mildest fault
        that the figure is there to see and can. A class by itself, which has a tenth of the images, is held to that fault.

        Args:
            figure: One of those in `noise`.
            of_class: Whether for a class by itself.
            images: Images to be judged, all classes together. A class of fewer than the calibration's has more noise, and a
                figure of it may lose its power; that of all of them is left to `without_power`.

        Returns:
            None where the figure has no power on these data: no fault stands out from its noise.
        """
        noise = (self.class_noise if of_class else self.noise).get(figure)
        if noise is None or not noise > 0:
            return None
        if of_class and images is not None and images < self.images:
            noise = self._widened(figure, noise, images)
        base = self.typical.get(figure, 0.0) if figure in _FROM_TYPICAL else 0.0
        noise -= base
        seen = [
            value - base
            for response in self.responses
            if response.must and figure in response.seen_by and (value := response.figures.get(figure)) is not None
        ]
        clear = [value for value in seen if value >= _LEAST_POWER * noise]
        if not clear:
            return None
        return base + (min(clear) if of_class else noise ** (1 - _WAY) * min(clear) ** _WAY)

    def typical_of_metrics(self) -> dict[str, float | None]:
        """Return what real images have by the metrics' own names."""
        told: dict[str, float | None] = {name: value for name, value in self.typical.items() if name in self.noise}
        error, shortfall = told.pop(LABEL_ERROR, None), told.pop(SHORTFALL, None)
        agreement = {} if error is None else {"label_agreement": 1 - error}
        smallest = {} if shortfall is None else {"smallest_class_share": (1 - shortfall) / self.classes}
        return told | agreement | smallest

    def noise_of(self, figure: str, images: int) -> float | None:
        """Return what real against real exceeds 1 time in 100 with another number of images: noise falls with its square root."""
        noise = self.noise.get(figure)
        return None if noise is None or not images else self._widened(figure, noise, images)

    def _widened(self, figure: str, noise: float, images: int) -> float:
        typical = self.typical.get(figure, 0.0)
        return typical + (noise - typical) * (self.images / max(images, 1)) ** 0.5
