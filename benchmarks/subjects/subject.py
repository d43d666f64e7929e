"""The base of all subjects: servers on the loopback that store keys and values."""

import socket
from abc import ABC, abstractmethod
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPResponse
from pathlib import Path

from benchmarks.measure.cases import Operation, Setting
from benchmarks.measure.processes import Pids, Program
from benchmarks.subjects.dataset import Dataset

MIB = 1024 * 1024

#: Bytes of a reply that an error message quotes.
QUOTED = 200


class Subject(ABC):
    """A server with processes and a folder of its own."""

    name: str
    #: The programs that it needs, and the Debian package of each.
    programs: Mapping[str, str] = {}

    def __init__(self, folder: Path, setting: Setting, dataset: Dataset) -> None:
        self.folder = folder
        self.setting = setting
        self.dataset = dataset
        self.folder.mkdir(parents=True)

    @classmethod
    def supports(cls, setting: Setting) -> bool:
        """Whether the subject has an equivalent of the setting."""
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
    ) -> bytes:
        """The bytes of an HTTP request."""

    @abstractmethod
    def values_of(self, operation: Operation, reply: bytes) -> list[str] | None:
        """The values of a read; None for a write that succeeded."""

    def fill(self) -> None:
        """Writes all keys of the dataset.

        :raises RuntimeError: if a write fails
        """
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            for keys, values in self.dataset.batches():
                self._send(connection, "write", keys, values)

    def reply(self, operation: Operation, batch: int) -> bytes:
        """The reply to a request with the first keys of the dataset.

        :raises RuntimeError: if the reply is not the expected one
        """
        keys, values = self.dataset.first_rows(batch)
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            return self._send(connection, operation, keys, values)

    def _send(
        self,
        connection: socket.socket,
        operation: Operation,
        keys: list[str],
        values: list[str],
    ) -> bytes:
        status, reply = exchange(connection, self.request(operation, keys, values))
        expected = values if operation == "read" else None
        if status != HTTPStatus.OK or self.values_of(operation, reply) != expected:
            start = reply[:QUOTED].decode(errors="replace")
            raise RuntimeError(f"{self.name}: {operation}: {status} {start}")
        return reply


class OneProgram(Subject):
    """A subject of one process, which serves and, if at all, stores."""

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


def exchange(connection: socket.socket, request: bytes) -> tuple[int, bytes]:
    """Sends a request; returns the status and the body of the reply."""
    connection.sendall(request)
    response = HTTPResponse(connection)
    response.begin()
    return response.status, response.read()


def post(path: str, body: str, *headers: str) -> bytes:
    """The bytes of a POST request on a persistent connection."""
    content = body.encode()
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        *headers,
        f"Content-Length: {len(content)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content
