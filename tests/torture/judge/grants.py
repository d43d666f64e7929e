"""Accounts that may touch some keys only: what they are shown, and what is refused."""

from collections.abc import Iterator

from tests.torture.history import Call, Change, History, Operation
from tests.torture.judge.violations import Violation

#: Codes of the refusal of a token: those of a round are valid to its end.
TOKEN_REFUSED = {"token_revoked", "token_invalid", "token_expired", "token_missing"}

#: Calls that name no keys: they show what is granted of a prefix.
WHOLE = ("list", "export")

#: Rights by prefix.
Grants = dict[str, str]

#: What a call does to the keys that it names.
RIGHTS: dict[Call, str] = {
    "read": "r",
    "list": "r",
    "history": "r",
    "value at": "r",
    "export": "r",
    "write": "w",
    "import": "w",
    "delete": "w",
    "increment": "rw",
}


def allows(grants: Grants, right: str, key: str) -> bool:
    return any(
        key.startswith(prefix) and right in rights for prefix, rights in grants.items()
    )


def judge_grants(history: History) -> Iterator[Violation]:
    """What was answered was granted; what was refused without a grant was not."""
    for operation in history.operations:
        if operation.code in TOKEN_REFUSED:
            sentence = "its token was refused, and nobody had revoked it"
            yield Violation("token", sentence, [operation], operation.keys)
        if operation.grants is None:
            continue
        beyond = list(_beyond(operation, operation.grants))
        if operation.outcome == "ok" and beyond:
            sentence = f"it was answered, and may not touch {beyond}"
            yield Violation("grant", sentence, [operation], beyond)
        if operation.code == "forbidden" and not beyond and operation.call not in WHOLE:
            sentence = "it was refused, and may touch all its keys"
            yield Violation("grant", sentence, [operation], operation.keys)


def _beyond(operation: Operation, grants: Grants) -> Iterator[str]:
    rights = RIGHTS[operation.call]
    for key in operation.keys:
        if not all(allows(grants, right, key) for right in rights):
            yield key
    for key in operation.conditions:
        if not allows(grants, "r", key):
            yield key


def narrowed(changes: list[Change], grants: Grants | None) -> list[Change]:
    """The feed as such an account receives it."""
    if grants is None:
        return changes
    found = []
    for change in changes:
        data = {k: v for k, v in change.data.items() if allows(grants, "r", k)}
        deleted = [key for key in change.deleted if allows(grants, "r", key)]
        if data or deleted:
            found.append(Change(change.revision, data, deleted))
    return found
