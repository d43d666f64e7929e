"""The client of Tarantool: a method for each procedure of `kv.v1`.

Every method raises `StorageUnavailable` when Tarantool is not connected or does not
answer in time, `NoQuorum` when its nodes see no majority, and `StorageFull` when its
memory or its disk is full.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from service.errors import (
    ConditionFailed,
    RevisionCompacted,
    StorageUnavailable,
    TooManyAttempts,
    before_write,
)
from service.json_text import fits
from service.model import (
    Account,
    AllChanges,
    Caller,
    Change,
    Changes,
    Condition,
    Grant,
    IdempotencyKey,
    Listing,
    ListQuery,
    User,
)
from service.settings import Address
from service.storage.access_tokens import AccessTokens
from service.storage.administration import Administration
from service.storage.calls import Calls
from service.storage.coalescer import Coalescer
from service.storage.history import History
from service.storage.listing import list_arguments, listing_of
from service.storage.nodes import Nodes
from service.storage.reads import (
    MAX_COALESCED_BYTES,
    MAX_COALESCED_KEYS,
    MAX_COALESCED_REQUESTS,
    Reads,
)
from service.storage.refusals import too_old
from service.storage.transfers import Transfers
from service.telemetry.metrics import Metrics
from service.telemetry.tracing import Tracing

SmallPut = tuple[Caller, Sequence[str], Sequence[str]]


class Storage:
    """The client: calls the procedures of `kv.v1` on the leader.

    :param failover_wait: seconds that a call waits for the next leader
    :param stale_limit: the largest age of stale data, in seconds
    :ivar access_tokens: the procedures of access tokens
    :ivar administration: the calls of administrators
    :ivar history: the procedures for the history of a key
    :ivar reads: the procedures that read keys
    :ivar transfers: the procedures of exports and imports
    """

    def __init__(
        self,
        addresses: Sequence[Address],
        user: str,
        password: str,
        failover_wait: float,
        stale_limit: float,
        metrics: Metrics,
        tracing: Tracing | None = None,
    ) -> None:
        self._nodes = Nodes(addresses, user, password, failover_wait, metrics)
        self._stale_limit = stale_limit
        calls = Calls(self._nodes, stale_limit, metrics, tracing)
        self.access_tokens = AccessTokens(calls)
        self._call, self._call_any = calls.call, calls.call_any
        self.administration = Administration(calls)
        self.transfers = Transfers(calls)
        self.history = History(calls)
        coalesced = metrics.coalesced.child()
        self.reads = Reads(calls, coalesced)
        self._puts = Coalescer(self._put_each, MAX_COALESCED_REQUESTS, coalesced)

    async def open(self, max_wait: float) -> None:
        """Connects; tries again for `max_wait` seconds.

        :raises StartError: Tarantool cannot be reached
        """
        await self._nodes.open(max_wait)

    async def close(self) -> None:
        """Disconnects."""
        await self._nodes.close()

    async def check_ready(self) -> None:
        """Checks that Tarantool answers and has the procedures of `kv.v1`.

        In a cluster: that a leader accepts calls, or has done lately.

        :raises Unavailable: why not
        """
        if self._nodes.has_elections:
            self._nodes.check_leader()
        else:
            await self._call("kv.v1.status")

    async def check_ready_for_stale_reads(self) -> None:
        """Checks that an instance has data within the limit of stale reads.

        :raises Unavailable: why none has
        """
        if not self._nodes.has_elections:
            await self.check_ready()
        elif (lag := self._nodes.lowest_lag) is None:
            raise StorageUnavailable()
        elif lag > self._stale_limit:
            raise too_old(lag, self._stale_limit)

    async def has_user(self, username: str) -> bool:
        """Checks whether an account exists."""
        (found,) = await self._call("kv.v1.has_user", username)
        return bool(found)

    async def create_user(self, username: str, password_hash: str) -> None:
        """Creates an account with the default grants.

        :raises UserExists: the name is taken
        """
        await self._call("kv.v1.create_user", username, password_hash, writes=True)

    async def begin_sign_up(self, address: str) -> None:
        """Counts a sign-up from an address.

        :raises TooManyAttempts: the address has reached its limit
        """
        with before_write():
            (wait,) = await self._call("kv.v1.begin_sign_up", address)
        if wait is not None:
            raise TooManyAttempts(wait)

    async def begin_login(
        self, username: str, address: str
    ) -> tuple[User | None, list[int]]:
        """Counts a failed login until `end_login`; returns the account, if it exists,
        and the costs that `PasswordHasher.check` requires.

        :raises TooManyAttempts: the name or the address has reached its limit
        """
        wait, *known = await self._call("kv.v1.begin_login", username, address)
        if wait is not None:
            raise TooManyAttempts(wait)
        costs, password_hash, *rest = known
        user = User(password_hash, *rest) if password_hash is not None else None
        return user, costs

    async def end_login(self, username: str, address: str, *, succeeded: bool) -> None:
        """Removes the failure that `begin_login` counted.

        :param succeeded: removes the other failures of the name, too
        """
        await self._call("kv.v1.end_login", username, address, succeeded)

    async def rehash(self, username: str, known_hash: str, new_hash: str) -> None:
        """Replaces the hash of a password, unless the password has been changed."""
        await self._call("kv.v1.rehash", username, known_hash, new_hash, writes=True)

    async def account(self, caller: Caller) -> Account:
        """Reads the caller's account.

        :raises TokenRevoked: the token is no longer valid
        """
        (found,) = await self._call("kv.v1.describe_caller", caller)
        return Account(
            found["username"],
            found["created_at"],
            [Grant(**grant) for grant in found["grants"]],
            found["token_expires_at"],
            bool(found["administrator"]),
            found["access_token"],
        )

    async def check_session(self, caller: Caller) -> None:
        """Checks that the caller may change its account and its tokens.

        :raises TokenRevoked: the token is no longer valid
        :raises SessionRequired: the caller has an access token
        """
        await self._call("kv.v1.check_session", caller)

    async def end_tokens(self, caller: Caller) -> None:
        """Revokes every token of the caller's account, except access tokens.

        :raises TokenRevoked: the token is no longer valid
        :raises SessionRequired: the caller has an access token
        """
        await self._call("kv.v1.end_tokens", caller, writes=True)

    async def change_password(
        self, caller: Caller, password_hash: str, *, keeps_access_tokens: bool
    ) -> Caller:
        """Sets a password and revokes every token; returns the caller of a new token.

        :param keeps_access_tokens: whether access tokens stay valid
        :raises TokenRevoked: the token is no longer valid
        :raises SessionRequired: the caller has an access token
        """
        (version,) = await self._call(
            "kv.v1.change_password",
            caller,
            password_hash,
            keeps_access_tokens,
            writes=True,
        )
        return Caller(caller.username, version)

    async def delete_user(self, caller: Caller) -> None:
        """Deletes the caller's account.

        :raises TokenRevoked: the token is no longer valid
        :raises SessionRequired: the caller has an access token
        """
        await self._call("kv.v1.delete_user", caller, writes=True)

    async def put(
        self,
        caller: Caller,
        keys: Sequence[str],
        values: Sequence[str],
        *,
        conditions: Sequence[Condition] = (),
        ttl: float | None = None,
        idempotency_key: IdempotencyKey | None = None,
    ) -> int:
        """Writes all keys or none; returns the revision.

        :param values: JSON texts, one for each key
        :param ttl: seconds until all these keys expire
        :raises TokenRevoked: the token is no longer valid
        :raises NotGranted: the account may not write a key
        :raises ConditionFailed: a condition does not hold
        :raises IdempotencyConflict: the idempotency key belongs to another request
        """
        options = _options(conditions=conditions, ttl=ttl, retry=idempotency_key)
        if not options and _can_be_coalesced(keys, values):
            revision = await self._puts.submit((caller, keys, values))
            if revision is not None:
                return revision
        result = await self._call(
            "kv.v1.put",
            caller,
            keys,
            values,
            *options,
            writes=True,
            is_repeatable=idempotency_key is not None,
        )
        return _revision(result)

    async def write(
        self,
        caller: Caller,
        keys: Sequence[str],
        values: Sequence[str],
        deleted: Sequence[str] = (),
        *,
        conditions: Sequence[Condition] = (),
        ttl: float | None = None,
        ttls: Sequence[float | None] = (),
        idempotency_key: IdempotencyKey | None = None,
    ) -> tuple[int, int]:
        """Writes keys and deletes others, all or none.

        :param values: JSON texts, one for each key to write
        :param deleted: the keys to delete, each once; one that does not exist is no
            error
        :param ttl: seconds until all keys to write expire
        :param ttls: one for each key to write, in place of `ttl`; None: it does not
            expire
        :return: the revision, and the number of keys that were deleted
        :raises TokenRevoked: the token is no longer valid
        :raises NotGranted: the account may not write a key
        :raises ConditionFailed: a condition does not hold
        :raises IdempotencyConflict: the idempotency key belongs to another request
        """
        options = _options(
            conditions=conditions, ttl=ttl, ttls=ttls, retry=idempotency_key
        )
        result = await self._call(
            "kv.v1.write",
            caller,
            [*keys, *deleted],
            [*values, *[None] * len(deleted)],
            *options,
            writes=True,
            is_repeatable=idempotency_key is not None,
        )
        return _revision(result), result[1]

    async def delete(
        self,
        caller: Caller,
        keys: Sequence[str],
        *,
        conditions: Sequence[Condition] = (),
        idempotency_key: IdempotencyKey | None = None,
    ) -> tuple[int, int]:
        """Deletes the keys that exist; returns the revision and their number.

        :param keys: without duplicates
        :raises TokenRevoked: the token is no longer valid
        :raises NotGranted: the account may not write a key
        :raises ConditionFailed: a condition does not hold
        :raises IdempotencyConflict: the idempotency key belongs to another request
        """
        options = _options(conditions=conditions, retry=idempotency_key)
        result = await self._call(
            "kv.v1.delete",
            caller,
            keys,
            *options,
            writes=True,
            is_repeatable=idempotency_key is not None,
        )
        return _revision(result), result[1]

    async def increment(
        self,
        caller: Caller,
        deltas: Mapping[str, int],
        *,
        idempotency_key: IdempotencyKey | None = None,
    ) -> tuple[int, list[str]]:
        """Adds to all counters or none; returns the revision and their new values.

        :param deltas: integers of 64 bits
        :raises TokenRevoked: the token is no longer valid
        :raises NotGranted: the account may not write a key
        :raises NotACounter: a value is no integer of 64 bits
        :raises CounterOverflow: a sum does not fit into 64 bits
        :raises IdempotencyConflict: the idempotency key belongs to another request
        """
        keys, added = list(deltas), list(deltas.values())
        options = _options(retry=idempotency_key)
        revision, values = await self._call(
            "kv.v1.increment",
            caller,
            keys,
            added,
            *options,
            writes=True,
            is_repeatable=idempotency_key is not None,
        )
        return revision, values

    async def list_keys(self, caller: Caller, page: ListQuery, size: int) -> Listing:
        """Reads a page of the keys with a prefix that the account may read.

        :param size: bytes of the page; its first entry may be larger
        :raises TokenRevoked: the token is no longer valid
        :raises NotGranted: the account may not read any key with the prefix
        """
        args = list_arguments(page, size)
        result = await self._call("kv.v1.list_page", caller, *args, size=size)
        return listing_of(result)

    async def list_stale(
        self, caller: Caller, page: ListQuery, size: int
    ) -> tuple[float, Listing]:
        """Reads a page of the confirmed keys of any node; returns its age, too.

        :raises Stale: no node has confirmed data within the limit of their age
        :raises TokenRevoked: the token is no longer valid
        :raises NotGranted: the account may not read any key with the prefix
        """
        args = list_arguments(page, size)
        age, *result = await self._call_any(
            "kv.v1.list_page_stale", caller, *args, size=size
        )
        return age, listing_of(result)

    async def changes(
        self, caller: Caller, since: int | None, prefix: str, max_bytes: int
    ) -> Changes:
        """Reads a page of the change log, of the keys that the account may read.

        :param since: the changes after this revision; None: after the newest one
        :param max_bytes: of the changes examined; the first one may be larger
        :raises TokenRevoked: the token is no longer valid
        :raises NotGranted: the account may not read any key with the prefix
        :raises RevisionCompacted: the change log begins after `since`
        :raises RevisionAhead: the store has not reached `since`
        :raises NotFound: there is no change log
        """
        page = await self._call(
            "kv.v1.read_changes", caller, since, prefix, max_bytes, size=max_bytes
        )
        return Changes(*_page(page))

    async def follow(
        self, since: int, epoch: int, max_bytes: int, wait: float
    ) -> AllChanges:
        """Reads a page of the change log, of all keys, and the accounts that changed.

        :param since: the changes after this revision
        :param epoch: the accounts that changed after this epoch
        :param wait: seconds to wait in Tarantool for the first change
        :raises RevisionCompacted: the change log begins after `since`
        :raises RevisionAhead: the store has not reached `since`
        :raises NotFound: there is no change log
        """
        page = await self._call(
            "kv.v1.follow_changes", since, epoch, max_bytes, wait, size=max_bytes
        )
        return AllChanges(*_page(page))

    async def _put_each(self, puts: list[SmallPut]) -> list[int | None]:
        """Writes each on its own; None for one that needs a call of its own.

        That one has written nothing.
        """
        revisions: list[int | None]
        (revisions,) = await self._call(
            "kv.v1.put_each", puts, writes=True, is_coalesced=True
        )
        return revisions


def _can_be_coalesced(keys: Sequence[str], values: Sequence[str]) -> bool:
    return len(keys) <= MAX_COALESCED_KEYS and fits(values, MAX_COALESCED_BYTES)


def _options(**given: Any) -> list[dict[str, Any]]:
    """The last argument of a write, omitted when it is empty."""
    options = {name: value for name, value in given.items() if value}
    return [options] if options else []


def _revision(result: list[Any]) -> int:
    revision: int | None = result[0]
    if revision is None:
        _, keys, revisions = result
        raise ConditionFailed(dict(zip(keys, revisions, strict=True)))
    return revision


def _page(page: list[Any]) -> list[Any]:
    changes, through, *rest = page
    if changes is None:
        raise RevisionCompacted(oldest=through)
    return [[Change(*change[:3]) for change in changes], through, *rest]
