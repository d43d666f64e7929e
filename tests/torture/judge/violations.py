"""The violations that a judge reports."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tests.torture.history import Operation
from tests.torture.judge.requests import Request


class Violation(NamedTuple):
    """A promise that was not kept.

    :ivar rule: its name, stable: controls and the shrinker go by it
    :ivar operations: those that show it
    :ivar keys: those that it is about
    """

    rule: str
    sentence: str
    operations: list[Operation]
    keys: list[str]


def violation(
    rule: str,
    sentence: str,
    requests: Iterable[Request | None],
    keys: Sequence[str] = (),
) -> Violation:
    operations: list[Operation] = []
    for request in requests:
        for attempt in request.attempts if request is not None else ():
            if not any(attempt is known for known in operations):
                operations.append(attempt)
    own = {key for operation in operations for key in operation.keys}
    return Violation(rule, sentence, operations, list(keys) or sorted(own))
