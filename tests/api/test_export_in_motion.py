"""Export while the store, the account, the client or the service changes.

Its lines must have the state of the store at its last revision. The control drops the
lines of changes, which must then be noticed.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

import aiohttp
import pytest

from service.app import Tuning
from tests.support.assertions import assert_problem
from tests.support.client import Client, account_of, unique
from tests.support.console import admin, disable, lua, set_grants
from tests.support.machine import POLL_INTERVAL
from tests.support.service import Serve
from tests.support.tarantool import Tarantool, Tarantools
from tests.support.transfers import (
    Exported,
    export_path,
    exported,
    exporting,
)
from tests.support.writers import (
    Truth,
    Writers,
    Written,
    changes_after,
    without_expiry,
)

KIB = 1024

#: Bytes of a page: a few keys, or part of a batch of changes.
SMALL_PAGE = 1536

#: Keys that are written at random.
KEYS = 120

#: Seconds for what is due, on a busy machine.
TIMEOUT = 30.0

#: An export of this many bytes fills every buffer on its way: it waits for its client.
LARGE, NUMBER = 900 * KIB, 16


# While others write


class Race(NamedTuple):
    exports: list[Exported]
    truth: Truth
    writers: Writers


@pytest.fixture(scope="module")
async def race(serve: Serve, tarantools: Tarantools) -> Race:
    """Exports, several at once, and what was written while they were made."""
    prefix = unique("race")
    with tarantools.running() as own:
        async with serve(own, tuning=Tuning(export_page=SMALL_PAGE)) as client:
            await client.enter()
            writers = Writers(client, prefix, KEYS)
            await client.write(
                {writers.key(number): "old" for number in range(0, KEYS, 2)}
            )
            begin = (await exported(client, prefix)).check()
            writers.start(2)
            exports = []
            for _ in range(3):
                exports += await asyncio.gather(
                    *(exported(client, prefix) for _ in range(2))
                )
            await writers.stop()
            await asyncio.sleep(1)  # what expires soon is collected
            exports.append(await exported(client, prefix))
            truth = Truth(
                begin.state(),
                await changes_after(client, begin.last["revision"], prefix),
            )
    return Race([export.check() for export in exports], truth, writers)


async def test_an_export_has_the_state_at_its_last_revision(race: Race) -> None:
    for export in race.exports:
        state = without_expiry(export.state())
        assert state == race.truth.at(export.last["revision"])
        assert list(state) == sorted(state)


async def test_every_acknowledged_write_is_in_the_export_or_replaced(
    race: Race,
) -> None:
    """The writers' own records, without the change log."""
    for export in race.exports:
        state, end = export.state(), export.last["revision"]
        last: dict[str, tuple[int, Written]] = {}
        for revision, batch in sorted(race.writers.acknowledged.items()):
            if revision <= end:
                last |= {key: (revision, written) for key, written in batch.items()}
        found = 0
        for key, (revision, written) in last.items():
            entry = state.get(key)
            if written.expires and entry is None:
                continue
            if written.value is None:
                assert entry is None
                continue
            assert entry is not None
            assert (entry.value, entry.revision) == (written.value, revision)
            assert (entry.expires_at is not None) is written.expires
            found += 1
        assert found > KEYS / 10


async def test_without_its_changes_an_export_has_another_state(race: Race) -> None:
    """The control: the writers were busy with keys that were already exported."""
    *exports, last = race.exports
    assert last.last["changes"] == 0
    wrong = 0
    for export in exports:
        assert export.header["revision"] < export.last["revision"]
        assert export.last["changes"] > 0
        truth = race.truth.at(export.last["revision"])
        wrong += without_expiry(export.state(with_changes=False)) != truth
    assert wrong == len(exports)
    assert sum(export.deletions for export in exports) > 0
    expired = {
        revision
        for change in race.truth._changes
        if change["deleted"]
        and (revision := change["revision"]) not in race.writers.acknowledged
    }
    assert expired, "no key has expired while the exports were made"


async def test_a_key_that_changes_all_the_time_does_not_hold_an_export_up(
    serve: Serve, tarantool: Tarantool
) -> None:
    """Its value alone is larger than a page."""
    prefix = unique("busy")
    async with serve(tarantool, tuning=Tuning(export_page=SMALL_PAGE)) as client:
        await client.enter()
        await client.write({f"{prefix}-{number:03}": number for number in range(300)})

        async def write() -> None:
            while True:
                await client.write({f"{prefix}-000": "x" * (8 * KIB)})

        writers = [asyncio.create_task(write()) for _ in range(4)]
        async with asyncio.timeout(TIMEOUT):
            export = (await exported(client, prefix)).check()
        for writer in writers:
            writer.cancel()
    assert export.last["keys"] == 300
    assert export.last["changes"] > 10


# While it waits for its client


class Waiting(NamedTuple):
    """A store with an export that waits for its client.

    :ivar rest: reads it to its end
    """

    client: Client
    prefix: str
    rest: Callable[[], Awaitable[bytes]]


async def large(client: Client) -> str:
    """The prefix of keys whose export waits for its client."""
    prefix = unique("large")
    for number in range(NUMBER):
        reply = await client.write({f"{prefix}-{number:02}": "x" * LARGE})
        assert reply.status == 200
    return prefix


@pytest.fixture
async def waiting(client: Client) -> AsyncIterator[Waiting]:
    prefix = await large(client)
    async with exporting(client, prefix) as rest:
        yield Waiting(client, prefix, rest)


async def code_of_the_rest(rest: Callable[[], Awaitable[bytes]]) -> str:
    """The code of the problem that the last line has."""
    async with asyncio.timeout(TIMEOUT):
        export = Exported(await rest())
    assert not export.is_complete
    assert export.header["kv_export"] == 1
    assert len(export.state()) < NUMBER
    problem = export.last
    assert problem["detail"]
    assert problem["instance"].startswith("urn:request:")
    return f"{problem['status']} {problem['code']}"


async def test_changes_of_a_slow_export_follow(waiting: Waiting) -> None:
    client, prefix, rest = waiting
    await client.delete([f"{prefix}-00"])
    await client.write({f"{prefix}-": "new", f"{prefix}-99": "new"})
    last = await client.write({f"{prefix}-01": "changed"}, ttl=1000)
    export = Exported(await rest()).check()
    state = export.state()
    assert f"{prefix}-00" not in state
    assert json.loads(state[f"{prefix}-"].value) == "new"
    assert json.loads(state[f"{prefix}-99"].value) == "new"
    assert state[f"{prefix}-01"][:2] == ('"changed"', last.revision)
    assert state[f"{prefix}-01"].expires_at is not None
    assert len(state) == NUMBER + 1
    assert export.last["changes"] == 3
    assert export.deletions == 1


async def test_an_export_ends_with_its_tokens(waiting: Waiting) -> None:
    assert (await waiting.client.post("/api/logout")).status == 200
    assert await code_of_the_rest(waiting.rest) == "403 token_revoked"


async def test_an_export_ends_with_its_access_token(client: Client) -> None:
    prefix = await large(client)
    asked = {"password": "password", "name": "exporter"}
    created = (await client.post("/api/tokens", asked)).json
    program = Client(client.session, client.url)
    program.token = created["token"]
    assert len((await exported(program, prefix)).check().state()) == NUMBER
    async with exporting(program, prefix) as rest:
        reply = await client.request("DELETE", f"/api/tokens/{created['id']}")
        assert reply.status in (200, 204)
        assert await code_of_the_rest(rest) == "403 token_revoked"


async def test_an_export_ends_when_its_account_is_disabled(
    waiting: Waiting, tarantool: Tarantool
) -> None:
    disable(tarantool, account_of(waiting.client))
    assert await code_of_the_rest(waiting.rest) == "403 token_revoked"


@pytest.mark.parametrize("rights", ["w", "r"], ids=["none", "fewer"])
async def test_an_export_ends_when_other_keys_are_readable(
    client: Client, tarantool: Tarantool, rights: str
) -> None:
    prefix = await large(client)
    async with exporting(client, prefix) as rest:
        set_grants(tarantool, account_of(client), (f"{prefix}-0", rights))
        async with asyncio.timeout(TIMEOUT):
            last = Exported(await rest()).last
    assert (last["status"], last["code"]) == (403, "forbidden")


async def test_a_change_of_grants_to_other_keys_ends_no_export(
    waiting: Waiting, tarantool: Tarantool
) -> None:
    grants = ((waiting.prefix, "r"), (unique("other"), "w"))
    set_grants(tarantool, account_of(waiting.client), *grants)
    assert len(Exported(await waiting.rest()).check().state()) == NUMBER


async def test_an_export_ends_when_its_token_expires(
    serve: Serve, tarantool: Tarantool, client: Client
) -> None:
    prefix = await large(client)
    async with serve(tarantool, KV_TOKEN_TTL="2") as brief:
        await brief.enter()
        async with exporting(brief, prefix) as rest:
            await asyncio.sleep(2.1)
            assert await code_of_the_rest(rest) == "403 token_expired"


async def test_an_export_ends_when_the_change_log_does_not_reach_back(
    serve: Serve, tarantools: Tarantools
) -> None:
    with tarantools.running(KV_CHANGES_BYTES=str(64 * KIB)) as own:
        async with serve(own) as client:
            prefix = await large(await client.enter())
            async with exporting(client, prefix) as rest:
                for _ in range(100):
                    await client.write({unique("other"): "x" * KIB})
                export = Exported(await rest())
            assert (export.last["status"], export.last["code"]) == (
                410,
                "revision_compacted",
            )
            assert export.last["oldest"] > export.header["revision"]
            # the control: with fewer changes it is complete
            async with exporting(client, prefix) as rest:
                for _ in range(20):
                    await client.write({unique("other"): "x" * KIB})
                assert len(Exported(await rest()).check().state()) == NUMBER


@pytest.mark.parametrize("returns", [True, False])
async def test_an_export_waits_for_the_storage_as_a_call_does(
    serve: Serve, tarantools: Tarantools, returns: bool
) -> None:
    with tarantools.running() as own:
        async with serve(own, KV_FAILOVER_WAIT="3") as client:
            prefix = await large(await client.enter())
            async with exporting(client, prefix) as rest:
                own.kill()
                reading = asyncio.create_task(rest())
                await asyncio.sleep(0.3)
                if returns:
                    await asyncio.to_thread(own.start)
                async with asyncio.timeout(TIMEOUT):
                    export = Exported(await reading)
            if returns:
                assert len(export.check().state()) == NUMBER
            else:
                assert (export.last["status"], export.last["code"]) == (
                    503,
                    "storage_unavailable",
                )
                await asyncio.to_thread(own.start)


async def test_a_client_that_reads_slowly_is_cut_off_and_blocks_nobody(
    serve: Serve, tarantool: Tarantool
) -> None:
    async with serve(tarantool, KV_CLIENT_TIMEOUT="1") as client:
        prefix = await large(await client.enter())
        async with exporting(client, prefix) as rest:
            begin = time.monotonic()
            for _ in range(40):
                assert (await client.read([f"{prefix}-00"])).status == 200
                assert len((await exported(client, f"{prefix}-1")).check().state()) == 6
                if time.monotonic() - begin > 4:
                    break
            with pytest.raises((aiohttp.ClientError, ConnectionError)):
                await rest()


async def test_exports_leave_memory_to_other_requests(
    serve: Serve, tarantool: Tarantool
) -> None:
    held = {"KV_MAX_HELD": str(1 << 20), "KV_MAX_BODY": str(1 << 20)}
    async with serve(tarantool, **held) as client:
        prefix = await large(await client.enter())
        async with exporting(client, prefix) as rest:
            reply = await client.request("GET", f"/api/export?prefix={prefix}")
            assert_problem(reply, 503, "overloaded")
            assert (
                await client.write({unique("other"): "x" * (300 * KIB)})
            ).status == 200
            assert len(Exported(await rest()).check().state()) == NUMBER
        assert len((await exported(client, prefix)).check().state()) == NUMBER


async def test_a_client_that_leaves_ends_its_export(
    serve: Serve, tarantool: Tarantool
) -> None:
    held = {"KV_MAX_HELD": str(1 << 20), "KV_MAX_BODY": str(1 << 20)}
    async with serve(tarantool, **held) as client:
        prefix = await large(await client.enter())
        async with exporting(client, prefix):
            pass
        path = export_path(f"{prefix}-1")
        async with asyncio.timeout(TIMEOUT):
            while True:
                if (await client.request("GET", path)).status == 200:
                    break
                await asyncio.sleep(POLL_INTERVAL)


async def test_a_deletion_of_the_account_ends_an_export(
    waiting: Waiting, tarantool: Tarantool
) -> None:
    admin(tarantool, "delete_account", lua(account_of(waiting.client)))
    assert await code_of_the_rest(waiting.rest) == "403 token_revoked"
