"""No secret is in a log, a reply, a command line or a repr, whatever happens."""

import asyncio
import logging
import re
import sys
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from service.api.context import STORAGE
from service.app import create_app
from service.auth.tokens import Tokens
from service.model import Caller
from service.settings import Settings
from service.storage.connection import Connection
from tests.support.client import Client, unique
from tests.support.machine import command_line, wait_until
from tests.support.procedures import BREAK, FIX
from tests.support.raw_http import http, talk
from tests.support.service import (
    JWT_SECRET,
    PROCESS_TIMEOUT,
    ServiceProcess,
    environ_for,
    service_environ,
    service_process,
    started,
)
from tests.support.tarantool import PASSWORD, Tarantool, local_console


class Secrets:
    """The secrets of a new service, and of a client of it."""

    def __init__(self) -> None:
        self.environ = {
            "KV_JWT_SECRET": unique("jwt-secret"),
            "KV_ACCESS_LOG": "1",
            "ADMIN_LOGIN": "admin",
            "ADMIN_PASSWORD": unique("admin-password"),
        }
        self.password, self.wrong = unique("password"), unique("wrong")
        self.tokens: list[str] = []

    def leaked(self, texts: Iterable[str], folder: Path) -> set[str]:
        kept = (folder / "tarantool_password").read_text()
        secrets = {
            kept,
            self.environ["KV_JWT_SECRET"],
            self.environ["ADMIN_PASSWORD"],
            self.password,
            self.wrong,
            *self.tokens,
            *(token.rpartition(".")[2] for token in self.tokens),
        }
        shown = "\n".join(texts)
        return {secret for secret in secrets if secret in shown}


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in listed.split()]


def shown_by(process: ServiceProcess) -> list[str]:
    """All output that other users of the machine or readers of logs see."""
    (tarantool,) = children(process.pid)
    return [
        process.stdout(),
        process.stderr(),
        command_line(process.pid),
        command_line(tarantool),
    ]


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def went_wrong(client: Client, secrets: Secrets, data: Path) -> list[str]:
    """The replies of the service to many failing requests."""
    name, password, wrong = unique("user"), secrets.password, secrets.wrong
    assert (await client.register(name, password)).status == 200
    assert (await client.login(name, password)).status == 200
    token = str(client.token)
    secrets.tokens.append(token)
    credentials = {"username": name, "password": password}
    replies = [
        await client.register(name, password),
        await client.login(name, wrong),
        await client.login(unique("nobody"), wrong),
        await client.post("/api/login", f'{{"password": "{password}", '),
        await client.post("/api/login", credentials | {"more": password}),
        await client.post("/api/login", {"username": name, "password": [password]}),
        await client.post("/api/login", {"username": 1, "password": password}),
        await client.post("/api/login", {"password": password}),
        await client.read(["k"], headers={"a": 1}),
        await talk(client, http("GET", "/api/read", token=token)[:-4] + b"\r\n\0"),
        await talk(client, http("POST", "/api/read", b"a b: c", token=token)),
        await talk(client, http("POST", "/api/read", token=token + "\x01")),
        await talk(client, http("POST", "/api/read", token=token * 100)),
        await talk(client, http("POST", "/api/read", token=token[:-1])),
        await talk(client, http("POST", "/api/read", token=token + "x" * 100)),
    ]
    local_console(data, BREAK)
    replies.append(await client.login(name, password))
    assert replies[-1].status == 500
    local_console(data, FIX)
    local_console(data, "box.space.users:drop()")
    replies.append(await client.register(name, password))
    replies.append(await client.read(["k"]))
    return [reply.text for reply in replies]


async def test_no_output_shows_a_secret(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    secrets = Secrets()
    with service_process(tmp_path, **secrets.environ) as process:
        client = Client(session, process.url)
        admin = await client.login("admin", secrets.environ["ADMIN_PASSWORD"])
        secrets.tokens.append(admin.json["token"])
        replies = await went_wrong(client, secrets, process.data)
        shown = shown_by(process)
        assert "Traceback" in "".join(shown)  # the worst has happened
        assert '"POST /api/login' in "".join(shown)
        assert secrets.leaked([*replies, *shown], process.data) == set()


async def test_a_secret_that_is_shown_is_found(tmp_path: Path) -> None:
    """The control of the one before: one is planted in every place."""
    secrets = Secrets()
    # the log names the variables that Kubernetes has set
    planted = {f"KV_{secrets.password}_SERVICE_HOST": "10.0.0.1"}
    environ = service_environ(tmp_path, **secrets.environ, **planted)
    with started(ServiceProcess(tmp_path, environ), is_leaking=True) as process:
        leaked = secrets.leaked(shown_by(process), process.data)
        assert leaked == {secrets.password}
        local_console(process.data, f"require('log').info('{secrets.wrong}')")
        await asyncio.to_thread(
            wait_until, lambda: secrets.wrong in process.stderr(), PROCESS_TIMEOUT
        )
        log = secrets.leaked(shown_by(process), process.data)
        assert log == {secrets.password, secrets.wrong}
        assert secrets.leaked([await command_line_of(secrets)], process.data) == {
            secrets.environ["ADMIN_PASSWORD"]
        }


async def command_line_of(secrets: Secrets) -> str:
    """The command line of a process that shows a secret there."""
    password = secrets.environ["ADMIN_PASSWORD"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "import time; time.sleep(60)", password)
    )

    def is_started() -> bool:
        return password in command_line(process.pid)

    # until then it is a copy of this process
    await asyncio.to_thread(wait_until, is_started, PROCESS_TIMEOUT)
    line = command_line(process.pid)
    process.kill()
    await process.wait()
    return line


async def test_no_object_shows_a_secret(
    tarantool: Tarantool, caplog: pytest.LogCaptureFixture
) -> None:
    password = unique("admin-password")
    environ = environ_for(tarantool, ADMIN_LOGIN="admin", ADMIN_PASSWORD=password)
    settings = Settings.from_env(environ)
    app = create_app(settings)
    tokens = Tokens(settings.jwt_secret, 60)
    token = tokens.issue(Caller("user", 1))
    connection = Connection(
        settings.tarantool_uri[0], "kv_service", PASSWORD, lambda _: None
    )
    with caplog.at_level(logging.DEBUG):
        runner = web.AppRunner(app)
        await runner.setup()
        parts: list[object] = [
            settings,
            app,
            dict(app.items()),
            tokens,
            connection,
            app[STORAGE],
        ]
        parts += [vars(part) for part in (tokens, app[STORAGE], app[STORAGE]._nodes)]
        with pytest.raises(Exception, match="token") as refused:
            await tokens.verify(f"Bearer {token[:-1]}")
        parts += [refused.value, refused.value.__context__]
        await runner.cleanup()
    shown = [f"{part!r} {part!s}" for part in parts] + [caplog.text]
    secrets = [PASSWORD, JWT_SECRET, password, token]
    found = [
        (secret, re.findall(f".{{0,60}}{re.escape(secret)}", text))
        for secret in secrets
        for text in shown
        if secret in text
    ]
    assert found == []


def test_a_secret_that_an_object_shows_is_found() -> None:
    """The control of the one before."""
    secret = unique("secret")
    settings = Settings.from_env({"ADMIN_LOGIN": secret, "ADMIN_PASSWORD": secret})
    assert repr(settings).count(secret) == 1
