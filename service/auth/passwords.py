"""Password hashing with bcrypt, in threads behind a bounded queue.

A check takes the same time for a right password, a wrong one and an unknown name: the
time of the highest cost among the hashes in use. They differ after a change of
`KV_BCRYPT_ROUNDS`; without the padding, an old hash would reveal that its name exists.
"""

import base64
import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import bcrypt

from service.auth.fair_queue import Client, FairQueue, QueueEntry, QueueFull
from service.errors import Overloaded
from service.settings import MIN_BCRYPT_ROUNDS
from service.telemetry.families import Observations

#: A hash occupies a core for about 0.2 s at cost 12. One core, if there are several, is
#: left to the event loop and Tarantool.
THREADS = max(1, (os.cpu_count() or 1) - 1)

#: Entries of the queue. A full one takes 64 * 0.2 s = 13 s, less with many threads:
#: each request to a full queue examines all of it.
MAX_WAITING = min(64 * THREADS, 512)

#: Of hashes that are computed only for the time that they take.
SALT = b"." * 22

#: The client of a hash that no request needs: an account that the service creates.
NO_CLIENT = Client("", lambda: False)


class Verdict(NamedTuple):
    """The result of a check.

    :ivar new_hash: replaces a hash of another cost than `KV_BCRYPT_ROUNDS`
    """

    matches: bool
    new_hash: str | None = None


class PasswordHasher:
    """A pool of threads that hashes and checks passwords of any length.

    All bytes of a password are significant.

    :param rounds: the cost of new hashes
    :param checks: the seconds of each check
    :param workers: processes that share the threads and the limit of the queue
    :param max_waiting: entries of the queue, of all workers together
    """

    def __init__(
        self,
        rounds: int,
        checks: Observations,
        workers: int = 1,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._rounds = rounds
        self._checks = checks
        threads = max(1, THREADS // workers)
        self._limit = threads + max(1, max_waiting // workers)
        self._queue = FairQueue(threads, self._limit, "bcrypt")

    def close(self) -> None:
        """Stops the threads; requests in the queue fail."""
        self._queue.close()

    async def hash(self, password: str, entry: QueueEntry) -> str:
        """Hashes a password.

        :raises Overloaded: the entry was evicted from the queue
        """
        with self._overloaded():
            return await entry.run(partial(_hash, password, self._rounds))

    @contextlib.contextmanager
    def enter_queue(self, client: Client = NO_CLIENT) -> Iterator[QueueEntry]:
        """An entry of the queue, to be taken before the storage is called.

        A request that is refused here costs no call.

        :raises Overloaded: the queue is full
        """
        with self._overloaded(), self._queue.enter(client) as entry:
            yield entry

    async def check(
        self,
        password: str,
        known_hash: str | None,
        costs: Sequence[int],
        entry: QueueEntry,
    ) -> Verdict:
        """Compares a password with a hash, in the same time whatever the result.

        :param known_hash: None for an unknown name, which never matches
        :param costs: the lowest and the highest cost of the hashes in use
        :raises Overloaded: the entry was evicted from the queue
        """
        work = partial(_check, password, known_hash, costs, self._rounds)
        with self._overloaded():
            verdict, seconds = await entry.run(partial(_timed, work))
        self._checks.observe(seconds)
        return verdict

    @contextlib.contextmanager
    def _overloaded(self) -> Iterator[None]:
        try:
            yield
        except QueueFull:
            raise Overloaded(
                f"{self._limit} passwords are being checked, the limit"
            ) from None


def _timed(work: Callable[[], Verdict]) -> tuple[Verdict, float]:
    """The result of the work, and the seconds that it took in its thread."""
    began = time.monotonic()
    return work(), time.monotonic() - began


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
    """The costs of the extra hashes that make a check equally long for each cost.

    A hash takes 2^cost steps and a constant overhead. The extra hashes bring the steps
    to 2^highest, which takes more hashes for a lower cost. Small hashes, of the same
    total for each cost, then make the number of hashes equal.
    """
    doubling = list(range(cost, highest))
    small = [MIN_BCRYPT_ROUNDS + 1] * (highest - cost)
    small += [MIN_BCRYPT_ROUNDS] * 2 * (cost - lowest)
    return doubling + small


def _hash(password: str, rounds: int) -> str:
    return bcrypt.hashpw(_digest(password), bcrypt.gensalt(rounds)).decode()


def _spend(password: str, cost: int) -> None:
    bcrypt.hashpw(_digest(password), b"$2b$%02d$%s" % (cost, SALT))


def _digest(password: str) -> bytes:
    """A digest of 44 bytes: bcrypt accepts no more than 72.

    In base64, because some implementations of bcrypt stop at a zero byte.
    """
    return base64.b64encode(hashlib.sha256(password.encode()).digest())
