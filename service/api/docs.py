"""The OpenAPI document, and Swagger UI, which shows it and calls the service."""

import asyncio
import zlib
from collections.abc import Mapping
from http import HTTPStatus
from importlib.metadata import distribution
from pathlib import Path

from aiohttp import hdrs, web

from service.api.context import OPENAPI
from service.errors import NotFound
from service.web.reply_compression import COMPRESSION
from service.web.reservation import reserve
from service.web.responses import Reply, json_reply

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

#: The part of the memory for bodies and replies that anonymous clients may take.
ANONYMOUS_SHARE = 0.25

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
}

#: Allows nothing from other origins, and nothing inline.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    hdrs.CACHE_CONTROL: "no-cache",
}
#: For a day: a browser requests the icon with every page.
ICON_HEADERS: Mapping[str, str] = {hdrs.CACHE_CONTROL: "public, max-age=86400"}


async def openapi(request: web.Request) -> web.Response:
    return json_reply(request.app[OPENAPI], compressible=True)


async def root(request: web.Request) -> web.StreamResponse:
    """Redirects to the page, relatively: a proxy may serve it below a path."""
    return web.Response(status=HTTPStatus.FOUND, headers={hdrs.LOCATION: "docs"})


async def icon(request: web.Request) -> web.StreamResponse:
    return await _file_reply(request, ICON, ICON_HEADERS)


async def page(request: web.Request) -> web.StreamResponse:
    return await _file_reply(request, PAGE)


async def file(request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    if name not in FILES:
        raise NotFound(f"There is nothing at {request.path}")
    reserve(request, FILES[name].stat().st_size, ANONYMOUS_SHARE)
    return await _file_reply(request, FILES[name])


async def _file_reply(
    request: web.Request, path: Path, headers: Mapping[str, str] = HEADERS
) -> web.Response:
    """A whole file; aiohttp's FileResponse has errors that are not problem details."""
    body = await asyncio.to_thread(path.read_bytes)
    tag = f'"{zlib.crc32(body):08x}"'
    # a weak tag, because the compressed file has the same one
    headers = {**headers, hdrs.ETAG: f"W/{tag}"}
    if tag in request.headers.get(hdrs.IF_NONE_MATCH, ""):
        if request.app[COMPRESSION].applies_to(len(body)):
            headers[hdrs.VARY] = hdrs.ACCEPT_ENCODING
        return web.Response(status=304, headers=headers)
    return Reply(
        body=body,
        headers={**headers, hdrs.CONTENT_TYPE: TYPES[path.suffix]},
        compressible=True,
    )
