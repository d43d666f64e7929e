"""The command that hashes a password; an operator sets the hash on the console.

``python -m service.hash_password`` prompts for the password, or reads it from a pipe;
never from an argument, which the process list shows to every user of the machine.
"""

import asyncio
import getpass
import os
import sys

from service.auth.credentials import check_password
from service.auth.passwords import PasswordHasher
from service.errors import InvalidRequest
from service.settings import Settings, SettingsError
from service.telemetry.families import Observations


class NoPassword(Exception):
    """No usable password was given; the message says why."""


def main() -> int:
    try:
        rounds = Settings.from_env(os.environ).bcrypt_rounds
        entered = _prompt() if sys.stdin.isatty() else _read_stdin()
        password = check_password(entered, "the password")
    except (SettingsError, NoPassword, InvalidRequest) as why:
        print(f"kv: cannot hash the password: {why}", file=sys.stderr)
        return 1
    print(asyncio.run(_hash(password, rounds)))
    return 0


def _prompt() -> str:
    password = getpass.getpass("Password: ")
    if password and getpass.getpass("Repeat: ") != password:
        raise NoPassword("the passwords differ")
    return _require(password)


def _read_stdin() -> str:
    """The password from a pipe, without the line end of a file."""
    try:
        return _require(sys.stdin.buffer.read().decode().rstrip("\r\n"))
    except UnicodeDecodeError:
        raise NoPassword("the password is not UTF-8") from None


def _require(password: str) -> str:
    if not password:
        raise NoPassword("the password is empty")
    return password


async def _hash(password: str, rounds: int) -> str:
    hasher = PasswordHasher(rounds, Observations(()))  # there are no checks
    try:
        with hasher.enter_queue() as entry:
            return await hasher.hash(password, entry)
    finally:
        hasher.close()


if __name__ == "__main__":
    sys.exit(main())
