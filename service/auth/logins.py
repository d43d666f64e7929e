"""Whether a password is right: asked by somebody, from somewhere, not too often."""

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from service.auth.fair_queue import Client
from service.auth.passwords import PasswordHasher
from service.errors import InvalidCredentials, Overloaded, Unavailable
from service.model import User
from service.storage.client import Storage

#: Requests that wait for a check which another one asked for: each holds a connection.
MAX_SHARING = 256


class Attempt(NamedTuple):
    """:ivar address: that of the client, as the limits count by it"""

    username: str
    password: str
    address: str


class Logins:
    """Checks names and passwords, within the limits.

    Attempts that are the same in all and are made at once share a check, and count
    once: a crowd of programs that start together with one right password is no crowd of
    guesses. None shares a check that has read the account before the attempt came.
    """

    def __init__(self, storage: Storage, passwords: PasswordHasher) -> None:
        self._storage = storage
        self._passwords = passwords
        self._checks: dict[Attempt, _Check] = {}  # the newest of each attempt
        self._sharing = 0

    async def check(self, attempt: Attempt, has_left: Callable[[], bool]) -> User:
        """The account, when name and password are right.

        :param has_left: whether the client seems to have left
        :raises InvalidCredentials, TooManyAttempts, Overloaded:
        """
        check = self._checks.get(attempt)
        if check is None or check.has_begun:
            check = self._start(attempt, check)
        elif self._sharing < MAX_SHARING:
            self._sharing += 1
        else:
            raise Overloaded(f"{MAX_SHARING} requests try what others do, the limit")
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
            task.exception()  # asyncio complains when nobody is left to look at it


class _Check:
    """The check of an attempt, for all who share it, when the previous one has ended.

    :ivar has_begun: it may have read the account
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
        with self._passwords.place(client) as place:
            self.has_begun = True
            user, costs = await self._storage.begin_login(username, address)
            known_hash = user.password_hash if user else None
            try:
                verdict = await self._passwords.check(
                    password, known_hash, costs, place
                )
            except Overloaded:
                await self._storage.end_login(username, address, succeeded=False)
                raise
        if user is None or not verdict.matches:
            raise InvalidCredentials()
        await self._storage.end_login(username, address, succeeded=True)
        if verdict.new_hash is not None:
            # where there is no room for it now, the next login tries again
            with contextlib.suppress(Unavailable):
                await self._storage.rehash(
                    username, user.password_hash, verdict.new_hash
                )
        return user

    def _has_left(self) -> bool:
        return all(has_left() for has_left in self.have_left)
