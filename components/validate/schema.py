"""The curated schema, completed with what only the dataset knows: its number of classes and the shape of its images."""

from __future__ import annotations

import hashlib
from pathlib import Path

from components.ingest.record import PreparedDataset
from components.shape import ImageShape
from serving.repository.durable import replace_file

_TEMPLATE = Path(__file__).with_name("image_label.pbtxt")
_IMAGE, _LABEL = "image", "label"


def write_schema(prepared: PreparedDataset, shape: ImageShape, folder: Path) -> Path:
    """Write the schema of a dataset, for ImportSchemaGen.

    Args:
        prepared: The dataset; its class count closes the label's domain, and unlabelled images have none.
        shape: What Transform makes of every image; an annotation, since the encoded images may have any.
        folder: Where the schema goes.

    Returns:
        The file. Its name carries a digest of its content, because TFX's cache sees the name alone.
    """
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    schema = text_format.Parse(_TEMPLATE.read_text(encoding="utf-8"), schema_pb2.Schema())
    features = {feature.name: feature for feature in schema.feature}
    features[_IMAGE].annotation.tag.append(f"shape={shape}")
    if prepared.labelled:
        features[_LABEL].int_domain.max = len(prepared.class_names) - 1
    else:
        schema.feature.remove(features[_LABEL])
    text = text_format.MessageToString(schema)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"schema-{hashlib.sha256(text.encode()).hexdigest()[:12]}.pbtxt"
    replace_file(target, text)
    return target
