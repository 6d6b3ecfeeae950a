"""What makes a moved or a copied home whole: MLMD's and TensorFlow Serving's paths are absolute, all others relative."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from serving.repository.errors import UserError
from serving.repository.labels import move_base_paths

# MLMD's columns that hold paths.
_COLUMNS = (("Artifact", "uri"), ("ArtifactProperty", "string_value"), ("ExecutionProperty", "string_value"))


def moved(path: str, old: Path, new: Path) -> str:
    """Name a path below `old` by where it is below `new`; any other stays as it is."""
    if path == str(old) or path.startswith(f"{old}/"):
        # Where `new` lies in `old`, what is in `new` was named anew already.
        return path if new.is_relative_to(old) and Path(path).is_relative_to(new) else str(new) + path[len(str(old)) :]
    return path


def rewrite_paths(metadata: Path, serving: Path, old: Path, new: Path) -> None:
    """Rewrite the absolute paths of a home that was at another place; doing it twice does nothing more.

    In SQL, because MLMD's own API would make each artifact's time of change new, and TFX's cache looks at it.

    Args:
        metadata: MLMD's sqlite file; it may be missing.
        serving: The directory of models.config.
        old: Where the home was.
        new: Where it is.

    Raises:
        UserError: One of the two files can't be read.
    """
    if old == new:
        return
    if metadata.is_file() and metadata.stat().st_size:
        try:
            with contextlib.closing(sqlite3.connect(metadata)) as connection, connection:  # one transaction
                connection.create_function("moved", 1, lambda path: moved(path, old, new), deterministic=True)
                for table, column in _COLUMNS:
                    # substr, not LIKE: a path may hold % and _.
                    connection.execute(
                        f"UPDATE {table} SET {column} = moved({column}) WHERE substr({column}, 1, ?) = ?",  # noqa: S608
                        (len(str(old)), str(old)),
                    )
        except sqlite3.Error as error:
            raise UserError(f"the metadata {metadata} can't be read ({error}): `forger doctor --mend` sets it aside") from error
    move_base_paths(serving, old, new)
