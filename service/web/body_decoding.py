"""Content codings of request bodies (RFC 9110, section 8.4.1), decoded in pieces.

aiohttp can decode, but accepts a gzip body that ends early.
"""

import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple, Protocol

from aiohttp import hdrs, web

from service.errors import InvalidRequest, UnsupportedEncoding, quoted
from service.sizes import KIB
from service.web.zstd import zstd

#: Bytes of input for one call of a decoder, which copies its unread input.
INPUT = 16 * KIB

#: Bytes of a decoded piece: less than a millisecond of work.
OUTPUT = 64 * KIB

#: A member costs far more than its bytes; real bodies have one or a few.
MAX_MEMBERS = 1000

#: The base-2 logarithm of the bytes of a window; RFC 9659 allows no more.
MAX_ZSTD_WINDOW = 23

#: The same of Brotli (RFC 7932, section 9.1).
MAX_BROTLI_WINDOW = 24


class Decoder(Protocol):
    """A decoder of one member; it keeps the input whose output exceeds the limit."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class Coding(NamedTuple):
    """A content coding and its decoder.

    :ivar new: a decoder for a member that begins with these bytes
    :ivar has_members: several in a row are one body
    :ivar window: bytes that a decoder takes, at most
    """

    name: str
    new: Callable[[bytes], Decoder]
    errors: tuple[type[Exception], ...]
    has_members: bool = False
    window: int = 64 * KIB


class Zlib:
    def __init__(self, wbits: int) -> None:
        self._decoder = zlib.decompressobj(wbits)

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def unused_data(self) -> bytes:
        return self._decoder.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        rest = self._decoder.unconsumed_tail
        return self._decoder.decompress(rest + data, max_length)


class Brotli:
    unused_data = b""  # the library fails where there is some

    def __init__(self, library: Any) -> None:
        self._decoder = library.Decompressor()

    @property
    def eof(self) -> bool:
        return bool(self._decoder.is_finished())

    def decompress(self, data: bytes, max_length: int) -> bytes:
        piece: bytes = self._decoder.process(data, max_length)
        return piece


def _new_deflate(begin: bytes) -> Decoder:
    """A decoder of zlib data (RFC 1950) or of bare deflate, which some clients send."""
    has_header = begin[0] & 0x0F == zlib.DEFLATED
    return Zlib(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)


def _brotli() -> Iterator[Coding]:
    try:
        import brotli

        brotli.Decompressor().process(b"", 1)
    except (ImportError, TypeError):  # an older one has no bound for its output
        return
    yield Coding(
        "br", lambda _: Brotli(brotli), (brotli.error,), window=2**MAX_BROTLI_WINDOW
    )


def _zstd() -> Iterator[Coding]:
    if zstd is None:
        return
    options = {zstd.DecompressionParameter.window_log_max: MAX_ZSTD_WINDOW}
    new = partial(zstd.ZstdDecompressor, options=options)
    errors, window = (zstd.ZstdError,), 2**MAX_ZSTD_WINDOW
    yield Coding("zstd", lambda _: new(), errors, has_members=True, window=window)


#: RFC 1952, section 2.2: a gzip body is one member or several.
GZIP = Coding("gzip", lambda _: Zlib(16 + zlib.MAX_WBITS), (zlib.error,), True)
DEFLATE = Coding("deflate", _new_deflate, (zlib.error,))

#: What can be decoded here: the libraries of the last two are optional.
CODINGS = {each.name: each for each in (GZIP, DEFLATE, *_brotli(), *_zstd())}

#: RFC 9110, section 8.4.1.3.
ALIASES = {"x-gzip": "gzip"}


def coding_of(request: web.Request) -> Coding | None:
    """The coding of a request's body.

    :raises UnsupportedEncoding: it cannot be decoded, or there are several
    """
    if hdrs.CONTENT_ENCODING not in request.headers:
        return None
    given = ",".join(request.headers.getall(hdrs.CONTENT_ENCODING)).lower()
    names = [name for part in given.split(",") if (name := part.strip(" \t"))]
    # `identity` names no coding and should not be sent (RFC 9110, section 8.4.1), but
    # some clients send it of a body that has none; an empty list says the same
    if names in ([], ["identity"]):
        return None
    coding = CODINGS.get(ALIASES.get(names[0], names[0]))
    if coding is None or len(names) > 1:
        raise UnsupportedEncoding(
            f"Content-Encoding is {quoted(given)}, expected one of: "
            + ", ".join(CODINGS),
            CODINGS,
        )
    return coding


def decoded(body: bytes, coding: Coding) -> Iterator[bytes]:
    """The pieces of a body that is not empty.

    :raises InvalidRequest: it is damaged, ends early, or has bytes after its end
    """
    decoder = BodyDecoder(coding)
    yield from decoder.feed(body)
    decoder.finish()


class BodyDecoder:
    """Decodes a body of any length that arrives in parts.

    :param bytes_per_member: bytes of the body that permit one more member than
        `MAX_MEMBERS`; None: there are never more
    """

    def __init__(self, coding: Coding, bytes_per_member: int | None = None) -> None:
        self._coding = coding
        self._bytes_per_member = bytes_per_member
        self._decoder: Decoder | None = None
        self._members = 0
        self._received = 0

    def feed(self, part: bytes) -> Iterator[bytes]:
        """The decoded pieces of a part; all of them have to be taken.

        :raises InvalidRequest: it is damaged, or has bytes after its end
        """
        self._received += len(part)
        for start in range(0, len(part), INPUT):
            given = part[start : start + INPUT]
            while given:
                decoder = self._decoder_for(given)
                yield from _pieces(decoder, self._coding, given)
                given = decoder.unused_data if decoder.eof else b""

    def finish(self) -> None:
        """Checks that the body is complete.

        :raises InvalidRequest: it ends early
        """
        if self._decoder is not None and not self._decoder.eof:
            name = self._coding.name
            raise InvalidRequest(f"The {name} body ends early: it is cut short")

    def _decoder_for(self, given: bytes) -> Decoder:
        if self._decoder is None or self._decoder.eof:
            self._members += 1
            self._check_members()
            self._decoder = self._coding.new(given)
        return self._decoder

    def _check_members(self) -> None:
        name, limit = self._coding.name, MAX_MEMBERS
        if self._members > 1 and not self._coding.has_members:
            raise InvalidRequest(f"There are bytes after the end of the {name} body")
        if self._bytes_per_member is not None:
            limit += self._received // self._bytes_per_member
        if self._members > limit:
            raise InvalidRequest(
                f"The {name} body has more than {limit} members, the limit"
            )


def _pieces(decoder: Decoder, coding: Coding, given: bytes) -> Iterator[bytes]:
    try:
        while piece := decoder.decompress(given, OUTPUT):
            yield piece
            if decoder.eof:
                return
            given = b""
    except coding.errors:
        raise InvalidRequest(f"The {coding.name} body is damaged") from None
