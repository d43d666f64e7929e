"""Requests as their clients meant them: attempts that share a retry key are one."""

import math
from collections.abc import Iterable
from typing import NamedTuple

from tests.torture.history import CHANGING, Operation, Outcome


class Request(NamedTuple):
    """:ivar operation: the attempt that was answered, else the first
    :ivar start: from when on it may have been applied
    :ivar end: when it certainly had been; infinite where it is unknown
    """

    operation: Operation
    attempts: tuple[Operation, ...]
    start: float
    end: float
    outcome: Outcome

    @property
    def is_write(self) -> bool:
        return self.operation.call in CHANGING

    @property
    def is_change(self) -> bool:
        """Whether it reports that it incremented the store's revision."""
        return (
            self.is_write
            and self.outcome == "ok"
            and not (self.operation.call == "delete" and self.operation.deleted == 0)
        )


def fold(operations: Iterable[Operation]) -> list[Request]:
    """In the order of their starts. A refused attempt stands alone: it did nothing."""
    retried: dict[str, list[Operation]] = {}
    requests = []
    for operation in operations:
        if operation.retry is None or operation.outcome == "failed":
            requests.append(_folded([operation]))
        else:
            retried.setdefault(operation.retry, []).append(operation)
    requests += map(_folded, retried.values())
    return sorted(requests, key=lambda request: request.start)


def _folded(attempts: list[Operation]) -> Request:
    attempts.sort(key=lambda attempt: attempt.start)
    answered = [attempt for attempt in attempts if attempt.outcome == "ok"]
    operation = min(answered, key=lambda attempt: attempt.end, default=attempts[0])
    end = operation.end if operation.outcome != "unknown" else math.inf
    return Request(
        operation, tuple(attempts), attempts[0].start, end, operation.outcome
    )
