"""Bodies of requests: read, unpacked, and bounded one by one and all together."""

from __future__ import annotations

import threading
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

_FREE = 64 * 1024  # of every body; connections bound these already, and small requests never wait for large ones
_PIECE = 2**20
_GZIP = 16 + zlib.MAX_WBITS
_ENCODINGS = {"": False, "identity": False, "gzip": True, "x-gzip": True}


class BodyRefused(Exception):
    """One line for the client, and HTTP's number for it."""

    def __init__(self, message: str, status: int) -> None:
        """As the client gets it."""
        super().__init__(message)
        self.status = status


class BodyRoom:
    """Bytes that all bodies may hold at once; safe to use from many threads."""

    def __init__(self, largest: int, bodies: int = 4) -> None:
        """Prepare.

        Args:
            largest: Bytes of one body, as sent and unpacked.
            bodies: How many of that size may be held at once.
        """
        self.largest = largest
        self._left = largest * bodies
        self._lock = threading.Lock()

    @contextmanager
    def share(self) -> Iterator[Share]:
        """A request's share, given back at its end."""
        share = Share(self)
        try:
            yield share
        finally:
            self._take(-share.taken)

    def _take(self, size: int) -> bool:
        with self._lock:
            if size > self._left:
                return False
            self._left -= size
            return True


class Share:
    """What one request holds of the room."""

    def __init__(self, room: BodyRoom) -> None:
        """Hold nothing yet."""
        self._room, self._size = room, 0
        self.taken = 0

    def add(self, size: int) -> None:
        """Hold more.

        Raises:
            BodyRefused: 429: other bodies hold all there is.
        """
        self._size += size
        needed = max(self._size - _FREE - self.taken, 0)
        if needed and not self._room._take(needed):
            raise BodyRefused("too many large bodies at once: try again later", 429)
        self.taken += needed

    async def read(self, chunks: AsyncIterator[bytes]) -> bytes:
        """Read a body as sent.

        Raises:
            BodyRefused: It is too large, or too much for now.
        """
        found, size = [], 0
        async for chunk in chunks:
            size += len(chunk)
            if size > self._room.largest:
                raise self._too_large()
            self.add(len(chunk))
            found.append(chunk)
        return b"".join(found)

    def unpack(self, body: bytes) -> bytes:
        """Decompress gzip, no further than a body may be large.

        Raises:
            BodyRefused: 400: it is no gzip; else as `read`.
        """
        unpacker, found, size, packed = zlib.decompressobj(_GZIP), [], 0, body
        try:
            while packed and not unpacker.eof:
                piece = unpacker.decompress(packed, _PIECE)
                packed = unpacker.unconsumed_tail
                size += len(piece)
                if size > self._room.largest:
                    raise self._too_large()
                self.add(len(piece))
                found.append(piece)
        except zlib.error:
            raise BodyRefused("the body is not gzip, although its Content-Encoding says so", 400) from None
        if not unpacker.eof:
            raise BodyRefused("the gzip body ends too early", 400)
        return b"".join(found)

    def _too_large(self) -> BodyRefused:
        return BodyRefused(f"the body is larger than {self._room.largest} bytes", 413)


def is_packed(encoding: str) -> bool:
    """Whether a Content-Encoding means gzip.

    Raises:
        BodyRefused: 415: it means something else.
    """
    packed = _ENCODINGS.get(encoding.strip().lower())
    if packed is None:
        raise BodyRefused(f"Content-Encoding {encoding[:64]!r} is not known: send the body as it is, or with gzip", 415)
    return packed
