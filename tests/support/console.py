"""What an operator does on the console."""

import os
import subprocess
import sys
from typing import Any

from tests.support.machine import ROOT
from tests.support.tarantool import Tarantool, evaluated

HASH_PASSWORD = [sys.executable, "-m", "service.hash_password"]
ENVIRON = {"PATH": os.environ["PATH"], "KV_BCRYPT_ROUNDS": "4"}

#: Seconds for a program of ours to start on a busy machine.
PROGRAM_TIMEOUT = 20.0


def lua(text: str) -> str:
    """A literal of any text."""
    return '"' + "".join(f"\\{byte:03d}" for byte in text.encode()) + '"'


def listed(*grants: tuple[str, str]) -> str:
    """:param grants: each a prefix and the rights to its keys"""
    entries = (f"{{prefix = {lua(p)}, rights = '{rights}'}}" for p, rights in grants)
    return f"{{{', '.join(entries)}}}"


def functions(tarantool: Tarantool) -> list[str]:
    """The names of all of `kv.admin`."""
    names = "local f = {} for name in pairs(kv.admin) do table.insert(f, name) end"
    found = evaluated(tarantool, f"(function() {names} return f end)()")
    assert len(found) > 10
    return list(found)


def admin(tarantool: Tarantool, function: str, *arguments: str) -> Any:
    """The result of a function of `kv.admin`.

    :param arguments: in Lua
    """
    return evaluated(tarantool, f"kv.admin.{function}({', '.join(arguments)})")


def mistake(tarantool: Tarantool, function: str, *arguments: str) -> str:
    """The sentence that such a call is refused with."""
    called = ", ".join([f"kv.admin.{function}", *arguments])
    succeeded, sentence = evaluated(tarantool, f"{{pcall({called})}}")
    assert succeeded is False
    return str(sentence)


def set_grants(tarantool: Tarantool, username: str, *grants: tuple[str, str]) -> None:
    """:param grants: each a prefix and the rights to its keys"""
    admin(tarantool, "set_grants", lua(username), listed(*grants))


def make_administrator(tarantool: Tarantool, username: str) -> None:
    admin(tarantool, "make_administrator", lua(username))


def disable(tarantool: Tarantool, username: str) -> None:
    admin(tarantool, "disable_account", lua(username))


def end_tokens(tarantool: Tarantool, username: str) -> None:
    admin(tarantool, "end_tokens", lua(username))


def hash_of(password: str) -> str:
    """The hash of a password, as an operator makes it."""
    run = subprocess.run(
        HASH_PASSWORD,
        cwd=ROOT,
        env=ENVIRON,
        input=password + "\n",
        capture_output=True,
        text=True,
        timeout=PROGRAM_TIMEOUT,
        check=True,
    )
    return run.stdout.strip()


def listed_account(tarantool: Tarantool, name: str) -> str:
    """The line of an account in the list, whatever number of accounts there is."""
    page = admin(tarantool, "list_accounts", "1000", lua(name[:-1])).splitlines()
    (line,) = [line for line in page if line.startswith(f"'{name}'")]
    return str(line)
