"""Simulated histories of a correct store."""

import math
import random
from dataclasses import dataclass, field

from tests.torture.history import (
    CHANGING,
    Change,
    Entry,
    History,
    Operation,
    username_of,
)

CLIENTS = 2


@dataclass
class Row:
    value: str
    revision: int
    expires_at: float = math.inf


@dataclass
class Simulator:
    """One store, on which calls happen one after the other, each at a moment.

    :ivar spread: seconds by which clients see a call begin before and end after it
    :ivar doubt: share of calls of which clients do not hear
    :ivar mortal: share of writes, or of their keys, that expire
    :ivar client: of the call; authors: those of the changes, None: keys expired
    """

    random: random.Random
    keys: int = 4
    spread: float = 3.0
    doubt: float = 0.2
    mortal: float = 0.3
    now: float = 0.0
    rows: dict[str, Row] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    client: int = 0
    authors: list[int | None] = field(default_factory=list)
    written: int = 0
    retries: int = 0

    def run(self, count: int) -> History:
        for _ in range(count):
            self.now += self.random.uniform(0, 2)
            self._collect()
            self._call()
        self.now += max(operation.end for operation in self.operations)
        final = {key: row.value for key, row in self._live().items()}
        return History(self.operations, self.changes, final)

    @property
    def _revision(self) -> int:
        return self.changes[-1].revision if self.changes else 0

    def _live(self) -> dict[str, Row]:
        return {k: row for k, row in self.rows.items() if row.expires_at > self.now}

    def _collect(self) -> None:
        """Sooner or later."""
        gone = sorted(self.rows.keys() - self._live().keys())
        if gone and self.random.random() < 0.3:
            self._change({}, gone, None)

    def _change(
        self, data: dict[str, str], deleted: list[str], author: int | None
    ) -> int:
        revision = self._revision + 1
        self.authors.append(author)
        self.changes.append(Change(revision, data, deleted))
        for key in deleted:
            del self.rows[key]
        return revision

    def _some(self, prefix: str) -> list[str]:
        names = [f"{prefix}{i}" for i in range(self.keys)]
        return self.random.sample(names, self.random.randint(1, min(3, self.keys)))

    def _call(self) -> None:
        calls = {
            self._write: 5,
            self._read: 8,
            self._delete: 2,
            self._increment: 4,
            self._list: 1,
            self._history: 2,
            self._value_at: 2,
            self._export: 1,
        }
        (call,) = self.random.choices(list(calls), list(calls.values()))
        self.client = self.random.randrange(CLIENTS)
        if call in (self._write, self._increment) and self.random.random() < 0.2:
            self._retried(_with(call(), client=self.client))
            return
        self.operations.append(self._seen(_with(call(), client=self.client)))

    def _seen(self, operation: Operation) -> Operation:
        """As a client observes it: its reply may be lost, or it may never have run."""
        operation = _at(
            operation,
            self.now - self.random.uniform(0, self.spread),
            self.now + self.random.uniform(0, self.spread),
        )
        return _unheard(operation) if self.random.random() < self.doubt else operation

    def _retried(self, operation: Operation) -> None:
        """Several attempts, one of which did it."""
        self.retries += 1
        operation = _with(operation, retry=f"retry-{self.retries}")
        first = self._seen(operation)
        self.operations.append(first)
        if operation.outcome != "ok":
            return
        begin = first.end
        for _ in range(self.random.randint(0, 2)):
            end = max(begin, self.now) + self.random.uniform(0, 1)
            attempt = _at(operation, begin, end)
            unheard = self.random.random() < self.doubt
            self.operations.append(_unheard(attempt) if unheard else attempt)
            begin = end

    def _conditions(self, keys: list[str]) -> dict[str, int | None]:
        if self.random.random() < 0.7:
            return {}
        live = self._live()
        found = {key: live[key].revision if key in live else None for key in keys}
        if self.random.random() < 0.3:
            found[keys[0]] = self.random.randint(1, self._revision + 2)
        return found

    def _refused(self, conditions: dict[str, int | None]) -> bool:
        live = self._live()
        return any(
            (live[key].revision if key in live else None) != wanted
            for key, wanted in conditions.items()
        )

    def _write(self) -> Operation:
        keys = self._some("r")
        values = [str(self.written + 1000 + i) for i in range(len(keys))]
        self.written += len(keys)
        conditions = self._conditions([*keys, "r0"])
        ttls = self._ttls(len(keys))
        removed = self._removed(keys)
        operation = _operation(
            "write",
            [*keys, *removed],
            values=[*values, *(None for _ in removed)],
            conditions=conditions,
            ttls=[*ttls, *(None for _ in removed)],
        )
        if self._refused(conditions):
            return _with(
                operation, outcome="failed", code="condition_failed", status=412
            )
        if self.random.random() < self.doubt / 2:
            return _unheard(operation)  # it never came
        gone = [key for key in removed if key in self._live()]
        revision = self._change(dict(zip(keys, values, strict=True)), gone, self.client)
        for key, value, ttl in zip(keys, values, ttls, strict=True):
            self.rows[key] = Row(value, revision, self.now + (ttl or math.inf))
        return _with(operation, revision=revision)

    def _ttls(self, count: int) -> list[float | None]:
        """One for all keys, or one for each."""
        ttls = [self._ttl() for _ in range(count)]
        return ttls if self.random.random() < 0.5 else ttls[:1] * count

    def _ttl(self) -> float | None:
        is_mortal = self.random.random() < self.mortal
        return self.random.uniform(1, 10) if is_mortal else None

    def _removed(self, written: list[str]) -> list[str]:
        """The keys that a write deletes."""
        if self.random.random() < 0.6:
            return []
        return [key for key in self._some("r") if key not in written]

    def _delete(self) -> Operation:
        keys = self._some(self.random.choice("rc"))
        conditions = self._conditions(keys)
        operation = _operation("delete", keys, conditions=conditions)
        if self._refused(conditions):
            return _with(
                operation, outcome="failed", code="condition_failed", status=412
            )
        found = [key for key in keys if key in self._live()]
        revision = self._change({}, found, self.client) if found else self._revision
        return _with(operation, revision=revision, deleted=len(found))

    def _increment(self) -> Operation:
        keys = self._some("c")
        deltas = [self.random.randint(-3, 3) for _ in keys]
        live = self._live()
        sums = {}
        for key, delta in zip(keys, deltas, strict=True):
            sums[key] = str(int(live[key].value if key in live else 0) + delta)
        revision = self._change(sums, [], self.client)
        for key, value in sums.items():
            expires_at = live[key].expires_at if key in live else math.inf
            self.rows[key] = Row(value, revision, expires_at)
        operation = _operation(
            "increment", keys, values=[str(delta) for delta in deltas]
        )
        return _with(operation, revision=revision, found=list(sums.values()))

    def _read(self) -> Operation:
        keys = [*self._some("r"), *self._some("c")]
        live = self._live()
        operation = _operation("read", keys)
        if self.random.random() < 0.5:
            revisions = [live[key].revision if key in live else None for key in keys]
            operation = _with(operation, revisions=revisions)
        found = [live[key].value if key in live else None for key in keys]
        return _with(operation, found=found)

    def _list(self) -> Operation:
        prefix = self.random.choice(["", "r", "c"])
        live = self._live()
        keys = sorted(key for key in live if key.startswith(prefix))
        operation = _operation("list", keys, prefix=prefix, revision=self._revision)
        if self.random.random() < 0.5:
            operation = _with(operation, found=[live[key].value for key in keys])
        return operation

    def _history(self) -> Operation:
        (key,) = self._some("r")[:1]
        before = self.random.choice([None, self.random.randint(1, self._revision + 2)])
        limit = self.random.randint(1, 5)
        entries = [
            self._entry(change, author, key)
            for change, author in zip(self.changes, self.authors, strict=True)
            if key in change.data or key in change.deleted
            if before is None or change.revision < before
        ][::-1]
        is_last = len(entries) <= limit
        return _operation(
            "history",
            [key],
            before=before,
            entries=entries[:limit],
            oldest=0,
            next_before=None if is_last else entries[limit - 1].revision,
        )

    def _entry(self, change: Change, author: int | None, key: str) -> Entry:
        value = change.data.get(key)
        cause = None if value else "expired" if author is None else "deleted"
        by = username_of(self.client) if author == self.client else None
        return Entry(change.revision, value, cause, by)  # type: ignore[arg-type]

    def _value_at(self) -> Operation:
        (key,) = self._some("r")[:1]
        at = self.random.randint(0, self._revision + 2)
        operation = _operation("value at", [key], at=at)
        if at > self._revision:
            return _with(operation, outcome="failed", code="revision_ahead", status=409)
        value, revision = None, None
        for change in self.changes[:at]:
            if key in change.data:
                value, revision = change.data[key], change.revision
            elif key in change.deleted:
                value, revision = None, None
        return _with(operation, found=[value], revisions=[revision])

    def _export(self) -> Operation:
        """With what has expired and is not collected."""
        prefix = self.random.choice(["", "r", "c"])
        rows = {k: row for k, row in self.rows.items() if k.startswith(prefix)}
        return _operation(
            "export",
            list(rows),
            prefix=prefix,
            revision=self._revision,
            found=[row.value for row in rows.values()],
            revisions=[row.revision for row in rows.values()],
        )


def _operation(call: str, keys: list[str], **fields: object) -> Operation:
    fields = {"client": 0, "start": 0, "end": 0, "outcome": "ok", **fields}
    return Operation(call=call, keys=keys, **fields)  # type: ignore[arg-type]


def _with(operation: Operation, **fields: object) -> Operation:
    values = {name: getattr(operation, name) for name in operation.__struct_fields__}
    return Operation(**{**values, **fields})


def _at(operation: Operation, start: float, end: float) -> Operation:
    return _with(operation, start=start, end=end)


def _unheard(operation: Operation) -> Operation:
    return _with(
        operation,
        outcome="unknown" if operation.call in CHANGING else "failed",
        status=None,
        code=None,
        revision=None,
        found=None,
        revisions=None,
        deleted=None,
        entries=None,
        oldest=None,
        next_before=None,
    )
