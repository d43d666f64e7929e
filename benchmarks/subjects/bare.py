"""A bare aiohttp handler, which replies with as many bytes as the service.

It reads the body and stores nothing: its cost is the part of aiohttp.
"""

import socket
import sys
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path

from benchmarks.measure.cases import Operation, Setting
from benchmarks.measure.processes import Program
from benchmarks.subjects.dataset import Dataset
from benchmarks.subjects.service import Service
from benchmarks.subjects.subject import OneProgram, exchange
from tests.support.machine import free_port
from tests.support.service import PROCESS_TIMEOUT

SERVER = "benchmarks.subjects.bare_server"


class Bare(OneProgram):
    name = "bare"

    def __init__(
        self,
        folder: Path,
        setting: Setting,
        dataset: Dataset,
        sizes: dict[tuple[Operation, int], int],
        service: Service,
        *,
        runner: Sequence[str] = (),
        timeout: float = PROCESS_TIMEOUT,
    ) -> None:
        """
        :param sizes: of the service's replies, by operation and batch
        :param service: builds the requests
        :param runner: a command that runs the command of the server
        :param timeout: seconds for its start and for its end
        """
        super().__init__(folder, setting, dataset)
        self._sizes = sizes
        self._service = service
        port = free_port()
        arguments = [str(number) for number in (port, *sizes.values())]
        command = [*runner, sys.executable, "-m", SERVER, *arguments]
        self._program = Program(folder, command, port, timeout=timeout)

    def fill(self) -> None:
        """Does nothing: there is no store."""

    def request(
        self, operation: Operation, keys: list[str], values: list[str]
    ) -> bytes:
        size = self._sizes[operation, len(keys)]
        request = self._service.request(operation, keys, values)
        return request.replace(f"/api/{operation} ".encode(), b"/%d " % size, 1)

    def values_of(self, operation: Operation, reply: bytes) -> list[str] | None:
        return None

    def reply(self, operation: Operation, batch: int) -> bytes:
        request = self.request(operation, *self.dataset.first_rows(batch))
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            status, reply = exchange(connection, request)
        assert status == HTTPStatus.OK
        assert len(reply) == self._sizes[operation, batch]
        return reply
