"""Nothing that clients send in confidence is in the log, with every request logged."""

import asyncio
from pathlib import Path

import aiohttp
import pytest

from service.api.routes import ACTIONS
from tests.support.audit import lines_of
from tests.support.client import Client, account_of, unique
from tests.support.confidential import leaks_in
from tests.support.machine import wait_until
from tests.support.procedures import BREAK, FIX
from tests.support.raw_http import http, talk
from tests.support.service import (
    PROCESS_TIMEOUT,
    ServiceProcess,
    service_environ,
    service_process,
    started,
)
from tests.support.tarantool import local_console

AUDIT_LOG = "audit.log"


class Canaries:
    """Strings that must not be in a log, each with where it was sent."""

    def __init__(self) -> None:
        self.sent: dict[str, str] = {}

    def __getitem__(self, where: str) -> str:
        if where not in self.sent:
            self.sent[where] = unique(f"CANARY{len(self.sent)}")
        return self.sent[where]

    def found_in(self, log: str) -> set[str]:
        """Where those were sent that a log has, or the beginning of one of them."""
        return {
            where
            for where, canary in self.sent.items()
            if canary in log
            or (canary.startswith("CANARY") and canary.partition("-")[0] in log)
        }


async def call_all(client: Client, canaries: Canaries) -> None:
    """Requests of every kind, with a canary wherever a client can send one."""
    name, password = unique("user"), canaries["password"]
    assert (await client.register(name, password)).status == 200
    assert (await client.login(name, password)).status == 200
    canaries.sent["token"] = str(client.token)
    canaries.sent["signature"] = str(client.token).rpartition(".")[2]
    key, value, prefix = canaries["key"], canaries["value"], canaries["prefix"]
    retried = {"Idempotency-Key": canaries["idempotency-key"]}
    body = {"data": {key: value}}
    assert (await client.post("/api/write", body, headers=retried)).status == 200
    assert (await client.read([key])).status == 200
    one = f"/api/keys/{canaries['key-in-path']}"
    assert (await client.request("PUT", one, value)).status == 400
    assert (await client.request("PUT", one, f'"{value}"')).status == 204
    ticket = (await client.post("/api/tickets")).json["ticket"]
    canaries.sent["ticket"] = ticket
    replies = [
        await client.request("GET", one, headers={"If-Match": canaries["if-match"]}),
        await client.request("GET", f"{one}/{canaries['nested']}"),
        await client.request("DELETE", f"{one}?{canaries['query']}=1"),
        await client.request("GET", f"/api/changes?prefix={prefix}&since=0&wait=0"),
        await client.request("GET", f"/api/changes?ticket={ticket}"),
        await client.request("GET", f"/api/changes?ticket={canaries['bad-ticket']}"),
        await client.request("GET", f"/{canaries['path']}"),
        await client.request(canaries["method"].replace("-", "").upper(), "/livez"),
        await client.post("/api/list", {"prefix": prefix, "after": key}),
        await client.post("/api/increment", {canaries["counter"]: 1}),
        await client.write({key: value}, **{canaries["member"]: 1}),
        await client.post("/api/write", f'{{"{canaries["not-json"]}'),
        await client.post("/api/delete", {canaries["wrong-type"]: value}),
        await client.request(
            "GET",
            "/livez",
            headers={
                "User-Agent": canaries["user-agent"],
                "Referer": f"http://{canaries['referer']}.example",
                "Cookie": f"{canaries['cookie']}=1",
                "X-Forwarded-For": canaries["forwarded-for"],
                "Origin": f"http://{canaries['origin']}.example",
                "X-Request-Id": f"not valid: {canaries['request-id']}",
            },
        ),
        await client.request("GET", "/", headers={"Host": canaries["host"]}),
        await client.login(canaries["failed-login"], canaries["wrong-password"]),
        await client.login(name, canaries["wrong-password"]),
        await client.register(canaries["refused-name"] * 10, password),
        await talk(client, http("GET", "/api/read", token=canaries["bad-token"])),
        await talk(client, http("GET", f"/livez {canaries['bad-line']}")),
        await talk(client, f"{canaries['not-http']}\r\n\r\n".encode()),
        await talk(client, http("POST", "/api/read", f"{canaries['header']}".encode())),
    ]
    assert {reply.status for reply in replies} >= {200, 400, 401, 404, 405}


async def administer(admin: Client, canaries: Canaries) -> None:
    """Every call of an administrator."""
    name, accounts = unique("user"), "/api/admin/accounts"
    account = f"/api/admin/account?username={name}"
    grants = [{"prefix": canaries["granted"], "rights": "r"}]
    given = {"username": name, "password": canaries["given-password"], "grants": grants}
    changed = {"password": canaries["changed-password"], "grants": grants}
    replies = [
        await admin.post(accounts, given),
        await admin.post(accounts, {canaries["admin-member"]: name}),
        await admin.request("GET", f"{accounts}?prefix={canaries['account-prefix']}"),
        await admin.request("GET", f"{account}&{canaries['admin-query']}=1"),
        await admin.request("PATCH", account, changed),
        await admin.post(f"/api/admin/end-tokens?username={name}"),
        await admin.request("DELETE", account),
        await admin.request("GET", "/api/admin/status"),
    ]
    assert {reply.status for reply in replies} == {200, 400}


async def end(client: Client, canaries: Canaries) -> None:
    """The calls that end tokens, and the account at last."""
    client.token = (await client.post("/api/refresh")).json["token"]
    canaries.sent["second-token"] = str(client.token)
    given = {"password": canaries["password"], "new_password": canaries["new-password"]}
    client.token = (await client.post("/api/password", given)).json["token"]
    canaries.sent["third-token"] = str(client.token)
    name = account_of(client)
    named = {"password": canaries["new-password"], "name": canaries["token-name"]}
    token = (await client.post("/api/tokens", named)).json
    canaries.sent["access-token"] = token["token"]
    program = Client(client.session, client.url)
    program.token = token["token"]
    assert (await program.read([canaries["read-by-program"]])).status == 200
    assert (await program.post("/api/logout")).status == 403
    program.token = f"kvt_{canaries['bad-access-token']}"
    assert (await program.post("/api/tickets")).status == 403
    path = f"/api/tokens/{token['id']}"
    assert (await client.request("DELETE", path)).status == 200
    assert (await client.post("/api/logout")).status == 200
    assert (await client.login(name, canaries["new-password"])).status == 200
    canaries.sent["last-token"] = str(client.token)
    password = {"password": canaries["new-password"]}
    assert (await client.request("DELETE", "/api/me", password)).status == 200


async def fail_inside(client: Client, canaries: Canaries, data: Path) -> None:
    """Requests that fail with a traceback in the log."""
    await asyncio.to_thread(local_console, data, BREAK)
    key, value = canaries["failed-key"], canaries["failed-value"]
    for reply in (
        await client.write({key: value}),
        await client.read([key]),
        await client.login(canaries["failed-name"], canaries["failed-password"]),
    ):
        assert reply.status in (401, 500), reply.text
    await asyncio.to_thread(local_console, data, FIX)


@pytest.mark.parametrize("level", ["info", "debug"])
@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("workers", ["1", "2"])
async def test_nothing_confidential_is_logged(
    tmp_path: Path, form: str, level: str, workers: str
) -> None:
    environ = logging_all(tmp_path, form, KV_LOG_LEVEL=level, KV_WORKERS=workers)
    async with aiohttp.ClientSession() as session:
        with service_process(tmp_path, **environ) as service:
            client, canaries = Client(session, service.url), Canaries()
            canaries.sent["jwt-secret"] = environ["KV_JWT_SECRET"]
            canaries.sent["admin-password"] = environ["ADMIN_PASSWORD"]
            admin = Client(session, service.url)
            assert (await admin.login("admin", environ["ADMIN_PASSWORD"])).status == 200
            await call_all(client, canaries)
            await administer(admin, canaries)
            await end(client, canaries)
            await fail_inside(client, canaries, service.data)
            assert await asyncio.to_thread(service.stop) == 0
            log = service.log_file()
            assert log.count("/api/keys/{key}") >= 4
            assert log.count("Traceback") >= 2
            assert canaries.found_in(log) == set()
            audit = (tmp_path / AUDIT_LOG).read_text()
            assert {line["action"] for line in lines_of(audit)} == set(ACTIONS.values())
            assert canaries.found_in(audit) == set()
            assert service.stderr() == service.stdout() == ""


def logging_all(folder: Path, form: str, **more: str) -> dict[str, str]:
    return {
        "KV_LOG_FORMAT": form,
        "KV_LOG_FILE": str(folder / "kv.log"),
        "KV_ACCESS_LOG": "all",
        "KV_AUDIT_LOG": str(folder / AUDIT_LOG),
        "KV_JWT_SECRET": unique("jwt-secret"),
        "ADMIN_LOGIN": "admin",
        "ADMIN_PASSWORD": unique("admin-password"),
        **more,
    }


@pytest.mark.parametrize("form", ["text", "json"])
async def test_a_canary_that_is_logged_is_found(tmp_path: Path, form: str) -> None:
    """The control: a name that is permitted, and a message of Tarantool."""
    environ = service_environ(tmp_path, **logging_all(tmp_path, form))
    canaries = Canaries()
    async with aiohttp.ClientSession() as session:
        with started(ServiceProcess(tmp_path, environ), is_leaking=True) as service:
            client = Client(session, service.url)
            await client.register(canaries["name"], "password")
            await client.login(canaries["name"], "password")
            assert canaries.found_in(service.log_file()) == set()
            await client.read(["k"])
            message = f"require('log').info('{canaries['message']}')"
            await asyncio.to_thread(local_console, service.data, message)
            await asyncio.to_thread(
                wait_until,
                lambda: canaries["message"] in service.log_file(),
                PROCESS_TIMEOUT,
            )
            log = service.log_file()
            assert canaries.found_in(log) == {"name", "message"}
            assert canaries.found_in((tmp_path / AUDIT_LOG).read_text()) == {"name"}
            # the search in the logs of the suite permits the name
            assert [canaries["message"] in line for line in leaks_in(log)] == [True]


@pytest.mark.parametrize(
    ("line", "is_leak"),
    [
        (f"a message with {unique('key')}", True),
        ("Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.c", True),
        (f'{{"message":"{unique("key")}","user.name":"{unique("user")}"}}', True),
        (f'{{"message":"a","user.name":"{unique("user")}","http.route":"/"}}', False),
        (f'{{"message":"a","request_id":"{unique("id")}"}}', False),
        (f'"GET / HTTP/1.1" user="{unique("user")}" request_id={unique("id")}', False),
        (f'"GET / HTTP/1.1" user="a\\"" error={unique("user")}', True),
        ("request_id=0123456789ab-7", False),
    ],
    ids=range(8),  # the lines differ in each process
)
def test_the_search_in_the_logs_of_the_suite(line: str, is_leak: bool) -> None:
    assert bool(leaks_in(line)) == is_leak
