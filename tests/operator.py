"""What an operator does to an account on the console."""

from tests.tarantool import Tarantool, evaluated

UPDATE = "require('users.accounts').update({name}, {{{fields}}}, {ends_tokens})"


def lua(text: str) -> str:
    """A literal of any text."""
    return '"' + "".join(f"\\{byte:03d}" for byte in text.encode()) + '"'


def set_grants(tarantool: Tarantool, username: str, *grants: tuple[str, str]) -> None:
    """:param grants: each a prefix and the rights to its keys"""
    listed = ", ".join(f"{{{lua(p)}, '{rights}'}}" for p, rights in grants)
    _update(tarantool, username, f"grants = {{{listed}}}", ends_tokens=False)


def disable(tarantool: Tarantool, username: str) -> None:
    _update(tarantool, username, "disabled = true", ends_tokens=True)


def end_tokens(tarantool: Tarantool, username: str) -> None:
    _update(tarantool, username, "", ends_tokens=True)


def _update(
    tarantool: Tarantool, username: str, fields: str, *, ends_tokens: bool
) -> None:
    evaluated(
        tarantool,
        UPDATE.format(
            name=lua(username), fields=fields, ends_tokens=str(ends_tokens).lower()
        ),
    )
