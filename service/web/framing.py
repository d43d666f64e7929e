"""Where the heads and bodies in the bytes of a connection end (RFC 9112).

The parser alone decides what they contain. It gets no more than one of them at a time.
"""

from typing import Protocol

EMPTY_LINE = b"\r\n\r\n"

#: Bytes of the line with the size of a chunk: 16 digits fill 64 bits, and what follows
#: is an extension that nobody reads.
MAX_SIZE_LINE = 32


class Body(Protocol):
    """:ivar is_over: whether all of it has been found"""

    is_over: bool

    def end(self, data: bytes, start: int) -> int:
        """The index behind the bytes from `start` that belong to the body."""


class Head:
    """Ends with an empty line (section 2.1), which may come in pieces."""

    def __init__(self) -> None:
        self._last = b""  # bytes that may begin the empty line

    def end(self, data: bytes, start: int) -> int:
        """The index behind the bytes from `start` that belong to the head."""
        seam = self._last + data[start : start + len(EMPTY_LINE) - 1]
        found = seam.find(EMPTY_LINE)
        begin = start - len(self._last) + found
        if found < 0:
            begin = found = data.find(EMPTY_LINE, start)
        if found < 0:
            self._last = (self._last + data[start:])[1 - len(EMPTY_LINE) :]
            return len(data)
        self._last = b""
        return begin + len(EMPTY_LINE)


class SizedBody:
    """As long as `Content-Length` says (section 6.2)."""

    def __init__(self, size: int) -> None:
        self._left = size
        self.is_over = size == 0

    def end(self, data: bytes, start: int) -> int:
        end = min(start + self._left, len(data))
        self._left -= end - start
        self.is_over = self._left == 0
        return end


class ChunkedBody:
    """Ends with the empty line behind the last chunk and its trailers (section 7.1)."""

    def __init__(self) -> None:
        self._left = 0  # bytes of a chunk and of the line end behind it
        self._line = b""  # the beginning of one that has not ended
        self._in_trailers = False
        self.is_over = False

    def end(self, data: bytes, start: int) -> int:
        size = len(data)
        while start < size and not self.is_over:
            if self._left:
                step = min(self._left, size - start)
                self._left -= step
                start += step
            else:
                start = self._end_of_line(data, start)
        return start

    def _end_of_line(self, data: bytes, start: int) -> int:
        found = data.find(b"\n", start)
        end = len(data) if found < 0 else found
        self._line += data[start : min(end, start + MAX_SIZE_LINE)]
        if found < 0:
            self._line = self._line[:MAX_SIZE_LINE]
            return end
        line, self._line = self._line.strip(), b""
        if self._in_trailers:
            self.is_over = not line
        else:
            size = _size(line)
            self._in_trailers = size == 0
            self._left = size + len(b"\r\n") if size else 0
        return end + 1


def _size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    try:
        return int(digits, 16)
    except ValueError:
        return 0  # the parser refuses it
