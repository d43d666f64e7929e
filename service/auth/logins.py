"""Logins: checks of a name and a password, within the limits on failures.

Identical attempts at the same time share one check, which counts once: programs that
start together with the same right password are not guessing. An attempt never shares a
check that may have read the account before the attempt arrived.
"""

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from service.auth.fair_queue import Client
from service.auth.passwords import PasswordHasher
from service.errors import (
    InvalidCredentials,
    Overloaded,
    TooManyAttempts,
    Unavailable,
)
from service.model import User
from service.storage.client import Storage
from service.telemetry.metrics import Metrics

#: Requests that wait for the check of another request: each occupies a connection.
MAX_SHARING = 256


class Attempt(NamedTuple):
    """A name, a password and where they come from.

    :ivar address: of the client, as the limits count it
    """

    username: str
    password: str
    address: str


class Logins:
    """The checks of attempts; identical ones share a check."""

    def __init__(
        self, storage: Storage, passwords: PasswordHasher, metrics: Metrics
    ) -> None:
        self._storage = storage
        self._passwords = passwords
        self._results = metrics.logins
        self._checks: dict[Attempt, _Check] = {}  # the latest of each attempt
        self._sharing = 0

    async def check(self, attempt: Attempt, has_left: Callable[[], bool]) -> User:
        """Returns the account if name and password are right; counts the result.

        :param has_left: whether the client seems to have closed its connection
        :raises InvalidCredentials: the name is unknown or the password is wrong
        :raises TooManyAttempts: the name or the address has reached its limit
        :raises Overloaded: the queue or the number of shared checks is full
        """
        try:
            user = await self._check(attempt, has_left)
        except InvalidCredentials:
            self._results.add("wrong")
            raise
        except TooManyAttempts:
            self._results.add("throttled")
            raise
        except Overloaded:
            self._results.add("overloaded")
            raise
        self._results.add("ok")
        return user

    async def _check(self, attempt: Attempt, has_left: Callable[[], bool]) -> User:
        check = self._checks.get(attempt)
        if check is None or check.has_begun:
            check = self._start(attempt, check)
        elif self._sharing < MAX_SHARING:
            self._sharing += 1
        else:
            raise Overloaded(
                f"{MAX_SHARING} requests wait for another request's password check, "
                "the limit"
            )
        check.have_left.append(has_left)
        await asyncio.wait([check.task])
        return check.task.result()

    def _start(self, attempt: Attempt, previous: "_Check | None") -> "_Check":
        check = _Check(self._storage, self._passwords, attempt, previous)
        self._checks[attempt] = check
        check.task.add_done_callback(partial(self._end, attempt, check))
        return check

    def _end(self, attempt: Attempt, check: "_Check", task: asyncio.Task[User]) -> None:
        self._sharing -= len(check.have_left) - 1
        if self._checks[attempt] is check:
            del self._checks[attempt]
        if not task.cancelled():
            task.exception()  # retrieved, or asyncio logs it when no request is left


class _Check:
    """A check that identical attempts share; it starts when the previous one ends.

    :ivar has_begun: it may have read the account, so that no attempt may join
    """

    def __init__(
        self,
        storage: Storage,
        passwords: PasswordHasher,
        attempt: Attempt,
        previous: "_Check | None",
    ) -> None:
        self._storage = storage
        self._passwords = passwords
        self.has_begun = False
        self.have_left: list[Callable[[], bool]] = []
        self.task = asyncio.create_task(self._run(attempt, previous))

    async def _run(self, attempt: Attempt, previous: "_Check | None") -> User:
        if previous is not None:
            await asyncio.wait([previous.task])
        username, password, address = attempt
        client = Client(address, self._has_left)
        with self._passwords.enter_queue(client) as entry:
            self.has_begun = True
            user, costs = await self._storage.begin_login(username, address)
            known_hash = user.password_hash if user else None
            try:
                verdict = await self._passwords.check(
                    password, known_hash, costs, entry
                )
            except Overloaded:
                await self._storage.end_login(username, address, succeeded=False)
                raise
        if user is None or not verdict.matches:
            raise InvalidCredentials()
        await self._storage.end_login(username, address, succeeded=True)
        if verdict.new_hash is not None:
            # if the storage is unavailable or full, the next login tries again
            with contextlib.suppress(Unavailable):
                await self._storage.rehash(
                    username, user.password_hash, verdict.new_hash
                )
        return user

    def _has_left(self) -> bool:
        return all(has_left() for has_left in self.have_left)
