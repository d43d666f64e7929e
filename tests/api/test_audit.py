"""The audit log: which requests are in it, and what their lines have."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest

from service.api.context import ADMISSION
from service.api.routes import ACTIONS, KEY, ROUTES, Route
from service.process.serving import running
from service.process.sockets import bind
from service.settings import Settings
from service.telemetry.log import Log
from service.web.runner import Runner
from tests.support.access_tokens import created, creation, delete_token, using
from tests.support.addresses import FREE, coming_from, new_address
from tests.support.audit import TIMEOUT, Line, line_for, line_of, lines_in
from tests.support.client import Client, Reply, account_of, unique
from tests.support.console import admin, disable, lua
from tests.support.machine import wait_until
from tests.support.raw_http import http, talk, talk_and_end
from tests.support.service import environ_for
from tests.support.tarantool import Tarantool

#: Calls for keys and their values: the paths of their routes.
DATA = {
    *("/api/write", "/api/read", "/api/delete", "/api/list", "/api/increment"),
    *("/api/import", KEY),
}

PASSWORD = "password"


class Audited:
    """A service with an audit log.

    :ivar operator: an administrator
    """

    def __init__(self, service: Client, runner: Runner, log: Path) -> None:
        self.service = service
        self.runner = runner
        self.log = log
        self.operator = service

    async def line(self, reply: Reply) -> Line:
        return await line_for(self.log, reply)

    async def new_account(self) -> str:
        name = unique("user")
        assert (await self.service.register(name, PASSWORD)).status == 200
        return name

    async def entered(self, name: str) -> Client:
        client = Client(self.service.session, self.service.url)
        assert (await client.login(name, PASSWORD)).status == 200
        return client


@contextlib.asynccontextmanager
async def auditing(
    tarantool: Tarantool, log: Path, **environ: str
) -> AsyncIterator[Audited]:
    given = environ_for(tarantool, KV_AUDIT_LOG=str(log), **environ)
    settings = Settings.from_env(given)
    url = f"http://{settings.host}:{settings.port}"
    async with (
        running(settings, bind(settings), Log(settings)) as runner,
        aiohttp.ClientSession() as session,
    ):
        yield Audited(Client(session, url), runner, log)


@pytest.fixture(scope="module")
async def audited(
    tarantool: Tarantool, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Audited]:
    log = tmp_path_factory.mktemp("audit") / "audit.log"
    async with auditing(tarantool, log) as audited:
        name = await audited.new_account()
        admin(tarantool, "make_administrator", lua(name))
        audited.operator = await audited.entered(name)
        yield audited


class Call(NamedTuple):
    """A call that succeeds.

    :ivar path: with `{other}`, the name of another account, and in the body too
    :ivar more: members of its line
    """

    action: str
    method: str
    path: str
    body: Any = None
    more: dict[str, Any] = {}  # noqa: RUF012

    def __str__(self) -> str:
        return self.action


OTHER = "{other}"
OF_OTHER = "/api/admin/account?username={other}"

OF_ANYBODY = [
    Call("refresh", "POST", "/api/refresh"),
    Call("create_ticket", "POST", "/api/tickets"),
    Call("logout", "POST", "/api/logout"),
    Call(
        "change_password",
        "POST",
        "/api/password",
        {"password": PASSWORD, "new_password": "another one"},
    ),
    Call("delete_own_account", "DELETE", "/api/me", {"password": PASSWORD}),
]
OF_ADMINISTRATORS = [
    Call("list_accounts", "GET", "/api/admin/accounts?limit=1"),
    Call(
        "create_account",
        "POST",
        "/api/admin/accounts",
        {"username": "{new}", "password": PASSWORD},
        {"target": "{new}"},
    ),
    Call("show_account", "GET", OF_OTHER, None, {"target": OTHER}),
    Call(
        "change_account",
        "PATCH",
        OF_OTHER,
        {"password": "a new one", "disabled": False, "grants": []},
        {"target": OTHER, "changed": ["disabled", "grants", "password"]},
    ),
    Call(
        "change_account",
        "PATCH",
        OF_OTHER,
        {"administrator": False},
        {"target": OTHER, "changed": ["administrator"]},
    ),
    Call("delete_account", "DELETE", OF_OTHER, None, {"target": OTHER}),
    Call(
        "end_tokens",
        "POST",
        "/api/admin/end-tokens?username={other}",
        None,
        {"target": OTHER},
    ),
    Call("show_status", "GET", "/api/admin/status"),
]
WITHOUT_TOKEN = ["register", "login"]

#: With the id of the access token as the target.
OF_ACCESS_TOKENS = ["create_access_token", "delete_access_token"]


def filled(given: Any, names: dict[str, str]) -> Any:
    """The same with names for `{other}` and `{new}`."""
    if isinstance(given, str):
        return re.sub(r"\{(other|new)\}", lambda found: names[found[1]], given)
    if isinstance(given, dict):
        return {key: filled(value, names) for key, value in given.items()}
    return given


async def send(client: Client, call: Call, names: dict[str, str]) -> Reply:
    return await client.request(
        call.method, filled(call.path, names), filled(call.body, names)
    )


def assert_line(line: Line, action: str, outcome: str, **members: Any) -> None:
    timestamp = datetime.strptime(line.pop("timestamp"), "%Y-%m-%dT%H:%M:%S.%fZ")
    age = datetime.now(UTC) - timestamp.replace(tzinfo=UTC)
    assert 0 <= age.total_seconds() < 60
    del line["request_id"]
    address = members.pop("address", "127.0.0.1")
    expected = {"action": action, "client.address": address, "outcome": outcome}
    assert line == expected | members


def is_data_call(route: Route) -> bool:
    return route.path in DATA


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{r.method} {r.path}")
def test_no_route_of_accounts_and_administrators_lacks_an_action(route: Route) -> None:
    is_read = route.method == "GET"
    is_own = route.path.startswith("/api/") and not is_read and not is_data_call(route)
    if is_own or route.path.startswith("/api/admin/"):
        assert route.audit is not None
    if is_data_call(route):
        assert route.audit is None


def test_an_action_belongs_to_one_route() -> None:
    actions = [route.audit for route in ROUTES if route.audit is not None]
    assert len(set(actions)) == len(actions)


def test_the_application_has_every_route_with_an_action(audited: Audited) -> None:
    assert audited.runner.app is not None
    there = {
        (route.method, route.resource.canonical)
        for route in audited.runner.app.router.routes()
        if route.resource is not None
    }
    assert ACTIONS.keys() <= there


def test_every_action_is_tried() -> None:
    calls = OF_ANYBODY + OF_ADMINISTRATORS
    tried = {call.action for call in calls} | {*WITHOUT_TOKEN, *OF_ACCESS_TOKENS}
    assert tried == set(ACTIONS.values())


@pytest.fixture
async def names(audited: Audited) -> dict[str, str]:
    return {"other": await audited.new_account(), "new": unique("user")}


@pytest.mark.parametrize("call", OF_ANYBODY, ids=str)
async def test_a_call_of_an_account_has_a_line(audited: Audited, call: Call) -> None:
    name = await audited.new_account()
    reply = await send(await audited.entered(name), call, {})
    assert reply.status == 200, reply.text
    assert_line(await audited.line(reply), call.action, "ok", user=name, **call.more)


@pytest.mark.parametrize("call", OF_ADMINISTRATORS, ids=str)
async def test_a_call_of_an_administrator_has_a_line(
    audited: Audited, names: dict[str, str], call: Call
) -> None:
    reply = await send(audited.operator, call, names)
    assert reply.status == 200, reply.text
    operator = account_of(audited.operator)
    more = filled(call.more, names)
    assert_line(await audited.line(reply), call.action, "ok", user=operator, **more)


@pytest.mark.parametrize("call", OF_ADMINISTRATORS, ids=str)
async def test_a_call_without_the_right_has_a_line(
    audited: Audited, names: dict[str, str], call: Call
) -> None:
    name = await audited.new_account()
    reply = await send(await audited.entered(name), call, names)
    assert reply.status == 403
    more = filled(call.more, names)
    line = await audited.line(reply)
    assert_line(line, call.action, "not_an_administrator", user=name, **more)


@pytest.mark.parametrize("call", OF_ANYBODY + OF_ADMINISTRATORS, ids=str)
@pytest.mark.parametrize(
    ("token", "outcome"), [(None, "token_missing"), ("e30", "token_invalid")]
)
async def test_a_call_without_a_valid_token_has_no_user(
    audited: Audited, call: Call, token: str | None, outcome: str
) -> None:
    stranger = Client(audited.service.session, audited.service.url)
    stranger.token = token
    reply = await send(stranger, call, {"other": "a", "new": "b"})
    assert reply.status == 403
    assert_line(await audited.line(reply), call.action, outcome)


async def test_a_head_request_has_a_line(audited: Audited) -> None:
    reply = await audited.operator.request("HEAD", "/api/admin/status")
    line = await audited.line(reply)
    assert_line(line, "show_status", "ok", user=account_of(audited.operator))


async def test_a_revoked_token_has_a_line_with_its_account(audited: Audited) -> None:
    name = await audited.new_account()
    client = await audited.entered(name)
    assert (await client.post("/api/logout")).status == 200
    line = await audited.line(await client.post("/api/refresh"))
    assert_line(line, "refresh", "token_revoked", user=name)


async def test_a_refused_change_has_a_line(audited: Audited) -> None:
    name = await audited.new_account()
    client = await audited.entered(name)
    wrong = {"password": "wrong", "new_password": "new"}
    line = await audited.line(await client.post("/api/password", wrong))
    assert_line(line, "change_password", "invalid_credentials", user=name)


async def test_a_target_that_is_not_there_has_a_line(audited: Audited) -> None:
    nobody = unique("nobody")
    path = f"/api/admin/account?username={nobody}"
    line = await audited.line(await audited.operator.request("DELETE", path))
    operator = account_of(audited.operator)
    expected: dict[str, Any] = {"user": operator, "target": nobody}
    assert_line(line, "delete_account", "not_found", **expected)


async def test_a_change_of_access_tokens_has_a_line(audited: Audited) -> None:
    name = await audited.new_account()
    client = await audited.entered(name)
    reply = await creation(client)
    members: dict[str, Any] = {"user": name, "target": reply.json["id"]}
    line = await audited.line(reply)
    assert_line(line, "create_access_token", "ok", **members)
    path = f"/api/tokens/{reply.json['id']}"
    for outcome in "ok", "not_found":
        line = await audited.line(await client.request("DELETE", path))
        assert_line(line, "delete_access_token", outcome, **members)
    line = await audited.line(await creation(client, password="wrong"))
    assert_line(line, "create_access_token", "invalid_credentials", user=name)


async def test_a_call_with_an_access_token_has_its_id(audited: Audited) -> None:
    name = await audited.new_account()
    client = await audited.entered(name)
    token = await created(client)
    program = using(client, token["token"])
    members: dict[str, Any] = {"user": name, "access_token": token["id"]}
    line = await audited.line(await program.post("/api/tickets"))
    assert_line(line, "create_ticket", "ok", **members)
    for call in OF_ANYBODY + OF_ADMINISTRATORS:
        if call.action != "create_ticket":
            reply = await send(program, call, {"other": name, "new": "b"})
            assert reply.status == 403
            line = await audited.line(reply)
            assert_line(line, call.action, "forbidden", **members)
    await delete_token(client, token["id"])
    line = await audited.line(await program.post("/api/tickets"))
    assert_line(line, "create_ticket", "token_revoked")
    assert token["token"] not in audited.log.read_text()


async def test_a_sign_up_names_only_accounts(audited: Audited) -> None:
    name = unique("user")
    line = await audited.line(await audited.service.register(name, PASSWORD))
    assert_line(line, "register", "ok", user=name)
    line = await audited.line(await audited.service.register(name, PASSWORD))
    assert_line(line, "register", "user_exists", user=name)
    line = await audited.line(await audited.service.register(f"{name} ", PASSWORD))
    assert_line(line, "register", "invalid_request")


async def test_a_login_names_only_accounts(
    audited: Audited, tarantool: Tarantool
) -> None:
    name, unknown = await audited.new_account(), unique("typed-a-password")
    login = audited.service.login
    line = await audited.line(await login(name, PASSWORD))
    assert_line(line, "login", "ok", user=name)
    line = await audited.line(await login(name, "wrong"))
    assert_line(line, "login", "invalid_credentials", user=name)
    line = await audited.line(await login(unknown, PASSWORD))
    assert_line(line, "login", "invalid_credentials")
    disable(tarantool, name)
    line = await audited.line(await login(name, PASSWORD))
    assert_line(line, "login", "invalid_credentials", user=name)
    assert unknown not in audited.log.read_text()


@pytest.mark.parametrize("exists", [True, False])
async def test_a_throttled_login_names_only_an_account(
    audited: Audited, *, exists: bool
) -> None:
    name = await audited.new_account() if exists else unique("unknown")
    address = new_address()
    async with coming_from(address, audited.service) as visitor:
        for _ in range(FREE):
            assert (await visitor.login(name, "wrong")).status == 401
        reply = await visitor.login(name, "wrong")
    line = await audited.line(reply)
    members = {"user": name} if exists else {}
    assert_line(line, "login", "too_many_attempts", address=address, **members)
    assert exists or name not in audited.log.read_text()


async def test_a_malformed_body_has_a_line(audited: Audited) -> None:
    line = await audited.line(await audited.service.post("/api/login", "nope"))
    assert_line(line, "login", "invalid_json")


@pytest.fixture
def overloaded(audited: Audited) -> Iterator[None]:
    assert audited.runner.app is not None
    admission = audited.runner.app[ADMISSION]
    limit, admission.max_requests = admission.max_requests, 0
    yield
    admission.max_requests = limit


@pytest.mark.usefixtures("overloaded")
async def test_a_request_that_is_refused_for_overload_has_a_line(
    audited: Audited,
) -> None:
    reply = await audited.service.login("a", PASSWORD)
    assert reply.status == 503
    assert_line(await audited.line(reply), "login", "overloaded")


@pytest.mark.parametrize(
    ("method", "path", "action"),
    [
        ("POST", "/api/login", "login"),
        ("DELETE", "/api/tokens/7", "delete_access_token"),
        ("HEAD", "/api/admin/status?a=1", "show_status"),
    ],
)
async def test_a_refused_host_has_a_line(
    audited: Audited, method: str, path: str, action: str
) -> None:
    """The router has not been asked."""
    host = {"Host": "attacker.example"}
    reply = await audited.service.request(method, path, headers=host)
    assert reply.status == 421
    assert_line(await audited.line(reply), action, "misdirected_request")


async def test_other_requests_have_no_line(audited: Audited) -> None:
    name = await audited.new_account()
    client = await audited.entered(name)
    replies = [
        await client.write({name: 1}),
        await client.read([name]),
        await client.request("GET", "/api/me"),
        await client.request("GET", "/livez"),
        await client.request("GET", "/api/login"),
        await client.request("OPTIONS", "/api/login"),
        await client.post("/api/admin/nothing"),
        await client.request("GET", "/livez", headers={"Host": "attacker.example"}),
        await client.post("/api/read", "{}", headers={"Host": "attacker.example"}),
        await talk(client, b"hello\r\n\r\n"),
    ]
    last = await audited.line(await client.post("/api/logout"))
    assert last["action"] == "logout"
    there = {line["request_id"] for line in lines_in(audited.log)}
    for reply in replies:
        assert reply.headers["X-Request-Id"] not in there


async def test_the_address_is_that_behind_a_trusted_proxy(
    tarantool: Tarantool, tmp_path: Path
) -> None:
    log = tmp_path / "audit.log"
    async with auditing(tarantool, log, KV_TRUSTED_PROXIES="127.0.0.1") as audited:
        forwarded = {"X-Forwarded-For": "2001:db8::7"}
        reply = await audited.service.post("/api/login", "nope", headers=forwarded)
        line = await audited.line(reply)
        assert_line(line, "login", "invalid_json", address="2001:db8::7")


def login_in_parts(request_id: str) -> bytes:
    """A login whose body is not complete."""
    return http(
        "POST",
        "/api/login",
        f"X-Request-Id: {request_id}".encode(),
        b"Content-Length: 1000",
    )


async def test_a_client_that_leaves_while_it_sends_has_a_line(audited: Audited) -> None:
    reply = await talk_and_end(audited.service, login_in_parts(unique("id")))
    assert reply.status == 400
    assert_line(await audited.line(reply), "login", "client_gone")


async def test_a_client_that_frames_its_body_wrongly_has_not_left(
    audited: Audited,
) -> None:
    chunked = b"Transfer-Encoding: chunked"
    head = http("POST", "/api/login", chunked)
    reply = await talk(audited.service, head, b"no length\r\n")
    assert reply.status == 400
    assert_line(await audited.line(reply), "login", "invalid_request")


async def test_a_login_without_a_reader_counts_as_one(audited: Audited) -> None:
    """The token was issued, whether or not it arrived."""
    name, request_id = await audited.new_account(), unique("id")
    body = f'{{"username":"{name}","password":"{PASSWORD}"}}'.encode()
    header = f"X-Request-Id: {request_id}".encode()
    _, writer = await asyncio.open_connection("127.0.0.1", port_of(audited))
    writer.write(http("POST", "/api/login", header, body=body))
    await writer.drain()
    writer.transport.abort()
    assert_line(await line_of(audited.log, request_id), "login", "ok", user=name)


async def test_a_request_that_a_stop_has_ended_has_a_line(
    tarantool: Tarantool, tmp_path: Path
) -> None:
    loop = asyncio.get_running_loop()
    log, request_id = tmp_path / "audit.log", unique("id")
    async with auditing(tarantool, log) as audited:
        _, writer = await asyncio.open_connection("127.0.0.1", port_of(audited))
        writer.write(login_in_parts(request_id))
        await asyncio.to_thread(wait_until, lambda: bool(requests_of(loop)), TIMEOUT)
        for task in requests_of(loop):
            task.cancel()
        line = await line_of(log, request_id)
        writer.close()
    assert_line(line, "login", "stopping")


def requests_of(loop: asyncio.AbstractEventLoop) -> list[asyncio.Task[Any]]:
    """The tasks of the requests in progress."""
    return [
        task
        for task in asyncio.all_tasks(loop)
        if getattr(task.get_coro(), "__qualname__", "").endswith("._handle_request")
    ]


def port_of(audited: Audited) -> int:
    return int(audited.service.url.rpartition(":")[2])
