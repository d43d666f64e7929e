"""A connection of aiohttp's server, mended where it breaks a promise of the service.

What it refuses before the application sees it, because it is not HTTP or expects what
nobody can meet, it answers with a text page. A request whose body is broken or cut off
it lets wait for ever. There is no public hook for these, hence the overrides, and the
bound on aiohttp's version in setup.cfg.
"""

import logging
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import RequestHandler, _ErrInfo

from service.errors import Internal, InvalidRequest, http_problem

log = logging.getLogger(__name__)


class ProblemHandler(RequestHandler):
    __slots__ = ("_half_closed", "_last_body")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._half_closed = False
        # of the request that came last: the only one that can be unfinished
        self._last_body: StreamReader = EMPTY_PAYLOAD

    def data_received(self, data: bytes) -> None:
        stopping = self._close, self._force_close
        if self._request_in_progress:
            # aiohttp waits for this request when it stops, and drops the rest of the
            # body that the request waits for
            self._close = self._force_close = False
        super().data_received(data)
        self._close |= stopping[0]
        self._force_close |= stopping[1]
        if self._messages:
            message, body = self._messages[-1]
            if isinstance(message, _ErrInfo):
                # aiohttp answers broken framing after the request whose body it broke,
                # and would let that one wait for the rest for ever
                self._fail_last_body()
            else:
                self._last_body = body

    def eof_received(self) -> bool:  # type: ignore[override]  # as asyncio has it
        """A client that has said all (`nc -N`) may still be reading: answer first."""
        self._half_closed = True
        self._fail_last_body()
        waits_for_a_request = self._waiter is not None or self._request_count == 0
        return bool(self._messages) or not waits_for_a_request

    def _fail_last_body(self) -> None:
        if not self._last_body.is_eof():
            self._last_body.set_exception(web.RequestPayloadError())

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
        if self._half_closed and not self._messages:
            resp.force_close()
        return await super().finish_response(request, resp, start_time)


def has_left(request: web.BaseRequest) -> bool:
    """Whether the client has closed, at least its own half.

    In the middle of an ordinary request that is no reason to give up, but one that
    waits for what may come has nobody left to wait for.
    """
    protocol = request.protocol
    half_closed = isinstance(protocol, ProblemHandler) and protocol._half_closed
    return request.transport is None or half_closed


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
