"""A client of the service as its users write one."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import aiohttp
import jwt
from multidict import CIMultiDictProxy

from service.sizes import MIB

#: Seconds between two logins: failed ones of one name are limited.
LOGIN_INTERVAL = 0.5


@dataclass(frozen=True)
class Reply:
    status: int
    headers: CIMultiDictProxy[str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def text_without_id(self) -> str:
        """The text without the id of the request, which a problem contains."""
        return self.text.replace(self.headers["X-Request-Id"], "")

    @property
    def same_headers(self) -> list[tuple[str, str]]:
        """The headers that do not vary between replies with these contents, in order.

        The length of a problem depends on that of its id.
        """
        varying = {"date", "x-request-id", "content-length"}
        return [
            (name, text)
            for name, text in self.headers.items()
            if name.lower() not in varying
        ]

    @property
    def revision(self) -> int:
        return int(self.headers["KV-Revision"])


class Client:
    """Calls one service; every call sends `token` once there is one."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url
        self.token: str | None = None

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """A body that is neither bytes nor str is sent as JSON."""
        if body is not None and not isinstance(body, bytes | str):
            body = json.dumps(body)
        if isinstance(body, bytes) and len(body) > MIB:
            body = io.BytesIO(body)  # aiohttp warns of bytes
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with self.session.request(
            method, self.url + path, data=body, headers=sent | (headers or {})
        ) as response:
            return Reply(response.status, response.headers, await response.text())

    async def post(self, path: str, body: Any = None, **options: Any) -> Reply:
        return await self.request("POST", path, body, **options)

    async def register(self, username: str, password: str) -> Reply:
        credentials = {"username": username, "password": password}
        return await self.post("/api/register", credentials)

    async def login(self, username: str, password: str) -> Reply:
        credentials = {"username": username, "password": password}
        reply = await self.post("/api/login", credentials)
        if reply.status == 200:
            self.token = reply.json["token"]
        return reply

    async def login_when_possible(
        self, username: str, password: str, seconds: float
    ) -> None:
        """:raises TimeoutError: no login succeeded in that time"""
        async with asyncio.timeout(seconds):
            while True:
                if (await self.login(username, password)).status == 200:
                    return
                await asyncio.sleep(LOGIN_INTERVAL)

    async def enter(self) -> "Client":
        """Registers a new account, and logs in."""
        name = unique("user")
        assert (await self.register(name, "password")).status == 200
        assert (await self.login(name, "password")).status == 200
        return self

    async def write(self, data: Any, **fields: Any) -> Reply:
        return await self.post("/api/write", {"data": data} | fields)

    async def read(self, keys: Any, **fields: Any) -> Reply:
        return await self.post("/api/read", {"keys": keys} | fields)

    async def delete(self, keys: Any, **fields: Any) -> Reply:
        return await self.post("/api/delete", {"keys": keys} | fields)

    async def list_keys(self, prefix: str, **fields: Any) -> Reply:
        return await self.post("/api/list", {"prefix": prefix} | fields)

    async def pages(self, prefix: str, **fields: Any) -> AsyncIterator[Any]:
        """Every page of a listing, as it comes."""
        after = None
        while True:
            reply = await self.list_keys(prefix, after=after, **fields)
            assert reply.status == 200, reply.text
            page = reply.json
            yield page
            after = page["next"]
            if after is None:
                return

    async def increment(self, data: Any) -> Reply:
        return await self.post("/api/increment", {"data": data})


def unique(prefix: str) -> str:
    """A name no other test uses: the store is shared by all of them."""
    return f"{prefix}-{uuid4().hex}"


def account_of(client: Client) -> str:
    claims = jwt.decode(client.token or "", options={"verify_signature": False})
    return str(claims["sub"])
