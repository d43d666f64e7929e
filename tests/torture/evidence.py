"""Evidence of a round: its operations, its faults, the feeds as they were received."""

import msgspec

from tests.torture.history import Change, History


class Injected(msgspec.Struct):
    """Times in seconds from the begin of the round.

    :ivar end: when the fault was over
    :ivar recovered: when a write had been taken through every worker
    """

    name: str
    begin: float
    end: float
    recovered: float


class Followed(msgspec.Struct):
    """The feed as one of its followers received it.

    :ivar grants: as in `Operation`
    """

    name: str
    grants: dict[str, str] | None
    changes: list[Change]


class Evidence(msgspec.Struct, kw_only=True):
    """:ivar begin: on the clock of the operations
    :ivar followed: the feed, in addition to that of the history
    :ivar kept: the feed as it is in the end
    :ivar troubles: what should not have come about, and is in no history
    """

    begin: float
    history: History
    faults: list[Injected]
    followed: list[Followed]
    kept: list[Change]
    troubles: list[str]
