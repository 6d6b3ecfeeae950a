"""Draw from a SavedModel directory in this process, without a server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from serving.client import draws
from serving.client.rows import chunks
from serving.repository import contract
from serving.repository.errors import UserError, flat_message
from serving.repository.layout import version_directories

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

_NEEDED = (contract.SIGNATURE_DEFAULT, contract.SIGNATURE_SAMPLE)  # without these it is no generator of ours


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
            UserError: Nothing there, or a corrupt version.
        """
        from serving.saved_model.quiet import quiet_start
        from serving.saved_model.servable import Servable

        self.directory = version_directory(Path(directory))
        mend = "delete that directory and push again with `forger run`, or name an older version"
        try:
            with quiet_start():
                self._servable = Servable(self.directory)
        except UserError as error:
            raise UserError(f"{error}; {mend}") from error
        self.metadata: dict[str, Any] = self._servable.metadata
        missing = [name for name in _NEEDED if not self._servable.has_signature(name)]
        if missing:
            raise UserError(f"{self.directory} is not a Forger generator: no signature {', '.join(missing)}; name another")

    @property
    def class_names(self) -> list[str]:
        """Names of the classes, index = label."""
        return list(self.metadata.get(contract.META_CLASS_NAMES, []))

    def sample(self, seeds: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Draw one image a row, as `GeneratorClient.sample` does: uint8 [N, H, W, C], with labels int64 [N].

        Raises:
            UserError: A label that the generator does not know.
            ClientError: Inputs that are not rows of one request.
        """
        return draws.drive(draws.sample(seeds, labels), self._run)

    def sample_png(self, seeds: ArrayLike, labels: ArrayLike) -> tuple[list[bytes], np.ndarray]:
        """Draw the images of `sample` as PNG files; the same rules."""
        return draws.drive(draws.sample_png(seeds, labels), self._run)

    def sample_latent(self, latents: ArrayLike, labels: ArrayLike) -> np.ndarray:
        """Draw from given latents.

        Args:
            latents: float32 [N, latent size].
            labels: int64 [N].

        Returns:
            Images float32 [N, H, W, C] in [-1, 1].

        Raises:
            UserError, ClientError: As for `sample`.
        """
        return draws.drive(draws.sample_latent(latents, labels), self._run)

    def interpolate(self, first: int, last: int, steps: int, label: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Draw the way from one seed to another, see `GeneratorClient.interpolate`."""
        return draws.drive(draws.interpolate(first, last, steps, label), self._run)

    def _run(self, run: draws.Run) -> dict[str, np.ndarray]:
        import numpy as np
        import tensorflow as tf

        self._check(run)
        parts = []
        for rows in chunks(len(run.inputs[contract.INPUT_LABEL])):
            try:
                part = self._servable.run_arrays(run.signature, {alias: value[rows] for alias, value in run.inputs.items()})
            except (tf.errors.OpError, TypeError, ValueError) as error:
                raise UserError(f"the generator in {self.directory} refused the request: {flat_message(error)}") from error
            parts.append({alias: part[alias] for alias in run.outputs})
        return {alias: np.concatenate([part[alias] for part in parts]) for alias in run.outputs}

    def _check(self, run: draws.Run) -> None:
        if not self._servable.has_signature(run.signature):
            raise UserError(f"the generator in {self.directory} has no signature {run.signature}: push a newer one")
        if contract.INPUT_LATENT in run.inputs:
            known = self._servable.signature_defs[run.signature].inputs[contract.INPUT_LATENT].tensor_shape.dim[1].size
            given = run.inputs[contract.INPUT_LATENT].shape[1]
            if given != known:
                raise UserError(f"latents have {given} numbers a row, the generator in {self.directory} takes {known}")


def version_directory(directory: Path) -> Path:
    """A version's directory: the given one, or the newest below a model base directory.

    Raises:
        UserError: There is none.
    """
    if (directory / contract.SAVED_MODEL_FILE).is_file():
        return directory
    versions = version_directories(directory)
    if versions:
        # The newest one, whole or not: silently taking an older one would hide the damage.
        return directory / str(versions[-1])
    raise UserError(f"no model version in {directory}: push one with `forger run`, or name a SavedModel directory")
