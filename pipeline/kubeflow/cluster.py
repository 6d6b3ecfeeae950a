"""What a cluster must be told about the steps: images, resources, volumes, secrets, retries."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from pipeline.nodes import GAN_TRAINER, GATE, JUDGE_TRAINER, NODES, PUSHER, USEFULNESS
from pipeline.validation import refusal
from serving.repository.errors import UserError, first_line

PLAN = "Plan"
TRAINERS = (JUDGE_TRAINER, GAN_TRAINER)
STEPS = (PLAN, *NODES)
# What these look at lies outside the pipeline's artifacts, where KFP's cache sees no change: the data, what is being served.
NEVER_CACHED = (PLAN, PUSHER)
_ROOT = re.compile(r"^(gs|s3|minio)://[^/\s]+(/\S*)?$")


class Step(BaseModel):
    """What one step's pod gets."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cpu: float = Field(default=1.0, gt=0, description="Cores; requested and the limit.")
    memory_gib: float = Field(default=4.0, gt=0, description="GiB; TFX with TensorFlow takes 1.5 before any data.")
    timeout_s: int = Field(default=3600, ge=60, description="Seconds until the pod is ended.")


class Toleration(BaseModel):
    """A Kubernetes toleration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    operator: Literal["Exists", "Equal"] = "Exists"
    value: str = ""
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = ""


class Secret(BaseModel):
    """A Kubernetes secret given to every step, as environment variables, as files, or both."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    env: dict[str, str] = Field(default={}, description="Key of the secret -> environment variable.")
    mount_path: str = Field(default="", pattern=r"^(/.*)?$", description="Where its keys appear as files.")


def _default_steps() -> dict[str, Step]:
    return {
        GAN_TRAINER: Step(cpu=4, memory_gib=8, timeout_s=24 * 3600),
        JUDGE_TRAINER: Step(cpu=4, memory_gib=8, timeout_s=4 * 3600),
        GATE: Step(cpu=2, memory_gib=8, timeout_s=2 * 3600),
        USEFULNESS: Step(cpu=4, memory_gib=8, timeout_s=2 * 3600),
    }


class Cluster(BaseModel):
    """All that differs between two clusters; nothing of it changes what is computed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    image: str = Field(min_length=1, pattern=r"^\S+$", description="Of every step, with a tag or digest.")
    pipeline_root: str = Field(description="Where artifacts go: gs://, s3:// or minio://.")
    home: str = Field(default="/forger", pattern=r"^/\S*[^/]$", description="Mount path of the shared volume.")
    claim: str = Field(default="forger", description="PersistentVolumeClaim of the home; empty if the path is there without one.")
    gpus: int = Field(default=0, ge=0, le=16, description="For each trainer; the other steps never ask for one.")
    gpu_type: str = Field(default="nvidia.com/gpu", description="The resource's name; on Vertex AI e.g. NVIDIA_TESLA_T4.")
    gpu_image: str = Field(default="", description="Of the trainers where gpus > 0; empty for the same image.")
    retries: int = Field(default=2, ge=0, le=10, description="A pod can be lost by no fault of ours; GAN training then resumes.")
    retry_wait_s: int = Field(default=30, ge=0, description="Seconds before the first retry; doubled for each further one.")
    node_selector: dict[str, str] = {}
    tolerations: list[Toleration] = []
    gpu_node_selector: dict[str, str] = Field(
        default={}, description="For the trainers, instead of node_selector, where gpus > 0."
    )
    gpu_tolerations: list[Toleration] = Field(default=[], description="For the trainers, besides tolerations, where gpus > 0.")
    secrets: list[Secret] = []
    image_pull_secret: str = ""
    cache_days: float = Field(
        default=0,
        ge=0,
        description="Days until all results are made anew; below the bucket's own lifecycle rule. 0: only when one is missing.",
    )
    look_in_store: bool = Field(
        default=False, description="Plan looks whether cached results are still there; the pods need the store's keys for that."
    )
    store_endpoint: str = Field(
        default="", pattern=r"^(https?://\S+)?$", description="For that look: address of an S3 store that isn't AWS's."
    )
    workers: int = Field(default=1, ge=1, le=64, description="Pods of the GAN training; more than one run in a TFJob.")
    steps: dict[str, Step] = {}

    @field_validator("pipeline_root")
    @classmethod
    def _root(cls, root: str) -> str:
        if not _ROOT.match(root):
            raise ValueError("expected gs://BUCKET/PATH, s3://BUCKET/PATH or minio://BUCKET/PATH")
        return root.rstrip("/")

    @field_validator("steps")
    @classmethod
    def _known(cls, steps: dict[str, Step]) -> dict[str, Step]:
        if unknown := set(steps) - set(STEPS):
            raise ValueError(f"there is no step {sorted(unknown)[0]!r}; the steps are {', '.join(STEPS)}")
        return steps

    @model_validator(mode="after")
    def _workers_share_a_volume(self) -> Self:
        if self.workers > 1 and not self.claim:
            raise ValueError("several workers need a volume that all of them see: name its claim")
        return self

    def step(self, name: str) -> Step:
        """Return what a step's pod gets: what is given for it, and the step's own defaults for the rest."""
        given = self.steps[name].model_dump(exclude_unset=True) if name in self.steps else {}
        return _default_steps().get(name, Step()).model_copy(update=given)

    def uses_gpu(self, name: str) -> bool:
        """Say whether a step asks for GPUs; one that hands over to a TFJob only waits."""
        return self.gpus > 0 and name in TRAINERS and not self.hands_over(name)

    def hands_over(self, name: str) -> bool:
        """Say whether a step's work is done by a TFJob."""
        return self.workers > 1 and name == GAN_TRAINER

    def image_of(self, name: str) -> str:
        """Return a step's image."""
        return self.gpu_image if self.gpu_image and self.uses_gpu(name) else self.image


def resolve_cluster(file: Path | None, **given: Any) -> Cluster:
    """Make the settings from a YAML file and what was given besides, which wins.

    Raises:
        UserError: An unreadable file, an unknown or missing setting, a value out of its range.
    """
    content: Any = {}
    if file is not None:
        try:
            content = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise UserError(f"--cluster {file} can't be read: {first_line(error)}") from error
        if not isinstance(content, dict):
            raise UserError(f"--cluster {file}: expected settings as KEY: VALUE lines")
    content |= {name: value for name, value in given.items() if value is not None}
    for name in ("image", "pipeline_root"):
        if not content.get(name):
            raise UserError(f"no {name.replace('_', ' ')}: give --{name.replace('_', '-')}, or {name} in the --cluster file")
    try:
        return Cluster.model_validate(content)
    except ValidationError as error:
        raise refusal(error) from None
