"""A history reduced to some of its keys."""

from collections.abc import Collection, Iterable, Sequence
from typing import TypeVar

import msgspec

from tests.torture.history import SETTING, Change, History, Operation

Cell = TypeVar("Cell")


def projected(history: History, keys: Collection[str]) -> History:
    """Nothing else was ever requested, shown or changed."""
    changes = [
        Change(
            change.revision,
            {key: value for key, value in change.data.items() if key in keys},
            [key for key in change.deleted if key in keys],
        )
        for change in history.changes
    ]
    deleted = {change.revision: len(change.deleted) for change in changes}
    operations = (
        _narrowed(operation, keys, deleted) for operation in history.operations
    )
    final = history.final
    if final is not None:
        final = {key: value for key, value in final.items() if key in keys}
    return History(
        [operation for operation in operations if operation is not None],
        [change for change in changes if change.data or change.deleted],
        final,
        history.leader_changes,
        history.since,
    )


def _narrowed(
    operation: Operation, keys: Collection[str], deleted: dict[int, int]
) -> Operation | None:
    places = [place for place, key in enumerate(operation.keys) if key in keys]
    conditions = {k: wanted for k, wanted in operation.conditions.items() if k in keys}
    is_partly_refused = (
        operation.outcome == "failed" and conditions != operation.conditions
    )
    if is_partly_refused or not (places or conditions or operation.call == "list"):
        return None
    count = operation.deleted
    if count and operation.revision is not None:
        count = deleted.get(operation.revision, min(count, len(places)))
    call = operation.call
    asked = operation.asked
    if call in SETTING and places and asked.keys().isdisjoint(keys):
        call = "delete"  # of keys that may all have been missing
        count = deleted.get(operation.revision or 0)
    return msgspec.structs.replace(
        operation,
        call=call,
        keys=[operation.keys[place] for place in places],
        values=None if call == "delete" else _column(operation.values, places),
        ttls=None if call == "delete" else _column(operation.ttls, places),
        found=_column(operation.found, places),
        revisions=_column(operation.revisions, places),
        conditions=conditions,
        deleted=count,
    )


def _column(column: Sequence[Cell] | None, places: Iterable[int]) -> list[Cell] | None:
    return None if column is None else [column[place] for place in places]
