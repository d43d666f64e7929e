"""The administrator's account, which the settings name."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator

from service.auth.credentials import (
    Credentials,
    check_credentials,
    check_new_username,
)
from service.auth.passwords import PasswordHasher
from service.errors import Problem, StartError, Unavailable, UserExists
from service.settings import Settings
from service.storage.client import Storage

log = logging.getLogger(__name__)

#: Seconds between two attempts to create the account.
RETRY_INTERVAL = 0.5


class Administrator:
    """The account of `ADMIN_LOGIN`, which is created unless it exists.

    Without a leader, for example, that is not possible. Then the service starts all the
    same, and creates the account later.

    :raises StartError: the name or the password breaks a limit
    """

    def __init__(
        self, settings: Settings, storage: Storage, passwords: PasswordHasher
    ) -> None:
        self._storage = storage
        self._passwords = passwords
        self._account: Credentials | None = None  # until it is known to exist
        self._task: asyncio.Task[None] | None = None
        if settings.admin_login:
            with _start_errors():
                self._account = check_credentials(
                    settings.admin_login, settings.admin_password
                )

    @property
    def is_missing(self) -> bool:
        """Whether the account has yet to be created."""
        return self._account is not None

    def is_reserved(self, username: str) -> bool:
        """Whether a name is that of the account which has yet to be created.

        :param username: as `check_credentials` returns it
        """
        return self._account is not None and self._account.username == username

    async def open(self) -> None:
        """Creates the account; tries again in the background while that is impossible.

        :raises StartError: the storage refuses the account
        """
        if self._account is None:
            return
        try:
            with _start_errors():
                await self._ensure(self._account)
        except Unavailable as problem:
            log.warning(
                "the account of ADMIN_LOGIN cannot be created yet, "
                "the service tries again: %s",
                problem,
            )
            self._task = asyncio.create_task(self._retry(self._account))

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _retry(self, account: Credentials) -> None:
        while self.is_missing:
            await asyncio.sleep(RETRY_INTERVAL)
            try:
                with contextlib.suppress(Unavailable):
                    await self._ensure(account)
            except Problem as problem:
                log.error("ADMIN_LOGIN and ADMIN_PASSWORD: %s", problem)
                return
            except Exception:
                log.exception("the account of ADMIN_LOGIN cannot be created")
                return
        log.info("the account of ADMIN_LOGIN exists")

    async def _ensure(self, account: Credentials) -> None:
        if not await self._storage.has_user(account.username):
            await self._create(account)
        self._account = None

    async def _create(self, account: Credentials) -> None:
        check_new_username(account.username)
        with self._passwords.enter_queue() as entry:
            password_hash = await self._passwords.hash(account.password, entry)
        # another service may have been started at the same time
        with contextlib.suppress(UserExists):
            await self._storage.create_user(
                account.username, password_hash, everything=True
            )


@contextlib.contextmanager
def _start_errors() -> Iterator[None]:
    """Problems that waiting does not solve end the start."""
    try:
        yield
    except Unavailable:
        raise
    except Problem as problem:
        raise StartError(f"ADMIN_LOGIN and ADMIN_PASSWORD: {problem}") from None
