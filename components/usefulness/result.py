"""The result as a file: usefulness.json in the node's artifact; read without TensorFlow."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from serving.repository.durable import replace_file

USEFULNESS_FILE = "usefulness.json"


class TrainingUse(BaseModel):
    """Classification accuracy score (Ravuri & Vinyals 2019): what a classifier learns from generated images alone.

    Attributes:
        images: That each of the two classifiers learnt from.
        tested: Real images of the split `test` that both were tested on.
        generated: Accuracy, 0..1, of the one that learnt from generated images.
        real: The same of the one that learnt from real images.
        error_ratio: Errors of the first over those of the second, each with half a one more where the second doesn't err.
        interval: 95 % interval of the ratio over the choice of test images.
        by_class: Accuracies of both within each class, None where a class has no test images.
    """

    model_config = ConfigDict(extra="forbid")

    images: int
    tested: int
    generated: float
    real: float
    error_ratio: float
    interval: tuple[float, float]
    by_class: list[tuple[float | None, float | None]]


class TwoSample(BaseModel):
    """Classifier two-sample test (Lopez-Paz & Oquab 2017): how often a network tells generated images from real ones.

    Attributes:
        images: Of both sides together that a network learnt from.
        tested: Images of both sides together that it was tested on.
        generated: Accuracy, 0..1, on generated against real images; 0.5 is guessing.
        real: The same for real against other real images.
        error: Standard error of `generated`.
    """

    model_config = ConfigDict(extra="forbid")

    images: int
    tested: int
    generated: float
    real: float
    error: float


class Usefulness(BaseModel):
    """What was found.

    Attributes:
        training: None where it was left out.
        two_sample: None where it was left out.
        left_out: Why something is left out, one line; "" where nothing is.
        passed: Whether what has a limit was measured and is within it; without limits it always is.
        reason: Why not, one line.
        seed: Of all that is random here.
        steps: Training steps of each network.
    """

    model_config = ConfigDict(extra="forbid")

    training: TrainingUse | None = None
    two_sample: TwoSample | None = None
    left_out: str = ""
    passed: bool = True
    reason: str = ""
    seed: int
    steps: int

    def save(self, directory: Path | str) -> None:
        """Write it into an artifact's directory."""
        replace_file(Path(directory) / USEFULNESS_FILE, self.model_dump_json(indent=1))

    @classmethod
    def load(cls, directory: Path | str) -> Usefulness:
        """Read it from an artifact's directory.

        Raises:
            OSError: There is none.
            ValueError: Another version wrote it.
        """
        return cls.model_validate_json((Path(directory) / USEFULNESS_FILE).read_bytes())

    def lines(self) -> list[str]:
        """Tell what was found to a person, a line a figure."""
        told = []
        if one := self.training:
            low, high = one.interval
            told.append(
                f"usefulness: a classifier trained on {one.images:,} generated images is right on {one.generated:.2%} of "
                f"{one.tested:,} test images, on as many real ones on {one.real:.2%}: {one.error_ratio:.2f} times the errors "
                f"(95 %: {low:.2f} to {high:.2f})"
            )
        if two := self.two_sample:
            told.append(
                f"two-sample test: a network tells generated from real images in {two.generated:.1%} of cases "
                f"(± {1.96 * two.error:.1%}), real from other real ones in {two.real:.1%}; guessing is 50 %"
            )
        return [*told, self.left_out] if self.left_out else told
