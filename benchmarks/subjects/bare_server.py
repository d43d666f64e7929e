"""`python -m benchmarks.subjects.bare_server PORT SIZE...`: aiohttp without any work.

For each size a handler reads the body and replies with that many bytes.
"""

import sys
from collections.abc import Awaitable, Callable

import uvloop
from aiohttp import web


def handler_of(size: int) -> Callable[[web.Request], Awaitable[web.Response]]:
    content = b"x" * size

    async def handler(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=content, content_type="application/json")

    return handler


def main(port: int, *sizes: int) -> None:
    app = web.Application(client_max_size=2**30)
    app.add_routes([web.post(f"/{size}", handler_of(size)) for size in set(sizes)])
    web.run_app(
        app,
        host="127.0.0.1",
        port=port,
        access_log=None,
        print=None,
        loop=uvloop.new_event_loop(),
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
