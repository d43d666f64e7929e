"""The service with its embedded Tarantool, as `make run` starts it."""

import json
import socket
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure.cases import Operation, Setting
from benchmarks.measure.processes import Pids, descendants, program_of
from benchmarks.subjects.dataset import Dataset
from benchmarks.subjects.subject import MIB, Subject, exchange, post
from tests.support.machine import ROOT
from tests.support.service import (
    PROCESS_TIMEOUT,
    SERVICE,
    ServiceProcess,
    service_environ,
)
from tests.support.tarantool import local_console

CREDENTIALS = {"username": "benchmark", "password": "a password for benchmarks"}

#: A line for the console of an instance: see `version_in`.
PRINT_VERSION = "return box.info.version"

#: KV_MEMTX_MEMORY: per byte of the dataset, and for everything else.
MEMORY_PER_BYTE, EXTRA_MEMORY = 6, 512 * MIB


class Service(Subject):
    """Each request carries a token."""

    name = "service"

    def __init__(
        self,
        folder: Path,
        setting: Setting,
        dataset: Dataset,
        *,
        checkout: Path = ROOT,
        changes_bytes: int | None = None,
        environ: Mapping[str, str] | None = None,
        uses_access_token: bool = False,
        command: Sequence[str] = SERVICE,
        timeout: float = PROCESS_TIMEOUT,
    ) -> None:
        """
        :param checkout: the source tree of the service
        :param changes_bytes: KV_CHANGES_BYTES
        :param environ: further settings
        :param uses_access_token: sends one in place of a JWT
        :param command: that runs it
        :param timeout: seconds for its start and for its end
        """
        super().__init__(folder, setting, dataset)
        variables = {
            "KV_WAL_MODE": setting.mode,
            "KV_MEMTX_MEMORY": str(memory_for(dataset)),
            "KV_TOKEN_TTL": "86400",
            "KV_STARTUP_TIMEOUT": "300",
        }
        if changes_bytes is not None:
            variables["KV_CHANGES_BYTES"] = str(changes_bytes)
        if setting.workers > 1:
            variables["KV_WORKERS"] = str(setting.workers)
        variables |= environ or {}
        self.process = ServiceProcess(
            folder,
            service_environ(folder, **variables),
            checkout,
            command=command,
            timeout=timeout,
        )
        self._uses_access_token = uses_access_token
        self._token = ""

    @property
    def port(self) -> int:
        return self.process.port

    def start(self) -> None:
        self.process.start()
        if not self._token:
            self._token = self._log_in()

    def _log_in(self) -> str:
        body = json.dumps(CREDENTIALS)
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            exchange(connection, post("/api/register", body))
            _, reply = exchange(connection, post("/api/login", body))
            token: str = json.loads(reply)["token"]
            if self._uses_access_token:
                new = {"password": CREDENTIALS["password"], "name": "benchmark"}
                authorization = f"Authorization: Bearer {token}"
                creation = post("/api/tokens", json.dumps(new), authorization)
                _, reply = exchange(connection, creation)
                token = json.loads(reply)["token"]
        return token

    def stop(self) -> None:
        self.process.stop()

    def pids(self) -> Pids:
        found = descendants(self.process.pid)
        store = [pid for pid in found if program_of(pid).startswith("tarantool")]
        return Pids([pid for pid in found if pid not in store], store)

    def console(self, code: str) -> str:
        """Runs a line of Lua on the console of the embedded Tarantool."""
        return local_console(self.process.data, code)

    def version(self) -> str:
        """Of the Tarantool that runs."""
        return version_in(self.console(PRINT_VERSION))

    def console_number(self, expression: str) -> int:
        return int(self.console(f"return {expression}").split()[2])

    def request(
        self, operation: Operation, keys: list[str], values: list[str]
    ) -> bytes:
        if operation == "read":
            return self._post("/api/read", {"keys": keys})
        return self._post("/api/write", {"data": dict(zip(keys, values, strict=True))})

    def _post(self, path: str, body: dict[str, Any]) -> bytes:
        authorization = f"Authorization: Bearer {self._token}"
        return post(path, json.dumps(body), authorization)

    def values_of(self, operation: Operation, reply: bytes) -> list[str] | None:
        content = json.loads(reply)
        if operation == "read":
            return list(content["data"].values())
        return None if content == {"status": "success"} else []


def tarantool_version() -> str:
    """The version of the Tarantool that services start, from an instance that runs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, Service.name)
        service = Service(folder, Setting(1, "write", 1), Dataset(folder, 1, 1))
        try:
            service.start()
            return service.version()
        finally:
            service.stop()


def version_in(reply: str) -> str:
    """The version in a console's reply to `PRINT_VERSION`."""
    return reply.split()[2]


def memory_for(dataset: Dataset) -> int:
    """KV_MEMTX_MEMORY for the dataset, in bytes."""
    return MEMORY_PER_BYTE * dataset.bytes + EXTRA_MEMORY
