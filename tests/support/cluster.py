"""Three real Tarantools on this machine that elect their leader.

They run docker/tarantool/config.yaml with addresses of this machine. Each is a process
in a folder of its own; they keep their data and their ports when they are killed and
started again. With `proxied=True` the connection that one node opens to another passes
through a proxy of its own, which can stall, delay or cut it.

A `Node` is a `Tarantool` of tests/support/tarantool.py: `evaluated`, `admin` and
`connected` take it.
"""

import asyncio
import contextlib
import itertools
import os
import re
import shutil
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from service.process.local_cluster import (
    DIFFERENT_LEADER,
    LEAST_VERSION,
    NAMES,
    PEERS_NOT_READY,
    SECRETS,
    config_path,
    node_environ,
    with_addresses,
)
from service.process.secret_files import REPLICATION_PASSWORD, TARANTOOL_PASSWORD
from service.unix_socket import connectable
from tests.support.child_program import ChildProgram
from tests.support.machine import ROOT, free_port, wait_until
from tests.support.proxy import Proxy
from tests.support.tarantool import (
    CONSOLE_TIMEOUT,
    PASSWORD,
    READY,
    START_TIMEOUT,
    evaluated,
    local_version,
)

PASSWORDS = {
    TARANTOOL_PASSWORD: PASSWORD,
    REPLICATION_PASSWORD: "a password of replication for tests",
}

#: Seconds for an election on a busy machine.
ELECTION_TIMEOUT = 30.0

#: Starts of a node until it has found the others, which it may miss on a busy machine.
#: docker-compose.cluster.yml restarts it as well.
MAX_STARTS = 10

#: Starts of an empty cluster. A node that is started again has another UUID: one that
#: has chosen it before as the first leader waits for ever.
MAX_BOOTSTRAPS = 4

#: Whether the node leads and accepts calls, and its term.
LEADS = "{require('kv.base.leader').leads(), box.info.election.term}"

#: Of a node: its name, its state, and the state of its links.
LINKS = """(function()
    local found = { box.info.name, box.info.status, box.info.ro_reason or 'rw' }
    for _, peer in pairs(box.info.replication) do
        local up, down = peer.upstream or {}, peer.downstream or {}
        table.insert(found, ('%s: %s %s %s'):format(
            peer.name, up.status, down.status, up.message or down.message or ''))
    end
    return found
end)()"""

#: The number of other nodes that replicate from the node and that it replicates from.
PEERS = """(function()
    local count = 0
    for _, peer in pairs(box.info.replication) do
        local up, down = peer.upstream or {}, peer.downstream or {}
        if up.status == 'follow' and down.status == 'follow' then count = count + 1 end
    end
    return count
end)()"""


def lacks_election() -> str:
    """Why this machine cannot run a cluster; empty, if it can."""
    version = local_version()
    if version >= LEAST_VERSION:
        return ""
    found = f"Tarantool {'.'.join(map(str, version))}" if version else "no Tarantool"
    return f"an election needs Tarantool {LEAST_VERSION[0]}; on the PATH: {found}"


class Node:
    """:ivar name: in the configuration
    :ivar data: the folder of its snapshots and logs
    :ivar environ: for its next start
    """

    def __init__(
        self, name: str, folder: Path, lua: Path, environ: Mapping[str, str]
    ) -> None:
        self.name = name
        self.folder = folder
        self.data = folder / "var" / "lib" / name
        self.environ = {"PATH": os.environ["PATH"]} | dict(environ)
        self._lua = lua
        self.move(free_port())
        self.is_stopped = False
        self._child = ChildProgram(name, folder / "tarantool.log")

    def __repr__(self) -> str:
        return self.name

    def move(self, port: int) -> None:
        """Another port, from its next start on; the configurations must follow."""
        self.port = port
        self.environ |= node_environ(port, self._lua)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def is_running(self) -> bool:
        return self._child.is_alive

    def start(self) -> None:
        """Returns when it has its data; the first start of all waits for the others.

        A node that gives up on the others is started again.
        """
        for _ in range(MAX_STARTS - 1):
            try:
                return self._start()
            except RuntimeError as why:
                is_late = PEERS_NOT_READY.search(str(why)) is not None
                if not is_late or DIFFERENT_LEADER in str(why):
                    raise
        return self._start()

    def _start(self) -> None:
        self.is_stopped = False
        self._child.start(
            ["tarantool", "-n", self.name, "-c", "config.yaml"],
            self.environ,
            is_ready=lambda log: READY in log,
            timeout=START_TIMEOUT,
            cwd=self.folder,
            # as LocalTarantool
            restore_signals=False,
        )

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Sends the signal; returns when it is dead, if it is a deadly one."""
        self._child.send(number)
        if number == signal.SIGSTOP:
            self.is_stopped = True
        if number == signal.SIGCONT:
            self.is_stopped = False
        if number in (signal.SIGKILL, signal.SIGTERM):
            self._child.wait()
            self.is_stopped = False

    def log(self) -> str:
        return self._child.log()

    def console(self, code: str) -> str:
        """The output of the operators' console for this Lua (YAML).

        It is sent as one line: no comments in it."""
        path = self.folder / "var" / "run" / self.name / "tarantool.control"
        with (
            connectable(str(path)) as short,
            socket.socket(socket.AF_UNIX) as connection,
        ):
            connection.settimeout(CONSOLE_TIMEOUT)
            connection.connect(short)
            with connection.makefile("rwb") as stream:
                stream.readline()
                stream.readline()
                stream.write(" ".join(code.split()).encode() + b"\n")
                stream.flush()
                reply = []
                while (line := stream.readline()) not in (b"...\n", b""):
                    reply.append(line.decode())
        return "".join(reply)


class Links:
    """Proxies to nodes, served by a thread of their own."""

    def __init__(self, pairs: Iterable[tuple[str, Node]]) -> None:
        """:param pairs: the name of the one that connects, and the node"""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._proxies = {
            (one, other.name): Proxy(free_port(), other.port) for one, other in pairs
        }

    def port(self, one: str, other: Node) -> int:
        """Where the one connects to the node."""
        return self._proxies[one, other.name].port

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        self._thread.start()
        stack = contextlib.AsyncExitStack()
        try:
            for proxy in self._proxies.values():
                entered = stack.enter_async_context(proxy.running())
                asyncio.run_coroutine_threadsafe(entered, self._loop).result()
            yield
        finally:
            asyncio.run_coroutine_threadsafe(stack.aclose(), self._loop).result()
            asyncio.run_coroutine_threadsafe(self._finished(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    @staticmethod
    async def _finished() -> None:
        """Waits for the tasks of connections that have just been aborted."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)

    def stall(self, one: str, other: Node) -> None:
        """Nothing passes between the one and the node on the connections of the one."""
        self._call(self._proxies[one, other.name].stall)

    def block(self, sender: Node, receiver: Node) -> None:
        """What the one node sends no longer reaches the other.

        Both nodes have a connection to the other one, and use each in both directions.
        """
        there = self._proxies[sender.name, receiver.name]
        back = self._proxies[receiver.name, sender.name]
        self._call(partial(there.stall, back=False))
        self._call(partial(back.stall, forth=False))

    def isolate(self, node: Node, *, sends: bool = True, receives: bool = True) -> None:
        """Cuts a node off from the others.

        :param sends: nothing that it sends arrives
        :param receives: nothing arrives that the others send to it
        """
        for (one, other), proxy in self._proxies.items():
            if one == node.name:
                self._call(partial(proxy.stall, forth=sends, back=receives))
            if other == node.name:
                self._call(partial(proxy.stall, forth=receives, back=sends))

    def delay(self, seconds: float) -> None:
        """Everything between the nodes is late by this; 0: as it was."""
        for proxy in self._proxies.values():
            self._call(partial(setattr, proxy, "delay", seconds))

    def cut(self) -> None:
        """Breaks all connections off once."""
        for proxy in self._proxies.values():
            self._call(proxy.cut)

    def heal(self) -> None:
        for proxy in self._proxies.values():
            self._call(proxy.resume)
        self.delay(0.0)

    def _call(self, function: Callable[[], object]) -> None:
        async def called() -> None:
            function()

        asyncio.run_coroutine_threadsafe(called(), self._loop).result()


class Cluster:
    """:ivar nodes: in the order of the configuration
    :ivar lua: the nodes' copy of lua/
    """

    def __init__(
        self,
        folder: Path,
        *,
        proxied: bool = False,
        environ: Mapping[str, str] | None = None,
        changes: Mapping[str, str] | None = None,
        migrations: Path = ROOT / "migrations",
    ) -> None:
        """
        :param folder: of all nodes, exists
        :param proxied: the nodes reach each other through `links`
        :param environ: of all nodes in addition: `TT_MEMTX_MEMORY`, for example
        :param changes: texts of config.yaml, and the texts in their place
        """
        self.lua = folder / "lua"
        # lua/ and migrations/ are expected side by side
        shutil.copytree(ROOT / "lua", self.lua)
        (folder / "migrations").symlink_to(migrations)
        self.nodes = [
            Node(name, folder / name, self.lua, environ or {}) for name in NAMES
        ]
        self._links = Links(self._pairs()) if proxied else None
        self.config = config_path().read_text()
        for text, instead in (changes or {}).items():
            assert self.config.count(text) == 1, text
            self.config = self.config.replace(text, instead)
        for node in self.nodes:
            self._write_secrets(node)
            self.write_config(node)

    @property
    def links(self) -> Links:
        assert self._links is not None, "a cluster without proxies"
        return self._links

    @property
    def uris(self) -> str:
        """For `KV_TARANTOOL_URI`."""
        return ",".join(node.address for node in self.nodes)

    @contextlib.contextmanager
    def running(self) -> Iterator["Cluster"]:
        """Starts all nodes, waits for their leader; kills them in the end."""
        with contextlib.ExitStack() as stack:
            if self._links is not None:
                stack.enter_context(self._links.running())
            stack.callback(self.kill)
            self.bootstrap()
            self.wait_until_whole()
            yield self

    def bootstrap(self) -> None:
        """Starts all nodes of an empty cluster; again, if they have missed each other.

        :raises RuntimeError: a node ended for another reason, or too often
        """
        for _ in range(MAX_BOOTSTRAPS - 1):
            try:
                return self._bootstrap()
            except RuntimeError as why:
                if DIFFERENT_LEADER not in str(why):
                    raise
                self.kill()
                for node in self.nodes:
                    shutil.rmtree(node.folder / "var", ignore_errors=True)
        return self._bootstrap()

    def _bootstrap(self) -> None:
        failures: list[RuntimeError] = []

        def start(node: Node) -> None:
            try:
                node.start()
            except RuntimeError as why:
                failures.append(why)
                self.kill()  # the others would wait for it

        with ThreadPoolExecutor(len(self.nodes)) as threads:
            list(threads.map(start, self.nodes))
        if failures:
            raise failures[0]

    def start(self, *nodes: Node) -> None:
        """Starts these nodes at once, or all."""
        chosen = nodes or tuple(self.nodes)
        with ThreadPoolExecutor(len(chosen)) as threads:
            list(threads.map(Node.start, chosen))

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Sends the signal to all nodes."""
        for node in self.nodes:
            node.kill(number)

    def leader(self) -> Node | None:
        """The node that leads in the newest term; hanging nodes are not asked."""
        found: list[tuple[int, Node]] = []
        for node in self.nodes:
            if node.is_running and not node.is_stopped:
                with contextlib.suppress(OSError, IndexError):
                    leads, term = evaluated(node, LEADS)
                    if leads:
                        found.append((term, node))
        return max(found, key=lambda one: one[0])[1] if found else None

    def wait_for_leader(
        self, *, other_than: Node | None = None, timeout: float = ELECTION_TIMEOUT
    ) -> Node:
        """:raises TimeoutError: none leads in this time"""
        found: list[Node] = []

        def is_elected() -> bool:
            leader = self.leader()
            if leader is not None and leader != other_than:
                found.append(leader)
            return bool(found)

        wait_until(is_elected, timeout)
        return found[0]

    def wait_until_whole(self, timeout: float = ELECTION_TIMEOUT) -> Node:
        """Returns the leader when all nodes replicate from each other.

        A leader does not resign before (it has paused fencing).

        :raises TimeoutError: not in this time
        """

        def is_whole() -> bool:
            return all(
                n.is_running and evaluated(n, PEERS) == len(NAMES) - 1
                for n in self.nodes
            )

        try:
            wait_until(is_whole, timeout)
        except TimeoutError:
            states = "; ".join(
                str(evaluated(n, LINKS)) if n.is_running else f"{n} has ended"
                for n in self.nodes
            )
            raise TimeoutError(f"not whole within {timeout:g} s: {states}") from None
        return self.wait_for_leader(timeout=timeout)

    def followers(self) -> list[Node]:
        """All nodes but the leader."""
        leader = self.leader()
        return [node for node in self.nodes if node != leader]

    def _pairs(self) -> Iterator[tuple[str, Node]]:
        for one, other in itertools.permutations(self.nodes, 2):
            yield one.name, other

    def write_config(self, node: Node, *, without: Node | None = None) -> None:
        """Writes the node's config.yaml again.

        :param without: a node whose entry it lacks
        """

        def address(other: Node) -> str:
            if self._links is None or other == node:
                return other.address
            return f"127.0.0.1:{self._links.port(node.name, other)}"

        config = self.config
        if without is not None:
            entry = rf"(?m)^( *){without.name}:\n(?:\1 .*\n)+"
            config, entries = re.subn(entry, "", config)
            assert entries == 1
        addresses = {other.name: address(other) for other in self.nodes}
        (node.folder / "config.yaml").write_text(with_addresses(config, addresses))

    def _write_secrets(self, node: Node) -> None:
        secrets = node.folder / SECRETS
        secrets.mkdir(parents=True)
        for name, password in PASSWORDS.items():
            (secrets / name).write_text(f"{password}\n")


class Clusters:
    """Makes clusters for the tests, each in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def prepared(
        self,
        *,
        proxied: bool = False,
        environ: Mapping[str, str] | None = None,
        changes: Mapping[str, str] | None = None,
        migrations: Path = ROOT / "migrations",
    ) -> Cluster:
        """A cluster not started yet; the parameters of `Cluster`."""
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir()
        return Cluster(
            folder,
            proxied=proxied,
            environ=environ,
            changes=changes,
            migrations=migrations,
        )
