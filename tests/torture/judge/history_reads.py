"""Histories of keys, and values at revisions, as clients read them.

Both are compared with the feed, which has every change of every key. The rule of all
that differs is "history".
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

from tests.torture.history import Entry, Operation, username_of
from tests.torture.judge.replay import Replay, Step, Version
from tests.torture.judge.requests import Request
from tests.torture.judge.violations import Violation, violation

#: Codes of the refusals of a value at a revision.
AHEAD, COMPACTED = "revision_ahead", "revision_compacted"


class Moment(NamedTuple):
    """When a request is answered.

    :ivar floor: the newest place that was known before it began
    :ivar floor_of: a request that shows it
    :ivar ceiling: the newest place that can have been reached before its end
    """

    floor: int
    floor_of: Request | None
    ceiling: int


class HistoryReads:
    """Judges requests; the place of each is the newest one that its reply shows."""

    def __init__(self, replay: Replay, since: int) -> None:
        """:param since: after which revision the log has every change, in the end"""
        self._replay = replay
        self._since = since

    def page(self, request: Request, moment: Moment) -> tuple[int, list[Violation]]:
        """A page of the history of a key."""
        place = moment.floor
        if request.outcome != "ok":
            return place, []
        entries = request.operation.entries or []
        if entries:
            place = max(place, self._replay.place(entries[0].revision))
        if place > moment.ceiling:
            shown = [entry.revision for entry in entries[:1]] or "what was known"
            sentence = f"it shows {shown} before anybody asked for that"
            who = [moment.floor_of, request]
            return moment.floor, [violation("history", sentence, who)]
        who = [moment.floor_of, request]
        sentences = self._faults(request.operation, entries, place)
        return place, [violation("history", sentence, who) for sentence in sentences]

    def _faults(
        self, operation: Operation, entries: list[Entry], place: int
    ) -> Iterator[str]:
        """What is wrong with a page, if it is of a place."""
        (key,) = operation.keys
        expected = self._expected(operation, key, place)
        shown = [entry.revision for entry in entries]
        known = [version.revision for version in expected]
        if shown != known:
            yield f"it shows {key!r} changed at {shown}, and the feed has {known}"
            return
        for entry, version in zip(entries, expected, strict=True):
            if entry.value != version.value:
                yield (
                    f"{key!r} is {entry.value} at {entry.revision}, "
                    f"and {version.value} in the feed"
                )
            step = self._replay.steps[version.place - 1]
            if not _may_be_cause(entry, step):
                yield f"{key!r} is {entry.cause} at {entry.revision}"
            if not _may_be_author(entry, step, operation.client):
                yield f"{entry.by} has changed {key!r} at {entry.revision}"
        if operation.oldest is not None and operation.oldest > self._since:
            yield f"it goes back to {operation.oldest}, the feed to {self._since}"

    def _expected(self, operation: Operation, key: str, place: int) -> list[Version]:
        """The changes that the page must have, the newest first."""
        before = math.inf if operation.before is None else operation.before
        oldest = operation.oldest or 0
        if operation.next_before is not None:
            oldest = operation.next_before - 1
        versions = self._replay.timelines[key].since(self._replay.place(oldest), place)
        return [
            version
            for version in reversed(versions)
            if version.revision is not None and oldest < version.revision < before
        ]

    def value(self, request: Request, moment: Moment) -> tuple[int, list[Violation]]:
        """A value at a revision."""
        operation = request.operation
        (key,) = operation.keys
        assert operation.at is not None
        place = self._replay.place(operation.at)
        version = self._replay.timelines[key].at(place)
        if operation.code == AHEAD:
            has_reached = self._revision(moment.floor) >= operation.at
            place, why = moment.floor, "ahead, and was known" if has_reached else None
        elif operation.code == COMPACTED:
            is_kept = (version.revision or 0) > self._since
            place, why = (
                moment.floor,
                "not kept, and is in the feed" if is_kept else None,
            )
        elif request.outcome != "ok":
            return moment.floor, []
        elif place > moment.ceiling or self._revision(place) < operation.at:
            place, why = moment.floor, "there before anybody asked for that"
        else:
            why = self._difference(operation, version)
        if why is None:
            return place, []
        sentence = f"{key!r} at {operation.at} is {why}"
        return place, [violation("history", sentence, [moment.floor_of, request])]

    def _revision(self, place: int) -> int:
        """The store's revision at a place."""
        revisions = self._replay.revisions
        if place == 0:
            return revisions[0] - 1 if revisions else 0
        return revisions[place - 1]

    def _difference(self, operation: Operation, version: Version) -> str | None:
        assert operation.found is not None
        assert operation.revisions is not None
        (value,), (revision,) = operation.found, operation.revisions
        written = None if version.value is None else version.revision
        if (value, revision) == (version.value, written):
            return None
        return f"{value} of {revision}, and {version.value} of {written} in the feed"


def _may_be_cause(entry: Entry, step: Step) -> bool:
    if entry.value is not None:
        return entry.cause is None
    if entry.cause == "expired":
        return step.is_expiry
    return entry.cause == "deleted" and bool(step.makers)


def _may_be_author(entry: Entry, step: Step, client: int) -> bool:
    """A client is shown its own name only, and always."""
    own = [maker for maker in step.makers if maker.operation.client == client]
    if entry.by is None:
        return len(own) < len(step.makers) or step.is_expiry or not step.makers
    return entry.by == username_of(client) and entry.cause != "expired" and bool(own)
