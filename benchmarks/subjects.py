"""What is measured: the service, and a bare handler; the others are in `peers`.

Each is a process or two of its own on the loopback, with its files in a folder of its
own. It makes the bytes of its requests, and looks into its replies.
"""

import json
import socket
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPResponse
from pathlib import Path
from typing import Literal, NamedTuple

from benchmarks.corpus import Corpus, Operation
from benchmarks.processes import Program, descendants, program_of
from tests.support.machine import free_port
from tests.support.service import ServiceProcess, service_environ

Mode = Literal["fsync", "write"]

MIB = 1024 * 1024

CREDENTIALS = {"username": "benchmark", "password": "a password for benchmarks"}

#: What a store of ours may take: room for the keys and values, and for whatever else.
MEMORY_PER_BYTE, MEMORY_FOR_REST = 6, 512 * MIB


class Setting(NamedTuple):
    """:ivar mode: of the log: `KV_WAL_MODE`, and what is the same for others"""

    keys: int
    mode: Mode
    workers: int


class Pids(NamedTuple):
    """:ivar store: none: it is one process that serves and stores"""

    service: list[int]
    store: list[int]


class Subject(ABC):
    name: str
    #: The programs that must be there, and the Debian packages that have them.
    programs: Mapping[str, str] = {}

    def __init__(self, folder: Path, setting: Setting, corpus: Corpus) -> None:
        self.folder = folder
        self.setting = setting
        self.corpus = corpus
        self.folder.mkdir(parents=True)

    @classmethod
    def fits(cls, setting: Setting) -> bool:
        """Whether it can do what is the same there."""
        return True

    @property
    @abstractmethod
    def port(self) -> int: ...

    @abstractmethod
    def start(self) -> None: ...

    @abstractmethod
    def stop(self) -> None: ...

    @abstractmethod
    def pids(self) -> Pids: ...

    @abstractmethod
    def request(
        self, operation: Operation, keys: list[str], values: list[str]
    ) -> bytes: ...

    @abstractmethod
    def values_of(self, operation: Operation, reply: bytes) -> list[str] | None:
        """What was read; of a write None, if it was done."""

    def load(self) -> None:
        """Fills the store, and looks whether it gives back what it got."""
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            for keys, values in self.corpus.everything():
                self._ask(connection, "write", keys, values)

    def reply(self, operation: Operation, batch: int) -> bytes:
        """Of such a call, looked into.

        :raises RuntimeError: it is not what was asked for
        """
        keys, values = self.corpus.sample(batch)
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            return self._ask(connection, operation, keys, values)

    def _ask(
        self,
        connection: socket.socket,
        operation: Operation,
        keys: list[str],
        values: list[str],
    ) -> bytes:
        status, reply = asked(connection, self.request(operation, keys, values))
        wanted = values if operation == "read" else None
        if status != HTTPStatus.OK or self.values_of(operation, reply) != wanted:
            start = reply[:200].decode(errors="replace")
            raise RuntimeError(f"{self.name}: {operation}: {status} {start}")
        return reply


def asked(connection: socket.socket, request: bytes) -> tuple[int, bytes]:
    connection.sendall(request)
    response = HTTPResponse(connection)
    response.begin()
    return response.status, response.read()


def post(path: str, body: str, *headers: str) -> bytes:
    """As a client would send it that keeps its connection."""
    content = body.encode()
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        *headers,
        f"Content-Length: {len(content)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


class Ours(Subject):
    """With its embedded Tarantool, as `make run` starts it; each call has a token."""

    name = "service"

    def __init__(
        self,
        folder: Path,
        setting: Setting,
        corpus: Corpus,
        *,
        changes_bytes: int | None = None,
    ) -> None:
        super().__init__(folder, setting, corpus)
        environ = {
            "KV_WAL_MODE": setting.mode,
            "KV_MEMTX_MEMORY": str(MEMORY_PER_BYTE * corpus.bytes + MEMORY_FOR_REST),
            "KV_TOKEN_TTL": "86400",
            "KV_STARTUP_TIMEOUT": "300",
        }
        if changes_bytes is not None:
            environ["KV_CHANGES_BYTES"] = str(changes_bytes)
        if setting.workers > 1:
            environ["KV_WORKERS"] = str(setting.workers)
        self.process = ServiceProcess(folder, service_environ(folder, **environ))
        self._token = ""

    @property
    def port(self) -> int:
        return self.process.port

    def start(self) -> None:
        self.process.start()
        if not self._token:
            self._enter()

    def _enter(self) -> None:
        body = json.dumps(CREDENTIALS)
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            asked(connection, post("/api/register", body))
            _, reply = asked(connection, post("/api/login", body))
        self._token = json.loads(reply)["token"]

    def stop(self) -> None:
        self.process.stop()

    def pids(self) -> Pids:
        found = descendants(self.process.pid)
        store = [pid for pid in found if program_of(pid) == "tarantool"]
        return Pids([pid for pid in found if pid not in store], store)

    def request(
        self, operation: Operation, keys: list[str], values: list[str]
    ) -> bytes:
        return post(
            f"/api/{operation}",
            self.body(operation, keys, values),
            f"Authorization: Bearer {self._token}",
        )

    @staticmethod
    def body(operation: Operation, keys: list[str], values: list[str]) -> str:
        if operation == "read":
            return json.dumps({"keys": keys})
        return json.dumps({"data": dict(zip(keys, values, strict=True))})

    def values_of(self, operation: Operation, reply: bytes) -> list[str] | None:
        answer = json.loads(reply)
        if operation == "read":
            return list(answer["data"].values())
        return None if answer == {"status": "success"} else []


class OneProgram(Subject):
    """What is one process that serves, and stores if it does."""

    _program: Program

    @property
    def port(self) -> int:
        return self._program.port

    def start(self) -> None:
        self._program.start()

    def stop(self) -> None:
        self._program.stop()

    def pids(self) -> Pids:
        return Pids([self._program.pid], [])


class Bare(OneProgram):
    """Reads the body, and answers as many bytes as the service does."""

    name = "bare"

    def __init__(
        self,
        folder: Path,
        setting: Setting,
        corpus: Corpus,
        sizes: dict[tuple[Operation, int], int],
        ours: Ours,
    ) -> None:
        super().__init__(folder, setting, corpus)
        self._sizes = sizes
        self._ours = ours
        given = [str(size) for size in sizes.values()]
        port = free_port()
        command = [sys.executable, "-m", "benchmarks.bare", str(port), *given]
        self._program = Program(folder, command, port)

    def load(self) -> None:
        """It keeps nothing."""

    def request(
        self, operation: Operation, keys: list[str], values: list[str]
    ) -> bytes:
        size = self._sizes[operation, len(keys)]
        asks = self._ours.request(operation, keys, values)
        return asks.replace(f"/api/{operation} ".encode(), b"/%d " % size, 1)

    def values_of(self, operation: Operation, reply: bytes) -> list[str] | None:
        return None

    def reply(self, operation: Operation, batch: int) -> bytes:
        request = self.request(operation, *self.corpus.sample(batch))
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            status, reply = asked(connection, request)
        assert status == HTTPStatus.OK
        assert len(reply) == self._sizes[operation, batch]
        return reply
