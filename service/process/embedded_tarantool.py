"""A local Tarantool as a child process: what serves when no address is configured.

Its data, its secrets and its log are in `KV_DATA_DIR`; it listens on a unix socket
there. The folder's lock is held by the service and inherited by Tarantool, so that it
is free only when both are gone. A child that dies is started again, and never outlives
its parent: it asks the kernel for that itself (lua/kv/base/parent_death.lua).
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import re
import shutil
import stat
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from service.errors import StartError
from service.process import secret_files
from service.settings import Address, Addresses, Secret, Settings
from service.unix_socket import connectable

log = logging.getLogger(__name__)

INIT = Path(__file__).parents[2] / "lua" / "init.lua"

#: The socket's name in the folder, which is Tarantool's current one. An address by the
#: absolute path would end at some characters that a path may contain.
SOCKET = "tarantool.sock"

#: Seconds that a lock may outlive a killed service: its Tarantool dies a moment later.
LOCK_TIMEOUT = 3.0

#: Seconds between polls.
POLL_INTERVAL = 0.05

#: Seconds before a dead child is started again: at first, and at most.
MIN_BACKOFF, MAX_BACKOFF = 0.1, 5.0

#: Seconds of life after which the next death counts as a first one.
STEADY = 30.0

#: Seconds that a child may take to stop.
STOP_TIMEOUT = 10.0

#: What Tarantool's log says of a failed start: our own line, or its fatal one.
FAILURE = re.compile(r"(?:kv: cannot start: | F> )(.*)")


class DataFolder:
    """The layout of `KV_DATA_DIR`; the lock is an open file, inherited by Tarantool."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.realpath(path))
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.socket = self.path / SOCKET
        self.log = self.path / "tarantool.log"
        self.password_file = self.path / secret_files.TARANTOOL_PASSWORD
        self.lock = os.open(self.path / "lock", os.O_CREAT | os.O_RDWR, 0o600)

    async def acquire(self) -> None:
        for _ in range(int(LOCK_TIMEOUT / POLL_INTERVAL)):
            try:
                fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                await asyncio.sleep(POLL_INTERVAL)
            else:
                return
        raise StartError(f"KV_DATA_DIR: {self.path} is in use by another instance")

    def remove_stale_socket(self) -> None:
        """Nobody can be listening on it: the folder is locked.

        :raises OSError: it cannot be removed, or is something else
        """
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISSOCK(self.socket.lstat().st_mode):
                raise FileExistsError(f"{self.socket} is not a socket: move it away")
            self.socket.unlink()

    def release(self) -> None:
        os.close(self.lock)


class EmbeddedTarantool:
    """The child: started, watched, started again when it dies, stopped."""

    def __init__(self, settings: Settings, folder: DataFolder) -> None:
        program = shutil.which("tarantool")
        if program is None:
            raise StartError(
                "there is no program tarantool on the PATH: install Tarantool, "
                "or set KV_TARANTOOL_URI"
            )
        self._program = program
        self._settings = settings
        self._folder = folder
        self._process: Process | None = None
        self._log_begin = 0  # of what the last child has written
        self._watcher: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Returns when Tarantool listens.

        :raises StartError: it ended, or did not listen in the time for the start
        """
        try:
            await self._spawn()
            async with asyncio.timeout(self._settings.startup_timeout):
                while not await self._listens():
                    if self._process and self._process.returncode is not None:
                        raise StartError(f"Tarantool did not start: {self._failure()}")
                    await asyncio.sleep(POLL_INTERVAL)
        except TimeoutError:
            raise StartError(
                f"Tarantool was not ready within {self._settings.startup_timeout} s "
                f"(KV_STARTUP_TIMEOUT); its log is {self._folder.log}"
            ) from None
        except OSError as error:
            raise StartError(f"KV_DATA_DIR: {error}") from None
        log.info("Tarantool runs with its data in %s", self._folder.path)
        self._watcher = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
            # it may be starting another child
            await asyncio.gather(self._watcher, return_exceptions=True)
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), STOP_TIMEOUT)
        except TimeoutError:
            log.error("Tarantool did not stop in %g s: killed", STOP_TIMEOUT)
            self._process.kill()
            await self._process.wait()

    async def _spawn(self) -> None:
        settings, folder = self._settings, self._folder
        folder.remove_stale_socket()
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("KV_", "TT_", "ADMIN_"))
        }
        with folder.log.open("ab") as output:
            self._log_begin = output.tell()
            self._process = await asyncio.create_subprocess_exec(
                self._program,
                str(INIT),
                stdin=DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[folder.lock],
                env=inherited
                | {
                    "KV_DATA_DIR": str(folder.path),
                    "KV_TARANTOOL_LISTEN": f"unix/:./{SOCKET}",
                    "KV_TARANTOOL_USER": settings.tarantool_user,
                    "KV_TARANTOOL_PASSWORD_FILE": str(folder.password_file),
                    "KV_WAL_MODE": settings.wal_mode,
                    "KV_MEMTX_MEMORY": str(settings.memtx_memory),
                    "KV_MAX_BODY": str(settings.max_body),
                    "KV_CHANGES_BYTES": str(settings.changes_bytes),
                    "KV_DEFAULT_GRANTS": str(settings.default_grants),
                    "KV_DISK_RESERVE": str(settings.disk_reserve),
                    "KV_PARENT_PID": str(os.getpid()),
                },
            )

    async def _listens(self) -> bool:
        try:
            with connectable(str(self._folder.socket)) as path:
                reader, writer = await asyncio.open_unix_connection(path)
            greeting = await reader.readline()
            writer.close()
            await writer.wait_closed()
        except OSError:
            return False
        return greeting.startswith(b"Tarantool")

    def _failure(self) -> str:
        """Why the last child ended, as far as its log says."""
        try:
            with self._folder.log.open("rb") as file:
                file.seek(self._log_begin)
                found = FAILURE.findall(file.read().decode(errors="replace"))
        except OSError:
            found = []
        return found[-1] if found else f"its log is {self._folder.log}"

    async def _watch(self) -> None:
        clock = asyncio.get_running_loop().time
        backoff = MIN_BACKOFF
        while self._process is not None:
            started = clock()
            status = await self._process.wait()
            if clock() - started > STEADY:
                backoff = MIN_BACKOFF
            reason = f"{status}; {self._failure()}"
            log.error("Tarantool ended (%s): again in %g s", reason, backoff)
            await asyncio.sleep(backoff)
            backoff = min(2 * backoff, MAX_BACKOFF)
            try:
                await self._spawn()
            except OSError as error:
                log.error("Tarantool cannot be started: %s", error)


@contextlib.asynccontextmanager
async def embedded_tarantool(settings: Settings) -> AsyncIterator[Settings]:
    """Runs Tarantool; gives the settings completed with how to reach it.

    :raises StartError: no such program, or a data folder that cannot be used
    """
    try:
        folder = DataFolder(settings.data_dir)
        await folder.acquire()
        completed = _completed(settings, folder)
    except (OSError, ValueError) as error:
        raise StartError(f"KV_DATA_DIR: {error}") from None
    tarantool = EmbeddedTarantool(settings, folder)
    try:
        await tarantool.start()
        yield completed
    finally:
        await tarantool.stop()
        folder.release()


def _completed(settings: Settings, folder: DataFolder) -> Settings:
    """:raises OSError, ValueError: a secret cannot be read or used"""
    jwt_secret = secret_files.kept(folder.path / secret_files.JWT_SECRET)
    return msgspec.structs.replace(
        settings,
        tarantool_uri=Addresses([Address("unix/", str(folder.socket))]),
        tarantool_password=Secret(secret_files.kept(folder.password_file)),
        jwt_secret=settings.jwt_secret or Secret(jwt_secret),
    )
