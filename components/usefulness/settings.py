"""Every knob of the usefulness node."""

from __future__ import annotations

from pydantic import Field

from components.settings import Settings


class UsefulnessSettings(Settings):
    """How usefulness is measured, and what it must reach.

    The defaults take under three minutes on 2 CPU cores at 28x28 pixels.
    """

    enabled: bool = Field(
        default=False, description="Measure it in every run, after the gate: minutes. `forger evaluate --thorough` does so once"
    )
    seed: int = Field(default=11, ge=0, lt=2**20, description="Of the images' choice, the drawn seeds, weights and batches")
    images: int = Field(
        default=30_000,
        ge=100,
        le=1_000_000,
        description="Generated images, and as many real ones, that classifiers learn from: half of MNIST's train split, so that "
        "the other half can stand in for the generated images",
    )
    test_images: int = Field(
        default=10_000, ge=100, le=1_000_000, description="Real images of the split `test` that classifiers are tested on"
    )
    steps: int = Field(
        default=2000,
        ge=1,
        le=1_000_000,
        description="Training steps of each of the four networks; 2,000 x 128 images pass over 30,000 eight times",
    )
    batch_size: int = Field(default=128, ge=2, le=65_536, description="Images a step; larger trains no faster on a CPU")
    learning_rate: float = Field(default=2e-3, gt=0, le=1, description="Peak of Adam's rate: 10 % warm-up, then cosine to zero")
    max_error_ratio: float | None = Field(
        default=None,
        gt=0,
        description="Errors of a classifier that learnt from generated images, as a multiple of those after as many real ones; "
        "None: reported, not gated",
    )
    max_two_sample_accuracy: float | None = Field(
        default=None,
        ge=0.5,
        le=1,
        description="How often a network may tell generated from real images that it hasn't seen; None: reported, not gated",
    )
