"""The administrator's account, which the settings name."""

import contextlib

from service.auth.credentials import check_credentials, check_new_username
from service.auth.passwords import PasswordHasher
from service.errors import Problem, StartError, UserExists
from service.settings import Settings
from service.storage.client import Storage


async def ensure_administrator(
    settings: Settings, storage: Storage, passwords: PasswordHasher
) -> None:
    """Creates the account of `ADMIN_LOGIN`, unless it exists.

    :raises StartError: the name or the password breaks a rule, or the storage fails
    """
    if not settings.admin_login:
        return
    try:
        name, password = check_credentials(
            settings.admin_login, settings.admin_password
        )
        if not await storage.has_user(name):
            await _create(name, password, storage, passwords)
    except Problem as problem:
        raise StartError(f"ADMIN_LOGIN and ADMIN_PASSWORD: {problem}") from None


async def _create(
    name: str, password: str, storage: Storage, passwords: PasswordHasher
) -> None:
    check_new_username(name)
    with passwords.enter_queue() as entry:
        password_hash = await passwords.hash(password, entry)
    with contextlib.suppress(UserExists):  # another service started at the same time
        await storage.create_user(name, password_hash, everything=True)
