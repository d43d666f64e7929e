"""The web console: a page and its files, which call the service as any client does."""

from http import HTTPStatus
from pathlib import Path

from aiohttp import hdrs, web

from service.api.context import SETTINGS
from service.errors import NotFound
from service.web.static_files import POLICY, TYPES, file_reply, page_headers

FOLDER = Path(__file__).parents[1] / "console"
PAGE = FOLDER / "index.html"

#: Every other file of the folder: a path that is not among them is never opened.
FILES = {
    path.relative_to(FOLDER).as_posix(): path
    for path in FOLDER.rglob("*")
    if path.suffix in TYPES and path != PAGE
}

#: Also, text cannot become markup or a script.
CONSOLE_POLICY = f"{POLICY}; require-trusted-types-for 'script'"
HEADERS = page_headers(CONSOLE_POLICY)


async def page(request: web.Request) -> web.StreamResponse:
    """The page; without a console, a relative redirect to Swagger UI."""
    if not _is_on(request):
        return web.Response(status=HTTPStatus.FOUND, headers={hdrs.LOCATION: "docs"})
    return await file_reply(request, PAGE, HEADERS)


async def file(request: web.Request) -> web.StreamResponse:
    path = FILES.get(request.match_info["path"])
    if path is None or not _is_on(request):
        raise NotFound(f"There is nothing at {request.path}")
    return await file_reply(request, path, HEADERS)


def _is_on(request: web.Request) -> bool:
    return request.app[SETTINGS].console == "on"
