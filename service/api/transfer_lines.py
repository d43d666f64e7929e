"""The lines of an export, which an import accepts: NDJSON, one JSON object a line.

`Header`, then a `Row` for each key in byte order, `Row` and `Deletion` for changes
during the export, then `End`. A later line of a key replaces an earlier one. A line
ends with LF, which JSON texts have only as white space: a value with a line break
travels as `text`, a JSON string that contains its JSON text byte for byte.

Every line is one piece of JSON without white space between its tokens, except in the
JSON text of a value.
"""

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Raw

#: The version of the format, in the first line.
VERSION = 1

MEDIA_TYPE = "application/x-ndjson"

LF = b"\n"

Seconds = Annotated[float, Meta(description="Seconds since 1970")]


class Header(msgspec.Struct, frozen=True):
    """The first line.

    :ivar revision: the store's revision when the first page was read
    :ivar prefix: of all keys
    :ivar made_at: when the first page was read, by the clock of `expires_at`
    """

    kv_export: int
    revision: int
    prefix: str
    made_at: Seconds


class Row(msgspec.Struct, frozen=True, omit_defaults=True):
    """A key with its value.

    :ivar value: the JSON text of the value; unset if it is in `text`
    :ivar text: a JSON text that contains line breaks
    :ivar revision: of the write that the value is of
    :ivar expires_at: None: it does not expire
    """

    key: str
    value: Raw | msgspec.UnsetType = msgspec.UNSET
    text: str | msgspec.UnsetType = msgspec.UNSET
    revision: int | msgspec.UnsetType = msgspec.UNSET
    expires_at: Seconds | None = None


class Deletion(msgspec.Struct, frozen=True):
    """A key that an earlier line has and that is deleted, or may not be in any line.

    :ivar revision: of the deletion
    """

    key: str
    deleted: Literal[True]
    revision: int


class End(msgspec.Struct, frozen=True):
    """The last line of a complete export.

    :ivar revision: the store's revision when the last page was read: the lines have
        the state of the store at this revision
    :ivar keys: rows in byte order, one for each key of a page
    :ivar changes: lines of changes, rows and deletions
    :ivar sha256: of all preceding bytes before compression, in hexadecimal digits
    """

    end: Literal[True]
    revision: int
    keys: int
    changes: int
    sha256: str


#: Any line but the last one of an export that failed, which is a problem (RFC 9457).
Line = Header | Row | Deletion | End

encoder = msgspec.json.Encoder()


def encoded(line: Line) -> bytes:
    """A line with its LF."""
    return encoder.encode(line) + LF


def row_of(key: str, value: str, revision: int, expires_at: float | None) -> Row:
    """The line of a key.

    :param value: JSON text
    """
    if "\n" in value or "\r" in value:
        return Row(key, text=value, revision=revision, expires_at=expires_at)
    return Row(key, Raw(value), revision=revision, expires_at=expires_at)


def pieces_of(lines: Iterable[Line], size: int) -> Iterator[bytes]:
    """Lines, encoded, in pieces of bounded size.

    :param size: bytes of a piece, at most
    """
    buffer = bytearray()
    for line in lines:
        buffer += encoder.encode(line)
        buffer += LF
        while len(buffer) >= size:
            yield bytes(buffer[:size])
            del buffer[:size]
    if buffer:
        yield bytes(buffer)
