"""Access tokens in a cluster: on followers, and through a change of the leader."""

import asyncio

import pytest

from tests.support.access_tokens import created, delete_token, tokens_of, using
from tests.support.assertions import assert_problem
from tests.support.client import Client
from tests.support.cluster import Cluster
from tests.support.machine import wait_until
from tests.support.service import Serve
from tests.support.sse import following
from tests.support.tarantool import evaluated

pytestmark = pytest.mark.needs_election

#: Seconds until a follower has what the leader has, on a busy machine.
NOTED = 20.0


async def until_refused_by_followers(program: Client) -> None:
    """Stale reads are answered by any node: none of them may accept the token."""
    refused = 0
    async with asyncio.timeout(NOTED):
        while refused < 20:
            reply = await program.read(["k"], stale=True)
            refused = refused + 1 if reply.status == 403 else 0


async def test_a_token_is_used_revoked_and_kept_through_a_change_of_the_leader(
    cluster: Cluster, serve: Serve
) -> None:
    leader = cluster.wait_until_whole()
    async with serve(
        cluster.nodes[0], KV_TARANTOOL_URI=cluster.uris, KV_FAILOVER_WAIT="20"
    ) as client:
        await client.enter()
        kept, revoked = await created(client), await created(client)
        program, other = (using(client, each["token"]) for each in (kept, revoked))
        assert (await program.write({"k": 1})).status == 200
        assert (await program.read(["k"])).json["data"] == {"k": 1}
        assert (await other.read(["k"])).status == 200
        async with following(other) as stream:
            await stream.start()
            await delete_token(client, revoked["id"])
            end = (await stream.rest())[-1]
            assert end.json["code"] == "token_revoked"
        assert_problem(await other.read(["k"]), 403, "token_revoked")
        await until_refused_by_followers(other)
        async with asyncio.timeout(NOTED):
            while True:
                reply = await program.read(["k"], stale=True)
                if reply.status == 200:
                    break
                await asyncio.sleep(0.1)
        row = f"box.space.access_token_uses:get({kept['id']}) or box.NULL"
        await asyncio.to_thread(
            wait_until, lambda: evaluated(leader, row) is not None, NOTED
        )
        before = await tokens_of(client)

        await asyncio.to_thread(leader.kill)
        assert (await program.read(["k"])).json["data"] == {"k": 1}
        assert (await program.write({"k": 2})).status == 200
        assert_problem(await other.read(["k"]), 403, "token_revoked")
        (listed,) = await tokens_of(client)
        assert listed["id"] == before[0]["id"]
        assert listed["last_used_at"] >= before[0]["last_used_at"]
