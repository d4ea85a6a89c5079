"""Taking apart what a shell's stream carries; pure functions of the bytes, however they are cut.

The output channel is the command's own bytes, and marks between them that may be forged. The
protocol channel is records, each between two NUL bytes.
"""

from __future__ import annotations

from collections import deque


class HeadTail:
    """Keeps at most `limit` bytes of what is fed: the first half and the last half."""

    def __init__(self, limit: int) -> None:
        self._head_limit = limit - limit // 2
        self._tail_limit = limit // 2
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self.dropped = 0

    def feed(self, data: bytes) -> None:
        """Add bytes at the end."""
        room = self._head_limit - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        if not data:
            return
        self._tail.append(data)
        self._tail_size += len(data)
        while self._tail_size > self._tail_limit:
            excess = self._tail_size - self._tail_limit
            first = self._tail.popleft()
            if len(first) > excess:
                self._tail.appendleft(first[excess:])
            cut = min(excess, len(first))
            self._tail_size -= cut
            self.dropped += cut

    def value(self) -> bytes:
        """The kept bytes; `dropped` more stood in the middle."""
        return bytes(self._head) + b"".join(self._tail)


class UntilToken:
    """Passes bytes on until `token` comes; what follows it is left in `rest`."""

    def __init__(self, token: bytes) -> None:
        self._token = token
        self._held = b""
        self.found = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """The bytes that are surely before the token. After it, everything goes to `rest`."""
        if self.found:
            self.rest += data
            return b""
        data = self._held + data
        at = data.find(self._token)
        if at >= 0:
            self.found = True
            self._held = b""
            self.rest = data[at + len(self._token) :]
            return data[:at]
        keep = min(len(self._token) - 1, len(data))
        self._held = data[len(data) - keep :]
        return data[: len(data) - keep]

    def flush(self) -> bytes:
        """What was held back as a possible beginning of the token, when none will come."""
        held, self._held = self._held, b""
        return held


class UntilMark:
    """Passes bytes on until a mark comes that the reader accepts; what follows is left in `rest`.

    A mark is `prefix` and `size` bytes more. With one in `mark`, nothing passes
    until it was accepted, or refused and so passed on as the output that it is.
    """

    def __init__(self, prefix: bytes, size: int) -> None:
        self._prefix = prefix
        self._size = size
        self._held = b""
        self.mark: bytes | None = None
        self.found = False

    @property
    def rest(self) -> bytes:
        """What came after the accepted mark."""
        return self._held if self.found else b""

    def feed(self, data: bytes) -> bytes:
        """The bytes that are surely before the mark. After it, everything goes to `rest`."""
        self._held += data
        return b"" if self.found or self.mark is not None else self._scan()

    def accept(self) -> None:
        """The mark that was found is the right one."""
        self._held = self._held[len(self._prefix) + self._size :]
        self.mark, self.found = None, True

    def refuse(self) -> bytes:
        """The mark that was found is output; the bytes that are so now."""
        self.mark = None
        passed, self._held = self._held[:1], self._held[1:]
        return passed + self._scan()

    def flush(self) -> bytes:
        """What was held back, when no right mark will come."""
        if self.found:
            return b""
        held, self._held, self.mark = self._held, b"", None
        return held

    def _scan(self) -> bytes:
        at = self._held.find(self._prefix)
        if at < 0:
            at = max(0, len(self._held) - len(self._prefix) + 1)
        elif len(self._held) >= at + len(self._prefix) + self._size:
            begin = at + len(self._prefix)
            self.mark = self._held[begin : begin + self._size]
        passed, self._held = self._held[:at], self._held[at:]
        return passed


class Records:
    """Cuts the protocol channel into records; an unfinished one is bounded by `limit` bytes."""

    def __init__(self, limit: int = 64 * 1024) -> None:
        self._limit = limit
        self._partial = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The records that these bytes complete; empty ones are left out."""
        *complete, partial = (self._partial + data).split(b"\0")
        self._partial = partial[-self._limit :]
        return [record for record in complete if record]


class Demultiplexer:
    """Docker's attach format: frames of a stream number, three zeros, a big-endian length, bytes.

    Format: https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach
    """

    HEADER = 8

    def __init__(self) -> None:
        self._header = b""
        self._stream = 0
        self._left = 0

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Pieces of payload with their stream number; a frame may come in several pieces."""
        pieces: list[tuple[int, bytes]] = []
        at = 0
        while at < len(data):
            if self._left == 0:
                take = data[at : at + self.HEADER - len(self._header)]
                self._header += take
                at += len(take)
                if len(self._header) < self.HEADER:
                    break
                self._stream = self._header[0]
                self._left = int.from_bytes(self._header[4:], "big")
                self._header = b""
            else:
                piece = data[at : at + self._left]
                at += len(piece)
                self._left -= len(piece)
                pieces.append((self._stream, piece))
        return pieces
