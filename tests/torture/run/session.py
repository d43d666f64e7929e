"""A client that records its requests and their replies."""

import asyncio
import contextlib
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

import aiohttp
import msgspec
from yarl import URL

from tests.torture.history import CHANGING, Call, Operation, Outcome, username_of

#: Seconds: the service times out on Tarantool after five, and reports it.
TIMEOUT = aiohttp.ClientTimeout(total=8.0)

#: Seconds in which a request is made again, and between two times.
RETRY_TIMEOUT, PAUSE = 10.0, 0.2

#: Seconds for a new account and its token: passwords are hashed when no other process
#: wants the processor.
ENTER_TIMEOUT = 300.0

#: Of every account.
PASSWORD = "password"

#: Characters of a value that are recorded as they are.
KEPT = 64

#: JSON texts by key.
Texts = Mapping[str, str]


class Body(msgspec.Struct):
    """The members of all replies."""

    data: dict[str, msgspec.Raw] = {}
    revisions: dict[str, int] = {}
    next: str | None = None
    deleted: int | None = None
    code: str | None = None
    applied: str | None = None

    @property
    def texts(self) -> dict[str, str]:
        return {key: kept(bytes(raw).decode()) for key, raw in self.data.items()}


class Answer(NamedTuple):
    """
    :ivar status: None, there was none
    :ivar body: of a refusal, and of a reply that is one JSON object
    """

    start: float
    end: float
    outcome: Outcome
    status: int | None = None
    revision: int | None = None
    body: Body = Body()
    headers: Mapping[str, str] = {}
    raw: bytes = b""


def kept(value: str) -> str:
    """The value, or what stands for it in the records: equal for equal ones."""
    if len(value) <= KEPT:
        return value
    return f'"{hashlib.sha256(value.encode()).hexdigest()}"'


def object_of(texts: Texts) -> str:
    members = (f"{json.dumps(key)}:{value}" for key, value in texts.items())
    return "{" + ",".join(members) + "}"


class Session:
    """Makes one request at a time, each to any of the workers.

    :param operations: where they are recorded, as they end
    :param grants: rights by prefix of the account, None: everything; as soon as there
        is an access token, those of the token
    :ivar newest: the newest revision that a reply had
    :ivar reads_stale: its reads of keys may be answered by any node
    """

    reads_stale = False

    def __init__(
        self,
        number: int,
        http: aiohttp.ClientSession,
        urls: Sequence[str],
        operations: list[Operation],
        random: Random,
        grants: dict[str, str] | None = None,
    ) -> None:
        self.number = number
        self.grants = grants
        self.newest = 0
        self.headers: dict[str, str] = {}
        self.http = http
        self.urls = urls
        self._operations = operations
        self._random = random

    @property
    def username(self) -> str:
        return username_of(self.number)

    async def enter(self) -> None:
        """Registers a new account, and logs in."""
        async with asyncio.timeout(ENTER_TIMEOUT):
            # 409: of an attempt whose outcome was unknown
            await self._answered("/api/register", {200, 409})
            login = await self._answered("/api/login", {200})
        self.headers = {"Authorization": f"Bearer {login['token']}"}

    async def take_access_token(self, grants: dict[str, str] | None) -> None:
        """Creates an access token, which is used from now on.

        :param grants: of the token, within those of the account; None: all of them
        """
        asked: dict[str, object] = {"name": "a program"}
        if grants is not None:
            asked["grants"] = [
                {"prefix": prefix, "rights": rights}
                for prefix, rights in grants.items()
            ]
            self.grants = grants
        async with asyncio.timeout(ENTER_TIMEOUT):
            # one whose reply was lost is not used
            made = await self._answered("/api/tokens", {200}, asked)
        self.headers = {"Authorization": f"Bearer {made['token']}"}

    async def _answered(
        self, path: str, statuses: set[int], asked: Mapping[str, object] | None = None
    ) -> dict[str, str]:
        """Repeats a request that a busy machine does not serve in time.

        There is nothing to judge yet.
        """
        account: dict[str, object] = {"password": PASSWORD}
        account |= {"username": self.username} if asked is None else asked
        url = f"{self.urls[0]}{path}"
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with self.http.post(
                    url, json=account, headers=self.headers
                ) as reply:
                    if reply.status != 503:
                        assert reply.status in statuses, await reply.text()
                        body: dict[str, str] = await reply.json()
                        return body
            await asyncio.sleep(PAUSE)

    async def write(
        self,
        values: Texts,
        *,
        conditions: Mapping[str, int | None] | None = None,
        ttl: float | None = None,
        ttls: Mapping[str, float | None] | None = None,
        delete: Sequence[str] = (),
        retry: str | None = None,
        url: str | None = None,
    ) -> Operation:
        """
        :param ttl: of the keys that `ttls` does not have
        :param delete: other keys
        :param url: of a worker, if not any
        """
        members = {"data": object_of(values)}
        if delete:
            members["delete"] = json.dumps(delete)
        if ttls is not None:
            members["ttls"] = json.dumps(ttls)
        if conditions is not None:
            members["if"] = json.dumps(conditions)
        if ttl is not None:
            members["ttl"] = json.dumps(ttl)
        return await self._change(
            "write",
            object_of(members),
            retry,
            url,
            keys=[*values, *delete],
            values=[*map(kept, values.values()), *(None for _ in delete)],
            conditions=dict(conditions or {}),
            ttls=_lives(values, delete, ttl, ttls or {}),
        )

    async def delete(self, keys: Sequence[str], retry: str | None = None) -> Operation:
        return await self._change(
            "delete", json.dumps({"keys": keys}), retry, keys=list(keys)
        )

    async def increment(
        self, deltas: Mapping[str, int], retry: str | None = None
    ) -> Operation:
        return await self._change(
            "increment",
            json.dumps({"data": deltas}),
            retry,
            keys=list(deltas),
            values=[str(delta) for delta in deltas.values()],
        )

    async def read(
        self, keys: Sequence[str], *, revisions: bool = False, url: str | None = None
    ) -> Operation:
        """:param url: of a worker, if not any"""
        asked = {"keys": keys, "revisions": revisions}
        if self.reads_stale:
            asked["stale"] = True
        answer = await self.ask("read", json.dumps(asked), url=url)
        found, by_key = answer.body.texts, answer.body.revisions
        is_ok = answer.outcome == "ok"
        return self.record(
            "read",
            answer,
            keys=list(keys),
            found=[found.get(key) for key in keys] if is_ok else None,
            revisions=[by_key.get(key) for key in keys]
            if is_ok and revisions
            else None,
        )

    async def list_keys(
        self, prefix: str, limit: int = 1000
    ) -> tuple[dict[str, str], int | None]:
        """Page by page; what all of them returned, and the revision of the last.

        :returns: no revision: a page was not returned
        """
        all_found: dict[str, str] = {}
        after: str | None = None
        while True:
            asked = {"prefix": prefix, "after": after, "limit": limit, "values": True}
            answer = await self.ask("list", json.dumps(asked))
            found = answer.body.texts
            page = self.record(
                "list",
                answer,
                prefix=prefix,
                after=after,
                next=answer.body.next,
                keys=list(found),
                found=list(found.values()),
            )
            all_found |= found
            after = page.next
            if after is None:
                return all_found, page.revision

    async def _change(
        self,
        call: Call,
        body: str,
        retry: str | None,
        url: str | None = None,
        **asked: Any,
    ) -> Operation:
        """Makes a change; retries it until it is answered, given an Idempotency-Key."""
        deadline = time.monotonic() + RETRY_TIMEOUT
        while True:
            start = time.monotonic()
            try:
                answer = await self.ask(call, body, retry, url)
            except asyncio.CancelledError:
                lost = Answer(start, time.monotonic(), "unknown")
                self.record(call, lost, retry=retry, **asked)
                raise
            found = answer.body.texts
            operation = self.record(
                call,
                answer,
                retry=retry,
                found=[found[key] for key in asked["keys"]] if found else None,
                deleted=answer.body.deleted,
                **asked,
            )
            is_answered = operation.status not in (None, 503)
            if retry is None or is_answered or time.monotonic() > deadline:
                return operation
            await asyncio.sleep(PAUSE)

    def record(self, call: Call, answer: Answer, **more: Any) -> Operation:
        operation = Operation(
            client=self.number,
            call=call,
            start=answer.start,
            end=answer.end,
            outcome=answer.outcome,
            status=answer.status,
            code=answer.body.code,
            revision=answer.revision,
            grants=self.grants,
            **more,
        )
        self._operations.append(operation)
        self.newest = max(self.newest, operation.revision or 0)
        return operation

    async def ask(
        self,
        call: Call,
        body: str = "",
        retry: str | None = None,
        url: str | None = None,
        *,
        path: str | None = None,
    ) -> Answer:
        """
        :param body: of a POST; without one it is a GET
        :param path: that of the call, unless it is another one
        """
        method = "POST" if body else "GET"
        target = (url or self._random.choice(self.urls)) + (path or f"/api/{call}")
        headers = self.headers | ({"Idempotency-Key": retry} if retry else {})
        # what reads nothing changes nothing
        lost: Outcome = "unknown" if call in CHANGING else "failed"
        start = time.monotonic()
        try:
            async with self.http.request(
                method,
                URL(target, encoded=True),
                data=body or None,
                headers=headers,
                timeout=TIMEOUT,
            ) as response:
                raw, status = await response.read(), response.status
        except aiohttp.ClientConnectorError:
            return Answer(start, time.monotonic(), "failed")
        except (aiohttp.ClientError, TimeoutError, ConnectionError):
            return Answer(start, time.monotonic(), lost)
        end = time.monotonic()
        given = response.headers
        if status == 200:
            revision = int(given["KV-Revision"]) if "KV-Revision" in given else None
            known = Body() if path else msgspec.json.decode(raw, type=Body)
            return Answer(start, end, "ok", status, revision, known, given, raw)
        refusal = msgspec.json.decode(raw, type=Body)
        refused = status < 500 or refusal.applied == "no"
        outcome: Outcome = "failed" if refused else lost
        return Answer(start, end, outcome, status, None, refusal, given, raw)


def _lives(
    values: Texts,
    delete: Sequence[str],
    ttl: float | None,
    ttls: Mapping[str, float | None],
) -> list[float | None] | None:
    """Seconds until each key expires."""
    if ttl is None and not ttls:
        return None
    return [*(ttls.get(key, ttl) for key in values), *(None for _ in delete)]
