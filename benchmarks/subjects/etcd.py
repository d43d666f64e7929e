"""etcd with its JSON gateway."""

import json
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

from benchmarks.measure.cases import Operation, Setting
from benchmarks.measure.processes import Program
from benchmarks.subjects.dataset import Dataset
from benchmarks.subjects.subject import MIB, OneProgram, post
from tests.support.machine import free_port


class Etcd(OneProgram):
    """etcd stores by itself, and always calls fsync."""

    name = "etcd"
    programs = {"etcd": "etcd-server"}  # noqa: RUF012

    #: The maximum size of the store, in bytes.
    QUOTA = 8 * 1024 * MIB

    @classmethod
    def supports(cls, setting: Setting) -> bool:
        return setting.mode == "fsync"

    def __init__(self, folder: Path, setting: Setting, dataset: Dataset) -> None:
        super().__init__(folder, setting, dataset)
        port, peers = free_port(), f"http://127.0.0.1:{free_port()}"
        clients = f"http://127.0.0.1:{port}"
        self._program = Program(
            folder,
            [
                *("etcd", "--data-dir", str(folder / "data")),
                *("--listen-client-urls", clients, "--advertise-client-urls", clients),
                *("--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers),
                *("--initial-cluster", f"default={peers}"),
                *("--max-txn-ops", "10000", "--max-request-bytes", str(64 * MIB)),
                *("--quota-backend-bytes", str(self.QUOTA)),
                *("--logger", "zap", "--log-level", "error"),
            ],
            port,
        )

    def request(
        self, operation: Operation, keys: list[str], values: list[str]
    ) -> bytes:
        parts: list[dict[str, Any]] = [{"key": _base64(key)} for key in keys]
        if operation == "write":
            for part, value in zip(parts, values, strict=True):
                part["value"] = _base64(value)
        if len(parts) == 1:
            call = "range" if operation == "read" else "put"
            return post(f"/v3/kv/{call}", json.dumps(parts[0]))
        name = "requestRange" if operation == "read" else "requestPut"
        transaction = {"success": [{name: part} for part in parts]}
        return post("/v3/kv/txn", json.dumps(transaction))

    def values_of(self, operation: Operation, reply: bytes) -> list[str] | None:
        content = json.loads(reply)
        if operation == "write":
            return None if "header" in content else []
        parts = [part["response_range"] for part in content.get("responses", [])]
        found = parts or [content]
        return [b64decode(part["kvs"][0]["value"]).decode() for part in found]


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()
