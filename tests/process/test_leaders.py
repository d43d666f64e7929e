"""The service before several instances whose statuses are those of a cluster.

The instances are independent, so that a test knows which one a call has reached; their
statuses are set by the test. Real elections are in tests/cluster.
"""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import ExitStack, asynccontextmanager

import pytest

from service.storage.connection import CALL_TIMEOUT, CONNECT_TIMEOUT
from service.storage.node import SILENCE
from service.storage.nodes import ELECTION_TIMEOUT, GRACE
from tests.support.assertions import assert_problem
from tests.support.client import Client, Reply
from tests.support.machine import free_port, wait_until_ready
from tests.support.proxy import Proxy
from tests.support.service import Serve
from tests.support.tarantool import Tarantool, Tarantools, evaluated

NAME = "alice"

STATUS = """kv.v1.status = function()
    return {{ read_only = {read_only}, leads = {leads}, leader = {leader},
              term = {term}, quorum = {quorum}, lag = {lag} }}
end"""

#: A procedure that does not answer in time, and does nothing.
HANG = "kv.v1.{procedure} = function() require('fiber').sleep(60) end"

#: A procedure of a node that has just lost the leadership.
REFUSE = (
    "kv.v1.{procedure} = function() require('kv.base.errors').raise('{kind}', 2) end"
)

#: A node that executes each stale read in a call of its own.
LEAVE_OUT = """kv.v1.read_stale_each = function(requests)
    local results = {}
    for i = 1, #requests do results[i] = box.NULL end
    return 0, 0, results
end"""

#: Stale data with another age.
AGED = """for _, name in pairs({{
    'get_stale', 'read_stale', 'read_stale_each', 'list_page_stale',
}}) do
    local read = kv.v1[name]
    kv.v1[name] = function(...) return {age}, select(2, read(...)) end
end"""

#: What the nodes say of their data, and the detail of the reply.
UNCONFIRMED = "A write of this data is not confirmed by a majority yet"
UNKNOWN_AGE = "No storage node that answers knows how old its data is"

#: Seconds for a reply that waits for nothing, on a busy machine.
AT_ONCE = 1.0

#: Seconds until the service follows another leader.
SWITCH = 2.0


def set_status(
    instance: Tarantool,
    term: int,
    *,
    leads: bool = False,
    leader: bool = True,
    quorum: bool = True,
    lag: float | None = 0.1,
) -> None:
    instance.console(
        STATUS.format(
            read_only=str(not leads).lower(),
            leads=str(leads).lower(),
            leader="'n'" if leader else "nil",
            term=term,
            quorum=str(quorum).lower(),
            lag="box.NULL" if lag is None else lag,
        )
    )


def elect(instances: list[Tarantool], chosen: int | None, term: int) -> None:
    for i, instance in enumerate(instances):
        set_status(instance, term, leads=i == chosen, leader=chosen is not None)


def lose_quorum(instances: list[Tarantool], term: int) -> None:
    for instance in instances:
        set_status(instance, term, leader=False, quorum=False)


def has_key(instance: Tarantool, key: str) -> bool:
    return bool(evaluated(instance, f"box.space.kv.index[0]:count('{key}') > 0"))


@pytest.fixture
def three(tarantools: Tarantools) -> Iterator[list[Tarantool]]:
    with ExitStack() as stack:
        yield [stack.enter_context(tarantools.running()) for _ in range(3)]


@asynccontextmanager
async def entered(
    serve: Serve, three: list[Tarantool], **settings: str
) -> AsyncIterator[Client]:
    """A client whose token every instance accepts; the first one leads in term 4."""
    addresses = ",".join(f"127.0.0.1:{instance.port}" for instance in three)
    elect(three, 0, 1)
    async with serve(three[0], KV_TARANTOOL_URI=addresses, **settings) as client:
        for term, chosen in enumerate((1, 2, 0), start=2):
            elect(three, chosen, term)
            async with asyncio.timeout(10):
                while not await is_served_by(client, three[chosen]):
                    pass
            assert (await client.login(NAME, "password")).status == 200
        yield client


async def is_served_by(client: Client, instance: Tarantool) -> bool:
    """Registers the account; whether this was the instance."""
    await asyncio.sleep(SILENCE)
    await client.register(NAME, "password")
    return bool(evaluated(instance, f"box.space.users:get('{NAME}') ~= nil"))


class Pending:
    """A call in flight, and how long it takes."""

    def __init__(self, call: "asyncio.Future[Reply]") -> None:
        self._began = time.monotonic()
        self._call = call
        self.seconds = 0.0
        call.add_done_callback(self._ended)

    def _ended(self, _: object) -> None:
        self.seconds = time.monotonic() - self._began

    async def is_pending(self) -> bool:
        await asyncio.sleep(0.5)
        return not self._call.done()

    async def reply(self) -> Reply:
        return await self._call


def sent(client: Client, key: str, **headers: str) -> Pending:
    """A write in flight."""
    body = {"data": {key: 1}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Pending(
        asyncio.ensure_future(client.post("/api/write", body, headers=named))
    )


async def test_a_call_waits_for_the_next_leader(
    three: list[Tarantool], serve: Serve
) -> None:
    async with entered(serve, three) as client:
        elect(three, None, 4)
        await asyncio.sleep(SWITCH)
        write = sent(client, "k")
        read = Pending(asyncio.ensure_future(client.read(["k"])))
        assert await write.is_pending()
        assert await read.is_pending()
        elect(three, 1, 5)
        assert (await write.reply()).status == 200
        assert (await read.reply()).status == 200
        assert [has_key(one, "k") for one in three] == [False, True, False]


async def test_a_call_that_waits_is_refused_in_time(
    three: list[Tarantool], serve: Serve
) -> None:
    async with entered(serve, three, KV_FAILOVER_WAIT="2") as client:
        elect(three, None, 4)
        await asyncio.sleep(SILENCE)
        write = sent(client, "k")
        reply = await write.reply()
        assert (reply.status, reply.json["code"]) == (503, "storage_unavailable")
        assert reply.json["applied"] == "no"
        assert 1.5 < write.seconds < 2 + AT_ONCE
        assert (await client.request("GET", "/readyz")).status == 503
        assert (await client.request("GET", "/readyz?reads")).status == 200
        assert (await client.request("GET", "/livez")).status == 200
        elect(three, 2, 5)
        assert (await sent(client, "k").reply()).status == 200
        assert (await client.request("GET", "/readyz")).status == 200


async def test_calls_that_wait_count_as_in_flight(
    three: list[Tarantool], serve: Serve
) -> None:
    async with entered(serve, three, KV_MAX_IN_FLIGHT="10") as client:
        elect(three, None, 4)
        await asyncio.sleep(SILENCE)
        waiting = [sent(client, f"k{i}") for i in range(10)]
        assert await waiting[0].is_pending()
        reply = await sent(client, "k").reply()
        assert (reply.status, reply.json["code"]) == (503, "overloaded")
        elect(three, 1, 5)
        assert {(await one.reply()).status for one in waiting} == {200}


async def test_without_a_wait_calls_are_refused_at_once(
    three: list[Tarantool], serve: Serve
) -> None:
    async with entered(serve, three, KV_FAILOVER_WAIT="0") as client:
        elect(three, None, 4)
        await asyncio.sleep(SILENCE)
        write = sent(client, "k")
        assert (await write.reply()).json["applied"] == "no"
        assert write.seconds < AT_ONCE


@pytest.mark.parametrize("kind", ["NotLeader", "read-only"])
async def test_a_refused_call_is_made_again_on_the_next_leader(
    three: list[Tarantool], serve: Serve, kind: str
) -> None:
    async with entered(serve, three) as client:
        if kind == "read-only":
            three[0].console("box.cfg({read_only = true})")
        else:
            for procedure in ("put", "put_each"):
                three[0].console(REFUSE.format(procedure=procedure, kind=kind))
        write = sent(client, "k")
        assert await write.is_pending()
        elect(three, 1, 5)
        assert (await write.reply()).status == 200
        assert [has_key(one, "k") for one in three] == [False, True, False]


@pytest.mark.parametrize(
    "stops", [False, True], ids=["a hanging call", "a hanging node"]
)
async def test_a_lost_write_is_unknown_as_soon_as_another_node_leads(
    three: list[Tarantool], serve: Serve, stops: bool
) -> None:
    async with entered(serve, three) as client:
        await hang(three[0], stops)
        write = sent(client, "k")
        assert await write.is_pending()
        elect(three[1:], 0, 5)
        began = time.monotonic()
        reply = await write.reply()
        assert time.monotonic() - began < SWITCH + GRACE
        assert (reply.status, reply.json["code"]) == (503, "storage_unavailable")
        assert reply.json["applied"] == "unknown"
        three[0].kill(signal.SIGCONT)
        assert [has_key(one, "k") for one in three[1:]] == [False, False]


@pytest.mark.parametrize(
    "stops", [False, True], ids=["a hanging call", "a hanging node"]
)
async def test_a_lost_write_with_an_idempotency_key_is_repeated(
    three: list[Tarantool], serve: Serve, stops: bool
) -> None:
    async with entered(serve, three) as client:
        await hang(three[0], stops)
        write = sent(client, "k", Idempotency_Key="once")
        assert await write.is_pending()
        elect(three[1:], 0, 5)
        assert (await write.reply()).status == 200
        three[0].kill(signal.SIGCONT)
        assert [has_key(one, "k") for one in three[1:]] == [True, False]


async def test_the_outcome_stays_unknown_if_the_repetition_fails(
    three: list[Tarantool], serve: Serve
) -> None:
    async with entered(serve, three, KV_FAILOVER_WAIT="1") as client:
        three[0].console(HANG.format(procedure="put"))
        write = sent(client, "k", Idempotency_Key="once")
        assert await write.is_pending()
        three[0].kill()
        reply = await write.reply()
        assert (reply.status, reply.json["applied"]) == (503, "unknown")


async def test_a_lost_read_is_repeated(three: list[Tarantool], serve: Serve) -> None:
    async with entered(serve, three) as client:
        await client.write({"k": "of the first"})
        await hang(three[0], stops=True)
        read = Pending(asyncio.ensure_future(client.read(["k"])))
        assert await read.is_pending()
        elect(three[1:], 1, 5)
        assert (await read.reply()).json == {"data": {}}
        three[0].kill(signal.SIGCONT)


async def hang(instance: Tarantool, stops: bool) -> None:
    if stops:
        instance.kill(signal.SIGSTOP)
        return
    for procedure in ("put", "put_each"):
        instance.console(HANG.format(procedure=procedure))


async def test_no_call_is_sent_to_a_node_that_hangs(
    three: list[Tarantool], serve: Serve
) -> None:
    async with entered(serve, three, KV_FAILOVER_WAIT="1") as client:
        three[0].kill(signal.SIGSTOP)
        await asyncio.sleep(2 * SILENCE + 0.3)
        write = sent(client, "k")
        assert (await write.reply()).json["applied"] == "no"
        three[0].kill(signal.SIGCONT)
        await asyncio.sleep(SILENCE)
        assert (await sent(client, "k").reply()).status == 200


async def test_a_hanging_follower_delays_nothing(
    three: list[Tarantool], serve: Serve
) -> None:
    async with entered(serve, three) as client:
        three[1].kill(signal.SIGSTOP)
        for i in range(20):
            write = sent(client, f"k{i}")
            assert (await write.reply()).status == 200
            assert write.seconds < AT_ONCE
            await asyncio.sleep(0.1)
        addresses = ",".join(f"127.0.0.1:{one.port}" for one in three[::-1])
        began = time.monotonic()
        async with serve(three[0], KV_TARANTOOL_URI=addresses) as other:
            other.token = client.token
            assert (await other.read(["k1"])).json == {"data": {"k1": 1}}
        assert time.monotonic() - began < SWITCH
        three[1].kill(signal.SIGCONT)


async def test_a_leader_that_only_this_service_cannot_reach(
    three: list[Tarantool], serve: Serve
) -> None:
    """Stale reads are answered meanwhile, and a hanging connection is replaced."""
    proxy = Proxy(free_port(), three[0].port)
    addresses = [f"127.0.0.1:{port}" for port in (proxy.port, three[1].port)]
    elect(three, 0, 2)
    limits = {"KV_FAILOVER_WAIT": "1", "KV_TARANTOOL_URI": ",".join(addresses)}
    async with proxy.running(), serve(three[0], **limits) as client:
        await client.enter()
        assert (await sent(client, "k").reply()).status == 200
        proxy.stall()
        await asyncio.sleep(2 * SILENCE)
        reply = await sent(client, "k").reply()
        assert (reply.status, reply.json["applied"]) == (503, "no")
        assert reply.json["detail"] == "The storage's leader does not answer"
        assert (await client.request("GET", "/readyz?reads")).status == 200
        await asyncio.sleep(CALL_TIMEOUT)  # the connection is given up
        proxy.resume()
        await wait_until_ready(client, CONNECT_TIMEOUT + SWITCH)
        assert (await sent(client, "k").reply()).status == 200


async def test_without_a_majority_calls_are_refused_at_once(
    three: list[Tarantool], serve: Serve
) -> None:
    async with entered(serve, three, KV_FAILOVER_WAIT="3") as client:
        three[2].kill()
        lose_quorum(three[:2], 4)
        await asyncio.sleep(SILENCE)
        first = sent(client, "k")
        reply = await first.reply()
        assert (reply.status, reply.json["code"]) == (503, "no_quorum")
        assert reply.json["applied"] == "no"
        assert first.seconds < ELECTION_TIMEOUT + SWITCH
        for call in (
            sent(client, "k"),
            Pending(asyncio.ensure_future(client.read(["k"]))),
        ):
            reply = await call.reply()
            assert (reply.status, reply.json["code"]) == (503, "no_quorum")
            assert call.seconds < AT_ONCE
        assert "applied" not in reply.json
        assert (await client.register("another", "password")).json["applied"] == "no"
        elect(three[:2], 1, 5)
        await asyncio.sleep(SILENCE)
        assert (await sent(client, "k").reply()).status == 200


async def test_without_any_node_the_storage_is_unavailable(
    three: list[Tarantool], serve: Serve
) -> None:
    async with entered(serve, three, KV_FAILOVER_WAIT="1") as client:
        for instance in three:
            instance.kill()
        await asyncio.sleep(1 + SILENCE)
        write = sent(client, "k")
        reply = await write.reply()
        assert (reply.status, reply.json["code"]) == (503, "storage_unavailable")
        assert reply.json["applied"] == "no"
        assert write.seconds < AT_ONCE


async def test_a_write_that_may_yet_be_confirmed_is_unknown(
    three: list[Tarantool], serve: Serve
) -> None:
    async with entered(serve, three) as client:
        raised = "box.error({type = 'kv.NotConfirmed', reason = 'no'})"
        for procedure in ("put", "put_each"):
            three[0].console(f"kv.v1.{procedure} = function() {raised} end")
        reply = await sent(client, "k").reply()
        assert (reply.status, reply.json["code"]) == (503, "storage_unavailable")
        assert reply.json["applied"] == "unknown"


async def test_a_revision_ahead_of_a_former_leader_is_read_from_the_next_one(
    three: list[Tarantool], serve: Serve
) -> None:
    async with entered(serve, three) as client:
        changes = "/api/changes?since=0"
        three[0].console(REFUSE.format(procedure="read_changes", kind="RevisionAhead"))
        refused = await client.request("GET", changes)
        assert (refused.status, refused.json["code"]) == (409, "revision_ahead")
        elect(three[1:], 0, 5)  # the first one does not know it
        assert (await client.request("GET", changes)).status == 200


@pytest.mark.parametrize("limit", ["10", "1"])
async def test_stale_reads_are_answered_without_a_leader(
    three: list[Tarantool], serve: Serve, limit: str
) -> None:
    """The node that has heard from the leader lately answers, or none does."""
    async with entered(serve, three, KV_STALE_LIMIT=limit) as client:
        await client.write({"k": 1})
        for instance, age in zip(three, (3, 20, 30), strict=True):
            set_status(instance, 5, leader=False, lag=age)
            instance.console(AGED.format(age=age))
        await asyncio.sleep(SILENCE)
        for call in (
            client.read(["k"], stale=True),
            client.request("GET", "/api/keys/k?stale"),
        ):
            reply = await call
            if limit == "10":
                assert reply.status == 200
                assert reply.headers["KV-Age"] == "3.000"
                assert reply.revision == 1
            else:
                assert (reply.status, reply.json["code"]) == (503, "stale")
                assert reply.json["detail"] == "The data is 3.0 s old, the limit is 1 s"


def refuse_stale_reads(instance: Tarantool, kind: str) -> None:
    instance.console(LEAVE_OUT)
    for procedure in ("get_stale", "read_stale", "list_page_stale"):
        instance.console(REFUSE.format(procedure=procedure, kind=kind))


def stale_reads(client: Client) -> list[Awaitable[Reply]]:
    return [
        client.read(["k"], stale=True),
        client.read([f"k{i}" for i in range(40)], stale=True),
        client.list_keys("", stale=True),
        client.request("GET", "/api/keys/k?stale"),
    ]


@pytest.mark.parametrize("leads", [True, False])
async def test_a_stale_read_passes_by_a_node_with_a_write_that_is_not_confirmed(
    three: list[Tarantool], serve: Serve, leads: bool
) -> None:
    async with entered(serve, three) as client:
        await client.write({"k": 1})
        if not leads:
            lose_quorum(three, 5)
            await asyncio.sleep(ELECTION_TIMEOUT + SILENCE)
        for instance in three[1:]:
            refuse_stale_reads(instance, "NotConfirmed")
        for call in stale_reads(client):
            assert (await call).status == 200
        refuse_stale_reads(three[0], "NotConfirmed")
        for call in stale_reads(client):
            assert assert_problem(await call, 503, "stale") == UNCONFIRMED


async def test_no_node_knows_how_old_its_data_is(
    three: list[Tarantool], serve: Serve
) -> None:
    async with entered(serve, three) as client:
        for instance in three:
            set_status(instance, 5, leader=False, lag=None)
            refuse_stale_reads(instance, "NotLeader")
            instance.console(
                REFUSE.format(procedure="read_stale_each", kind="NotLeader")
            )
        await asyncio.sleep(SILENCE)
        for call in (*stale_reads(client), client.request("GET", "/readyz?reads")):
            assert assert_problem(await call, 503, "stale") == UNKNOWN_AGE


async def test_the_reason_why_no_stale_read_is_answered(
    three: list[Tarantool], serve: Serve
) -> None:
    async def ready(query: str = "?reads") -> Reply:
        return await client.request("GET", f"/readyz{query}")

    limits = {"KV_STALE_LIMIT": "15", "KV_FAILOVER_WAIT": "1"}
    async with entered(serve, three, **limits) as client:
        for instance, lag in zip(three, (30, 10, None), strict=True):
            set_status(instance, 5, leader=False, quorum=False, lag=lag)
        await asyncio.sleep(ELECTION_TIMEOUT + SILENCE)
        assert (await ready()).status == 200
        assert_problem(await ready(""), 503, "no_quorum")
        three[1].kill()
        await asyncio.sleep(SILENCE)
        detail = assert_problem(await ready(), 503, "stale")
        assert detail.startswith("The data is 30.")
        assert detail.endswith(" s old, the limit is 15 s")
        for instance in three[::2]:
            instance.kill()
        await asyncio.sleep(SILENCE)
        for query in ("", "?reads"):
            assert_problem(await ready(query), 503, "storage_unavailable")


async def test_a_stale_read_passes_by_a_node_that_hangs(
    three: list[Tarantool], serve: Serve
) -> None:
    async with entered(serve, three) as client:
        for procedure in ("read_stale", "read_stale_each"):
            three[0].console(HANG.format(procedure=procedure))
        three[1].kill(signal.SIGSTOP)
        read = Pending(asyncio.ensure_future(client.read(["k"], stale=True)))
        assert (await read.reply()).status == 200
        assert read.seconds < 2 + 2 * AT_ONCE
        three[1].kill(signal.SIGCONT)


async def test_an_account_that_a_node_does_not_have_yet_is_checked_by_the_leader(
    three: list[Tarantool], serve: Serve
) -> None:
    async with entered(serve, three) as client:
        for instance in three[1:]:
            refuse_stale_reads(instance, "TokenRevoked")
        for _ in range(10):
            assert (await client.read(["k"], stale=True)).status == 200
            assert (await client.list_keys("", stale=True)).status == 200
        elect(three, 1, 5)
        await asyncio.sleep(SILENCE)
        three[0].kill()
        refused = await client.read(["k"], stale=True)
        assert refused.json["code"] == "token_revoked"
