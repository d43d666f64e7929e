"""Framing: the ends of heads and bodies in the bytes of a connection (RFC 9112).

aiohttp's parser gets a request that arrives alone at once, and otherwise one head or
one body at a time. What they contain is its decision.
"""

from typing import Protocol

from service.sizes import KIB

#: Bytes. A key of the largest size takes three times as many in a path; a token, a list
#: of entity tags and what proxies add fit in the rest many times. The parser reports
#: the first two with the same error, so that their sizes have to differ. A field counts
#: with its name and its value; a head, with every byte.
MAX_LINE, MAX_FIELD, MAX_HEAD = 8 * KIB, 16 * KIB, 32 * KIB

#: Fields of a head.
MAX_HEADERS = 100

EMPTY_LINE = b"\r\n\r\n"

#: Digits of a `Content-Length`: they fill 64 bits. The parser accepts more zeros before
#: them.
MAX_LENGTH_DIGITS = 20

#: Bytes of the line with the size of a chunk: 16 digits fill 64 bits, the rest is an
#: extension that is ignored.
MAX_SIZE_LINE = 32


class Body(Protocol):
    """A body of any framing.

    :ivar is_over: whether its end has been found
    """

    is_over: bool

    def end(self, data: bytes, start: int) -> int:
        """The index after the bytes from `start` that belong to the body."""


class Head:
    """A head; it ends with an empty line (section 2.1) that may arrive in pieces."""

    def __init__(self) -> None:
        self._last = b""  # a possible beginning of the empty line

    def end(self, data: bytes, start: int) -> int:
        """The index after the bytes from `start` that belong to the head."""
        if self._last:
            seam = self._last + data[start : start + len(EMPTY_LINE) - 1]
            found = seam.find(EMPTY_LINE)
            if found >= 0:
                begin = start - len(self._last) + found
                self._last = b""
                return begin + len(EMPTY_LINE)
        found = data.find(EMPTY_LINE, start)
        if found < 0:
            self._last = (self._last + data[start:])[1 - len(EMPTY_LINE) :]
            return len(data)
        self._last = b""
        return found + len(EMPTY_LINE)


class SizedBody:
    """A body with the length of `Content-Length` (section 6.2)."""

    def __init__(self, size: int) -> None:
        self._left = size
        self.is_over = size == 0

    def end(self, data: bytes, start: int) -> int:
        end = min(start + self._left, len(data))
        self._left -= end - start
        self.is_over = self._left == 0
        return end


class ChunkedBody:
    """A body in chunks, which ends with an empty line after trailers (section 7.1)."""

    def __init__(self) -> None:
        self._left = 0  # bytes of a chunk and of its line end
        self._line = b""  # the beginning of an unfinished line
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
        return 0  # the parser refuses the line


class Framer:
    """A splitter of the bytes of a connection into heads and bodies.

    :ivar head_size: bytes of the head that has not ended
    """

    __slots__ = ("_body", "_head", "head_size")

    def __init__(self) -> None:
        self.head_size = 0
        self._head = Head()
        self._body: Body = SizedBody(0)

    def end_head(self) -> int:
        """The size of the head, which the parser has taken."""
        size, self.head_size = self.head_size, 0
        return size

    def is_one_request(self, data: bytes) -> bool:
        """Whether the bytes are exactly one head and its body.

        False also for spellings of `Content-Length` that few clients use: their
        requests are split.
        """
        if self.head_size or len(data) > MAX_FIELD:
            return False
        head, found, body = data.partition(EMPTY_LINE)
        fields = head.partition(b"\r\nContent-Length: ")[2]
        if not fields:
            fields = head.partition(b"\r\ncontent-length: ")[2]
        length = fields.partition(b"\r")[0]
        if not found or not length.isdigit() or len(length) > MAX_LENGTH_DIGITS:
            return False
        return int(length) == len(body)

    def begin_body(self, body: Body) -> None:
        self._body = body

    def end_of_part(self, data: bytes, start: int, in_body: bool) -> int:
        """The index after the head or the body that continues at `start`.

        At most the index where a head reaches `MAX_HEAD`.

        :param in_body: whether the parser expects more of a body
        """
        if in_body and not self._body.is_over:
            return self._body.end(data, start)
        end = self._head.end(data, start)
        if not in_body:
            end = min(end, start + MAX_HEAD - self.head_size)
            self.head_size += end - start
        return end
