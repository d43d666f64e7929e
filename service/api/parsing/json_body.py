"""Decoding of JSON bodies into the structs of the schemas."""

import codecs
import json
import re
from typing import TypeVar

import msgspec

from service.errors import InvalidJSON, InvalidRequest, shortened

#: Characters of a detail that may quote a client's member name.
MAX_REASON = 200

#: The decoder's reason for a body that is cut short, and for a lone surrogate.
TRUNCATED = "Input data was truncated"

T = TypeVar("T")


def decode(body: bytes, shape: type[T], what: str = "The body") -> T:
    """The body as `shape`; a byte order mark before it is skipped.

    :param what: names the body in an error
    :raises InvalidJSON: it is not JSON in UTF-8
    :raises InvalidRequest: it is not of the shape
    """
    return _decode(body, shape, what)


def _decode(body: bytes, shape: type[T], what: str, *, has_mark: bool = False) -> T:
    """Decodes a body.

    :param has_mark: whether a byte order mark has been skipped
    """
    if not body:
        raise InvalidJSON(f"{what} is empty, expected JSON")
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        _check_encoding(body, what)  # `1` in UTF-16 begins with a number
        raise InvalidRequest(explanation(error, what)) from None
    except msgspec.DecodeError as error:
        if body.startswith(codecs.BOM_UTF8) and not has_mark:
            return _decode(body[len(codecs.BOM_UTF8) :], shape, what, has_mark=True)
        _check_encoding(body, what)
        reason = str(error).removeprefix("JSON is malformed: ")
        if reason == TRUNCATED:
            reason = "it is cut short, or has half of a surrogate pair"
        raise InvalidJSON(f"{what} is not JSON: {reason}") from None
    except UnicodeDecodeError:
        raise InvalidJSON(f"{what} is not UTF-8") from None
    except RecursionError:
        raise InvalidJSON(f"{what} is nested too deeply") from None


def check_utf_8(body: bytes, what: str = "The body") -> None:
    """Checks the values that the decoder skips: those before another of the same key.

    :raises InvalidJSON: the body is not UTF-8
    """
    try:
        if not body.isascii():
            body.decode()
    except UnicodeDecodeError:
        raise InvalidJSON(f"{what} is not UTF-8") from None


def explanation(error: msgspec.ValidationError, whole: str) -> str:
    """The validator's sentence, after a JSON pointer (RFC 6901) to the member.

    :param whole: names what is not valid where no member is to blame
    """
    reason, _, path = str(error).partition(" - at `$")
    path = path.rstrip("`").replace("[...]", ".*")
    pointer = re.sub(r"\.|\[(\d+)\]", r"/\1", path)
    where = pointer or whole
    return f"{where}: {reason[:1].lower()}{shortened(reason[1:], MAX_REASON)}"


def _check_encoding(body: bytes, what: str) -> None:
    """Checks the encoding of a body that the decoder has refused.

    :raises InvalidJSON: it is UTF-16 or UTF-32
    """
    encoding = json.detect_encoding(body)
    if not encoding.startswith("utf-8"):
        name = encoding.upper().replace("-LE", "LE").replace("-BE", "BE")
        raise InvalidJSON(f"{what} is {name}, expected UTF-8")
