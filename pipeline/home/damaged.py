"""An artifact that can't be read: named with what makes it anew, because TFX's cache believes in whatever is there."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from pipeline.home.causes import causes
from serving.repository.errors import UserError, first_line


@contextlib.contextmanager
def naming_damaged_artifact(root: Path, node_id: str = "") -> Iterator[None]:
    """Say which artifact to delete where an error names one.

    Args:
        root: The directory of all artifacts, `root/NODE/KEY/ID`.
        node_id: The node that works, if one does: its own outputs are written anew in any case.

    Raises:
        UserError: The error that arose, and the mend.
    """
    try:
        yield
    except Exception as error:
        artifact = re.compile(rf"{re.escape(str(root))}/(?!{node_id}/)\w+/\w+/\d+")
        named = next(filter(None, (artifact.search(str(one)) for one in reversed(causes(error)))), None)
        if named is None or not Path(named[0]).is_dir():
            raise
        line = str(error) if isinstance(error, UserError) else ": ".join(filter(None, [node_id, first_line(error)]))
        raise UserError(f"{line}; if {named[0]} is damaged, delete it: the next `forger run` makes it anew") from error
