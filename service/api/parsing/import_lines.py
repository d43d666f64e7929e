"""Incremental parsing of the lines of an import: bytes in, entries out."""

import codecs
import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar

import msgspec

from service.api.parsing.json_body import check_utf_8, decode
from service.api.parsing.keys import check_keys
from service.api.parsing.values import parse_value, value_text
from service.api.schemas.requests import (
    ImportLine,
    LineKind,
    LineOfEnd,
    LineOfHeader,
    LineOfProblem,
    LineOfVersion,
)
from service.api.transfer_lines import VERSION
from service.errors import BodyTooLarge, InvalidRequest, Problem, quoted
from service.settings import Settings
from service.sizes import KIB

#: Bytes of a line for each byte of its value: other programs escape the letters of a
#: `text`, two bytes each, as six.
ESCAPED_VALUE = 3

#: The same for each byte of its key: any character can be escaped as six bytes.
ESCAPED_KEY = 6

#: Bytes for the other members of a line.
OTHER_MEMBERS = KIB

T = TypeVar("T")


class Entry(NamedTuple):
    """A line that concerns a key.

    :ivar line: its number, from 1
    :ivar value: JSON text; None: the key is deleted
    :ivar expires_at: seconds since 1970; None: it does not expire
    """

    line: int
    key: str
    value: str | None
    expires_at: float | None


class ImportLines:
    """The parser of an import.

    It buffers one line at most.

    :ivar line: the number of the last line that is complete
    :ivar buffered: bytes of the line that is not complete
    """

    def __init__(self, limits: Settings) -> None:
        self._limits = limits
        self._max_line = (
            ESCAPED_VALUE * limits.max_value + ESCAPED_KEY * limits.max_key
        ) + OTHER_MEMBERS
        self._parts: list[bytes] = []  # of the line that is not complete
        self._export: _Export | None = None  # None: the lines are no export
        self._has_ended = False
        self._damage: Problem | None = None
        self.line = 0
        self.buffered = 0

    def feed(self, piece: bytes) -> Iterator[Entry]:
        """The entries of the lines that end in a piece; all of them have to be taken.

        :raises InvalidJSON: a line is not JSON in UTF-8
        :raises InvalidRequest: a line has unknown or malformed members, or is not
            where it belongs
        :raises InvalidKey: a key is empty or too long
        :raises ValueTooLarge: a value is too large
        :raises BodyTooLarge: a line is too long
        """
        *lines, rest = piece.split(b"\n")
        for content in lines:
            if self._parts:
                self._extend(content)
                content = self._take_parts()
            yield from self._end_line(content)
        self._extend(rest)

    def finish(self) -> Iterator[Entry]:
        """The entry of a last line without a line end.

        :raises Problem: as `feed` does
        """
        if self._parts:
            yield from self._end_line(self._take_parts())

    def check_complete(self) -> None:
        """Checks that an export is complete, to be called in the end.

        :raises InvalidRequest: it has no last line, or another one than its lines
        """
        if self._damage is not None:
            raise self._damage
        if self._export is not None and not self._has_ended:
            detail = 'The export has no last line {"end": true, …}: it is incomplete'
            raise _located(InvalidRequest(detail), self.line)

    def _extend(self, part: bytes) -> None:
        if part:
            self._check_length(self.buffered + len(part))
            self._parts.append(part)
            self.buffered += len(part)

    def _check_length(self, size: int) -> None:
        if size > self._max_line:
            line = self.line + 1
            detail = f"Line {line} is longer than {self._max_line} bytes, the limit"
            raise _located(BodyTooLarge(detail), line)

    def _take_parts(self) -> bytes:
        content = b"".join(self._parts)
        self._parts.clear()
        self.buffered = 0
        return content

    def _end_line(self, content: bytes) -> Iterable[Entry]:
        """The entry of a line, if it has one."""
        self._check_length(len(content))
        self.line += 1
        content = content.removesuffix(b"\r")
        if self.line == 1:
            content = content.removeprefix(codecs.BOM_UTF8)
        if not content:
            self._count(content, is_entry=False)
            return ()
        try:
            entry = self._parse(content)
        except Problem as problem:
            raise _located(problem, self.line) from None
        self._count(content, is_entry=entry is not None)
        return () if entry is None else (entry,)

    def _count(self, content: bytes, *, is_entry: bool) -> None:
        if self._export is not None:
            self._export.add(content, is_entry=is_entry)

    def _parse(self, content: bytes) -> Entry | None:
        """The entry of a line; None for the first and the last one of an export."""
        if self._has_ended:
            raise InvalidRequest("The last line of the export came before it")
        try:
            given = self._decoded(content, ImportLine)
        except InvalidRequest:
            if not self._is_frame(content):
                raise
            return None
        check_utf_8(content, f"Line {self.line}")
        check_keys([given.key], self._limits, len(content))
        expires_at = None if given.expires_at is msgspec.UNSET else given.expires_at
        return Entry(self.line, given.key, self._value(given), expires_at)

    def _value(self, given: ImportLine) -> str | None:
        number_of_members = sum(
            member is not msgspec.UNSET
            for member in (given.value, given.text, given.deleted)
        )
        if number_of_members != 1:
            raise InvalidRequest("Expected one of the members value, text and deleted")
        if isinstance(given.value, msgspec.Raw):
            return value_text(given.value, self._limits, given.key)
        if isinstance(given.text, str):
            return parse_value(given.text.encode(), self._limits, "/text")
        if given.deleted is not True:
            raise InvalidRequest("/deleted: expected true")
        return None

    def _is_frame(self, content: bytes) -> bool:
        """Whether a line is the first or the last one of an export, which it checks."""
        kind = self._decoded(content, LineKind)
        if kind.kv_export is not msgspec.UNSET:
            self._begin(content)
            return True
        if kind.end is not msgspec.UNSET:
            self._end(self._decoded(content, LineOfEnd))
            return True
        if kind.code is not msgspec.UNSET and self._export is not None:
            self._end_failed(self._decoded(content, LineOfProblem))
            return True
        return False

    def _begin(self, content: bytes) -> None:
        # first: a header of another version may have other members
        version = self._decoded(content, LineOfVersion).kv_export
        if version != VERSION:
            raise InvalidRequest(
                f"/kv_export is {version}, expected {VERSION}: "
                "another version has made this export"
            )
        self._decoded(content, LineOfHeader)
        if self.line != 1:
            raise InvalidRequest("/kv_export: an export begins in the first line")
        self._export = _Export()

    def _end(self, end: LineOfEnd) -> None:
        if not end.end:
            raise InvalidRequest("/end: expected true")
        self._has_ended = True
        detail = self._export and self._export.difference(end)
        if detail:
            self._damage = _located(InvalidRequest(detail), self.line)

    def _end_failed(self, problem: LineOfProblem) -> None:
        self._has_ended = True
        detail = f"The export has failed with {quoted(problem.code)}: it is incomplete"
        self._damage = _located(InvalidRequest(detail), self.line)

    def _decoded(self, content: bytes, shape: type[T]) -> T:
        return decode(content, shape, f"Line {self.line}")


class _Export:
    """What the last line of an export states of the lines before it."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._entries = 0

    def add(self, content: bytes, *, is_entry: bool) -> None:
        """Counts a line, with LF whatever its line end."""
        self._hash.update(content)
        self._hash.update(b"\n")
        self._entries += is_entry

    def difference(self, end: LineOfEnd) -> str:
        """How the lines differ from the exported ones; empty: they are equal."""
        stated = end.keys + end.changes
        if stated != self._entries:
            return (
                f"the export had {stated} lines with keys, "
                f"this file has {self._entries}: it is damaged"
            )
        if end.sha256.lower() != self._hash.hexdigest():
            return "/sha256: the lines before are not those that were exported"
        return ""


def _located(problem: Problem, line: int) -> Problem:
    """The problem, with the number of its line."""
    name, detail = f"Line {line}", str(problem)
    if not detail.startswith(name):
        problem = type(problem)(f"{name}: {detail}")
    problem.progress = {"line": line}
    return problem
