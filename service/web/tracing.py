"""The spans of requests: a handler around the dispatcher, where traces are enabled."""

from collections.abc import Collection
from http import HTTPStatus

from aiohttp import web

from service.telemetry.conventions import OTHER_METHOD
from service.telemetry.tracing import Tracing, current, fail
from service.web.dispatch import Dispatcher
from service.web.headers import request_id_of
from service.web.request_labels import method_of, route_of
from service.web.responses import code_of

TRACEPARENT = "traceparent"


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
        method = method_of(request) or OTHER_METHOD
        if request.path in self._untraced:
            return await self._dispatcher(request)
        span = self._tracing.begin_request(method, request.headers.get(TRACEPARENT))
        if span is None:
            return await self._dispatcher(request)
        with current(span):
            response = await self._dispatcher(request)
            route = route_of(request)
            if route is not None:
                span.update_name(f"{method} {route}")
                span.set_attribute("http.route", route)
            span.set_attribute("http.response.status_code", response.status)
            span.set_attribute("kv.request_id", request_id_of(request))
            code = code_of(response)
            if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                fail(span, code or str(response.status))
            elif code is not None:
                span.set_attribute("error.type", code)
            return response
