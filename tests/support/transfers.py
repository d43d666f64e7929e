"""Exports: a reader of their lines, which knows the format and not the service."""

import contextlib
import functools
import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

import aiohttp
import msgspec

from tests.support.client import Client
from tests.support.machine import narrow_socket

#: As it comes, so that an export is as long on its way as its lines.
NOT_COMPRESSED = {"Accept-Encoding": "identity"}


class Entry(NamedTuple):
    """What an export says of a key.

    :ivar value: JSON text, byte for byte
    """

    value: str
    revision: int
    expires_at: float | None = None


class Exported:
    """The lines of an export, also of one that has failed."""

    def __init__(self, sent: bytes) -> None:
        assert sent.endswith(b"\n")
        self._sent = sent
        self._lines = [
            msgspec.json.decode(line, type=dict[str, msgspec.Raw])
            for line in sent.split(b"\n")[:-1]
        ]

    @functools.cached_property
    def header(self) -> Any:
        return json.loads(self._sent.partition(b"\n")[0])

    @functools.cached_property
    def last(self) -> Any:
        """The last line: the end, or a problem."""
        return json.loads(self._sent[:-1].rpartition(b"\n")[2])

    @property
    def is_complete(self) -> bool:
        return self.last.get("end") is True

    def check(self) -> "Exported":
        """Asserts that it is complete and as its first and last line say."""
        last = self.last
        assert self.is_complete, last
        assert set(last) == {"end", "revision", "keys", "changes", "sha256"}
        assert list(self.header) == ["kv_export", "revision", "prefix", "made_at"]
        before = self._sent[: self._sent[:-1].rindex(b"\n") + 1]
        assert last["sha256"] == hashlib.sha256(before).hexdigest()
        assert last["keys"] + last["changes"] == len(self._lines) - 2
        changes = [is_change for is_change, _, _ in self._of_keys()]
        assert last["changes"] == sum(changes)
        assert last["revision"] >= self.header["revision"]
        prefix = self.header["prefix"]
        assert all(key.startswith(prefix) for _, key, _ in self._of_keys())
        return self

    def state(self, *, with_changes: bool = True) -> dict[str, Entry]:
        """The keys in byte order: later lines win.

        :param with_changes: False drops the lines of changes
        """
        found: dict[str, Entry | None] = {}
        for is_change, key, entry in self._of_keys():
            if with_changes or not is_change:
                found[key] = entry
        entries = {key: entry for key, entry in found.items() if entry is not None}
        return dict(sorted(entries.items(), key=lambda member: member[0].encode()))

    @property
    def deletions(self) -> int:
        return sum(entry is None for _, _, entry in self._of_keys())

    def _of_keys(self) -> Iterator[tuple[bool, str, Entry | None]]:
        """Whether it is a change, the key, and what became of it, of each line."""
        last = b""
        for line in self._lines[1:-1]:
            key = msgspec.json.decode(line["key"], type=str)
            is_change = key.encode() <= last or "deleted" in line
            last = max(last, key.encode())
            yield is_change, key, None if "deleted" in line else _entry(line)


def _entry(line: dict[str, msgspec.Raw]) -> Entry:
    assert line.keys() <= {"key", "value", "text", "revision", "expires_at"}
    if "text" in line:
        assert "value" not in line
        value = msgspec.json.decode(line["text"], type=str)
    else:
        value = bytes(line["value"]).decode()
    expires_at = json.loads(bytes(line["expires_at"])) if "expires_at" in line else None
    return Entry(value, json.loads(bytes(line["revision"])), expires_at)


def export_path(prefix: str = "") -> str:
    return f"/api/export?prefix={quote(prefix, safe='')}"


async def exported(client: Client, prefix: str = "") -> Exported:
    """A whole export."""
    async with exporting(client, prefix) as rest:
        return Exported(await rest())


async def exported_bytes(client: Client, prefix: str, coding: str = "") -> bytes:
    """A whole export as it was sent, in this content coding."""
    headers = {"Authorization": f"Bearer {client.token}", **NOT_COMPRESSED}
    if coding:
        headers["Accept-Encoding"] = coding
    url = client.url + export_path(prefix)
    async with (
        aiohttp.ClientSession(auto_decompress=False) as session,
        session.get(url, headers=headers) as response,
    ):
        assert response.headers.get("Content-Encoding", "") == coding
        return await response.read()


@contextlib.asynccontextmanager
async def exporting(client: Client, prefix: str = "") -> AsyncIterator[Any]:
    """An export whose head has arrived; a function that reads all of its lines.

    A long one waits for the reader, since only a little fits into its buffers.
    """
    connector = aiohttp.TCPConnector(socket_factory=narrow_socket)
    headers = NOT_COMPRESSED | {"Authorization": f"Bearer {client.token}"}
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.get(client.url + export_path(prefix), headers=headers) as response,
    ):
        assert response.status == 200, await response.text()
        yield response.read
