"""Every knob of the GAN training, with its unit and the reason for its default."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from components.settings import Settings

# Lazy regularisation: the gradient penalties run every this many steps, weighted by as much (StyleGAN2, appendix B).
PENALTY_EVERY = 4


# Of a change of an image; beyond 0.8 a GAN can't tell changed images from real ones (Karras et al. 2020, ADA, figure 4).
MAX_AUGMENT = 0.8


class GanSettings(Settings):
    """Settings of one GAN training; the defaults are those of the `conv` recipe under the `quick` profile."""

    recipe: Literal["conv", "article"] = Field(
        default="conv", description="Networks, losses and latent: `conv` or the article's dense GAN."
    )
    seed: int = Field(default=1, ge=0, le=2**31 - 1, description="Seeds weights, latents and data order.")
    steps: int = Field(
        default=9600,
        ge=PENALTY_EVERY,
        description="Optimizer steps; 3 to 7 minutes on 2 CPU cores with AVX-512 or AMX, 14 with AVX2.",
    )
    batch_size: int = Field(default=64, ge=1, le=8192, description="Real images a step, over all devices.")
    latent_size: int = Field(default=64, ge=1, le=4096, description="Length of the latent vector; more gave nothing on MNIST.")
    width: int = Field(
        default=32, ge=4, le=1024, description="Channels of the widest-resolution layer (conv), or units (article)."
    )
    max_channels: int = Field(
        default=512,
        ge=4,
        le=4096,
        description="Channels that no lower level exceeds (conv): each has twice those of the one above.",
    )
    learning_rate: float = Field(default=1.2e-3, gt=0, le=1, description="Adam's rate for the generator at the start.")
    final_learning_rate: float = Field(
        default=4e-5,
        gt=0,
        le=1,
        description="The rate at the end of the decay (geometric); best e times lower for each 3,000 steps, down to 2e-5.",
    )
    decay_steps: int | None = Field(
        default=None,
        ge=1,
        description="Steps over which the rates and the penalties' weight go to their ends, to stay there; by default all. "
        "Digits that are trained for longer than `quick` gain by its 9,600.",
    )
    rate_ratio: float = Field(
        default=1.5,
        gt=0,
        le=100,
        description="The discriminator's rate over the generator's (two time-scales, Heusel et al. 2017): one that lags behind "
        "tells the generator little, one that is too fast leaves it nothing to learn from.",
    )
    min_discriminator_rate: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="The discriminator's rate never falls below this, while the generator's does (conv): a generator that moves "
        "slowly learns from one that knows it well. By default 3.2e-4, and 0 for colour and for more than 28 pixels.",
    )
    beta_1: float = Field(default=0.0, ge=0, lt=1, description="Adam's momentum; 0 keeps an adversarial game stable (StyleGAN).")
    beta_2: float = Field(default=0.99, ge=0, lt=1, description="Adam's second-moment decay.")
    gamma: float = Field(default=1.0, ge=0, description="Weight of the R1 and R2 gradient penalties at the start.")
    final_gamma: float = Field(
        default=0.5, ge=0, description="Their weight at the end of the decay: less of it gives precision, more of it recall."
    )
    ema_decay: float = Field(
        default=0.998,
        ge=0,
        lt=1,
        description="Decay a step of the averaged generator, the one exported; 0 switches it off. After `decay_steps` its "
        "memory grows: half of the steps since then, where that is more.",
    )
    spectrum: float | None = Field(
        default=None,
        ge=0,
        le=10,
        description="Weight of the frequencies that the discriminator is shown beside the pixels (conv). By default 0.1 for "
        "colour and for more than 28 pixels, else 0: set 0.1 where the gate names the spectrum.",
    )
    modulation: bool | None = Field(
        default=None,
        description="Whether latent and class scale the channels of every level of the generator (conv). By default for colour "
        "and for more than 28 pixels.",
    )
    augment: float | None = Field(
        default=None,
        ge=0,
        le=MAX_AUGMENT,
        description="Probability of each change of the images that the discriminator sees (conv): shifts, cut-outs, light. By "
        "default 0, and more the fewer images there are below 20,000, where each is seen often.",
    )
    label_smoothing: float = Field(
        default=0.9, gt=0, le=1, description="Target of real images in the article's loss (one-sided)."
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="Compute dtype; `auto` takes bfloat16 where the device has matrix units for it."
    )
    input: Literal["auto", "memory", "stream"] = Field(
        default="auto",
        description="Hold the images in memory or stream them from files; `auto` streams what memory_limit_mib excludes.",
    )
    memory_limit_mib: int = Field(
        default=2048, ge=1, description="MiB of images that each device may hold in memory; 2.7 million fit, MNIST takes 45."
    )
    shuffle_buffer: int = Field(
        default=65_536, ge=1, description="Streamed images that are shuffled among themselves; three times as many are in memory."
    )
    checkpoint_every: int = Field(default=400, ge=PENALTY_EVERY, description="Steps between checkpoints: what a kill can cost.")
    sample_every: int = Field(default=400, ge=1, description="Steps between sample grids.")
    looks: int = Field(
        default=20,
        ge=0,
        le=1000,
        description="Times that the training measures how far its average is from the train images, at least 100 steps apart. "
        "The best is kept, and exported if the last is clearly worse; 0 switches it off.",
    )
    stop_after: float = Field(
        default=0.25,
        gt=0,
        le=1,
        description="A training stops when for this share of all steps it was twice as far from the train images as at its best; "
        "1 never stops. A generator that collapsed hardly ever comes back.",
    )

    @model_validator(mode="after")
    def _whole_cycles(self) -> GanSettings:
        for name in ("steps", "checkpoint_every", "sample_every"):
            if self.recipe == "conv" and getattr(self, name) % PENALTY_EVERY:
                raise ValueError(f"{name} must be a multiple of {PENALTY_EVERY}, the cycle of the lazy penalties")
        return self
