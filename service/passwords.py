"""bcrypt, off the event loop, in a bounded number of threads with a bounded queue."""

import asyncio
import base64
import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import bcrypt

from service.errors import Applied, Overloaded

T = TypeVar("T")

#: A hash takes a core for about 0.2 s at cost 12; where there are several, one is left
#: to the event loop and Tarantool.
THREADS = max(1, (os.cpu_count() or 1) - 1)

#: A full queue is 64 * 0.2 s = 13 s long.
MAX_WAITING = 64 * THREADS


class PasswordHasher:
    """Hashes and verifies passwords of any length, all of their bytes significant."""

    def __init__(self, rounds: int) -> None:
        self._rounds = rounds
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="bcrypt")
        self._under_way = 0
        self._nobody = ""

    async def open(self) -> None:
        """Makes the hash that an unknown user's password is compared with."""
        self._nobody = await self.hash(os.urandom(16).hex())

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)

    async def hash(self, password: str) -> str:
        """:raises Overloaded: the queue is full"""
        return await self._run(self._hash, password, applied="no")

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether the password is the hash's; for None, no, after the same time.

        :raises Overloaded: the queue is full
        """
        known = password_hash or self._nobody
        matches = await self._run(_matches, password, known)
        return matches and password_hash is not None

    async def _run(
        self, work: Callable[..., T], *args: object, applied: Applied | None = None
    ) -> T:
        if self._under_way >= THREADS + MAX_WAITING:
            raise Overloaded(
                f"{self._under_way} passwords are being checked, the limit",
                applied=applied,
            )
        self._under_way += 1
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, work, *args)
        finally:
            self._under_way -= 1

    def _hash(self, password: str) -> str:
        salt = bcrypt.gensalt(self._rounds)
        return bcrypt.hashpw(_digest(password), salt).decode()


def _matches(password: str, password_hash: str) -> bool:
    return bcrypt.checkpw(_digest(password), password_hash.encode())


def _digest(password: str) -> bytes:
    """44 bytes for a password of any length: bcrypt takes no more than 72.

    Base64, because bcrypt of other implementations stops at a zero byte.
    """
    return base64.b64encode(hashlib.sha256(password.encode()).digest())
