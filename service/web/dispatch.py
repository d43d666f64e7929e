"""The dispatcher, which calls the handler of a request.

aiohttp resolves the route of each request again, and builds its match again. Here
both are prepared for the routes without variable parts, which get nearly all requests:
it saves 4 to 6 µs per request (docs/benchmarks/2026-11-devices.md). There is no public
way to do so.
"""

from time import perf_counter
from types import FrameType
from typing import cast

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from service.telemetry.request_ids import CURRENT_REQUEST
from service.web.connection import HttpConnection
from service.web.headers import HeadedRequest
from service.web.hosts import AllowedHosts
from service.web.problems import http_problem, response_to
from service.web.request_labels import name_of


class Dispatcher:
    """The handler of a server's requests, in place of the application.

    Relies on `_handle()` of an application and on `_match_info` of a request.

    :param hosts: None: any
    """

    def __init__(self, app: web.Application, hosts: AllowedHosts | None) -> None:
        self._app = app
        self._hosts = hosts
        self._prepared: dict[
            tuple[str, str], tuple[web.UrlMappingMatchInfo, Handler]
        ] = {}
        for route in app.router.routes():
            if isinstance(route.resource, web.PlainResource):
                path = route.resource.canonical
                self._prepared[route.method, path] = self._prepare(route)

    def _prepare(
        self, route: web.AbstractRoute
    ) -> tuple[web.UrlMappingMatchInfo, Handler]:
        match = web.UrlMappingMatchInfo({}, route)
        match.add_app(self._app)
        match.freeze()
        handler = route.handler
        for middleware in reversed(self._app.middlewares):
            handler = _within(middleware, handler)
        return match, handler

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Answers a request.

        :raises Exception: what the application raises
        """
        headed = cast(HeadedRequest, request)
        headed.began = perf_counter()
        CURRENT_REQUEST.set(headed)  # in the request's own task
        prepared = self._prepared.get((request.method, request.raw_path))
        if self._hosts is not None and (refused := self._hosts.refusal(request)):
            response: web.StreamResponse = response_to(request, refused)
        elif prepared is None or hdrs.EXPECT in request.headers:
            response = await self._resolve(request)
        else:
            request._match_info, handler = prepared
            response = await handler(request)
        if cast(HttpConnection, request.protocol).is_last_reply:
            response.force_close()
        return response

    async def _resolve(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._app._handle(request)
        except web.HTTPException as refused:  # for `Expect`, before the middlewares
            return http_problem(request, refused)


def _within(middleware: Middleware, handler: Handler) -> Handler:
    """The handler within a middleware; `partial` would copy its keywords each time."""
    return lambda request: middleware(request, handler)


def request_of(frame: FrameType) -> str:
    """The request that a stack belongs to, by method and route; empty: none.

    :param frame: the innermost one
    """
    found: FrameType | None = frame
    while found is not None:
        if found.f_code is Dispatcher.__call__.__code__:
            return name_of(found.f_locals["request"])
        found = found.f_back
    return ""
