"""Settings of infra validation and push."""

from pydantic import Field

from components.settings import Settings


class PushSettings(Settings):
    """How a blessed model becomes a served version."""

    keep_versions: int = Field(
        default=5, ge=1, le=1000, description="Pushed versions kept on disk; 5 leaves four to roll back to, at a few MB each."
    )
    canary: bool = Field(
        default=False,
        description="Push beside the stable version for a trial, which `forger promote` or `forger rollback` ends.",
    )
    infra_timeout_s: int = Field(
        default=120,
        ge=5,
        le=3600,
        description="Seconds that loading and replaying may take; importing TensorFlow from a cold disk alone takes up to 30 s.",
    )
