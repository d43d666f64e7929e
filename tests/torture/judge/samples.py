"""Operations written by hand, and chosen at random, for the tests of the judge."""

import random
from collections.abc import Callable, Mapping, Sequence

import msgspec
from hypothesis import assume

from tests.torture.history import SETTING, Call, History, Operation, Outcome


def did(
    call: Call,
    start: float,
    end: float,
    data: Mapping[str, str | None],
    outcome: Outcome = "ok",
    *,
    found: Sequence[str | None] | None = None,
    **members: object,
) -> Operation:
    """:param data: what was written, added, or else found"""
    fields: dict[str, object] = dict(members)
    if "ttl" in fields:
        fields["ttls"] = [fields.pop("ttl")] * len(data)
    if call in (*SETTING, "increment"):
        fields["values"] = list(data.values())
        fields["found"] = found
    elif call in ("read", "list") and outcome == "ok":
        fields["found"] = list(data.values())
    elif found is not None:
        fields["found"] = found
    plain = Operation(
        client=0, call=call, start=start, end=end, outcome=outcome, keys=list(data)
    )
    return msgspec.structs.replace(plain, **fields)


def chosen(
    history: History, rng: random.Random, condition: Callable[[Operation], bool]
) -> tuple[int, Operation]:
    """One of those that were answered, and its place."""
    places = [
        place
        for place, operation in enumerate(history.operations)
        if operation.outcome == "ok"
        and operation.retry is None
        and condition(operation)
    ]
    assume(places)
    place = rng.choice(places)
    return place, history.operations[place]
