"""The way of a request to its handler.

aiohttp looks for the route of each request anew, and prepares for others that might go
on from there. The routes without variable parts take nearly all requests, and all that
belongs to one of them is known before the first. There is no public way to tell aiohttp
so: hence its private names here, and the bound on its version in setup.cfg.
"""

from functools import partial

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from service.web.hosts import AllowedHosts
from service.web.problems import response_to


class Dispatcher:
    """What a server calls with a request, in the place of the application.

    :param hosts: None: any
    """

    def __init__(self, app: web.Application, hosts: AllowedHosts | None) -> None:
        self._app = app
        self._hosts = hosts
        self._known: dict[tuple[str, str], tuple[web.UrlMappingMatchInfo, Handler]] = {}
        for route in app.router.routes():
            if isinstance(route.resource, web.PlainResource):
                path = route.resource.canonical
                self._known[route.method, path] = self._prepared(route)

    def _prepared(
        self, route: web.AbstractRoute
    ) -> tuple[web.UrlMappingMatchInfo, Handler]:
        match = web.UrlMappingMatchInfo({}, route)
        match.add_app(self._app)
        match.freeze()
        handler = route.handler
        for middleware in reversed(self._app.middlewares):
            handler = partial(middleware, handler=handler)
        return match, handler

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """:raises Exception: what the application does"""
        if self._hosts is not None and (refused := self._hosts.refusal(request)):
            return response_to(refused)
        known = self._known.get((request.method, request.raw_path))
        if known is None or hdrs.EXPECT in request.headers:
            return await self._app._handle(request)
        request._match_info, handler = known
        return await handler(request)
