"""The metrics of Tarantool's nodes, read from `kv.v1.metrics` on own connections.

Every node of the addresses is called, leader or not. The connections are apart from
those of requests: a scrape must neither wait for them nor delay them, and the process
that serves scrapes may serve no requests.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from asynctnt.exceptions import TarantoolDatabaseError

from service.repeated_messages import RepeatedMessages
from service.settings import Address
from service.storage.connection import Connection
from service.storage.descriptions import description_of
from service.storage.leadership import Status
from service.storage.refusals import NO_SUCH_API
from service.telemetry.families import Distribution, Family, Labels, gauges

log = logging.getLogger(__name__)

#: Seconds for one node: to connect, if needed, and to answer.
TIMEOUT = 2.0

#: Seconds for which a result is used again: several Prometheus servers may scrape.
MAX_AGE = 1.0

UNIX = "unix/"

#: The `alias` of an unnamed instance at a unix socket: the path changes with each start
#: of an embedded Tarantool.
LOCAL = "local"

#: The metrics of one node: a name with a number, a list of labelled numbers, or a
#: histogram.
NodeMetrics = Mapping[str, Any]


class StorageMetrics:
    """The metrics of all nodes.

    It belongs to the event loop that calls `open`, `collect` and `close`.
    """

    def __init__(self, addresses: Sequence[Address], user: str, password: str) -> None:
        self._nodes = [_Node(address, user, password) for address in addresses]
        self._connecting: asyncio.Future[list[Family]] | None = None
        self._lock = asyncio.Lock()
        self._collected: list[Family] = []
        self._collected_at: float | None = None

    async def open(self) -> None:
        """Begins to connect, without waiting for it; `collect` connects again."""
        self._connecting = asyncio.ensure_future(self.collect())

    async def collect(self) -> list[Family]:
        """All families, with the label `alias`; takes `TIMEOUT` seconds at most.

        A node that does not answer has only `kv_storage_up`, which is 0.
        """
        clock = asyncio.get_running_loop().time
        async with self._lock:
            collected_at = self._collected_at
            if collected_at is None or clock() - collected_at > MAX_AGE:
                results = await asyncio.gather(*(node.read() for node in self._nodes))
                aliases = [node.alias for node in self._nodes]
                self._collected = _families(dict(zip(aliases, results, strict=True)))
                self._collected_at = clock()
            return self._collected

    @property
    def tarantool_version(self) -> str:
        """The version of a node; empty before the first one has answered."""
        return next((node.version for node in self._nodes if node.version), "")

    async def close(self) -> None:
        """Disconnects."""
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        for node in self._nodes:
            node.close()


class _Node:
    """A node with its connection.

    :ivar alias: its name; the address if it has none, or has never answered
    :ivar version: of Tarantool; empty: it has never answered
    """

    def __init__(self, address: Address, user: str, password: str) -> None:
        self.alias = LOCAL if address.host == UNIX else str(address)
        self.version = ""
        self._address = address
        self._user = user
        self._password = password
        self._connection: Connection | None = None
        self._failures = RepeatedMessages(log)

    async def read(self) -> NodeMetrics | None:
        """Its metrics; None: it does not answer."""
        try:
            async with asyncio.timeout(TIMEOUT):
                metrics = await self._call()
        except Exception as error:  # whatever the reason
            self.close()
            reason = str(error) or "no answer"
            self._failures.log(
                logging.WARNING,
                "no metrics of Tarantool at %s: %s",
                self._address,
                reason,
            )
            return None
        except BaseException:
            self.close()
            raise
        self._failures.forget()
        return metrics

    async def _call(self) -> NodeMetrics:
        if self._connection is None or not self._connection.is_connected:
            self.close()
            self._connection = Connection(
                self._address, self._user, self._password, lambda _: None
            )
            self._identify(await self._connection.open())
        try:
            response = await self._connection.call("kv.v1.metrics", timeout=TIMEOUT)
        except TarantoolDatabaseError as error:
            if error.code in NO_SUCH_API:
                return {}  # an older node: it answers, and has no metrics
            raise
        metrics: NodeMetrics = response.body[0]
        return metrics

    def _identify(self, status: Status) -> None:
        self.alias = status.name or self.alias
        self.version = status.version

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _families(results: Mapping[str, NodeMetrics | None]) -> list[Family]:
    """The families of the metrics of all nodes by their aliases."""
    up = {alias: float(metrics is not None) for alias, metrics in results.items()}
    families = [gauges("kv_storage_up", description_of("kv_storage_up"), "alias", up)]
    answered = {alias: metrics for alias, metrics in results.items() if metrics}
    for name in sorted({name for metrics in answered.values() for name in metrics}):
        values = {
            alias: metrics[name]
            for alias, metrics in answered.items()
            if metrics.get(name) is not None
        }
        families.append(_family(name, values))
    return [family for family in families if family.samples]


def _family(name: str, values: Mapping[str, Any]) -> Family:
    """One metric of several nodes.

    :param name: as the procedure returns it; that of a counter ends in `_total`
    """
    some = next(iter(values.values()))
    if isinstance(some, Mapping):
        return Family(
            name,
            "histogram",
            description_of(name),
            ("alias",),
            [
                ((alias,), Distribution(list(value["counts"]), value["sum"]))
                for alias, value in values.items()
            ],
            list(some["bounds"]),
        )
    labels: Labels = ()
    samples: list[tuple[Labels, float | Distribution]] = []
    for alias, value in values.items():
        for labelled, number in _samples(value):
            labels = labels or tuple(sorted(labelled))
            texts = tuple(str(labelled.get(label, "")) for label in labels)
            samples.append(((alias, *texts), number))
    is_counter = name.endswith("_total")
    return Family(
        name.removesuffix("_total"),
        "counter" if is_counter else "gauge",
        description_of(name),
        ("alias", *labels),
        samples,
    )


def _samples(value: Any) -> Iterable[tuple[Mapping[str, Any], float]]:
    """The numbers of one node with their labels."""
    if isinstance(value, list):
        return [(labels, float(number)) for labels, number in value]
    return [({}, float(value))]
