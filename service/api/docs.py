"""The OpenAPI document, and Swagger UI, which shows it and calls the service."""

from collections.abc import Mapping
from importlib.metadata import distribution
from pathlib import Path

from aiohttp import hdrs, web

from service.api.context import OPENAPI
from service.errors import NotFound
from service.web.responses import json_reply
from service.web.static_files import POLICY, file_reply, page_headers

OWN_FILES = Path(__file__).parent / "openapi" / "swagger"
#: offapi is only located: its import would build pages of its own, 58 MB of them.
SWAGGER_UI = Path(str(distribution("offapi").locate_file("offapi")))
PAGE = OWN_FILES / "index.html"
ICON = OWN_FILES / "favicon.ico"
FILES = {
    "initializer.js": OWN_FILES / "initializer.js",
    "swagger-ui.css": SWAGGER_UI / "swagger_style.css",
    "swagger-ui.js": SWAGGER_UI / "swagger_bundle.js",
}

HEADERS = page_headers(POLICY)
#: For a day: a browser requests the icon with every page.
ICON_HEADERS: Mapping[str, str] = {hdrs.CACHE_CONTROL: "public, max-age=86400"}


async def openapi(request: web.Request) -> web.Response:
    return json_reply(request.app[OPENAPI], compressible=True)


async def icon(request: web.Request) -> web.StreamResponse:
    return await file_reply(request, ICON, ICON_HEADERS)


async def page(request: web.Request) -> web.StreamResponse:
    return await file_reply(request, PAGE, HEADERS)


async def file(request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    if name not in FILES:
        raise NotFound(f"There is nothing at {request.path}")
    return await file_reply(request, FILES[name], HEADERS)
