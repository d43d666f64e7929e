"""The files of a page: read for each request, with a type, a tag and a policy."""

import asyncio
import zlib
from collections.abc import Mapping
from pathlib import Path

from aiohttp import hdrs, web

from service.web.reply_compression import COMPRESSION
from service.web.reservation import reserve
from service.web.responses import Reply

#: The types of the files that a page may have, by their suffix.
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
}

#: The part of the memory for bodies and replies that anonymous clients may take.
ANONYMOUS_SHARE = 0.25

#: Allows nothing from other origins, and nothing inline.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


def page_headers(policy: str) -> Mapping[str, str]:
    """The headers of the files of a page: a browser asks whether they have changed."""
    return {"Content-Security-Policy": policy, hdrs.CACHE_CONTROL: "no-cache"}


async def file_reply(
    request: web.Request, path: Path, headers: Mapping[str, str]
) -> web.Response:
    """A whole file; aiohttp's FileResponse has errors that are not problem details.

    :raises Overloaded: too many bytes are reserved
    """
    size = (await asyncio.to_thread(path.stat)).st_size
    reserve(request, size, ANONYMOUS_SHARE)
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
