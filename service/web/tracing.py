"""The spans of requests: a handler around the dispatcher, where traces are enabled."""

from collections.abc import Collection
from http import HTTPStatus

from aiohttp import hdrs, web

from service.telemetry.tracing import Tracing, current, fail
from service.web.access_log import UNKNOWN, route_of
from service.web.dispatch import Dispatcher
from service.web.headers import request_id_of
from service.web.problems import ProblemReply

TRACEPARENT = "traceparent"

#: An unknown method, in OpenTelemetry's conventions.
OTHER_METHOD = "_OTHER"


class TracedDispatcher:
    """Answers requests as the dispatcher does, each within its span.

    :param untraced: paths whose requests get no span: they last as long as their client
        stays
    """

    def __init__(
        self, dispatcher: Dispatcher, tracing: Tracing, untraced: Collection[str]
    ) -> None:
        self._dispatcher = dispatcher
        self._tracing = tracing
        self._untraced = untraced

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Answers a request.

        :raises Exception: what the application raises
        """
        method = request.method if request.method in hdrs.METH_ALL else OTHER_METHOD
        if request.path in self._untraced:
            return await self._dispatcher(request)
        span = self._tracing.begin_request(method, request.headers.get(TRACEPARENT))
        if span is None:
            return await self._dispatcher(request)
        with current(span):
            response = await self._dispatcher(request)
            route = route_of(request)
            if route != UNKNOWN:
                span.update_name(f"{method} {route}")
                span.set_attribute("http.route", route)
            span.set_attribute("http.response.status_code", response.status)
            span.set_attribute("kv.request_id", request_id_of(request))
            if isinstance(response, ProblemReply):
                span.set_attribute("error.type", response.code)
            if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                fail(span, getattr(response, "code", str(response.status)))
            return response
