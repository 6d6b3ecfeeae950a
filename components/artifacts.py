"""What TFX hands to an executor."""

from tfx import types

ArtifactLists = dict[str, list[types.Artifact]]  # artifacts by the name of an input or output
