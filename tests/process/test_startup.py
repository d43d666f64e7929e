"""The start and the end of `python -m service`, its log and its errors."""

import asyncio
import logging
import os
import re
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.support.addresses import new_address
from tests.support.assertions import assert_problem
from tests.support.client import Client, unique
from tests.support.machine import command_line, wait_until
from tests.support.raw_http import SlowWrite
from tests.support.service import (
    JWT_SECRET,
    PROCESS_TIMEOUT,
    SERVICE,
    Serve,
    ServiceProcess,
    environ_for,
    refusal,
    refuses_connections,
    service_environ,
    service_links,
    service_process,
    started,
)
from tests.support.tarantool import PASSWORD, Tarantool, Tarantools

#: Seconds in which a signal is heard, or a byte is answered.
TIMEOUT = 5.0


@pytest.fixture
def process(tmp_path: Path, tarantool: Tarantool) -> Iterator[ServiceProcess]:
    with service_process(tmp_path, **environ_for(tarantool)) as process:
        yield process


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


# The end


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_signal_ends_the_service_with_exit_code_0(
    process: ServiceProcess, number: signal.Signals
) -> None:
    assert process.stop(number) == 0


async def test_a_request_in_flight_is_finished_before_the_end(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    with service_process(tmp_path) as process:
        client = await Client(session, process.url).enter()
        write = SlowWrite(client, {"slow": "whole"})
        await write.begin()
        process.send(signal.SIGTERM)
        wait_until(lambda: "stopping" in process.stderr(), TIMEOUT)
        answer = await write.finish()
        write.close()
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert answer.endswith(b'{"status":"success"}')
        # not blocking the loop, which has to see the end of its idle connection
        assert await asyncio.to_thread(process.exit_code) == 0
        process.start()
        assert (await client.read(["slow"])).json["data"] == {"slow": "whole"}


async def test_new_connections_are_refused_while_the_last_request_is_finished(
    process: ServiceProcess, session: aiohttp.ClientSession
) -> None:
    write = SlowWrite(await Client(session, process.url).enter(), {unique("k"): "v"})
    await write.begin()
    assert not refuses_connections(process)
    process.send(signal.SIGTERM)
    wait_until(lambda: refuses_connections(process), TIMEOUT)
    assert (await write.finish()).startswith(b"HTTP/1.1 200 OK")
    write.close()


async def test_a_second_stop_signal_does_not_wait_for_requests(
    process: ServiceProcess, session: aiohttp.ClientSession
) -> None:
    """The control of the tests above: there is something to wait for."""
    write = SlowWrite(await Client(session, process.url).enter(), {unique("k"): "v"})
    await write.begin()
    process.send(signal.SIGTERM)
    wait_until(lambda: "stopping" in process.stderr(), TIMEOUT)
    assert process.stop(signal.SIGTERM) == 128 + signal.SIGTERM
    write.close()


# The log


def test_start_and_stop_are_logged_once(process: ServiceProcess) -> None:
    process.stop()
    log = process.stderr()
    assert log.count(f"serving on 127.0.0.1:{process.port}\n") == 1
    assert log.count("stopped\n") == 1
    assert process.stdout() == ""


@pytest.mark.parametrize(
    ("closed", "workers"), [("0", "1"), ("1", "1"), ("2", "1"), ("012", "2")]
)
async def test_closed_standard_streams_are_replaced(
    tmp_path: Path, session: aiohttp.ClientSession, closed: str, workers: str
) -> None:
    environ = service_environ(
        tmp_path, KV_LOG_FILE=str(tmp_path / "kv.log"), KV_WORKERS=workers
    )
    closing = " ".join(f"{number}>&-" for number in closed)
    command = ["/bin/sh", "-c", f'exec "$@" {closing}', "sh", *SERVICE]
    with started(ServiceProcess(tmp_path, environ, command=command)) as process:
        async with session.get(f"{process.url}/readyz") as response:
            assert response.status == 200
        assert process.stop() == 0
    assert process.stderr() == ""


async def test_requests_are_not_logged(
    process: ServiceProcess, session: aiohttp.ClientSession
) -> None:
    begin = process.stderr()
    client = await Client(session, process.url).enter()
    await client.write({unique("k"): 1})
    await client.post("/api/write", "not JSON")
    assert process.stderr() == begin


async def test_requests_are_logged_if_the_operator_enables_it(
    tmp_path: Path, tarantool: Tarantool, session: aiohttp.ClientSession
) -> None:
    environ = environ_for(tarantool, KV_ACCESS_LOG="1")
    with service_process(tmp_path, **environ) as process:
        await Client(session, process.url).read(["k"])
        process.stop()
        (line,) = [line for line in process.stderr().splitlines() if "POST" in line]
        assert '"POST /api/read HTTP/1.1" 403' in line


async def test_only_errors_are_logged_if_the_operator_chooses_it(
    tmp_path: Path, tarantool: Tarantool, session: aiohttp.ClientSession
) -> None:
    environ = environ_for(tarantool, KV_ACCESS_LOG="errors")
    with service_process(tmp_path, **environ) as process:
        client = await Client(session, process.url).enter()
        await client.write({unique("k"): 1})
        await client.request("GET", "/api/keys/missing")
        process.stop()
        (line,) = accesses(process.stderr())
        assert '"GET /api/keys/{key} HTTP/1.1" 404' in line
        assert " error=not_found " in line


async def test_the_log_shows_no_secrets(
    tmp_path: Path, tarantool: Tarantool, session: aiohttp.ClientSession
) -> None:
    password = "a very secret password"
    environ = environ_for(
        tarantool,
        KV_ACCESS_LOG="1",
        ADMIN_LOGIN=unique("admin"),
        ADMIN_PASSWORD=password,
    )
    with service_process(tmp_path, **environ) as process:
        client = Client(session, process.url)
        assert (await client.login(environ["ADMIN_LOGIN"], password)).status == 200
        shown = command_line(process.pid)
        process.stop()
        shown += process.stdout() + process.stderr()
        assert "POST /api/login" in shown
        secrets = [PASSWORD, JWT_SECRET, password, str(client.token)]
        assert [secret for secret in secrets if secret in shown] == []


#: What must not be logged, and lines that a client would like to forge.
CONFIDENTIAL = "confidential"
FORGED = "%0D%0A127.0.0.1%20%22GET%20/forged%20HTTP/1.1%22%20200"


def sent(method: str, path: str, *headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: kv", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


ACCESSES = {
    "key": (sent("GET", f"/api/keys/{CONFIDENTIAL}"), "GET /api/keys/{key}"),
    "nested": (sent("HEAD", f"/api/keys/a/{CONFIDENTIAL}"), "HEAD /api/keys/{key}"),
    "query": (sent("GET", f"/api/changes?prefix={CONFIDENTIAL}"), "GET /api/changes"),
    "put": (sent("PUT", f"/api/keys/k?ttl={CONFIDENTIAL}"), "PUT /api/keys/{key}"),
    "known": (sent("GET", f"/livez?{CONFIDENTIAL}"), "GET /livez"),
    "file": (sent("GET", f"/docs/{CONFIDENTIAL}"), "GET /docs/{name}"),
    "absolute": (sent("GET", f"http://kv/api/keys/{CONFIDENTIAL}"), "{key}"),
    "unmatched": (sent("GET", f"/{CONFIDENTIAL}?{CONFIDENTIAL}"), "GET - "),
    "no-method": (sent("PATCH", f"/api/keys/{CONFIDENTIAL}"), "PATCH - "),
    "forged-path": (sent("GET", f"/{CONFIDENTIAL}{FORGED}"), "GET - "),
    "forged-key": (sent("GET", f"/api/keys/{FORGED}"), "GET /api/keys/{key}"),
    "referer": (sent("GET", "/livez", f"Referer: /?{CONFIDENTIAL}"), "GET /livez"),
    "agent": (sent("GET", "/livez", f'User-Agent: " {CONFIDENTIAL}'), "GET /livez"),
    "odd-method": (sent(CONFIDENTIAL.upper(), "/livez"), '"- - '),
    "quoted-method": (sent(f'GET"{CONFIDENTIAL}', "/livez"), '"- - '),
    "long": (sent("GET", f"/{CONFIDENTIAL}" * 1000), '"- - '),
    "not-http": (f"{CONFIDENTIAL}\r\n\r\n".encode(), '"- - '),
    "expectation": (sent("GET", f"/{CONFIDENTIAL}", "Expect: \xff"), '"'),
}


@pytest.fixture(scope="module")
def logging_process(
    tmp_path_factory: pytest.TempPathFactory, tarantool: Tarantool
) -> Iterator[ServiceProcess]:
    folder = tmp_path_factory.mktemp("access-log")
    environ = environ_for(tarantool, KV_ACCESS_LOG="1")
    with service_process(folder, **environ) as process:
        yield process
        assert process.stop() == 0


def accesses(log: str) -> list[str]:
    return [line for line in log.splitlines() if "access" in line]


@pytest.mark.parametrize(("request_", "logged"), ACCESSES.values(), ids=ACCESSES)
async def test_the_access_log_names_the_route_and_nothing_of_the_client(
    logging_process: ServiceProcess, request_: bytes, logged: str
) -> None:
    process = logging_process
    begin = len(process.stderr())

    def is_logged() -> bool:
        log = process.stderr()[begin:]
        return bool(accesses(log)) and log.endswith("\n")

    reader, writer = await asyncio.open_connection("127.0.0.1", process.port)
    writer.write(request_)
    async with asyncio.timeout(TIMEOUT):
        status = (await reader.read()).split()[1].decode()
    writer.close()
    await asyncio.to_thread(wait_until, is_logged, TIMEOUT)
    (line,) = accesses(process.stderr()[begin:])
    assert logged in line
    assert re.search(rf'127\.0\.0\.1 "[^"]*" {status} \d+ \d+\.\d+( \w+=\S+)*$', line)
    assert CONFIDENTIAL not in process.stderr().lower()
    assert "forged" not in process.stderr()


# Variables that Kubernetes injects


@pytest.mark.parametrize(
    "links",
    [
        service_links("kv", (5000, "tcp")),
        service_links("kv", (53, "udp"), (5000, "tcp"), (36412, "sctp")),
        service_links("kv-tarantool", (3301, "tcp")),
        service_links("kv-max-keys", (80, "sctp")),
        service_links("kv", (5000, "tcp")) | service_links("kv-tarantool", (1, "udp")),
        {"KV_PORT": "tcp://[fd00::12]:5000", "KV_SERVICE_HOST": "fd00::12"},
    ],
    ids=["kv", "all-protocols", "kv-tarantool", "kv-max-keys", "two", "ipv6"],
)
def test_a_service_of_its_name_is_no_setting(
    tmp_path: Path, tarantool: Tarantool, links: dict[str, str]
) -> None:
    environ = environ_for(tarantool, KV_HOST=new_address(), **links)
    # the variable KV_PORT may be one of the Service's
    port = int(environ["KV_PORT"]) if "KV_PORT" not in links else 5000
    service = ServiceProcess(tmp_path, service_environ(tmp_path, **environ), port=port)
    try:
        service.start()
        assert service.stop() == 0
    finally:
        service.stop(signal.SIGKILL)
    (line,) = [line for line in service.stderr().splitlines() if "Kubernetes" in line]
    assert line.partition("Services: ")[2].split(", ") == sorted(links)


# Starts that are refused


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        reason = refusal(service_environ(tmp_path, KV_PORT=port))
    assert reason == f"cannot listen on 127.0.0.1:{port}: Address already in use"


def test_a_data_folder_that_another_service_uses(tmp_path: Path) -> None:
    with service_process(tmp_path) as other:
        reason = refusal(service_environ(tmp_path))
        assert reason == f"KV_DATA_DIR: {other.data} is in use by another instance"
        assert other.stop() == 0


def test_no_tarantool_on_the_path(tmp_path: Path) -> None:
    reason = refusal(service_environ(tmp_path, PATH=str(tmp_path)))
    assert reason.startswith("there is no program tarantool on the PATH")


def test_a_data_folder_whose_name_the_file_system_refuses(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 256)
    reason = refusal(service_environ(tmp_path, KV_DATA_DIR=str(folder)))
    assert reason.startswith("KV_DATA_DIR: ")
    assert "File name too long" in reason
    assert str(folder) in reason


def test_a_data_folder_that_is_a_loop_of_links(tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to("data")
    reason = refusal(service_environ(tmp_path))
    assert reason.startswith("KV_DATA_DIR: ")
    assert str(tmp_path / "data") in reason


@pytest.mark.parametrize("name", ["console.sock", "tarantool.sock"])
@pytest.mark.parametrize("kind", ["file", "directory", "link"])
def test_something_else_in_the_place_of_a_socket_is_kept(
    tmp_path: Path, name: str, kind: str
) -> None:
    environ = service_environ(tmp_path)
    path = Path(environ["KV_DATA_DIR"]) / name
    path.parent.mkdir()
    if kind == "directory":
        path.mkdir()
    elif kind == "file":
        path.write_text("something else")
    else:
        path.symlink_to(path.parent / "elsewhere")
    before = path.lstat()
    assert f"{path} is not a socket" in refusal(environ)
    assert os.path.samestat(path.lstat(), before)


def test_a_data_folder_that_is_corrupt(tmp_path: Path) -> None:
    environ = service_environ(tmp_path)
    data = Path(environ["KV_DATA_DIR"])
    data.mkdir()
    (data / f"{0:020}.snap").write_text("garbage")
    assert refusal(environ).startswith("Tarantool did not start: ")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("KV_NO_SUCH_SETTING", "1"),
        ("KV_PORT", "65536"),
        ("KV_CORS_ORIGINS", "app.example.com"),
        ("KV_JWT_SECRET_FILE", "/no/such/file"),
        ("KV_TARANTOOL_USER", "admin"),
        ("KV_HOST", "no.such.host.invalid"),
    ],
)
def test_a_value_that_cannot_be_used(tmp_path: Path, variable: str, value: str) -> None:
    """One of each kind; tests/unit/test_settings.py has the others."""
    reason = refusal(service_environ(tmp_path) | {variable: value})
    assert variable in reason or value in reason
    assert "Unknown error" not in reason


def test_a_data_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    environ = service_environ(tmp_path, KV_DATA_DIR=str(tmp_path / "file" / "data"))
    reason = refusal(environ)
    assert reason.startswith("KV_DATA_DIR: ")
    assert environ["KV_DATA_DIR"] in reason


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 64])
def test_a_kept_secret_that_cannot_be_used(tmp_path: Path, content: bytes) -> None:
    environ = service_environ(tmp_path)
    data = Path(environ["KV_DATA_DIR"])
    data.mkdir()
    (data / "jwt_secret").write_bytes(content)
    assert refusal(environ).startswith("KV_DATA_DIR: ")


def test_a_log_that_cannot_be_written(tmp_path: Path) -> None:
    reason = refusal(service_environ(tmp_path, KV_LOG_FILE=str(tmp_path)))
    assert reason == f"KV_LOG_FILE: [Errno 21] Is a directory: '{tmp_path}'"


@pytest.mark.parametrize("name", ["x" * 65, " admin", "admin ", "\tadmin", " "])
def test_an_administrator_whose_name_is_not_allowed(
    tmp_path: Path, tarantool: Tarantool, name: str
) -> None:
    admin = {"ADMIN_LOGIN": name, "ADMIN_PASSWORD": "a secret"}
    reason = refusal(service_environ(tmp_path, **environ_for(tarantool, **admin)))
    assert "ADMIN_LOGIN" in reason
    assert "/username" in reason


async def test_an_administrator_whom_the_storage_does_not_accept_yet(
    tarantools: Tarantools, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    admin = {"ADMIN_LOGIN": "admin", "ADMIN_PASSWORD": "a secret"}
    with tarantools.running() as tarantool, caplog.at_level(logging.INFO):
        tarantool.console("box.cfg{read_only = true}")
        async with serve(tarantool, **admin) as client:
            assert (await client.request("GET", "/livez")).status == 200
            assert (await client.login("admin", "a secret")).status != 200
            reply = await client.register("admin", "of a visitor")
            assert_problem(reply, 409, "user_exists")
            await asyncio.sleep(1)  # attempts that fail
            tarantool.console("box.cfg{read_only = false}")
            await client.login_when_possible("admin", "a secret", PROCESS_TIMEOUT)
    assert caplog.text.count("ADMIN_LOGIN cannot be set up yet") == 1


@pytest.mark.parametrize("missing", ["KV_TARANTOOL_PASSWORD", "KV_JWT_SECRET"])
def test_a_secret_that_is_missing(
    tmp_path: Path, tarantool: Tarantool, missing: str
) -> None:
    environ = service_environ(tmp_path, **environ_for(tarantool))
    del environ[missing]
    assert missing in refusal(environ)


def test_a_tarantool_that_is_not_there(tmp_path: Path, tarantool: Tarantool) -> None:
    environ = environ_for(tarantool, KV_STARTUP_TIMEOUT="1") | {
        "KV_TARANTOOL_URI": "127.0.0.1:1"
    }
    reason = refusal(service_environ(tmp_path, **environ))
    assert reason == "cannot use Tarantool: 127.0.0.1:1: Connection refused"


def test_a_tarantool_that_does_not_answer(tmp_path: Path, tarantool: Tarantool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        environ = environ_for(tarantool, KV_STARTUP_TIMEOUT="1") | {
            "KV_TARANTOOL_URI": address
        }
        reason = refusal(service_environ(tmp_path, **environ))
    assert reason == f"cannot use Tarantool: {address}: no answer"


def test_a_wrong_password_of_tarantool(tmp_path: Path, tarantool: Tarantool) -> None:
    environ = environ_for(tarantool) | {"KV_TARANTOOL_PASSWORD": "mistyped"}
    reason = refusal(service_environ(tmp_path, **environ))
    assert "wrong password for the user kv_service" in reason
