"""A server with faults that a flood must detect; its argument is the port."""

import sys
from urllib.parse import unquote

from aiohttp import web

#: Bytes that it keeps of each request.
LEAK = 32 * 1024

KEPT: list[bytes] = []


async def answer(request: web.Request) -> web.Response:
    KEPT.append(bytes(LEAK))
    body = await request.read()
    if request.path == "/api/login":
        return web.json_response({"token": "token"})
    if b"null" in body:
        raise ValueError(unquote(request.path))
    return web.json_response({})


if __name__ == "__main__":
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
