"""What all settings have in common."""

from __future__ import annotations

import math
from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator


class Settings(BaseModel):
    """Settings of a component: nothing unknown, nothing that changes later, and numbers that mean what they say."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="after")
    @classmethod
    def _no_negative_zero(cls, value: Any) -> Any:
        if isinstance(value, float) and value == 0 and math.copysign(1, value) < 0:
            raise ValueError("write 0, which -0.0 is not in every computation")
        return value
