"""Exports: a complete one is the store at the revision of its end.

The rule of all that differs is "export". What has expired and is not collected yet is
in the feed and in an export alike.
"""

from tests.torture.judge.grants import allows
from tests.torture.judge.history_reads import Moment
from tests.torture.judge.replay import Replay
from tests.torture.judge.requests import Request
from tests.torture.judge.violations import Violation, violation

#: A key as it is exported: its value and its revision.
Row = tuple[str | None, int | None]


def judge_export(
    replay: Replay, request: Request, moment: Moment
) -> tuple[int, list[Violation]]:
    """Returns the place of its end, and what is wrong."""
    operation = request.operation
    if operation.damage is not None:
        return moment.floor, [violation("export", operation.damage, [request])]
    if request.outcome != "ok":
        return moment.floor, []
    revision = operation.revision
    assert revision is not None
    place = replay.place(revision)
    if not moment.floor <= place <= moment.ceiling:
        sentence = f"revision {revision} was not the newest of any moment of it"
        who = [moment.floor_of, request]
        return moment.floor, [violation("export", sentence, who)]
    expected, shown = _rows_at(replay, place, request), _shown_by(request)
    keys = sorted(key for key, _ in expected.items() ^ shown.items())
    if not keys:
        return place, []
    key = keys[0]
    sentence = (
        f"{key!r} is {_text(shown.get(key))} in the state of {revision}, "
        f"and {_text(expected.get(key))} in the feed"
    )
    maker = replay.maker(replay.timelines[key].at(place).place)
    return place, [violation("export", sentence, [maker, request], keys)]


def _rows_at(replay: Replay, place: int, request: Request) -> dict[str, Row]:
    """What the feed has at a place, of the keys that the client asked for."""
    operation = request.operation
    prefix, grants = operation.prefix or "", operation.grants
    rows: dict[str, Row] = {}
    for key, timeline in replay.timelines.items():
        version = timeline.at(place)
        is_readable = grants is None or allows(grants, "r", key)
        if version.value is not None and key.startswith(prefix) and is_readable:
            rows[key] = version.value, version.revision
    return rows


def _shown_by(request: Request) -> dict[str, Row]:
    operation = request.operation
    assert operation.found is not None
    assert operation.revisions is not None
    rows = zip(operation.found, operation.revisions, strict=True)
    return dict(zip(operation.keys, rows, strict=True))


def _text(row: Row | None) -> str:
    return "missing" if row is None else f"{row[0]} of {row[1]}"
