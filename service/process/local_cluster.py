"""Three Tarantools on this machine that elect their leader, and a service.

``make cluster`` runs it from a checkout, to try a cluster and its failures. The nodes
have the configuration of docker/tarantool/config.yaml with ports of this machine; each
has a folder of its own below `KV_DATA_DIR`. A node that dies is started again, and no
node outlives this process.
"""

import argparse
import asyncio
import contextlib
import errno
import logging
import os
import re
import shutil
import socket
import subprocess  # nosec B404
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path

import msgspec

from service.errors import StartError
from service.process import secret_files
from service.process.child import Child
from service.process.command import run_command
from service.process.embedded_tarantool import (
    POLL_INTERVAL,
    STOP_TIMEOUT,
    DataFolder,
    lua_folder,
)
from service.process.parent_death import die_with
from service.process.port_holder import port_holder
from service.process.run import serve
from service.process.signals import cancel_on_signal
from service.process.tarantool_log import FAILURE
from service.settings import Address, Addresses, Secret, Settings
from service.telemetry.log import Log

log = logging.getLogger("service.process.local_cluster")

#: The nodes, as docker/tarantool/config.yaml names them, and their ports here.
NAMES = ("tarantool-1", "tarantool-2", "tarantool-3")
PORTS = (3301, 3302, 3303)

#: The address of a node in docker/tarantool/config.yaml.
ADDRESS = re.compile(rf"({'|'.join(NAMES)}):3301")

#: The first version with the configuration in YAML and with elections that work.
LEAST_VERSION = (3, 0)

#: Why a node gives up at its start, in its log, if it was too slow for another one, or
#: that one for it: started again, it succeeds.
PEERS_NOT_READY = re.compile(
    r"can't initialize storage: .*(failed to connect|bootstrap|checkpoint|timed out)"
)

#: The same, if another node waits for an earlier start of this one, which had another
#: UUID, as for the first leader: all have to be started again.
DIFFERENT_LEADER = "chose a different bootstrap leader"

#: In the folder of a node, where its configuration expects them.
SECRETS = "secrets"


def config_path() -> Path:
    return lua_folder().parent / "docker" / "tarantool" / "config.yaml"


def with_addresses(config: str, addresses: Mapping[str, str]) -> str:
    """The configuration with these addresses of the nodes, by name."""
    return ADDRESS.sub(lambda found: addresses[found[1]], config)


def node_environ(port: int, lua: Path) -> dict[str, str]:
    """The variables of a node that differ from machine to machine."""
    return {
        "LUA_PATH": f"{lua}/?.lua;{lua}/?/init.lua;;",
        "TT_IPROTO_LISTEN": f'[{{"uri": "127.0.0.1:{port}"}}]',
    }


class NodesDisagree(StartError):
    """The nodes of a new cluster do not agree on their first leader."""


class LocalNode:
    """One of the Tarantools; it is started again when it dies."""

    def __init__(self, program: str, name: str, port: int, folder: DataFolder) -> None:
        self.name = name
        self.address = Address("127.0.0.1", port)
        self._program = program
        self._lock = folder.lock
        self._folder = folder.path / name
        self._log = self._folder / "tarantool.log"
        self._log_begin = 0  # of the current process
        self._child = Child(name, self._spawn, STOP_TIMEOUT)

    def configure(self, config: str, secrets: Mapping[str, str]) -> None:
        """:raises OSError: its folder cannot be written"""
        (self._folder / SECRETS).mkdir(mode=0o700, parents=True, exist_ok=True)
        (self._folder / "config.yaml").write_text(config)
        for name, secret in secrets.items():
            secret_files.store(self._folder / SECRETS / name, secret, mode=0o600)

    async def spawn(self) -> None:
        """:raises OSError: it cannot be started"""
        await self._child.spawn()

    def check_port(self) -> None:
        """:raises StartError: another program listens on its port"""
        port = int(self.address.port)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.address.host, port))
            except OSError as error:
                reason = str(error.strerror)
                if error.errno == errno.EADDRINUSE:
                    reason += f" ({port_holder(port)})"
                raise StartError(f"cannot listen on {self.address}: {reason}") from None

    async def started(self) -> None:
        """Waits until it listens; at the first start the nodes wait for each other.

        :raises NodesDisagree: it ended, because the others wait for another leader
        :raises StartError: it ended
        :raises OSError: it cannot be started again
        """
        while not await self._listens():
            if not self._child.is_running:
                failure = self._failure()
                if DIFFERENT_LEADER in failure:
                    raise NodesDisagree(f"{self.name} did not start: {failure}")
                if PEERS_NOT_READY.search(failure) is None:
                    raise StartError(f"{self.name} did not start: {failure}")
                log.warning("%s ended (%s): restart", self.name, failure)
                await self.spawn()
            await asyncio.sleep(POLL_INTERVAL)
        log.info("%s listens on %s, its log is %s", self.name, self.address, self._log)
        self._child.keep_alive(lambda status: f"{status}; {self._failure()}")

    async def stop(self) -> None:
        await self._child.stop()

    def _failure(self) -> str:
        """Why the last process ended, according to its log."""
        found = FAILURE.findall(self._log_of_process())
        return found[-1] if found else f"its log is {self._log}"

    def _log_of_process(self) -> str:
        with self._log.open("rb") as file:
            file.seek(self._log_begin)
            return file.read().decode(errors="replace")

    async def _listens(self) -> bool:
        if f"bound to {self.address}" not in self._log_of_process():
            return False  # another server may answer at the address
        try:
            reader, writer = await asyncio.open_connection(
                self.address.host, self.address.port
            )
            greeting = await reader.readline()
            writer.close()
            await writer.wait_closed()
        except OSError:
            return False
        return greeting.startswith(b"Tarantool")

    async def _spawn(self) -> Process:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("KV_", "TT_", "ADMIN_", "LUA_"))
        }
        with self._log.open("ab") as output:
            self._log_begin = output.tell()
            return await asyncio.create_subprocess_exec(
                *(self._program, "-n", self.name, "-c", "config.yaml"),
                stdin=DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self._folder,
                pass_fds=[self._lock],
                env=inherited | node_environ(int(self.address.port), lua_folder()),
                preexec_fn=partial(_tie_to, os.getpid()),
            )


def _tie_to(parent: int) -> None:
    """Runs in the child: it dies with this process, and Ctrl-C does not reach it."""
    os.setpgid(0, 0)
    die_with(parent)


def installed_program() -> str:
    """:raises StartError: there is no Tarantool that elects a leader"""
    program = shutil.which("tarantool")
    found = "there is none on the PATH"
    if program is not None:
        printed = subprocess.run(  # noqa: S603 # nosec B603
            [program, "--version"], capture_output=True, text=True
        ).stdout
        version = re.match(r"Tarantool ((\d+)\.(\d+)\S*)", printed)
        if version and (int(version[2]), int(version[3])) >= LEAST_VERSION:
            return program
        found = f"{program} is {version[1] if version else 'another program'}"
    raise StartError(
        f"a cluster requires Tarantool 3, {found}: install it as "
        "https://www.tarantool.io/en/download/ says, or run make cluster TARANTOOL=path"
    )


@contextlib.asynccontextmanager
async def local_cluster(
    settings: Settings, ports: tuple[int, ...]
) -> AsyncIterator[Settings]:
    """Runs the nodes; yields the settings with their addresses and the secrets.

    :raises StartError: there is no Tarantool 3, or `KV_DATA_DIR` cannot be used
    """
    if settings.tarantool_uri:
        raise StartError("KV_TARANTOOL_URI: this cluster has Tarantools of its own")
    program = installed_program()
    try:
        config = config_path().read_text()
        folder = DataFolder(settings.data_dir / "cluster")
        await folder.acquire()
        secrets = {
            name: secret_files.read_or_create(folder.path / name)
            for name in secret_files.OF_TARANTOOL
        }
        jwt_secret = secret_files.read_or_create(folder.path / secret_files.JWT_SECRET)
        nodes = [
            LocalNode(program, name, port, folder)
            for name, port in zip(NAMES, ports, strict=True)
        ]
        addresses = {node.name: str(node.address) for node in nodes}
        for node in nodes:
            node.configure(with_addresses(config, addresses), secrets)
    except (OSError, ValueError) as error:
        raise StartError(f"KV_DATA_DIR: {error}") from None
    try:
        await _start(nodes, settings.startup_timeout)
        yield msgspec.structs.replace(
            settings,
            tarantool_uri=Addresses(node.address for node in nodes),
            tarantool_password=Secret(secrets[secret_files.TARANTOOL_PASSWORD]),
            jwt_secret=settings.jwt_secret or Secret(jwt_secret),
        )
    finally:
        await asyncio.gather(*(node.stop() for node in nodes))
        folder.release()


async def _start(nodes: list[LocalNode], seconds: int) -> None:
    """Returns when all nodes listen.

    :raises StartError: one ended, did not listen in time, or its port is in use
    """
    for node in nodes:
        node.check_port()
    try:
        async with asyncio.timeout(seconds):
            while not await _have_started(nodes):
                await asyncio.gather(*(node.stop() for node in nodes))
    except TimeoutError:
        raise StartError(
            f"the nodes did not start within {seconds} s (KV_STARTUP_TIMEOUT); their "
            "logs are in the folder cluster of KV_DATA_DIR"
        ) from None
    except OSError as error:
        raise StartError(f"a node cannot be started: {error}") from None


async def _have_started(nodes: list[LocalNode]) -> bool:
    """Starts the nodes; returns when all listen, or do not agree on their first leader.

    :raises StartError: one ended
    :raises OSError: one cannot be started
    """
    for node in nodes:
        await node.spawn()
    try:
        async with asyncio.TaskGroup() as group:
            for node in nodes:
                group.create_task(node.started())
    except ExceptionGroup as failed:
        why = failed.exceptions[0]
        if not isinstance(why, NodesDisagree):
            raise why from None
        log.warning("%s: restart of all nodes", why)
        return False
    return True


async def run(ports: tuple[int, ...], settings: Settings, logs: Log) -> None:
    """:raises StartError: the cluster or the service cannot be started"""
    cancel_on_signal()
    with contextlib.suppress(asyncio.CancelledError):
        async with local_cluster(settings, ports) as completed:
            await serve(completed, logs)


def _ports(text: str) -> tuple[int, ...]:
    ports = tuple(int(part) for part in text.split(","))
    if not len(ports) == len(set(ports)) == len(NAMES):
        raise argparse.ArgumentTypeError(f"expected {len(NAMES)} different ports")
    return ports


def main() -> int:
    parser = argparse.ArgumentParser(prog="make cluster", description=__doc__)
    parser.add_argument(
        "--ports",
        type=_ports,
        default=PORTS,
        metavar=",".join(map(str, PORTS)),
        help="three ports on the loopback",
    )
    given = parser.parse_args()
    return run_command(partial(run, given.ports))


if __name__ == "__main__":
    sys.exit(main())
