"""The OpenAPI document agrees with the service, and Swagger UI comes with it."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from service.api.routes import ROUTES
from tests.docs.schemathesis_hooks import ADMIN_LOGIN, ADMIN_PASSWORD, CALLS
from tests.support.client import Client
from tests.support.machine import ROOT
from tests.support.raw_http import http, talk
from tests.support.service import Serve
from tests.support.tarantool import Tarantool, Tarantools

#: Requests made up for each operation in each phase.
EXAMPLES = 25

#: Seconds; the run takes some twenty.
RUN_TIMEOUT = 300

#: All checks are on. Two get the statuses that the contract has in addition to those of
#: their defaults: 410 and 412 depend on the store, 413, 414 and 431 are for limits.
#: Authorization is tried by the check `ignored_auth`; as an ordinary header its lack
#: would have to be 401, where the contract has 403. A long poll shall not wait for
#: changes here. No schema says that a write's `ttls` name keys of `data`, that `delete`
#: names other ones, and that both have no more keys together than one may have.
CONFIG = """
request-timeout = 10
hooks = "tests.docs.schemathesis_hooks"

[generation]
with-security-parameters = false

[checks]
max_response_time = 10.0

[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", 401, 403, 404, 409, 410, 412, 429, "5xx"]

[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 409, 412, 413, 414, 429, 431, "5xx"]

[[operations]]
include-path = "/api/changes"

[operations.parameters]
"query.wait" = 0

[[operations]]
include-path = "/api/write"

[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", 400, 401, 403, 409, 412, 413, 429, "5xx"]
"""
SUCCESSES = {"200", "204", "304"}

#: Of the service that the requests are sent to; the hooks log in with it.
ADMIN = {"ADMIN_LOGIN": ADMIN_LOGIN, "ADMIN_PASSWORD": ADMIN_PASSWORD}

PHASES = ("examples", "coverage", "fuzzing", "stateful")


async def fetched(client: Client) -> Any:
    return (await client.request("GET", "/openapi.json")).json


async def test_the_service_does_what_the_document_says(
    serve: Serve, tarantools: Tarantools, tmp_path: Path
) -> None:
    report, calls = tmp_path / "report.json", tmp_path / "calls"
    with tarantools.running() as tarantool:
        async with serve(tarantool, **ADMIN) as client:
            config = tmp_path / "schemathesis.toml"
            config.write_text(CONFIG)
            output, code = await schemathesis(
                calls,
                "--config-file",
                str(config),
                "run",
                f"{client.url}/openapi.json",
                # it would take the relative server for a part of the paths
                f"--url={client.url}",
                "--checks=all",
                f"--phases={','.join(PHASES)}",
                f"--max-examples={EXAMPLES}",
                "--seed=1",
                "--continue-on-failure",
                "--generation-database=none",
                "--report=json",
                f"--report-json-path={report}",
            )
    assert code == 0, output[-20000:]
    results = json.loads(report.read_text())
    operations = results["operations"]
    assert operations["tested"] == operations["selected"] == operations["total"]
    assert {
        name: results["phases"][name]["status"] for name in PHASES
    } == dict.fromkeys(PHASES, "success")
    answered = {tuple(call.rsplit(" ", 1)) for call in calls.read_text().splitlines()}
    succeeded = {name for name, status in answered if status in SUCCESSES}
    assert succeeded == {name for name, _ in answered}
    assert len(succeeded) == operations["total"]


async def schemathesis(calls: Path, *arguments: str) -> tuple[str, int | None]:
    """:param calls: takes a line for each call"""
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("st")),
        "--no-color",
        *arguments,
        cwd=ROOT,
        env={**os.environ, CALLS: str(calls)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(RUN_TIMEOUT):
        output, _ = await process.communicate()
    return output.decode(), process.returncode


async def test_the_document_has_every_route(service: Client) -> None:
    document = await fetched(service)
    documented = {
        (method.upper(), path)
        for path, methods in document["paths"].items()
        for method in methods
        if method != "head"
    }
    routes = {
        (route.method, re.sub(r":.*\}$", "}", route.path))
        for route in ROUTES
        if route.operation is not None
    }
    assert document["openapi"] == "3.1.0"
    assert documented == routes


async def test_the_document_has_the_limits_of_the_settings(
    serve: Serve, tarantools: Tarantools
) -> None:
    with tarantools.running() as tarantool:
        async with serve(tarantool, KV_MAX_KEYS="7", KV_MAX_KEY="9") as client:
            shapes = (await fetched(client))["components"]["schemas"]
            keys = shapes["ReadBody"]["properties"]["keys"]
            assert (keys["maxItems"], keys["items"]["maxLength"]) == (7, 9)
            assert shapes["IncrementBody"]["required"] == ["data"]
            sufficient = [kind["required"] for kind in shapes["WriteBody"]["anyOf"]]
            assert sufficient == [["data"], ["delete"]]


async def test_every_example_works_as_it_stands(
    serve: Serve, tarantools: Tarantools
) -> None:
    with tarantools.running() as tarantool:
        async with serve(tarantool, **ADMIN) as client:
            statuses = [
                await tried(client, method, path, operation)
                for path, methods in (await fetched(client))["paths"].items()
                for method, operation in methods.items()
                if "requestBody" in operation
            ]
    assert statuses == [200] * 7 + [204] + [200] * 7


def with_parameters(path: str) -> str:
    return path.replace("{key}", "config/colour").replace("{id}", "1")


async def tried(client: Client, method: str, path: str, operation: Any) -> int:
    """The status for its example; a token that comes back is kept."""
    (content,) = operation["requestBody"]["content"].values()
    body = content["example"]
    path = with_parameters(path)
    if path.startswith("/api/admin/"):
        await client.login(ADMIN_LOGIN, ADMIN_PASSWORD)
        names = [p for p in operation["parameters"] if p["name"] == "username"]
        path += "?username=dave" if names else ""
    reply = await client.request(method.upper(), path, json.dumps(body))
    if "token" in reply.text and path != "/api/tokens":
        client.token = reply.json["token"]
    return reply.status


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (417, [b"Expect: cookies"], b""),
        (415, [b"Content-Encoding: unknown"], b"{}"),
        (413, [b"Content-Length: 1000000000000"], b""),
        (408, [b"Content-Length: 1000"], b""),
    ],
)
async def test_the_document_has_the_refusals_of_every_request(
    serve: Serve, tarantool: Tarantool, status: int, headers: list[bytes], body: bytes
) -> None:
    """Those of a body too where the document has none, or the body may be missing."""
    async with serve(tarantool, KV_CLIENT_TIMEOUT="1") as client:
        await client.enter()

        async def try_one(method: str, path: str, operation: Any) -> None:
            path = with_parameters(path)
            sent = http(method.upper(), path, *headers, body=body, token=client.token)
            reply = await talk(client, sent)
            assert reply.status == status, (method, path)
            (content,) = operation["responses"][str(status)]["content"].values()
            assert reply.json["code"] in content["schema"]["properties"]["code"]["enum"]

        async with asyncio.TaskGroup() as trying:
            for path, methods in (await fetched(client))["paths"].items():
                for method, operation in methods.items():
                    if status == 413 and path == "/api/import":  # it has no limit
                        continue
                    # a GET reads no body; a HEAD has the responses of its GET
                    if method != "head" and (status == 417 or method != "get"):
                        trying.create_task(try_one(method, path, operation))


async def test_the_document_names_its_own_place_as_the_server(
    service: Client,
) -> None:
    assert (await fetched(service))["servers"] == [{"url": "."}]


@pytest.mark.parametrize("path", ["/openapi.json", "/docs"])
async def test_the_docs_require_no_token(visitor: Client, path: str) -> None:
    assert (await visitor.request("GET", path)).status == 200


async def test_no_other_file_is_served(visitor: Client) -> None:
    for name in ("__init__.py", "redoc.js", "..%2f__init__.py", "%2e%2e/app.py"):
        assert (await visitor.request("GET", f"/docs/{name}")).status == 404
