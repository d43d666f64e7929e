"""bcrypt, off the event loop, in a bounded number of threads with a bounded queue.

To check a password takes the same time whatever comes of it, and whatever the cost of
the hash: that of the highest in use. `KV_BCRYPT_ROUNDS` may have been changed, and a
hash from before must not tell that its name is somebody's.
"""

import base64
import contextlib
import hashlib
import os
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import bcrypt

from service.auth.fair_queue import Client, FairQueue, Place, QueueFull
from service.errors import Overloaded

#: A hash takes a core for about 0.2 s at cost 12; where there are several, one is left
#: to the event loop and Tarantool.
THREADS = max(1, (os.cpu_count() or 1) - 1)

#: A full queue is 64 * 0.2 s = 13 s long; shorter with many threads, because whoever
#: comes to a full one has all of it looked at.
MAX_WAITING = min(64 * THREADS, 512)

#: The lowest that bcrypt takes.
MIN_COST = 4

#: For hashes that are made for the time they take.
SALT = b"." * 22

#: Who waits when the service itself makes an account.
OURSELVES = Client("", lambda: False)


class Verdict(NamedTuple):
    """:ivar new_hash: to keep in the place of one whose cost is another than today's"""

    matches: bool
    new_hash: str | None = None


class PasswordHasher:
    """Hashes and checks passwords of any length, all of their bytes significant.

    :param workers: among which the threads and the queue are divided
    """

    def __init__(self, rounds: int, workers: int = 1) -> None:
        self._rounds = rounds
        threads = max(1, THREADS // workers)
        self._limit = threads + max(1, MAX_WAITING // workers)
        self._queue = FairQueue(threads, self._limit, "bcrypt")

    def close(self) -> None:
        self._queue.close()

    async def hash(self, password: str, place: Place) -> str:
        """:raises Overloaded: the place went to somebody else"""
        with self._overloaded():
            return await place.run(partial(_hash, password, self._rounds))

    @contextlib.contextmanager
    def place(self, client: Client = OURSELVES) -> Iterator[Place]:
        """Taken before anything else is asked: a full queue costs nobody else a thing.

        :raises Overloaded: the queue is full
        """
        with self._overloaded(), self._queue.place(client) as place:
            yield place

    async def check(
        self,
        password: str,
        known_hash: str | None,
        costs: Sequence[int],
        place: Place,
    ) -> Verdict:
        """Whether the password is the hash's; for None, no, after the same time.

        :param costs: the lowest and the highest of the hashes in use
        :raises Overloaded: the place went to somebody else
        """
        work = partial(_check, password, known_hash, costs, self._rounds)
        with self._overloaded():
            return await place.run(work)

    @contextlib.contextmanager
    def _overloaded(self) -> Iterator[None]:
        try:
            yield
        except QueueFull:
            raise Overloaded(
                f"{self._limit} passwords are being checked, the limit"
            ) from None


def _check(
    password: str, known_hash: str | None, costs: Sequence[int], rounds: int
) -> Verdict:
    lowest, highest = min([rounds, *costs]), max([rounds, *costs])
    if known_hash is None:
        cost, matches = highest, False
        _spend(password, cost)
    else:
        cost = int(known_hash.split("$")[2])
        matches = bcrypt.checkpw(_digest(password), known_hash.encode())
    for more in _padding(cost, lowest, highest):
        _spend(password, more)
    if matches and cost != rounds:
        return Verdict(matches, _hash(password, rounds))
    return Verdict(matches)


def _padding(cost: int, lowest: int, highest: int) -> list[int]:
    """What to hash at after one hash at a cost, to make it the same for each cost.

    A hash takes 2^cost steps, and some for itself. So as many more are made that they
    come to 2^highest steps, which takes the more hashes the lower the cost is; then as
    many small ones that in the end the same number has been made, with the same steps.
    """
    doubling = list(range(cost, highest))
    small = [MIN_COST + 1] * (highest - cost) + [MIN_COST] * 2 * (cost - lowest)
    return doubling + small


def _hash(password: str, rounds: int) -> str:
    return bcrypt.hashpw(_digest(password), bcrypt.gensalt(rounds)).decode()


def _spend(password: str, cost: int) -> None:
    bcrypt.hashpw(_digest(password), b"$2b$%02d$%s" % (cost, SALT))


def _digest(password: str) -> bytes:
    """44 bytes for a password of any length: bcrypt takes no more than 72.

    Base64, because bcrypt of other implementations stops at a zero byte.
    """
    return base64.b64encode(hashlib.sha256(password.encode()).digest())
