"""Draw from a SavedModel directory in this process, without a server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from serving import contract
from serving.errors import ServingError
from serving.rows import chunks, paired

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike


class LocalGenerator:
    """A generator loaded from disk, with the same calls as `serving.client.GeneratorClient`.

    Attributes:
        directory: The version directory that was loaded.
        metadata: Its `contract.METADATA_FILE` as a dict; empty where a model has none.
    """

    def __init__(self, directory: Path) -> None:
        """Load a version.

        Args:
            directory: A version directory, or a model base directory of which the newest version is taken.

        Raises:
            ServingError: Nothing there, or a corrupt version.
        """
        from serving.servable import Servable

        self.directory = _version_directory(Path(directory))
        mend = "delete that directory and push again with `forger run`, or name an older version"
        try:
            self.metadata: dict[str, Any] = _metadata(self.directory)
            self._servable = Servable(self.directory)
        except ServingError as error:
            raise ServingError(f"{error}; {mend}") from error
        missing = [name for name in contract.SIGNATURES if not self._servable.has_signature(name)]
        if missing:
            raise ServingError(f"{self.directory} is not a Forger generator: no signature {', '.join(missing)}; name another")

    @property
    def class_names(self) -> list[str]:
        """Names of the classes, index = label."""
        return list(self.metadata.get(contract.META_CLASS_NAMES, []))

    def sample(self, seeds: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Draw one image a row; a row depends on its own seed and label alone.

        Args:
            seeds: int64 [N].
            labels: int64 [N], `contract.ANY_LABEL` for a class drawn from the row's seed.

        Returns:
            Images uint8 [N, 28, 28, 1] and their labels int64 [N], -1 where the generator has no classes.

        Raises:
            ServingError: Inputs that are not rows of one request, or a label that the generator does not know.
        """
        seeds, labels = paired(seeds, labels)
        outputs = self._run(contract.SIGNATURE_SAMPLE, {contract.INPUT_SEED: seeds, contract.INPUT_LABEL: labels})
        return outputs[contract.OUTPUT_IMAGE], outputs[contract.OUTPUT_LABEL]

    def sample_latent(self, latents: ArrayLike, labels: ArrayLike) -> np.ndarray:
        """Draw from given latents.

        Args:
            latents: float32 [N, latent size].
            labels: int64 [N].

        Returns:
            Images float32 [N, 28, 28, 1] in [-1, 1].

        Raises:
            ServingError: As for `sample`.
        """
        latents, labels = paired(latents, labels, latents=True)
        wanted = self._servable.signature_defs[contract.SIGNATURE_DEFAULT].inputs[contract.INPUT_LATENT].tensor_shape.dim[1].size
        if latents.shape[1] != wanted:
            raise ServingError(f"latents have {latents.shape[1]} numbers a row, the generator in {self.directory} takes {wanted}")
        inputs = {contract.INPUT_LATENT: latents, contract.INPUT_LABEL: labels}
        return self._run(contract.SIGNATURE_DEFAULT, inputs)[contract.OUTPUT_IMAGE]

    def _run(self, signature: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        import numpy as np
        import tensorflow as tf

        from serving.servable import reason

        parts = []
        for rows in chunks(len(inputs[contract.INPUT_LABEL])):
            try:
                part = self._servable.run(signature, {alias: tf.constant(value[rows]) for alias, value in inputs.items()})
            except (tf.errors.OpError, TypeError, ValueError) as error:
                raise ServingError(f"the generator in {self.directory} refused the request: {reason(error)}") from error
            parts.append({alias: value.numpy() for alias, value in part.items()})
        return {alias: np.concatenate([part[alias] for part in parts]) for alias in parts[0]}


def _version_directory(directory: Path) -> Path:
    if (directory / contract.SAVED_MODEL_FILE).is_file():
        return directory
    versions = contract.version_directories(directory)
    if versions:
        # The newest one, whole or not: silently taking an older one would hide the damage.
        return directory / str(versions[-1])
    raise ServingError(f"no model version in {directory}: push one with `forger run`, or name a SavedModel directory")


def _metadata(directory: Path) -> dict[str, Any]:
    path = directory / contract.METADATA_FILE
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ServingError(f"{directory} is corrupt: {contract.METADATA_FILE} is not a JSON object")
    return found
