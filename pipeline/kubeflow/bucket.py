"""A look into the bucket, where the pod may: how many objects there are below a URI."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

_REGION = "us-east-1"  # of a store that isn't AWS's: any will do, and asking for it would be a request more
_S3 = ("s3://", "minio://")
_TIMEOUT_S = 120.0  # of all looks together: a store that doesn't answer must not hold up the night


def lost(written: Mapping[str, int], endpoint: str) -> list[str]:
    """Find the URIs below which fewer objects are left than once were written.

    Args:
        written: Number of objects of each URI.
        endpoint: Address of an S3 store that isn't AWS's, e.g. http://minio-service.kubeflow:9000; "" for AWS or GCS.

    Returns:
        The URIs.

    Raises:
        OSError: The store refuses or doesn't answer.
    """
    found: list[str] = []
    errors: list[Exception] = []

    def look() -> None:
        try:
            found.extend(uri for uri, number in written.items() if _count(uri, endpoint) < number)
        except Exception as error:  # pyarrow's own, of any class
            errors.append(error)

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    looking.join(_TIMEOUT_S)
    if looking.is_alive():
        raise OSError(f"no answer within {_TIMEOUT_S:.0f} s")
    if errors:
        raise OSError(str(errors[0])) from errors[0]
    return found


def _count(uri: str, endpoint: str) -> int:
    from pyarrow import fs

    scheme, _, path = uri.partition("://")
    store: Any = _s3(endpoint) if f"{scheme}://" in _S3 else fs.GcsFileSystem()
    found = store.get_file_info(fs.FileSelector(path, recursive=True, allow_not_found=True))
    return sum(entry.type == fs.FileType.File for entry in found)


def _s3(endpoint: str) -> Any:
    from pyarrow import fs

    if not endpoint:
        return fs.S3FileSystem()
    scheme, separator, address = endpoint.rpartition("://")
    return fs.S3FileSystem(endpoint_override=address, scheme=scheme if separator else "https", region=_REGION)
