"""The history of keys in a cluster: the leader's, and the same after it has failed."""

import pytest

from tests.support.assertions import assert_problem
from tests.support.client import Client
from tests.support.cluster import Cluster
from tests.support.console import admin, lua, mistake
from tests.support.machine import wait_until
from tests.support.service import Serve
from tests.support.tarantool import evaluated

pytestmark = pytest.mark.needs_election

#: Seconds for a change to arrive on the other nodes, on a busy machine.
ARRIVAL = 20.0

LENGTH = "box.space.kv_changes.index.key:len()"


async def values(client: Client) -> list[tuple[int, object]]:
    reply = await client.request("GET", "/api/history?key=k")
    assert reply.status == 200, reply.text
    return [(c["revision"], c["value"]) for c in reply.json["changes"]]


async def test_the_next_leader_has_the_history_and_what_is_forgotten(
    cluster: Cluster, serve: Serve
) -> None:
    leader = cluster.wait_until_whole()
    async with serve(leader, KV_TARANTOOL_URI=cluster.uris) as client:
        await client.enter()
        first, second, third = [
            (await client.write({"k": n, "l": n})).revision for n in range(3)
        ]
        assert await values(client) == [(third, 2), (second, 1), (first, 0)]
        follower = cluster.followers()[0]
        refusal = mistake(follower, "forget_history", lua("k"))
        assert "does not lead" in refusal
        assert admin(leader, "forget_history", lua("k")).startswith("2 changes of")
        assert await values(client) == [(third, 2)]
        wait_until(
            lambda: all(evaluated(n, LENGTH) == 4 for n in cluster.followers()), ARRIVAL
        )

        leader.kill()
        cluster.wait_for_leader()
        assert await values(client) == [(third, 2)]
        path = f"/api/keys/l?revision={second}"
        assert (await client.request("GET", path)).json == 1
        forgotten = await client.request("GET", f"/api/keys/k?revision={second}")
        assert_problem(forgotten, 410, "revision_compacted")
