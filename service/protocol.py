"""Errors outside the application, in the same form as those inside it.

A request that is not HTTP, or one with an expectation nobody can meet, is refused by
aiohttp before the application and its middlewares see it, with a text page. aiohttp has
no public hook there, hence the two overrides of its request handler.
"""

import logging
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong
from aiohttp.web_protocol import RequestHandler, _ErrInfo

from service.errors import Internal, InvalidRequest, http_problem

log = logging.getLogger(__name__)


class ProblemHandler(RequestHandler):
    __slots__ = ()

    def data_received(self, data: bytes) -> None:
        stopping = self._close, self._force_close
        if self._request_in_progress:
            # aiohttp waits for this request when it stops, and drops the rest of the
            # body that the request waits for
            self._close = self._force_close = False
        super().data_received(data)
        self._close |= stopping[0]
        self._force_close |= stopping[1]
        # aiohttp answers broken framing after the requests before it, and would let the
        # one whose body is broken wait for the rest of it for ever
        if not self._messages or not isinstance(self._messages[-1][0], _ErrInfo):
            return
        bodies = [body for _, body in self._messages]
        if self._current_request is not None:
            bodies.append(self._current_request.content)
        for body in bodies:
            if not body.is_eof():
                body.set_exception(web.RequestPayloadError())

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = HTTPStatus.INTERNAL_SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if request.writer.output_size > 0:
            raise ConnectionError("the reply has begun: only closing is left")
        # aiohttp puts the bytes of an unknown expectation in a text that it encodes
        if status == HTTPStatus.BAD_REQUEST or isinstance(exc, UnicodeEncodeError):
            detail = "The request is not valid HTTP"
            if isinstance(exc, LineTooLong):
                detail = f"A line of the request exceeds {self.max_line_size} bytes"
            response = InvalidRequest(detail).response()
        else:
            log.error("a request failed outside the application", exc_info=exc)
            response = Internal().response()
        response.force_close()
        return response

    def log_exception(self, *args: Any, **kw: Any) -> None:
        # the handler has answered it; aiohttp meets it again when it drains the body
        if not isinstance(kw.get("exc_info"), web.RequestPayloadError):
            super().log_exception(*args, **kw)

    async def finish_response(
        self,
        request: web.BaseRequest,
        resp: web.StreamResponse,
        start_time: float | None,
    ) -> tuple[web.StreamResponse, bool]:
        if isinstance(resp, web.HTTPException):
            resp = http_problem(request, resp)
        return await super().finish_response(request, resp, start_time)


class ProblemServer(web.Server):
    def __call__(self) -> RequestHandler:
        return ProblemHandler(self, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """An AppRunner whose connections answer every error as a problem."""

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        return ProblemServer(
            server.request_handler,
            request_factory=server.request_factory,
            loop=server._loop,
            **server._kwargs,
        )
