"""Exports and imports of clients."""

import hashlib
import json
from collections.abc import Sequence
from urllib.parse import urlencode

import msgspec

from tests.torture.history import Operation
from tests.torture.run.session import Session, Texts, kept

#: Rows by key: the text of the value, and its revision.
Rows = dict[str, tuple[str, int]]


class Line(msgspec.Struct):
    """Any line: the members of all kinds."""

    kv_export: int | None = None
    key: str | None = None
    value: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    text: str | None = None
    deleted: bool = False
    revision: int | None = None
    end: bool = False
    keys: int = 0
    changes: int = 0
    sha256: str = ""
    status: int | None = None
    code: str | None = None

    @property
    def value_text(self) -> str:
        if isinstance(self.value, msgspec.UnsetType):
            return self.text or ""
        return bytes(self.value).decode()


class ImportEnd(msgspec.Struct):
    """The last line of the reply to an import."""

    end: bool = False
    written: int = 0


class Export:
    """An export as it was received.

    :ivar last: its end, or why there is none; None: it breaks off
    :ivar damage: what is wrong with the file, if it has an end
    :ivar rows: what it has in the end
    """

    def __init__(self, raw: bytes) -> None:
        self.rows: Rows = {}
        self.damage: str | None = None
        *body, tail = raw.split(b"\n")
        lines = [msgspec.json.decode(line, type=Line) for line in body]
        whole = [] if tail or not lines else lines
        self.last = whole[-1] if whole and (whole[-1].end or whole[-1].code) else None
        if self.last is not None and self.last.end:
            self._apply(lines[1:-1])
            self.damage = self._damage(lines, raw[: -len(body[-1]) - 1])

    def _apply(self, lines: Sequence[Line]) -> None:
        for line in lines:
            if line.key is not None and line.deleted:
                self.rows.pop(line.key, None)
            elif line.key is not None and line.revision is not None:
                self.rows[line.key] = kept(line.value_text), line.revision

    def _damage(self, lines: Sequence[Line], content: bytes) -> str | None:
        last = lines[-1]
        if lines[0].kv_export != 1:
            return "it has no header"
        if last.sha256 != hashlib.sha256(content).hexdigest():
            return "the hash differs"
        if last.keys + last.changes != len(lines) - 2:
            return f"it says {last.keys} + {last.changes}, and has {len(lines) - 2}"
        if not all(line.key for line in lines[1:-1]):
            return "it has a line without a key"
        return None


async def export(session: Session, prefix: str) -> Operation:
    path = f"/api/export?{urlencode({'prefix': prefix})}"
    answer = await session.ask("export", path=path)
    if answer.outcome != "ok":
        return session.record("export", answer, prefix=prefix, keys=[])
    found = Export(answer.raw)
    last = found.last
    if last is None or not last.end or found.damage is not None:
        if last is not None and last.code is not None:
            body = msgspec.structs.replace(answer.body, code=last.code)
            answer = answer._replace(status=last.status, body=body)
        answer = answer._replace(outcome="failed")
        return session.record(
            "export", answer, prefix=prefix, keys=[], damage=found.damage
        )
    return session.record(
        "export",
        answer._replace(revision=last.revision),
        prefix=prefix,
        keys=list(found.rows),
        found=[value for value, _ in found.rows.values()],
        revisions=[revision for _, revision in found.rows.values()],
    )


async def import_own(session: Session, values: Texts, delete: Sequence[str]) -> None:
    """Imports keys that nobody else writes, in one batch.

    The reply has no revision. A read of the keys, which follows, shows it. Without that
    read the outcome counts as unknown; keys that are not there are a lost write.
    """
    deleted: int | None = None
    lines = [f'{{"key":{json.dumps(key)},"value":{v}}}' for key, v in values.items()]
    lines += [json.dumps({"key": key, "deleted": True}) for key in delete]
    # every row is newer than revision 0: deletions delete
    path = "/api/import?mode=overwrite&since=0"
    answer = await session.ask("import", "\n".join(lines), path=path)
    if answer.outcome == "ok":
        last = msgspec.json.decode(answer.raw.splitlines()[-1], type=ImportEnd)
        read = await session.read(list(values), revisions=True)
        if read.revisions is None or not last.end:
            answer = answer._replace(outcome="unknown")
        else:
            answer = answer._replace(revision=read.revisions[0])
            deleted = last.written - len(values)
    session.record(
        "import",
        answer,
        keys=[*values, *delete],
        values=[*map(kept, values.values()), *(None for _ in delete)],
        deleted=deleted,
    )
