"""Every knob of the gate."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from components.settings import Settings

AUTO: Literal["auto"] = "auto"
_Auto = Literal["auto"]
# A limit: a number, "auto", or None for none.
Share = _Auto | Annotated[float, Field(ge=0, le=1)] | None
NotNegative = _Auto | Annotated[float, Field(ge=0)] | None
Positive = _Auto | Annotated[float, Field(gt=0)] | None

_UNGATED = "; None: not gated"
_REACH = "; auto: what is known of the dataset, else lenient; None: not gated"
_CALIBRATED = "; auto: calibrated on the data; None: not gated"


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

    max_frechet_ratio: Positive = Field(
        default=AUTO,
        description=f"Fréchet distance to the unseen images as a multiple of the train images'; real against real is 1{_REACH}",
    )
    max_class_frechet_ratio: Positive = Field(default=AUTO, description=f"The same within each class{_REACH}")
    max_train_frechet_ratio: float | None = Field(
        default=None,
        gt=0,
        description="Fréchet distance to the train images as a multiple of what 30,000 of them have from 30,000 others"
        f"{_UNGATED}",
    )
    max_second_frechet_ratio: Positive = Field(
        default=AUTO,
        description=f"The Fréchet ratio in the second judge's eyes, so that one network's blind spot can't bless{_REACH}",
    )
    max_class_second_frechet_ratio: Positive = Field(default=AUTO, description=f"The same within each class{_REACH}")
    min_precision: Share = Field(
        default=AUTO, description=f"Share of generated images on the real manifold; real against real is 0.92{_REACH}"
    )
    min_recall: Share = Field(
        default=AUTO, description=f"Share of real images on the generated manifold; real 0.94, collapsed 0.0{_REACH}"
    )
    min_class_recall: Share = Field(
        default=AUTO,
        description=f"Recall within each class, so that one class's collapse can't hide; real 0.83 up{_REACH}",
    )
    min_coverage: Share = Field(
        default=AUTO, description=f"Share of real images with a generated one nearby; real against real is 0.94{_REACH}"
    )
    min_diversity: NotNegative = Field(
        default=AUTO,
        description=f"Variance within classes as a multiple of the real images'; real against real is 1.0{_REACH}",
    )
    min_class_diversity: NotNegative = Field(default=AUTO, description=f"The same of each class{_REACH}")
    max_memorisation: float | None = Field(
        default=0.75,
        ge=0,
        le=1,
        description=f"Probability that a generated image is nearer to the train images than an unseen real one: 0.5{_UNGATED}",
    )

    max_pixel_shift: NotNegative = Field(
        default=AUTO, description=f"Largest difference of a pixel's mean, in the train images' standard deviations{_CALIBRATED}"
    )
    max_pixel_spread: NotNegative = Field(
        default=AUTO, description=f"Largest difference of a pixel's standard deviation, as the ratio's logarithm{_CALIBRATED}"
    )
    max_spectrum_shift: NotNegative = Field(
        default=AUTO,
        description="Largest difference of the mean logarithm of a frequency's power, in the train images' standard deviations"
        f"{_CALIBRATED}",
    )
    max_spectrum_spread: NotNegative = Field(
        default=AUTO, description=f"The same of its standard deviation, as the ratio's logarithm{_CALIBRATED}"
    )
    max_style_gap: NotNegative = Field(
        default=AUTO, description=f"How differently the styles of each class are filled; half of them missing: 1{_CALIBRATED}"
    )
    max_outlier_share: Share = Field(
        default=AUTO, description=f"Share of images that are stranger than 99 % of unseen real ones; real 0.01{_CALIBRATED}"
    )
    max_duplicate_share: Share = Field(
        default=AUTO,
        description=f"Share of near-duplicates among generated images; real against real is 0.01{_CALIBRATED}",
    )
    max_copied_share: Share = Field(
        default=AUTO, description=f"Share of images nearer to a train image than 99 % of real ones are; real 0.01{_CALIBRATED}"
    )
    max_near_copy_share: Share = Field(
        default=AUTO,
        description=f"The same with small shifts and turns undone, by the measure of the neighbourhood; real 0.01{_CALIBRATED}",
    )
    max_leaked_share: Share = Field(
        default=AUTO,
        description=f"Share of images nearer to an unseen image than to any of as many train images; real below 0.5{_CALIBRATED}",
    )
    min_label_agreement: Share = Field(
        default=AUTO,
        description="Share of images seen as the class asked for; a number is a fraction of the judge's accuracy on real ones"
        f"{_CALIBRATED}",
    )
    min_class_share: Share = Field(
        default=AUTO,
        description=f"Smallest class's share as a fraction of an even share (1/C); real is 0.98{_CALIBRATED}",
    )

    max_frechet_increase: float | None = Field(
        default=0.1,
        ge=0,
        description="Growth of the Fréchet distance over the served version's, relative: room for another seed. The "
        f"comparison's noise widens it where that is larger, up to a half: with more nothing is blessed{_UNGATED}",
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
