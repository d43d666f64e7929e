"""The calls that write, as data, for tests of what they have in common."""

import json
from typing import NamedTuple

from tests.support.client import Client, Reply
from tests.support.verbatim import path_of, send


class Write(NamedTuple):
    """A request that writes one key."""

    method: str
    path: str
    body: str | None = None
    lines: tuple[tuple[str, str], ...] = ()

    async def by(self, client: Client, *lines: tuple[str, str]) -> Reply:
        """Makes it, with these header lines more."""
        return await send(
            client, self.method, self.path, self.body, *self.lines, *lines
        )


def write(key: str, value: object = 1, **members: object) -> Write:
    return Write("POST", "/api/write", json.dumps({"data": {key: value}} | members))


def write_and_delete(key: str) -> Write:
    """Writes another key, too."""
    body = {"data": {f"{key}-written": 1}, "delete": [key]}
    return Write("POST", "/api/write", json.dumps(body))


def delete(key: str) -> Write:
    return Write("POST", "/api/delete", json.dumps({"keys": [key]}))


def increment(key: str) -> Write:
    return Write("POST", "/api/increment", json.dumps({"data": {key: 1}}))


def put(key: str, *lines: tuple[str, str]) -> Write:
    return Write("PUT", path_of(key), "1", lines)


def delete_one(key: str) -> Write:
    return Write("DELETE", path_of(key))
