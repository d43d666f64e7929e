"""The embedded Tarantool: a child process that stores the data of this service.

It runs when no address of another Tarantool is configured. Its data and its secrets are
in `KV_DATA_DIR`; it listens on a unix socket there. The service locks the folder and
Tarantool inherits the lock, so that it is free only when both have ended. Its log is
part of the service's one.
When Tarantool dies, service/process/child.py restarts it. Tarantool never outlives the
service: it asks the kernel for that itself.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import shutil
import stat
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from service.errors import StartError
from service.process import secret_files
from service.process.child import Child
from service.process.tarantool_log import TarantoolLog
from service.settings import Address, Addresses, Secret, Settings
from service.unix_socket import connectable

log = logging.getLogger(__name__)

#: The socket's name in the folder, which is Tarantool's current directory. An absolute
#: path cannot be its address: some characters of a path would end it.
SOCKET = "tarantool.sock"

#: Seconds that a lock may outlive a killed service: its Tarantool dies a moment later.
LOCK_TIMEOUT = 3.0

#: Seconds between polls.
POLL_INTERVAL = 0.05

#: Seconds from SIGTERM to SIGKILL.
STOP_TIMEOUT = 10.0


def lua_folder() -> Path:
    """Where `init.lua` is: inside the package when installed, else in the checkout."""
    package = Path(__file__).parents[1]
    installed = package / "lua"
    return installed if installed.is_dir() else package.parent / "lua"


class DataFolder:
    """The files of `KV_DATA_DIR`; the lock is an open file that Tarantool inherits."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.realpath(path))
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.socket = self.path / SOCKET
        self.password_file = self.path / secret_files.TARANTOOL_PASSWORD
        self.lock = os.open(self.path / "lock", os.O_CREAT | os.O_RDWR, 0o600)

    async def acquire(self) -> None:
        """:raises StartError: the folder is locked by another instance"""
        for _ in range(int(LOCK_TIMEOUT / POLL_INTERVAL)):
            try:
                fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                await asyncio.sleep(POLL_INTERVAL)
            else:
                return
        raise StartError(f"KV_DATA_DIR: {self.path} is in use by another instance")

    def remove_stale_socket(self) -> None:
        """No process listens on it: the folder is locked.

        :raises OSError: it cannot be removed, or is not a socket
        """
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISSOCK(self.socket.lstat().st_mode):
                raise FileExistsError(f"{self.socket} is not a socket: move it away")
            self.socket.unlink()

    def release(self) -> None:
        os.close(self.lock)


class EmbeddedTarantool:
    """Tarantool on a data folder: started, kept alive, stopped."""

    def __init__(self, settings: Settings, folder: DataFolder) -> None:
        """:raises StartError: Tarantool is not installed"""
        program = shutil.which("tarantool")
        if program is None:
            raise StartError(
                "there is no program tarantool on the PATH: install Tarantool, "
                "or set KV_TARANTOOL_URI"
            )
        self._program = program
        self._settings = settings
        self._folder = folder
        self._log = TarantoolLog()
        self._child = Child("Tarantool", self._spawn, STOP_TIMEOUT)

    async def start(self) -> None:
        """Returns when Tarantool listens.

        :raises StartError: it ended, or did not listen in time
        """
        try:
            await self._child.spawn()
            async with asyncio.timeout(self._settings.startup_timeout):
                while not await self._listens():
                    if not self._child.is_running:
                        raise StartError(f"Tarantool did not start: {self._failure()}")
                    await asyncio.sleep(POLL_INTERVAL)
        except TimeoutError:
            raise StartError(
                f"Tarantool was not ready within {self._settings.startup_timeout} s "
                "(KV_STARTUP_TIMEOUT)"
            ) from None
        except OSError as error:
            raise StartError(f"KV_DATA_DIR: {error}") from None
        log.info("Tarantool runs with its data in %s", self._folder.path)
        self._child.keep_alive(lambda status: f"{status}; {self._failure()}")

    async def stop(self) -> None:
        await self._child.stop()
        await asyncio.to_thread(self._log.wait)

    async def _spawn(self) -> Process:
        settings, folder = self._settings, self._folder
        folder.remove_stale_socket()
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("KV_", "TT_", "ADMIN_"))
        }
        with self._log.output() as output:
            return await asyncio.create_subprocess_exec(
                self._program,
                str(lua_folder() / "init.lua"),
                stdin=DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[folder.lock],
                env=inherited
                | settings.tarantool_environ()
                | {
                    "KV_DATA_DIR": str(folder.path),
                    "KV_TARANTOOL_LISTEN": f"unix/:./{SOCKET}",
                    "KV_TARANTOOL_PASSWORD_FILE": str(folder.password_file),
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
        """Why the last process ended, according to its log."""
        return self._log.failure() or "its log has no reason"


@contextlib.asynccontextmanager
async def embedded_tarantool(settings: Settings) -> AsyncIterator[Settings]:
    """Runs Tarantool; yields the settings with its address and the secrets.

    :raises StartError: Tarantool is not installed, the data folder cannot be used, or
        Tarantool does not start
    """
    try:
        folder = DataFolder(settings.data_dir)
        await folder.acquire()
        completed = _with_address_and_secrets(settings, folder)
    except (OSError, ValueError) as error:
        raise StartError(f"KV_DATA_DIR: {error}") from None
    tarantool = EmbeddedTarantool(settings, folder)
    try:
        await tarantool.start()
        yield completed
    finally:
        await tarantool.stop()
        folder.release()


def _with_address_and_secrets(settings: Settings, folder: DataFolder) -> Settings:
    """
    :raises OSError: a secret's file can be neither read nor created
    :raises ValueError: a secret cannot be used
    """
    jwt_secret = secret_files.read_or_create(folder.path / secret_files.JWT_SECRET)
    return msgspec.structs.replace(
        settings,
        tarantool_uri=Addresses([Address("unix/", str(folder.socket))]),
        tarantool_password=Secret(secret_files.read_or_create(folder.password_file)),
        jwt_secret=settings.jwt_secret or Secret(jwt_secret),
    )
