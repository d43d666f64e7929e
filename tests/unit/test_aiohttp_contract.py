"""The names of aiohttp that service/web relies on although they are not public.

An upgrade of aiohttp begins here: each name that is gone, and each that is used without
being listed, fails with a sentence.
"""

import ast
import asyncio
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.http import StreamWriter
from aiohttp.http_parser import HttpRequestParser
from aiohttp.test_utils import TestServer
from aiohttp.web_protocol import RequestHandler

from tests.support.machine import ROOT

WEB = ROOT / "service" / "web"

#: Attributes by the class of aiohttp that has them.
PRIVATE: dict[type, set[str]] = {
    RequestHandler: {
        "_buffer_paused",
        "_close",
        "_force_close",
        "_max_msg_queue_size",
        "_messages",
        "_parser",
        "_pause_reading_for_buffer",
        "_reading_paused",
        "_request_count",
        "_request_handler",
        "_request_in_progress",
        "_task_handler",
        "_waiter",
    },
    web.Server: {"_connections", "_kwargs", "_loop"},
    web.AppRunner: {"_make_server"},
    web.Application: {"_handle", "_make_request"},
    web.Request: {
        *("_match_info", "_payload", "_payload_writer", "_prepare_hook", "_version"),
    },
    web.StreamResponse: {
        *("_body_length", "_eof_sent", "_keep_alive", "_req", "_status"),
    },
    StreamWriter: {"_write"},
    web.UrlMappingMatchInfo: {"_route"},
    web.PlainResource: {"_path"},
    web.Response: {"_body", "_must_be_empty_body"},
    web.SockSite: {"_backlog", "_runner", "_sock"},
}

#: What has no underscore, but is in no documentation either.
UNDOCUMENTED: dict[type, set[str]] = {
    HttpRequestParser: {"feed_data", "set_upgraded"},
    RequestHandler: {"eof_received", "handle_error", "log_access", "log_exception"},
    web.Request: {"ATTRS"},
    web.Server: {"request_handler"},
}

#: Names by the module of aiohttp that is not meant to be imported from.
IMPORTED = {
    "aiohttp.helpers": {"rfc822_formatted_time"},
    "aiohttp.http_exceptions": {
        "BadHttpMessage",
        "HttpProcessingError",
        "LineTooLong",
    },
    "aiohttp.http_parser": {"RawRequestMessage"},
    "aiohttp.streams": {"EMPTY_PAYLOAD", "StreamReader"},
    "aiohttp.web_protocol": {"RequestHandler", "_ErrInfo"},
}
PUBLIC_MODULES = {"aiohttp", "aiohttp.abc", "aiohttp.typedefs"}

ATTRIBUTES = [
    (owner, name)
    for listed in (PRIVATE, UNDOCUMENTED)
    for owner, names in listed.items()
    for name in sorted(names)
]
NAMES = [(module, name) for module, names in IMPORTED.items() for name in sorted(names)]


def attributes_of(owner: type) -> set[str]:
    """The attributes of the class, and those that its methods assign."""
    found = set(dir(owner))
    for each in owner.__mro__:
        if each.__module__.startswith("aiohttp."):
            found |= set(re.findall(r"\bself\.(\w+)", source_of(each)))
    return found


def source_of(owner: type) -> str:
    try:
        return inspect.getsource(owner)
    except (OSError, TypeError):  # it is written in C
        return ""


def users_of(name: str) -> str:
    word = re.compile(rf"\b{name}\b")
    files = [path for path in WEB.glob("*.py") if word.search(path.read_text())]
    return ", ".join(f"service/web/{path.name}" for path in sorted(files))


@pytest.mark.parametrize(("owner", "name"), ATTRIBUTES)
def test_aiohttp_has_each_attribute_that_is_relied_on(owner: type, name: str) -> None:
    assert name in attributes_of(owner), (
        f"{owner.__name__} of aiohttp {aiohttp.__version__} has no {name}: "
        f"find what replaces it for {users_of(name)}"
    )


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_aiohttp_has_each_name_that_is_imported(module: str, name: str) -> None:
    assert hasattr(importlib.import_module(module), name), (
        f"{module} of aiohttp {aiohttp.__version__} has no {name}: "
        f"find what replaces it for {users_of(name)}"
    )


class Scan(ast.NodeVisitor):
    """Finds the private attributes in a module that belong to aiohttp, perhaps.

    :ivar of_self: by the class that uses them
    """

    def __init__(self) -> None:
        self.of_self: dict[str, set[str]] = {}
        self.of_others: set[str] = set()
        self._class = ""

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._class, outer = node.name, self._class
        self.of_self[node.name] = {
            each.name
            for each in node.body
            if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef))
            and is_private(each.name)
        }
        self.generic_visit(node)
        self._class = outer

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if is_private(node.attr):
            if isinstance(node.value, ast.Name) and node.value.id == "self":
                self.of_self[self._class].add(node.attr)
            else:
                self.of_others.add(node.attr)
        self.generic_visit(node)


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def modules() -> Iterator[tuple[Path, Any]]:
    for path in sorted(WEB.glob("*.py")):
        yield path, importlib.import_module(f"service.web.{path.stem}")


def private_names_in_use() -> set[str]:
    """Attributes of aiohttp's objects: inherited ones, and those of other objects."""
    inherited: set[str] = set()
    own: set[str] = set()
    others: set[str] = set()
    for path, module in modules():
        scan = Scan()
        scan.visit(ast.parse(path.read_text()))
        others |= scan.of_others
        for name, used in scan.of_self.items():
            base = getattr(module, name, object)
            theirs = attributes_of_aiohttp(base)
            inherited |= used & theirs
            own |= used - theirs
    return inherited | (others - own)


def attributes_of_aiohttp(ours: type) -> set[str]:
    bases = [each for each in ours.__mro__ if each.__module__.startswith("aiohttp.")]
    return set().union(*map(attributes_of, bases))


def test_every_private_attribute_in_use_is_listed() -> None:
    listed = set().union(*PRIVATE.values())
    assert private_names_in_use() == listed, (
        "service/web uses private attributes of aiohttp that PRIVATE does not list, "
        "or the other way round"
    )


def test_every_import_from_a_module_that_is_not_public_is_listed() -> None:
    found: dict[str, set[str]] = {}
    for path in (ROOT / "service").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                is_theirs = node.module.partition(".")[0] == "aiohttp"
                if is_theirs and node.module not in PUBLIC_MODULES:
                    names = {each.name for each in node.names}
                    found.setdefault(node.module, set()).update(names)
    assert found == IMPORTED, "IMPORTED does not list what service/ imports of aiohttp"


@pytest.mark.parametrize("folder", ["api", "auth", "storage", "process"])
def test_only_service_web_subclasses_aiohttp(folder: str) -> None:
    for path in (ROOT / "service" / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                bases = [ast.unparse(each) for each in node.bases]
                assert not [each for each in bases if each.startswith("web.")], path


async def test_the_task_of_a_request_ends_when_its_reply_is_taken() -> None:
    """The bytes of a reservation are released then (service/web/reservation.py)."""
    ended: list[str] = []
    body = bytes(8 * 1024 * 1024)  # more than the buffers of both sockets

    async def handler(request: web.Request) -> web.Response:
        task = asyncio.current_task()
        assert task is not None
        task.add_done_callback(lambda _: ended.append(request.path))
        return web.Response(body=body if request.path == "/large" else b"")

    app = web.Application()
    app.router.add_get("/{name}", handler)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        async with session.get(server.make_url("/large")) as reply:
            await asyncio.sleep(0.1)
            assert ended == []
            assert await reply.read() == body
        async with session.get(server.make_url("/small")) as reply:
            assert ended[0] == "/large"
