"""`python -m benchmarks.bare PORT SIZE...`: what aiohttp does with no work at all.

A handler for each size, which reads the body and answers as many bytes.
"""

import sys
from collections.abc import Awaitable, Callable

import uvloop
from aiohttp import web


def answering(size: int) -> Callable[[web.Request], Awaitable[web.Response]]:
    answer = b"x" * size

    async def handler(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=answer, content_type="application/json")

    return handler


def main(port: int, *sizes: int) -> None:
    app = web.Application(client_max_size=2**30)
    app.add_routes([web.post(f"/{size}", answering(size)) for size in set(sizes)])
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
