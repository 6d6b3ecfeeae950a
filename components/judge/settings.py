"""Every knob of the judge."""

from __future__ import annotations

from pydantic import Field, model_validator

from components.settings import Settings


class JudgeSettings(Settings):
    """How the judge, the frozen feature network of the metrics, is trained.

    The defaults reach 99.3 % on MNIST's test split in under a minute on 2 CPU cores.
    """

    seed: int = Field(
        default=7,
        ge=0,
        lt=2**20,
        description="Seed of weights, batches and shifts; not the GAN's, so that a new GAN seed keeps the judge",
    )
    max_images: int = Field(
        default=1_000_000,
        ge=1,
        description="Images of each split that it looks at, the first ones of the files: 750 MiB in memory",
    )
    steps: int = Field(
        default=3000, ge=1, le=1_000_000, description="Training steps; 3,000 x 128 images pass over MNIST 6 times, for 99.3 %"
    )
    batch_size: int = Field(default=128, ge=1, le=65_536, description="Images a step; larger trains no faster on a CPU")
    learning_rate: float = Field(
        default=4e-3, gt=0, le=1, description="Peak of Adam's rate: 10 % linear warm-up, then cosine to zero"
    )
    max_shift: int = Field(
        default=2,
        ge=0,
        le=8,
        description="Random shift in pixels of 28, in proportion of other sizes: more data, and features that forgive placement",
    )
    feature_size: int = Field(
        default=64,
        ge=2,
        le=4096,
        description="Length D of a feature: few enough for a full-rank covariance of one class's 900 images",
    )
    reference_size: int = Field(
        default=12_000,
        ge=2,
        le=1_000_000,
        description="Train images kept as features, as many of each class; 1,200 cover a class of MNIST's test split",
    )
    memory_size: int = Field(
        default=60_000,
        ge=1,
        le=1_000_000,
        description="Train images that memorisation is measured against: all of MNIST's, 12 MB",
    )
    memory_components: int = Field(
        default=64,
        ge=2,
        le=784,
        description="Principal components in which images are compared with those: 86 % of MNIST's variance",
    )
    encoder_steps: int = Field(
        default=1500,
        ge=1,
        le=1_000_000,
        description="Training steps of the second judge, an autoencoder: about 10 s on 2 CPU cores",
    )
    encoder_size: int = Field(
        default=32, ge=2, le=4096, description="Length E of the second judge's feature: the autoencoder's bottleneck"
    )
    min_explained: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Bar for the second judge: share of the test images' pixel variance that it keeps. By default two thirds of "
        "what as many main components of the train images keep",
    )
    min_accuracy: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Bar on the test split (fraction); below it features are not trusted and the run stops. By default it "
        "follows from the data: two thirds of the mistakes that the nearest train image makes, less two "
        "deviations of chance: 0.977 for mnist",
    )

    @model_validator(mode="after")
    def _enough_components(self) -> JudgeSettings:
        if self.min_explained is None and self.encoder_size > self.memory_components:
            raise ValueError(
                f"encoder_size={self.encoder_size} needs as many memory_components (they are {self.memory_components}), or a "
                "min_explained: the second judge's bar is what as many components keep"
            )
        return self
