"""Transform: TFX's own, with this project's graph from encoded images to raw pixels of one shape."""

from __future__ import annotations

# Not `tfx.v1`: it also imports the Google Cloud extensions, seconds that every run would wait for.
from tfx import components as stock
from tfx import types

from components.shape import ImageShape
from components.transform.executor import BACKGROUND, SHAPE


class Transform(stock.Transform):
    """The stock Transform over `executor.preprocessing_fn`; outputs `transformed_examples` and `transform_graph`."""

    def __init__(
        self, *, examples: types.BaseChannel, schema: types.BaseChannel, shape: ImageShape, background: str, code_hash: str
    ) -> None:
        """Wire the component.

        Args:
            examples: Examples of `ingest` (standard_artifacts.Examples).
            schema: The curated schema (standard_artifacts.Schema).
            shape: The shape that all images are brought to.
            background: What shows through transparent pixels, "#rrggbb".
            code_hash: Hash of this component's sources, for TFX's cache.
        """
        super().__init__(
            examples=examples,
            schema=schema,
            preprocessing_fn="components.transform.executor.preprocessing_fn",
            disable_statistics=True,  # nothing reads them; they would cost as much as the transformation
            custom_config={SHAPE: list(shape), BACKGROUND: background, "code_hash": code_hash},
        )
