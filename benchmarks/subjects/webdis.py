"""webdis over Redis, connected by a Unix socket, as the service is to Tarantool."""

import json
from pathlib import Path

from benchmarks.measure.cases import Operation, Setting
from benchmarks.measure.processes import Pids, Program
from benchmarks.subjects.dataset import Dataset
from benchmarks.subjects.subject import Subject, post
from tests.support.machine import free_port


class Webdis(Subject):
    """Redis appends each command to its log before it replies, with fsync or without.

    The service does the same. Redis takes no snapshots and does not rewrite its log,
    which is to its advantage.
    """

    name = "webdis"
    programs = {"redis-server": "redis-server", "webdis": "webdis"}  # noqa: RUF012

    def __init__(self, folder: Path, setting: Setting, dataset: Dataset) -> None:
        super().__init__(folder, setting, dataset)
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
                    "threads": 2,  # the default of Debian's package
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
        content = json.loads(reply)
        if operation == "read":
            found: list[str] = content["MGET"]
            return found
        return None if content == {"MSET": [True, "OK"]} else []
