"""Every knob of the gate."""

from __future__ import annotations

from pydantic import Field

from components.settings import Settings

_UNGATED = "; None: not gated"


class GateSettings(Settings):
    """What a generator must reach to be blessed.

    'Real against real' in the reasons below is what other real train images reach in the generated images' place, at
    10,000 images, with the default judge.
    """

    max_examples: int = Field(
        default=10_000, ge=10, le=1_000_000, description="Real images (and as many generated) compared: MNIST's whole test split"
    )
    neighbour_examples: int = Field(
        default=10_000,
        ge=10,
        le=20_000,
        description="Images the neighbour metrics look at, chosen by hash, a class's among them; time grows with the square",
    )
    precision_k: int = Field(
        default=5, ge=1, le=50, description="Neighbours for precision and recall: as for density and coverage"
    )
    density_k: int = Field(default=5, ge=1, le=50, description="Neighbours for density and coverage: Naeem et al.'s choice")
    comparison_draws: int = Field(
        default=3,
        ge=1,
        le=16,
        description="Samples drawn for each real image where there is a served version to compare with: one alone leaves so much "
        "noise at 10,000 images that a generator 20 % worse would pass one time in four",
    )
    draw_timeout_s: float = Field(
        default=120.0,
        gt=0,
        le=86_400,
        description="Seconds that one batch may take a generator; it is refused as hanging beyond them",
    )
    force_baseline: bool = Field(
        default=False,
        description="Judge by the absolute thresholds alone: after a change that makes the served version no fair bar",
    )

    max_frechet_ratio: float | None = Field(
        default=5.0,
        gt=0,
        description=f"Fréchet distance as a multiple of the real-data floor; real against real is 1.0 to 1.2{_UNGATED}",
    )
    max_class_frechet_ratio: float | None = Field(
        default=10.0,
        gt=0,
        description=f"The same within each class, where 900 images leave noise: real against real is 0.8 to 1.4{_UNGATED}",
    )
    min_precision: float | None = Field(
        default=0.65,
        ge=0,
        le=1,
        description=f"Share of generated images on the real manifold; real against real is 0.92{_UNGATED}",
    )
    min_recall: float | None = Field(
        default=0.6, ge=0, le=1, description=f"Share of real images on the generated manifold; real 0.94, collapsed 0.0{_UNGATED}"
    )
    min_class_recall: float | None = Field(
        default=0.4,
        ge=0,
        le=1,
        description=f"Recall within each class, so that one class's collapse can't hide; real 0.83 up{_UNGATED}",
    )
    min_coverage: float | None = Field(
        default=0.65,
        ge=0,
        le=1,
        description=f"Share of real images with a generated one nearby; real against real is 0.96{_UNGATED}",
    )
    max_second_frechet_ratio: float | None = Field(
        default=10.0,
        gt=0,
        description=f"The Fréchet ratio in the second judge's eyes, so that one network's blind spot can't bless{_UNGATED}",
    )
    max_class_second_frechet_ratio: float | None = Field(default=15.0, gt=0, description=f"The same within each class{_UNGATED}")
    min_diversity: float | None = Field(
        default=0.7,
        ge=0,
        description=f"Variance within classes as a multiple of the real images'; real against real is 1.0{_UNGATED}",
    )
    min_class_diversity: float | None = Field(default=0.5, ge=0, description=f"The same of each class{_UNGATED}")
    max_duplicate_share: float | None = Field(
        default=0.1,
        ge=0,
        le=1,
        description=f"Share of near-duplicates among generated images; real against real is 0.01{_UNGATED}",
    )
    max_memorisation: float | None = Field(
        default=0.75,
        ge=0,
        le=1,
        description=f"Probability that a generated image is nearer to the train images than an unseen real one: 0.5{_UNGATED}",
    )
    max_copied_share: float | None = Field(
        default=0.1,
        ge=0,
        le=1,
        description=f"Share of images nearer to a train image than 99 % of real ones are; real 0.01{_UNGATED}",
    )
    min_label_agreement: float | None = Field(
        default=0.95,
        ge=0,
        le=1,
        description="Share of images seen as the class asked for, as a fraction of the judge's accuracy on real ones "
        f"(0.993 on MNIST, 0.92 on Fashion-MNIST){_UNGATED}",
    )
    min_class_share: float | None = Field(
        default=0.7,
        ge=0,
        le=1,
        description=f"Smallest class's share as a fraction of an even share (1/C); real is 0.98{_UNGATED}",
    )
    max_frechet_increase: float | None = Field(
        default=0.1,
        ge=0,
        description="Growth of the Fréchet distance over the served version's, relative: room for another seed. The paired "
        f"bootstrap's noise widens it where the noise is larger{_UNGATED}",
    )
    max_recall_drop: float | None = Field(
        default=0.1,
        ge=0,
        le=1,
        description=f"Fall of recall below the served version's, absolute: room for the seed's noise{_UNGATED}",
    )
    max_label_agreement_drop: float | None = Field(
        default=0.02, ge=0, le=1, description=f"Fall of label agreement below the served version's, absolute{_UNGATED}"
    )
