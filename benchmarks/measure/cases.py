"""The parameters of a measurement: the call and the setting of the store."""

from typing import Literal, NamedTuple

Operation = Literal["read", "write"]
Kind = Literal["read", "write", "mix"]
Mode = Literal["fsync", "write"]

OPERATIONS: tuple[Operation, ...] = ("read", "write")


class Call(NamedTuple):
    """A kind of request.

    :ivar batch: keys per request
    """

    kind: Kind
    batch: int

    def __str__(self) -> str:
        return f"{self.kind} {self.batch:,}"


class Setting(NamedTuple):
    """The configuration of a subject.

    :ivar keys: number of keys in the store
    :ivar mode: `KV_WAL_MODE`, and its equivalent in the other subjects
    """

    keys: int
    mode: Mode
    workers: int


class Case(NamedTuple):
    """A setting, the load and a call, flattened: the key of the results.

    :ivar connections: of the load generator
    """

    keys: int
    mode: Mode
    workers: int
    connections: int
    kind: Kind
    batch: int

    @property
    def setting(self) -> Setting:
        return Setting(self.keys, self.mode, self.workers)
