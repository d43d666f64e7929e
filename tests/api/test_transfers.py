"""An export that is imported into another store, which is equal then."""

import gzip
import io
import json
import random
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.client import Client, unique
from tests.support.imports import Outcome, imported
from tests.support.service import Serve
from tests.support.tarantool import Tarantool, Tarantools
from tests.support.transfers import export_path, exported, exported_bytes, exporting

#: Values that a re-encoding would change, and one of several lines.
VALUES = (
    '{"b" : 1.0,\t"a":[]}',
    '"\\u00e9é\U0001f600"',
    "null",
    "123456789012345678901234567890",
    '{\r\n "a": [1,\n2]}',
    "1e400",
)

KEYS = ("a", "a/b", "é", "\U0001f600", "line\nend", "zero\0", '"quoted"\\', "~")


@pytest.fixture(scope="module")
def other(tarantools: Tarantools) -> Iterator[Tarantool]:
    with tarantools.running() as tarantool:
        yield tarantool


@pytest.fixture
async def target(serve: Serve, other: Tarantool) -> AsyncIterator[Client]:
    """A client of another store."""
    async with serve(other) as client:
        yield await client.enter()


async def fill(client: Client, prefix: str) -> None:
    rng = random.Random(1)
    for number in range(40):
        key = prefix + rng.choice(KEYS) + str(number % 25)
        path = f"/api/keys/{quote(key, safe='')}"
        ttl = rng.choice(["", "", f"?ttl={rng.randrange(100, 10_000)}.5"])
        reply = await client.request("PUT", path + ttl, rng.choice(VALUES))
        assert reply.status == 204, reply.text


async def state(client: Client, prefix: str) -> dict[str, Any]:
    """The values as texts, and the expiry times, by key."""
    entries = (await exported(client, prefix)).check().state()
    return {key: (entry.value, entry.expires_at) for key, entry in entries.items()}


@pytest.mark.parametrize("coding", ["", "gzip"])
async def test_an_imported_export_equals_its_store(
    client: Client, target: Client, coding: str
) -> None:
    prefix = unique("export")
    await fill(client, prefix)
    body = await exported_bytes(client, prefix, coding)
    headers = {"Content-Encoding": coding} if coding else None
    outcome = await imported(target, body, "?mode=create", headers)
    wanted = await state(client, prefix)
    assert outcome.counts == (len(wanted), 0)
    assert await state(target, prefix) == wanted
    assert any(expires_at is not None for _, expires_at in wanted.values())
    assert any("\n" in value for value, _ in wanted.values())
    # and again, after an attempt with the same file
    since = outcome.last["since"]
    again = await imported(target, body, f"?mode=create&since={since}", headers)
    assert again.counts == (len(wanted), 0)
    assert await state(target, prefix) == wanted


async def test_the_changes_during_an_export_are_imported(
    client: Client, target: Client
) -> None:
    prefix = unique("export")
    old = {f"{prefix}{i:04}": "v" * 2000 for i in range(3000)}
    for i in range(0, 3000, 500):
        await client.write(dict(list(old.items())[i : i + 500]))
    async with exporting(client, prefix) as rest:
        # after the first page, whose keys have been sent
        await client.write({f"{prefix}0001": "changed", f"{prefix}2999": "changed"})
        await client.delete([f"{prefix}0002", f"{prefix}2998"])
        body = await rest()
    assert body.count(b'"deleted":true') >= 1
    assert (await import_in_pieces(target, body)).last["end"]
    assert await state(target, prefix) == await state(client, prefix)


async def import_in_pieces(client: Client, body: bytes) -> Outcome:
    headers = {"Authorization": f"Bearer {client.token}"}
    async with client.session.post(
        f"{client.url}/api/import", data=io.BytesIO(body), headers=headers
    ) as response:
        lines = [json.loads(each) async for each in response.content]
        return Outcome(response.status, lines)


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress])
async def test_a_cut_export_is_noticed_and_completed(
    client: Client, target: Client, compress: Any
) -> None:
    prefix = unique("export")
    await fill(client, prefix)
    wanted = await state(client, prefix)
    body = await exported_bytes(client, prefix)
    coding = "gzip" if compress is gzip.compress else "deflate"
    headers = {"Content-Encoding": coding}
    for cut in range(0, len(body) - 1, len(body) // 7):
        attempt = await imported(target, compress(body[:cut]), "", headers)
        assert not attempt.last.get("end"), cut
        query = f"?mode=create&since={attempt.last['since']}"
        outcome = await imported(target, compress(body), query, headers)
        assert outcome.counts == (len(wanted), 0)
        assert await state(target, prefix) == wanted
        await target.delete(list(wanted))


async def test_an_export_is_imported_while_it_is_made(
    client: Client, target: Client
) -> None:
    """`export | import`: the reply of one is the body of the other."""
    prefix = unique("export")
    await fill(client, prefix)
    headers = {"Authorization": f"Bearer {client.token}"}
    url = client.url + export_path(prefix)
    async with (
        client.session.get(url, headers=headers) as export,
        target.session.post(
            f"{target.url}/api/import",
            data=export.content.iter_any(),
            headers={"Authorization": f"Bearer {target.token}"},
        ) as response,
    ):
        text = await response.text()
    assert text.endswith("}\n")
    assert '"end":true' in text
    assert await state(target, prefix) == await state(client, prefix)


async def test_an_export_of_an_empty_prefix_is_imported(
    client: Client, target: Client
) -> None:
    body = await exported_bytes(client, unique("none"))
    outcome = await imported(target, body)
    assert outcome.counts == (0, 0)
    assert outcome.last["line"] == 2
