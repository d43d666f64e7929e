"""What others have made that answers over HTTP; of it, what is installed."""

import json
import shutil
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

from benchmarks.corpus import Corpus, Operation
from benchmarks.processes import Program
from benchmarks.subjects import MIB, OneProgram, Pids, Setting, Subject, post
from tests.support.machine import free_port


class Webdis(Subject):
    """webdis before Redis, connected by a unix socket, as our service is to Tarantool.

    Redis writes each command to its log before it answers, as we do: with fsync or
    without. It takes no snapshots and does not rewrite its log, which is in its favour.
    """

    name = "webdis"
    programs = {"redis-server": "redis-server", "webdis": "webdis"}  # noqa: RUF012

    def __init__(self, folder: Path, setting: Setting, corpus: Corpus) -> None:
        super().__init__(folder, setting, corpus)
        redis_port = free_port()
        self._redis = Program(
            folder,
            [
                *("redis-server", "--bind", "127.0.0.1", "--port", str(redis_port)),
                *("--unixsocket", str(folder / "redis.sock"), "--dir", str(folder)),
                *("--appendonly", "yes", "--save", ""),
                *("--auto-aof-rewrite-percentage", "0", "--appendfsync"),
                "always" if setting.mode == "fsync" else "no",
            ],
            redis_port,
        )
        port = free_port()
        config = folder / "webdis.json"
        config.write_text(
            json.dumps(
                {
                    "redis_host": str(folder / "redis.sock"),
                    "redis_port": redis_port,
                    "http_host": "127.0.0.1",
                    "http_port": port,
                    "threads": 2,  # as Debian's package has it
                    "daemonize": False,
                    "database": 0,
                    "verbosity": 1,
                    "logfile": str(folder / "webdis.log"),
                }
            )
        )
        self._webdis = Program(folder, ["webdis", str(config)], port)

    @property
    def port(self) -> int:
        return self._webdis.port

    def start(self) -> None:
        self._redis.start()
        self._webdis.start()

    def stop(self) -> None:
        self._webdis.stop()
        self._redis.stop()

    def pids(self) -> Pids:
        return Pids([self._webdis.pid], [self._redis.pid])

    def request(
        self, operation: Operation, keys: list[str], values: list[str]
    ) -> bytes:
        if operation == "read":
            return post("/", "/".join(["MGET", *keys]))
        pairs = [part for pair in zip(keys, values, strict=True) for part in pair]
        return post("/", "/".join(["MSET", *pairs]))

    def values_of(self, operation: Operation, reply: bytes) -> list[str] | None:
        answer = json.loads(reply)
        if operation == "read":
            found: list[str] = answer["MGET"]
            return found
        return None if answer == {"MSET": [True, "OK"]} else []


class Etcd(OneProgram):
    """etcd's JSON gateway, which has its own store, and always calls fsync."""

    name = "etcd"
    programs = {"etcd": "etcd-server"}  # noqa: RUF012

    #: Bytes that it may store.
    QUOTA = 8 * 1024 * MIB

    @classmethod
    def fits(cls, setting: Setting) -> bool:
        return setting.mode == "fsync"

    def __init__(self, folder: Path, setting: Setting, corpus: Corpus) -> None:
        super().__init__(folder, setting, corpus)
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
        asks: list[dict[str, Any]] = [{"key": _base64(key)} for key in keys]
        if operation == "write":
            for ask, value in zip(asks, values, strict=True):
                ask["value"] = _base64(value)
        if len(asks) == 1:
            call = "range" if operation == "read" else "put"
            return post(f"/v3/kv/{call}", json.dumps(asks[0]))
        what = "requestRange" if operation == "read" else "requestPut"
        return post(
            "/v3/kv/txn", json.dumps({"success": [{what: ask} for ask in asks]})
        )

    def values_of(self, operation: Operation, reply: bytes) -> list[str] | None:
        answer = json.loads(reply)
        if operation == "write":
            return None if "header" in answer else []
        parts = [part["response_range"] for part in answer.get("responses", [])]
        found = parts or [answer]
        return [b64decode(part["kvs"][0]["value"]).decode() for part in found]


#: What others have made.
PEERS: tuple[type[Webdis | Etcd], ...] = (Webdis, Etcd)


def missing(peer: type[Subject]) -> list[str]:
    """The Debian packages that would have to be installed."""
    programs = peer.programs.items()
    return [package for program, package in programs if shutil.which(program) is None]


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()
