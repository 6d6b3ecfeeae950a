"""Google Cloud Dataflow."""

from __future__ import annotations

import re

from pydantic import Field, model_validator

from pipeline.engines.base import Engine


class DataflowEngine(Engine):
    """Google Cloud Dataflow."""

    runner = "dataflow"
    patience_s = 1800  # it starts its machines first

    dataflow_project: str
    dataflow_region: str
    beam_temp: str  # gs://
    beam_image: str  # of the workers, with Forger in it
    beam_parallelism: int | None = Field(default=None, ge=1)  # most workers at a time; None: Dataflow's own choice

    @model_validator(mode="after")
    def _temp_is_in_a_bucket(self) -> DataflowEngine:
        if not re.fullmatch(r"gs://[a-z0-9][a-z0-9._-]+(/.*)?", self.beam_temp):
            raise ValueError(f"--beam-temp must be a place in a bucket, gs://BUCKET/PATH, not {self.beam_temp!r}")
        return self

    def arguments(self) -> list[str]:
        """See `Engine`."""
        return [
            "--runner=DataflowRunner",
            f"--project={self.dataflow_project}",
            f"--region={self.dataflow_region}",
            f"--temp_location={self.beam_temp}",
            f"--sdk_container_image={self.beam_image}",
            "--experiments=use_runner_v2",  # what a custom image needs
            *([f"--max_num_workers={self.beam_parallelism}"] if self.beam_parallelism else []),
        ]
