"""What a node reports about itself, and the choice of the leader from the reports.

In a cluster with elections a term has one leader at most, and a new leader has a higher
term. Without elections, as between single instances with a manual failover, every term
is 0 and the leader is the instance that accepts writes.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Status(NamedTuple):
    """The result of `kv.v1.status`.

    :ivar leads: accepts calls as the leader of its term
    :ivar leader: the name of the leader that it knows
    :ivar term: of the election; 0: there are no elections
    :ivar quorum: whether it sees a majority of the nodes
    :ivar lag: seconds since it heard from the leader
    :ivar name: its own in a cluster
    :ivar version: of Tarantool
    """

    read_only: bool
    leads: bool
    leader: str | None = None
    term: int = 0
    quorum: bool = True
    lag: float = 0.0
    name: str | None = None
    version: str = ""

    @classmethod
    def parse(cls, status: Mapping[str, Any]) -> "Status":
        """The status of an instance of any version: an old one is a single instance."""
        read_only = bool(status["read_only"])
        lag = status.get("lag")
        return cls(
            read_only=read_only,
            leads=bool(status.get("leads", not read_only)),
            leader=status.get("leader"),
            term=int(status.get("term") or 0),
            quorum=bool(status.get("quorum", True)),
            lag=float("inf") if lag is None and "lag" in status else float(lag or 0),
            name=status.get("name"),
            version=str(status.get("version") or ""),
        )


class View(NamedTuple):
    """A node, as this process sees it.

    :ivar status: its last one; None: not connected
    :ivar is_silent: whether its next status is overdue
    """

    status: Status | None
    is_silent: bool = False


def choose_leader(views: Sequence[View], current: int | None) -> int | None:
    """The node to send calls to, in a cluster with elections.

    :param current: the node that was chosen before
    """
    answering = {
        i: view.status
        for i, view in enumerate(views)
        if view.status is not None and not view.is_silent
    }
    leading = [i for i, status in answering.items() if status.leads]
    if not leading:
        return None
    best = max(leading, key=lambda i: (answering[i].term, i == current))
    if any(
        status.term > answering[best].term and status.leader is not None
        for status in answering.values()
    ):
        return None  # another node leads, which this process cannot reach
    return best


def choose_instance(views: Sequence[View], current: int | None) -> int | None:
    """The instance to send calls to, without elections.

    It accepts writes, if any does. The current one stays while no other is better.
    """
    connected = [i for i, view in enumerate(views) if view.status is not None]
    answering = [i for i in connected if not views[i].is_silent]
    writable = [i for i in answering if _accepts_writes(views[i])]
    if current in (writable or connected):
        return current
    return next(iter(writable or answering or connected), None)


def _accepts_writes(view: View) -> bool:
    return view.status is not None and not view.status.read_only
