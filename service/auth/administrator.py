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

#: Seconds between two attempts while the storage is unavailable.
RETRY_INTERVAL = 0.5


class Administrator:
    """The account of `ADMIN_LOGIN`, which is created as an administrator.

    If it exists, it becomes an administrator if `ADMIN_PASSWORD` is its password:
    otherwise somebody else may have registered the name. It stays as it is if it is
    disabled: the service does not undo what an operator has done.

    Without a leader, for example, none of this is possible. Then the service starts all
    the same, and does it later. Several services may do it at the same time.

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
                "the account of ADMIN_LOGIN cannot be set up yet, "
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
                    if await self._ensure(account):
                        log.info("the account of ADMIN_LOGIN is set up")
            except Problem as problem:
                log.error("ADMIN_LOGIN and ADMIN_PASSWORD: %s", problem)
                return
            except Exception:
                log.exception("the account of ADMIN_LOGIN cannot be set up")
                return

    async def _ensure(self, account: Credentials) -> bool:
        """Creates the account, or makes it an administrator, unless it is one.

        :return: whether it is an enabled administrator now; a warning says why not
        """
        is_set_up = None
        while is_set_up is None:
            is_set_up = await self._settle(account)
        self._account = None
        return is_set_up

    async def _settle(self, account: Credentials) -> bool | None:
        """Attempts that once; None: the account has changed in the meantime."""
        found = await self._storage.administration.find_administrator(account.username)
        if found is None:
            return await self._create(account)
        if found.is_disabled:
            log.warning(
                "the account of ADMIN_LOGIN is disabled: an operator may enable it"
            )
            return False
        if found.is_administrator:
            return True
        if not await self._is_password(account.password, found.password_hash):
            log.warning(
                "the account of ADMIN_LOGIN does not become an administrator: "
                "ADMIN_PASSWORD is not its password, somebody else may have registered "
                "the name"
            )
            return False
        is_done = await self._storage.administration.confirm_administrator(
            account.username, found.password_hash
        )
        return True if is_done else None

    async def _create(self, account: Credentials) -> bool | None:
        check_new_username(account.username)
        with self._passwords.enter_queue() as entry:
            password_hash = await self._passwords.hash(account.password, entry)
        try:
            await self._storage.administration.create_administrator(
                account.username, password_hash
            )
        except UserExists:  # another service may have been started at the same time
            return None
        return True

    async def _is_password(self, password: str, known_hash: str) -> bool:
        with self._passwords.enter_queue() as entry:
            verdict = await self._passwords.check(password, known_hash, (), entry)
        return verdict.matches


@contextlib.contextmanager
def _start_errors() -> Iterator[None]:
    """Problems that waiting does not solve end the start."""
    try:
        yield
    except Unavailable:
        raise
    except Problem as problem:
        raise StartError(f"ADMIN_LOGIN and ADMIN_PASSWORD: {problem}") from None
