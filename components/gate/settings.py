"""Every knob of the gate."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

_UNGATED = "; None: not gated"


class GateSettings(BaseModel):
    """What a generator must reach to be blessed.

    'Real against real' in the reasons below is what other real train images reach in the generated images' place, at
    10,000 images, with the default judge.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_examples: int = Field(
        10_000, ge=10, le=1_000_000, description="Real images (and as many generated) compared: MNIST's whole test split"
    )
    neighbour_examples: int = Field(
        10_000,
        ge=10,
        le=20_000,
        description="Images the neighbour metrics look at, chosen by hash; their time grows with the square",
    )
    precision_k: int = Field(3, ge=1, le=50, description="Neighbours for precision and recall: Kynkäänniemi et al.'s choice")
    density_k: int = Field(5, ge=1, le=50, description="Neighbours for density and coverage: Naeem et al.'s choice")

    max_frechet_ratio: float | None = Field(
        5.0,
        gt=0,
        description=f"Fréchet distance as a multiple of the real-data floor; real against real is 1.0 to 1.2{_UNGATED}",
    )
    max_class_frechet_ratio: float | None = Field(
        10.0,
        gt=0,
        description=f"The same within each class, where 900 images leave noise: real against real is 0.8 to 1.4{_UNGATED}",
    )
    min_precision: float | None = Field(
        0.55, ge=0, le=1, description=f"Share of generated images on the real manifold; real against real is 0.85{_UNGATED}"
    )
    min_recall: float | None = Field(
        0.6, ge=0, le=1, description=f"Share of real images on the generated manifold; real 0.86, collapsed 0.0{_UNGATED}"
    )
    min_class_recall: float | None = Field(
        0.4, ge=0, le=1, description=f"Recall within each class, so that one class's collapse can't hide; real 0.83 up{_UNGATED}"
    )
    min_coverage: float | None = Field(
        0.65, ge=0, le=1, description=f"Share of real images with a generated one nearby; real against real is 0.94{_UNGATED}"
    )
    min_label_agreement: float | None = Field(
        0.95, ge=0, le=1, description=f"Share of images seen as the class asked for; the judge itself is right in 0.993{_UNGATED}"
    )
    min_class_share: float | None = Field(
        0.7, ge=0, le=1, description=f"Smallest class's share as a fraction of an even share (1/C); real is 0.98{_UNGATED}"
    )
    max_frechet_increase: float | None = Field(
        0.5,
        ge=0,
        description=f"Growth of the Fréchet ratio over the served version's, relative; real sets vary by 0.3{_UNGATED}",
    )
    max_recall_drop: float | None = Field(
        0.1, ge=0, le=1, description=f"Fall of recall below the served version's, absolute: room for the seed's noise{_UNGATED}"
    )
    max_label_agreement_drop: float | None = Field(
        0.02, ge=0, le=1, description=f"Fall of label agreement below the served version's, absolute{_UNGATED}"
    )
