"""The hash of a password, for an operator to give to an account on the console.

``python -m service.hash_password`` asks for the password, or takes it from a pipe;
never from an argument, which the list of processes shows to everybody on the machine.
"""

import asyncio
import getpass
import os
import sys

from service.auth.credentials import check_password
from service.auth.passwords import PasswordHasher
from service.errors import InvalidRequest
from service.settings import Settings, SettingsError


class NoPassword(Exception):
    """The sentence says why."""


def main() -> int:
    try:
        rounds = Settings.from_env(os.environ).bcrypt_rounds
        given = _asked() if sys.stdin.isatty() else _piped()
        password = check_password(given, "the password")
    except (SettingsError, NoPassword, InvalidRequest) as why:
        print(f"kv: no hash is made: {why}", file=sys.stderr)
        return 1
    print(asyncio.run(_hashed(password, rounds)))
    return 0


def _asked() -> str:
    password = getpass.getpass("Password: ")
    if password and getpass.getpass("Once more: ") != password:
        raise NoPassword("the passwords differ")
    return _given(password)


def _piped() -> str:
    """A file ends with the end of a line; the password does not."""
    try:
        return _given(sys.stdin.buffer.read().decode().rstrip("\r\n"))
    except UnicodeDecodeError:
        raise NoPassword("the password is not UTF-8") from None


def _given(password: str) -> str:
    if not password:
        raise NoPassword("the password is empty")
    return password


async def _hashed(password: str, rounds: int) -> str:
    hasher = PasswordHasher(rounds)
    try:
        with hasher.enter_queue() as entry:
            return await hasher.hash(password, entry)
    finally:
        hasher.close()


if __name__ == "__main__":
    sys.exit(main())
