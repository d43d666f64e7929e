"""The faults of a cluster: each is injected, lasts, and is removed.

After each of them all nodes replicate from each other again, or the fault does not end:
nodes that a split brain has separated never do.
"""

import asyncio
import signal
import time
from collections.abc import Sequence

from tests.support.cluster import Node
from tests.support.console import admin
from tests.support.full_disk import full_disk
from tests.torture.run.cluster_system import ClusterSystem
from tests.torture.run.faults import CUTS, DELAY, HOUR, LONG, WHILE, Fault, Scene

Here = Scene[ClusterSystem]

#: Reads that wait for a suspended service, and seconds for them to arrive there.
READS, ARRIVAL = 100, 0.3

#: Seconds in which a service that continues has sent what waits for it, and has not yet
#: found its leader silent.
HEAD_START = 0.1


async def _pair(scene: Here) -> tuple[Node, Node]:
    """The leader, and one of its followers."""
    leader = await scene.system.leader()
    nodes = scene.system.cluster.nodes
    return leader, scene.random.choice([node for node in nodes if node != leader])


async def _killed(scene: Here, nodes: Sequence[Node]) -> float:
    killed = time.monotonic()
    for node in nodes:
        await asyncio.to_thread(node.kill)
    await asyncio.sleep(WHILE if len(nodes) == 1 else 0)
    await scene.system.start_nodes(*nodes)
    await scene.system.whole()
    return killed


async def leader_killed(scene: Here) -> float:
    leader, _ = await _pair(scene)
    return await _killed(scene, [leader])


async def follower_killed(scene: Here) -> float:
    _, follower = await _pair(scene)
    return await _killed(scene, [follower])


async def all_nodes_killed(scene: Here) -> float:
    return await _killed(scene, scene.system.cluster.nodes)


async def everything_killed(scene: Here) -> float:
    scene.system.kill_workers()
    try:
        return await _killed(scene, scene.system.cluster.nodes)
    finally:
        await scene.system.start_workers(*scene.system.workers)


async def worker_killed(scene: Here) -> float:
    worker = scene.random.choice(scene.system.workers)
    killed = time.monotonic()
    await asyncio.to_thread(worker.process.stop, signal.SIGKILL)
    await scene.system.start_workers(worker)
    return killed


async def _stopped(scene: Here, nodes: Sequence[Node], seconds: float) -> float:
    for node in nodes:
        node.kill(signal.SIGSTOP)
    await asyncio.sleep(seconds)
    for node in nodes:
        node.kill(signal.SIGCONT)
    over = time.monotonic()
    await scene.system.whole()
    return over


async def leader_stopped(scene: Here) -> float:
    """About as long as an election takes: it may return before, during or after one."""
    leader, _ = await _pair(scene)
    return await _stopped(scene, [leader], scene.random.uniform(0.3, WHILE))


async def leader_stopped_for_long(scene: Here) -> float:
    leader, _ = await _pair(scene)
    return await _stopped(scene, [leader], LONG)


async def leader_and_worker_stopped(scene: Here) -> float:
    """A machine with a node and a service is suspended, and resumed.

    Requests that clients send after another node has accepted writes wait for the
    service. It sends them to its leader before it can know that another one leads.
    """
    leader = await scene.system.leader()
    worker, other = [one.process for one in scene.system.workers]
    worker.send(signal.SIGSTOP)
    leader.kill(signal.SIGSTOP)
    await scene.system.next_leader(leader)
    key = "suspended"
    await scene.session.write({key: f'"{time.monotonic()}"'}, url=other.url)
    async with asyncio.TaskGroup() as reads:
        for _ in range(READS):
            reads.create_task(scene.session.read([key], url=worker.url))
        await asyncio.sleep(ARRIVAL)
        worker.send(signal.SIGCONT)
        await asyncio.sleep(HEAD_START)
        leader.kill(signal.SIGCONT)
        over = time.monotonic()
    await scene.system.whole()
    return over


async def follower_stopped(scene: Here) -> float:
    _, follower = await _pair(scene)
    return await _stopped(scene, [follower], LONG)


async def all_nodes_stopped(scene: Here) -> float:
    nodes = scene.system.cluster.nodes
    return await _stopped(scene, nodes, scene.random.uniform(0.3, WHILE))


async def _isolated(
    scene: Here, node: Node, *, sends: bool = True, receives: bool = True
) -> float:
    """Clients still reach it."""
    scene.system.cluster.links.isolate(node, sends=sends, receives=receives)
    await asyncio.sleep(2 * WHILE)
    scene.system.cluster.links.heal()
    over = time.monotonic()
    await scene.system.whole()
    return over


async def leader_cut_off(scene: Here) -> float:
    leader, _ = await _pair(scene)
    return await _isolated(scene, leader)


async def follower_cut_off(scene: Here) -> float:
    _, follower = await _pair(scene)
    return await _isolated(scene, follower)


async def leader_not_heard(scene: Here) -> float:
    leader, _ = await _pair(scene)
    return await _isolated(scene, leader, receives=False)


async def leader_hears_nothing(scene: Here) -> float:
    leader, _ = await _pair(scene)
    return await _isolated(scene, leader, sends=False)


async def follower_not_heard(scene: Here) -> float:
    _, follower = await _pair(scene)
    return await _isolated(scene, follower, receives=False)


async def follower_hears_nothing(scene: Here) -> float:
    _, follower = await _pair(scene)
    return await _isolated(scene, follower, sends=False)


async def leader_and_worker_cut_off(scene: Here) -> float:
    """Two parts of the network: a worker with the leader, and the others."""
    leader = await scene.system.leader()
    worker, *others = scene.system.workers
    paths = scene.system.paths
    scene.system.cluster.links.isolate(leader)
    for node in scene.system.cluster.nodes:
        for one in others if node == leader else [worker]:
            paths.stall(one.name, node)
    await asyncio.sleep(2 * WHILE)
    scene.system.cluster.links.heal()
    paths.heal()
    over = time.monotonic()
    await scene.system.whole()
    return over


async def pair_cut_off(scene: Here) -> float:
    """The leader and one follower no longer reach each other."""
    leader, follower = await _pair(scene)
    links = scene.system.cluster.links
    links.block(leader, follower)
    links.block(follower, leader)
    await asyncio.sleep(2 * WHILE)
    links.heal()
    over = time.monotonic()
    await scene.system.whole()
    return over


async def links_slow(scene: Here) -> float:
    links = scene.system.cluster.links
    links.delay(DELAY)
    await asyncio.sleep(WHILE)
    links.heal()
    return time.monotonic()


async def links_cut(scene: Here) -> float:
    for _ in range(CUTS):
        scene.system.cluster.links.cut()
        await asyncio.sleep(WHILE / CUTS)
    over = time.monotonic()
    await scene.system.whole()
    return over


async def clocks_apart(scene: Here) -> float:
    """The leader is an hour ahead of one follower and behind the other; it dies."""
    leader = await scene.system.leader()
    others = [node for node in scene.system.cluster.nodes if node != leader]
    for node, seconds in zip(others, (HOUR, -HOUR), strict=True):
        scene.system.clocks[node.name].step_to(seconds)
    try:
        await asyncio.sleep(WHILE)
        await _killed(scene, [leader])
        await asyncio.sleep(WHILE)
    finally:
        for clock in scene.system.clocks.values():
            clock.step_to(0)
    return time.monotonic()


async def _disk_full(scene: Here, node: Node) -> float:
    """Tarantool ends if it cannot record its vote; it is restarted, as by systemd."""
    with full_disk(node, free=scene.random.randrange(4096)):
        await asyncio.sleep(WHILE)
    over = time.monotonic()
    if not node.is_running:
        await scene.system.start_nodes(node)
    await scene.system.whole()
    return over


async def leader_disk_full(scene: Here) -> float:
    leader, _ = await _pair(scene)
    return await _disk_full(scene, leader)


async def follower_disk_full(scene: Here) -> float:
    _, follower = await _pair(scene)
    return await _disk_full(scene, follower)


async def leader_steps_down(scene: Here) -> float:
    leader = await scene.system.leader()
    await asyncio.to_thread(admin, leader, "step_down")
    await scene.system.next_leader(leader)
    return time.monotonic()


async def rolling_restart(scene: Here) -> float:
    """As docs/cluster.md describes it: the followers, then the leader."""
    leader = await scene.system.leader()
    others = [node for node in scene.system.cluster.nodes if node != leader]
    for node in others:
        await _restart(scene, node)
    await leader_steps_down(scene)
    await _restart(scene, leader)
    return time.monotonic()


async def _restart(scene: Here, node: Node) -> None:
    await asyncio.to_thread(node.kill, signal.SIGTERM)
    await scene.system.start_nodes(node)
    await scene.system.whole()


CLUSTER_FAULTS: dict[str, Fault[ClusterSystem]] = {
    "kill -9 of a worker": worker_killed,
    "kill -9 of the leader": leader_killed,
    "kill -9 of a follower": follower_killed,
    "kill -9 of all nodes": all_nodes_killed,
    "kill -9 of everything": everything_killed,
    "SIGSTOP of the leader, short": leader_stopped,
    "SIGSTOP of the leader, long": leader_stopped_for_long,
    "SIGSTOP of the leader and a worker": leader_and_worker_stopped,
    "SIGSTOP of a follower": follower_stopped,
    "SIGSTOP of all nodes": all_nodes_stopped,
    "leader cut off": leader_cut_off,
    "leader and a worker cut off from the others": leader_and_worker_cut_off,
    "follower cut off": follower_cut_off,
    "leader is not heard": leader_not_heard,
    "leader hears nothing": leader_hears_nothing,
    "follower is not heard": follower_not_heard,
    "follower hears nothing": follower_hears_nothing,
    "leader and a follower cut off from each other": pair_cut_off,
    "links slow": links_slow,
    "links cut": links_cut,
    "clocks an hour apart, and kill -9 of the leader": clocks_apart,
    "disk of the leader full": leader_disk_full,
    "disk of a follower full": follower_disk_full,
    "step down": leader_steps_down,
    "rolling restart": rolling_restart,
}
