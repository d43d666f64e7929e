"""A real Tarantool for the tests: a container, or a local process without Docker.

Both run lua/init.lua, keep their data and their port when they are killed and started
again, and take Lua on the operators' console.
"""

import asyncio
import base64
import contextlib
import fcntl
import functools
import gc
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import asynctnt
import docker
from docker.errors import BuildError, DockerException
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.image import DockerImage
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from tests.support.child_program import ChildProgram
from tests.support.machine import ROOT, free_port, wait_until

PASSWORD = "a password for tests"

#: How the service logs in to Tarantool.
SERVICE_ACCOUNT = {"username": "kv_service", "password": PASSWORD}
READY = "entering the event loop"
START_TIMEOUT = 30.0

#: Seconds for a command of the console: tests fill a whole memory by it, key by key.
CONSOLE_TIMEOUT = 300.0

#: Runs on the console what it is given, prints the reply. Works with 2.x and 3.x.
CONSOLE = """
local connection = require('socket').tcp_connect('unix/', '{path}')
connection:read('\\n'); connection:read('\\n')
connection:write([==[{code}]==] .. '\\n')
print(connection:read('\\n...\\n'))
os.exit()
"""

#: The last line of what the console answers.
END_OF_ANSWER = b"...\n"

#: An instance that was configured read-only before our init.lua, as a follower is.
FOLLOWER = """
require('fio').mktree('{data}')
box.cfg({{
    work_dir = '{data}', wal_mode = 'fsync',
    read_only = true, replication = 'follower:secret@127.0.0.1:{leader}',
}})
dofile('{init}')
"""

#: As in docker/Dockerfile.tarantool.
SCRIPT_MODE = ["env", "-u", "TT_APP_NAME", "-u", "TT_INSTANCE_NAME"]
IMAGE_DATA = "/var/lib/tarantool"

#: The image's health check starts a shell in each container every two seconds. It is
#: tested with Docker Compose.
NO_HEALTH_CHECK = {"test": ["NONE"]}

#: Seconds; each time takes three requests to the engine.
CONTAINER_POLL_INTERVAL = 0.1


class Tarantool(Protocol):
    port: int

    def start(self) -> None:
        """Returns when it listens; raises when it does not get there."""

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Sends the signal; returns when it is dead, if it is a deadly one."""

    def log(self) -> str: ...

    def console(self, code: str) -> str:
        """The output of the operators' console for this Lua (YAML).

        It is sent as one line: no comments in it."""


def console_script(path: str, code: str) -> list[str]:
    return ["tarantool", "-e", CONSOLE.format(path=path, code=_one_line(code))]


def _one_line(code: str) -> str:
    return " ".join(code.split())


@functools.cache
def local_version() -> tuple[int, ...]:
    """Of the program `tarantool`; () if there is none."""
    try:
        printed = subprocess.run(
            ["tarantool", "--version"], capture_output=True, text=True, check=True
        ).stdout
    except FileNotFoundError:
        return ()
    found = re.match(r"Tarantool (\d+)\.(\d+)\.(\d+)", printed)
    assert found is not None, printed
    return tuple(map(int, found.groups()))


def local_console(data: Path, code: str) -> str:
    """The console of the instance with its data in this folder."""
    folder = os.open(data, os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(CONSOLE_TIMEOUT)
            # the path of a socket has 107 bytes at most
            connection.connect(f"/proc/self/fd/{folder}/console.sock")
            connection.sendall(f"{_one_line(code)}\n".encode())
            with connection.makefile("rb") as console:
                _greeting = [console.readline(), console.readline()]
                answer = bytearray()
                while line := console.readline():
                    answer += line
                    if line == END_OF_ANSWER:
                        break
            return answer.decode()
    finally:
        os.close(folder)


def evaluated(tarantool: Tarantool, expression: str) -> Any:
    """The value of a Lua expression, as JSON has it."""
    answer = tarantool.console(
        "require('digest').base64_encode("
        f"require('json').encode({expression}), {{nowrap = true}})"
    )
    assert "error:" not in answer, answer
    return json.loads(base64.b64decode(answer.split()[2]))


def caller_of(tarantool: Tarantool, username: str) -> list[Any]:
    """The caller, as the procedures take it."""
    row = f"box.space.users:get('{username}')"
    return [username, evaluated(tarantool, f"{row}.credentials_version")]


async def connected(tarantool: Tarantool, **credentials: str) -> asynctnt.Connection:
    """Speaks to it as the service does; a guest, without credentials."""
    connection = asynctnt.Connection(
        host="127.0.0.1",
        port=tarantool.port,
        fetch_schema=False,
        auto_refetch_schema=False,
        ping_timeout=0,
        request_timeout=5,
        reconnect_timeout=0,
        **credentials,
    )
    async with asyncio.timeout(START_TIMEOUT):
        await connection.connect()
    return connection


class LocalTarantool:
    def __init__(
        self, folder: Path, *, migrations: Path, environ: Mapping[str, str]
    ) -> None:
        self.port = free_port()
        self.data = folder / "data"
        # lua/ and migrations/ are expected side by side
        shutil.copytree(ROOT / "lua", folder / "lua")
        (folder / "migrations").symlink_to(migrations)
        self.init = folder / "lua" / "init.lua"
        self._environ = {
            "PATH": os.environ["PATH"],
            "KV_DATA_DIR": str(self.data),
            "KV_TARANTOOL_LISTEN": f"127.0.0.1:{self.port}",
            "KV_TARANTOOL_PASSWORD": PASSWORD,
        } | dict(environ)
        self._child = ChildProgram("Tarantool", folder / "tarantool.log")

    @property
    def pid(self) -> int:
        return self._child.pid

    def start(self) -> None:
        self._child.start(
            ["tarantool", self.init],
            self._environ,
            is_ready=lambda log: READY in log,
            timeout=START_TIMEOUT,
            # Python ignores SIGXFSZ, and so does the child then: a file that grows
            # too large is an error as on a full disk, and not the end of it
            restore_signals=False,
        )

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        self._child.send(number)
        if number in (signal.SIGKILL, signal.SIGTERM):
            self._child.wait()

    def log(self) -> str:
        return self._child.log()

    def console(self, code: str) -> str:
        return local_console(self.data, code)


def cut_off_at(source: LocalTarantool, length: int, target: LocalTarantool) -> None:
    """Gives the target what a crash would have left: the log's first bytes."""
    target.data.mkdir()
    (snapshot,) = source.data.glob("*.snap")
    (log,) = source.data.glob("*.xlog")
    shutil.copy(snapshot, target.data)
    (target.data / log.name).write_bytes(log.read_bytes()[:length])


def follow(leader: LocalTarantool, follower: LocalTarantool, folder: Path) -> None:
    """Prepares an instance, not started yet, as a read-only replica of another one.

    Tarantool's own replication, without an election.

    :param folder: for its script
    """
    leader.console("box.schema.user.create('follower', {password = 'secret'})")
    leader.console("box.schema.user.grant('follower', 'replication')")
    script = folder / "follower.lua"
    script.write_text(
        FOLLOWER.format(data=follower.data, leader=leader.port, init=follower.init)
    )
    follower.init = script


class ContainerTarantool:
    def __init__(
        self, image: str, *, migrations: Path, environ: Mapping[str, str]
    ) -> None:
        self.image = image
        self.port = free_port()
        container = (
            DockerContainer(image)
            .with_volume_mapping(str(migrations), "/opt/kv/migrations", "ro")
            .with_env("KV_TARANTOOL_PASSWORD", PASSWORD)
            .with_kwargs(healthcheck=NO_HEALTH_CHECK)
            .waiting_for(
                LogMessageWaitStrategy(READY)
                .with_startup_timeout(int(START_TIMEOUT))
                .with_poll_interval(CONTAINER_POLL_INTERVAL)
            )
        )
        # docker-py's form: testcontainers' own method cannot name the host's address
        ports: dict[Any, Any] = container.ports
        ports["3301/tcp"] = ("127.0.0.1", self.port)
        for name, value in environ.items():
            container.with_env(name, value)
        self._container = container
        self._started = False

    def start(self) -> None:
        if not self._started:
            self._container.start()
            self._started = True
            return
        before = self.log().count(READY)
        wrapped = self._container.get_wrapped_container()
        wrapped.start()

        def listens() -> bool:
            wrapped.reload()
            if wrapped.status != "running":
                raise RuntimeError(f"Tarantool ended: {self.log()}")
            return self.log().count(READY) > before

        wait_until(listens, START_TIMEOUT)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        wrapped = self._container.get_wrapped_container()
        wrapped.kill(number.name)
        if number in (signal.SIGKILL, signal.SIGTERM):
            wrapped.wait(timeout=START_TIMEOUT)

    def log(self) -> str:
        if not self._started:
            return ""
        wrapped = self._container.get_wrapped_container()
        return str(wrapped.logs().decode(errors="replace"))

    def console(self, code: str) -> str:
        # a command by way of the engine takes the start of a process in the container
        with contextlib.suppress(PermissionError):
            data = data_of_container(self._pid(), self.id)
            if data is not None:
                return local_console(data, code)
        command = SCRIPT_MODE + console_script(f"{IMAGE_DATA}/console.sock", code)
        status, output = self._container.exec(command)
        assert status == 0, output
        return str(output.decode())

    def _pid(self) -> int:
        wrapped = self._container.get_wrapped_container()
        wrapped.reload()
        return int(wrapped.attrs["State"]["Pid"])

    @property
    def id(self) -> str:
        return str(self._container.get_wrapped_container().id)

    def remove(self) -> None:
        self._container.stop()


def data_of_container(pid: int, container: str) -> Path | None:
    """The data of a container's Tarantool as this process sees them; None if not here.

    On the machine of another engine the process id is that of another process, with
    another host name: a container's is the begin of its id.

    :raises PermissionError: only the superuser sees them
    """
    root = Path(f"/proc/{pid}/root")
    try:
        host = (root / "etc/hostname").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return root / IMAGE_DATA[1:] if host and container.startswith(host) else None


@functools.cache
def docker_engine() -> bool:
    with warnings.catch_warnings():
        # the library leaves the socket open if there was no answer
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            with contextlib.closing(docker.from_env()) as client:
                return bool(client.ping())
        except DockerException:
            return False
        finally:
            gc.collect()


def uses_containers() -> bool:
    """Whether the tests' Tarantool is the image's, and not a program given to them."""
    return docker_engine() and not os.environ.get("TARANTOOL")


class Tarantools:
    """Starts instances for the tests, in the way this machine allows."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self._image: DockerImage | None = None
        if uses_containers():
            # Ryuk is an image of its own to pull; `running` removes what it started
            testcontainers_config.ryuk_disabled = True
            self._image = built_image()

    @contextlib.contextmanager
    def running(
        self, migrations: Path = ROOT / "migrations", **environ: str
    ) -> Iterator[Tarantool]:
        with self.prepared(migrations, **environ) as tarantool:
            tarantool.start()
            yield tarantool

    @contextlib.contextmanager
    def prepared(
        self, migrations: Path = ROOT / "migrations", **environ: str
    ) -> Iterator[Tarantool]:
        """An instance not started yet."""
        if self._image is not None:
            in_container = ContainerTarantool(
                str(self._image), migrations=migrations, environ=environ
            )
            try:
                yield in_container
            finally:
                in_container.remove()
            return
        with self.local(migrations, **environ) as local:
            yield local

    @contextlib.contextmanager
    def local(
        self, migrations: Path = ROOT / "migrations", **environ: str
    ) -> Iterator[LocalTarantool]:
        """A local process not started yet, also where there is a Docker engine: for
        what needs the instance's files."""
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir()
        local = LocalTarantool(folder, migrations=migrations, environ=environ)
        try:
            yield local
        finally:
            local.kill()

    def cut_off(
        self, source: LocalTarantool, begin: int, end: int, cuts: int
    ) -> Iterator[tuple[int, LocalTarantool]]:
        """Lengths of the log, each with an instance that a crash would leave."""
        for length in [*range(begin, end, (end - begin) // cuts), end - 1, end]:
            with self.local() as crashed:
                cut_off_at(source, length, crashed)
                crashed.start()
                yield length, crashed


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Keeps the other processes of a parallel run out."""
    with (Path(tempfile.gettempdir()) / f"kv-tests-{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def built_image() -> DockerImage:
    """Built by one process; the others get it from the engine's cache."""
    with locked("image"):
        return _built_image()


def _built_image() -> DockerImage:
    base = os.environ.get("TARANTOOL_IMAGE")
    try:
        return DockerImage(
            path=ROOT,
            dockerfile_path="docker/Dockerfile.tarantool",
            tag="kv-tests/tarantool:latest",
            clean_up=False,
            buildargs={"TARANTOOL_IMAGE": base} if base else {},
        ).build()
    except BuildError as error:
        raise RuntimeError(
            f"no image of Tarantool: {error} (where no registry can be reached, "
            "docker/base-images.sh makes base images)"
        ) from None
