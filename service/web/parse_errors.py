"""The problems of requests that aiohttp's parser refuses, or accepts by mistake."""

from aiohttp import hdrs
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong
from aiohttp.http_parser import RawRequestMessage

from service.errors import (
    HeadersTooLarge,
    HttpVersionNotSupported,
    InvalidRequest,
    Problem,
    UriTooLong,
    quoted,
)
from service.web.framing import (
    MAX_FIELD,
    MAX_HEAD,
    MAX_HEADERS,
    MAX_LENGTH_DIGITS,
    MAX_LINE,
)

#: The parser's text for more than `MAX_HEADERS` fields.
TOO_MANY_HEADERS = "Too many headers received"

#: Its texts for an unknown version, and for HTTP/2 (RFC 9113, section 3.4).
UNSUPPORTED_VERSIONS = ("Invalid HTTP version", "Pause on PRI/Upgrade")

#: The parser takes a body of this length for none: it is how it marks a missing length.
MISSING_LENGTH = str(2**64 - 1)


def problem_of(error: BaseException | None) -> Problem:
    """The problem for an error of the parser."""
    match error:
        case LineTooLong(args=(_, int(limit), _)) if limit == MAX_LINE:
            return UriTooLong(f"The path and query exceed {limit} bytes")
        case LineTooLong(args=(_, int(limit), _)):
            return HeadersTooLarge(f"One of the headers exceeds {limit} bytes")
        case BadHttpMessage(args=(text,)) if text == TOO_MANY_HEADERS:
            return HeadersTooLarge(f"There are more than {MAX_HEADERS} headers")
        case BadHttpMessage(message=str(text)) if any(
            map(text.count, UNSUPPORTED_VERSIONS)
        ):
            return HttpVersionNotSupported()
    return InvalidRequest("The request is not valid HTTP")


def oversized_field(message: RawRequestMessage) -> Problem | None:
    """The problem of a head with a field beyond `MAX_FIELD`."""
    widest = max(len(name) + len(value) for name, value in message.raw_headers)
    if widest <= MAX_FIELD:
        return None
    return HeadersTooLarge(
        f"One of the headers exceeds {MAX_FIELD} bytes, with {widest}"
    )


def oversized_head() -> Problem:
    """The problem of a head that has not ended after `MAX_HEAD` bytes."""
    return HeadersTooLarge(f"The headers exceed {MAX_HEAD} bytes together")


def malformed(message: RawRequestMessage) -> Problem | None:
    """The problem of a request that aiohttp accepts although it is malformed."""
    given = message.headers.getall(hdrs.TRANSFER_ENCODING, None)
    if given is not None and [each.strip().lower() for each in given] != ["chunked"]:
        return InvalidRequest(
            f"Transfer-Encoding is {quoted(', '.join(given))}, expected chunked"
        )
    length = message.headers.get(hdrs.CONTENT_LENGTH, "")
    if len(length) > MAX_LENGTH_DIGITS:
        return InvalidRequest(
            f"Content-Length has {len(length)} digits, the limit is {MAX_LENGTH_DIGITS}"
        )
    if given is None and length.lstrip("0") == MISSING_LENGTH:
        return InvalidRequest(f"Content-Length is {MISSING_LENGTH}, beyond its range")
    if message.path[:1] != "/":
        try:
            _ = message.url.host, message.url.port
        except ValueError:
            return InvalidRequest(
                f"The target {quoted(message.path)} is not a valid URL"
            )
    return None
