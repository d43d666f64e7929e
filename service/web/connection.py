"""A connection of aiohttp's server, mended where it breaks a promise of the service.

What it refuses before the application sees it, because it is not HTTP or expects what
nobody can meet, it answers with a text page. A request whose body is broken or cut off
it lets wait for ever, and so it does with clients that send or read too slowly. There
is no public hook for these, hence the overrides, and the bound on aiohttp's version in
setup.cfg.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator
from http import HTTPStatus
from typing import Any, cast

from aiohttp import HttpVersion10, HttpVersion11, hdrs, web
from aiohttp.http_exceptions import (
    BadHttpMessage,
    HttpProcessingError,
    LineTooLong,
)
from aiohttp.http_parser import HttpRequestParser, RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import RequestHandler, _ErrInfo

from service.errors import (
    HeadersTooLarge,
    HttpVersionNotSupported,
    Internal,
    InvalidRequest,
    Problem,
    RequestTimeout,
    UriTooLong,
    quoted,
)
from service.sizes import SMALL
from service.web.admission import Load
from service.web.framing import EMPTY_LINE, Body, ChunkedBody, Head, SizedBody
from service.web.problems import http_problem, response_to

log = logging.getLogger(__name__)

Reply = tuple[web.StreamResponse, bool]
RequestCallable = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

#: Bytes. A key of the largest size takes three times as many in a path; a token, a list
#: of entity tags and what proxies add fit in the rest many times. The parser tells the
#: first two apart by nothing but their sizes. What counts of a field is its name and
#: its value; of a head, every byte.
MAX_LINE, MAX_FIELD, MAX_HEAD = 8 * 1024, 16 * 1024, 32 * 1024

#: Fields of a head.
MAX_HEADERS = 100

#: How aiohttp's parser says that there are more.
TOO_MANY = "Too many headers received"

#: How it says that the version is not known, and that it is HTTP/2 (RFC 9113, 3.4).
OTHER_VERSIONS = ("Invalid HTTP version", "Pause on PRI/Upgrade")

#: How it says that there is none: a body of this length it takes for none.
NO_LENGTH = str(2**64 - 1)

#: Bytes a second: the slowest line that a client is waited for, with a body or a reply
#: of any length.
MIN_RATE = 16 * 1024

#: Seconds between two looks at the connections.
LOOK_INTERVAL = 1.0


class ProblemHandler(RequestHandler):
    __slots__ = (
        "_body",
        "_body_arrives",
        "_half_closed",
        "_head",
        "_head_ends",
        "_head_seconds",
        "_held",
        "_idle_seconds",
        "_is_between",
        "_is_counted",
        "_is_refusing",
        "_is_upgrade",
        "_last_body",
        "_load",
        "_make_room",
        "_on_left",
        "_replies",
        "_replies_before",
        "_stuck_at",
        "_stuck_seconds",
        "_turn",
        "_unparsed",
        "_unsent",
    )

    def __init__(
        self,
        *args: Any,
        load: Load,
        make_room: Callable[["ProblemHandler"], None],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._load = load
        self._make_room = make_room
        self._half_closed = False
        # of the request that came last: the only one that can be unfinished
        self._last_body: StreamReader = EMPTY_PAYLOAD
        self._body: Body = SizedBody(0)
        self._head = 0  # bytes of a head that has not ended
        self._head_ends = Head()
        self._unparsed = b""  # came while the parser was paused
        self._is_upgrade = False  # the last request has `Upgrade`, and has not ended
        self._is_between = True  # two requests: the parser has nothing of the next one
        self._is_refusing = False  # nothing more is parsed
        self._held = 0  # bytes of a body or a reply that count as held
        self._turn = 0  # bytes of a body or a reply that has its turn
        self._replies = 0
        self._is_counted = self._body_arrives = False
        self._on_left: Callable[[], object] | None = None
        # what the looks have seen
        self._head_seconds = self._idle_seconds = self._stuck_seconds = 0.0
        self._unsent = self._stuck_at = self._replies_before = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self.ssl_context is not None:
            # one that ends here keeps eight times as many bytes by default
            cast(asyncio.Transport, transport).set_write_buffer_limits(SMALL)
        if self._task_handler is not None:
            self._task_handler.add_done_callback(self._abort_if_failed)
        self._make_room(self)

    def _abort_if_failed(self, task: asyncio.Task[None]) -> None:
        """aiohttp keeps a connection open whose task has ended with an exception."""
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a connection failed", exc_info=error)
            if self.transport is not None:
                self.transport.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self._tell_that_it_left()

    def set_handler(self, handler: RequestCallable) -> None:
        """What is called with the requests that come from now on."""
        self._request_handler = handler

    def data_received(self, data: bytes) -> None:
        """Parses the bytes of one message at a time.

        If one segment has several messages, aiohttp's parser drops the bytes after a
        request with `Upgrade`, and the requests before a malformed one.
        """
        is_closing = self._close or self._force_close
        # a request in progress may need the rest of its body while aiohttp stops
        if (is_closing and not self._request_in_progress) or self._is_refusing:
            return
        is_next = self._is_between and not self._messages and 0 < len(data) <= MAX_FIELD
        if not (is_next and self._parse_one(data)):
            self._parse_all(data)

    def _parse_one(self, data: bytes) -> bool:
        """Most requests come in bytes of their own; False: these are to be parsed."""
        parser = self._parser
        if parser is None:
            return True
        try:
            messages, _, _ = parser.feed_data(data)
            ((message, body),) = messages
        except (HttpProcessingError, ValueError):
            is_one = False
        else:
            end = data.find(EMPTY_LINE) + len(EMPTY_LINE)
            is_whole = end + body.total_bytes == len(data) and body.is_eof()
            is_one = is_whole and not message.upgrade
        if is_one:
            self._begin(message, body)
        else:
            self._parser = self._new_parser()
            self.resume_reading(resume_parser=False)  # a body may have paused it
        return is_one

    def _new_parser(self) -> HttpRequestParser:
        return HttpRequestParser(
            self,
            self._loop,
            self._read_bufsize,
            max_line_size=self.max_line_size,
            max_field_size=self.max_field_size,
            max_headers=self.max_headers,
            payload_exception=web.RequestPayloadError,
            auto_decompress=False,
        )

    def _parse_all(self, data: bytes) -> None:
        if self._unparsed or not data:
            self._parse(b"")  # where the parser paused, the rest of its bytes
            data, self._unparsed = self._unparsed + data, b""
        start, size = 0, len(data)
        while start < size and not self._is_refusing:
            if self._reading_paused or len(self._messages) >= self._max_msg_queue_size:
                self._unparsed = data[start:]
                break
            if self._head == MAX_HEAD:
                self._refuse(HeadersTooLarge(_beyond(MAX_HEAD)))
                break
            end = self._end_of_part(data, start)
            self._parse(data[start:end])
            start = end
        self._is_between = self._last_body.is_eof() and not (
            self._head or self._unparsed
        )
        if len(self._messages) >= self._max_msg_queue_size and not self._buffer_paused:
            self._pause_reading_for_buffer()

    def _end_of_part(self, data: bytes, start: int) -> int:
        """The index where the head or the body that begins at `start` ends."""
        in_body = not self._last_body.is_eof()
        if in_body and not self._body.is_over:
            return self._body.end(data, start)
        end = self._head_ends.end(data, start)
        if not in_body:
            end = min(end, start + MAX_HEAD - self._head)
            self._head += end - start
        return end

    def _parse(self, part: bytes) -> None:
        if self._is_refusing or self._parser is None:
            return
        try:
            messages, _, _ = self._parser.feed_data(part)
        except HttpProcessingError as error:
            self._fail_last_body()
            self._refuse(_not_http(error))
            return
        for message, body in messages:
            self._begin(message, body)
        if self._is_upgrade and self._last_body.is_eof():
            self._ignore_upgrade()

    def _begin(self, message: RawRequestMessage, body: StreamReader) -> None:
        head, self._head = self._head, 0
        if head > MAX_FIELD:
            widest = max(len(name) + len(value) for name, value in message.raw_headers)
            if widest > MAX_FIELD:
                self._refuse(HeadersTooLarge(_one_beyond(MAX_FIELD, widest)))
                return
        if message.chunked or body is EMPTY_PAYLOAD or message.path[:1] != "/":
            malformed = _malformed(message)
            if malformed is not None:
                self._refuse(malformed)
                return
        version = message.version
        if version is not HttpVersion11 and version != HttpVersion10:
            self._refuse(
                HttpVersionNotSupported(f"HTTP/{version.major}.{version.minor}")
            )
            return
        self._request_count += 1
        self._messages.append((message, body))
        self._last_body = body
        if message.chunked:
            self._body = ChunkedBody()
        elif not body.is_eof():
            self._body = SizedBody(int(message.headers[hdrs.CONTENT_LENGTH]))
        if message.upgrade:
            self._is_upgrade = True
            # what follows belongs to the tunnel that it does not get
            self._is_refusing = message.method == hdrs.METH_CONNECT
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _ignore_upgrade(self) -> None:
        """This service never upgrades: what follows is the next request."""
        self._is_upgrade = False
        if self._parser is not None:
            # a parser that paused for a full queue pauses for the upgrade next
            self._parser.feed_data(b"")
            self._parser.set_upgraded(False)

    def resume_reading(self, resume_parser: bool = True) -> None:
        # aiohttp does so with every body, and has the parser look for more each time
        if self._reading_paused or self._buffer_paused:
            super().resume_reading(resume_parser)

    def _refuse(self, why: Problem) -> None:
        """After the requests that came before; nothing more is parsed."""
        if not self._is_refusing:
            self._is_refusing = True
            error = _ErrInfo(status=why.status, exc=why, message="")
            self._request_count += 1
            self._messages.append((error, EMPTY_PAYLOAD))
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_result(None)

    def eof_received(self) -> bool:  # type: ignore[override]  # as asyncio has it
        """A client that has said all (`nc -N`) may still be reading: answer first.

        Not over TLS, where nothing can be answered: asyncio warns who tries.
        """
        self._half_closed = True
        self._fail_last_body()
        self._tell_that_it_left()
        waits_for_a_request = self._waiter is not None or self._request_count == 0
        if not waits_for_a_request and not self._messages:
            # the reply may be out already, and nothing else would close the connection
            self.close()
        has_to_answer = bool(self._messages) or not waits_for_a_request
        return has_to_answer and self.ssl_context is None

    def _tell_that_it_left(self) -> None:
        if self._on_left is not None:
            self._on_left()
            self._on_left = None

    def _fail_last_body(self) -> None:
        if not self._last_body.is_eof():
            self._last_body.set_exception(web.RequestPayloadError())

    @property
    def idle_seconds(self) -> float | None:
        """Since when the client is waited for, to send; None: it is not."""
        idle = not self._request_in_progress and not self._messages
        return self._idle_seconds if idle or self._body_arrives else None

    def look(self, transport: asyncio.Transport, passed: float) -> None:
        """So many seconds have passed: is the client too slow?"""
        if self.idle_seconds is None:
            self._head_seconds = self._idle_seconds = 0.0
        else:
            self._idle_seconds += passed
            self._head_seconds = self._head_seconds + passed if self._head else 0.0
            # it may have begun just before the first look at it
            if self._head_seconds > self._load.patience + LOOK_INTERVAL:
                self._refuse(RequestTimeout("The headers did not come in time"))
        self._look_at_reply(transport, passed)

    def _look_at_reply(self, transport: asyncio.Transport, passed: float) -> None:
        unsent, before = transport.get_write_buffer_size(), self._unsent
        self._unsent = unsent
        if self._on_left is not None and not transport.is_closing():
            return
        # what has grown had been taken: only then is more written
        if not before or unsent > before or self._replies != self._replies_before:
            self._stuck_at, self._stuck_seconds = unsent, 0.0
            self._replies_before = self._replies
        elif self._stuck_at - unsent >= MIN_RATE * self._load.patience:
            self._stuck_at, self._stuck_seconds = unsent, 0.0
        elif unsent:
            self._stuck_seconds += passed
            if self._stuck_seconds > self._load.patience:
                transport.abort()

    async def _handle_request(
        self,
        request: web.BaseRequest,
        start_time: float | None,
        request_handler: RequestCallable,
    ) -> Reply:
        self._load.requests += 1
        self._is_counted = True
        try:
            return await super()._handle_request(request, start_time, request_handler)
        finally:
            self._discount()
            self._replies += 1
            if self._held:
                self.hold(0)

    def _discount(self) -> None:
        self._end_turn()
        if self._is_counted:
            self._is_counted = False
            self._load.requests -= 1

    @property
    def holds(self) -> bool:
        return self._held > 0

    def hold(self, size: int, share: float = 1) -> None:
        """:raises Overloaded:"""
        self._held = self._load.hold(self._held, size, share)

    async def take_turn(self, size: int) -> None:
        """:raises Overloaded:"""
        self._end_turn()
        await self._load.turns.take(size)
        self._turn = size

    def _end_turn(self) -> None:
        if self._turn:
            self._load.turns.end(self._turn)
            self._turn = 0

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = HTTPStatus.INTERNAL_SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if request.writer.output_size > 0:
            raise ConnectionError("the reply has begun: only closing is left")
        if isinstance(exc, Problem):
            response = response_to(exc)
        # aiohttp puts the bytes of an unknown expectation in a text that it encodes
        elif status == HTTPStatus.BAD_REQUEST or isinstance(exc, UnicodeEncodeError):
            response = response_to(_not_http(exc))
        else:
            log.error("a request failed outside the application", exc_info=exc)
            response = response_to(Internal())
        if isinstance(exc, HttpVersionNotSupported):
            request._version = HttpVersion11  # aiohttp's stand-in for it has 1.0
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
    ) -> Reply:
        if isinstance(resp, web.HTTPException):
            resp = http_problem(request, resp)
        self._discount()
        if self._held and resp.content_length is not None:
            # the body is not needed any more; of the reply, not all that it might take
            self.hold(min(self._held, resp.content_length))
        is_last = self._half_closed or self._load.is_stopping or self._is_refusing
        if is_last and not self._messages:
            resp.force_close()
        return await super().finish_response(request, resp, start_time)


def _malformed(message: RawRequestMessage) -> Problem | None:
    """The problem of a request that aiohttp accepts although it is malformed."""
    given = message.headers.getall(hdrs.TRANSFER_ENCODING, None)
    if given is not None and [each.strip().lower() for each in given] != ["chunked"]:
        return InvalidRequest(
            f"Transfer-Encoding is {quoted(', '.join(given))}, expected chunked"
        )
    length = message.headers.get(hdrs.CONTENT_LENGTH, "")
    if given is None and length.lstrip("0") == NO_LENGTH:
        return InvalidRequest(f"Content-Length is {NO_LENGTH}, beyond its range")
    if message.path[:1] != "/":
        try:
            _ = message.url.host, message.url.port
        except ValueError:
            return InvalidRequest(
                f"The target {quoted(message.path)} is not a valid URL"
            )
    return None


def _not_http(error: BaseException | None) -> Problem:
    match error:
        case LineTooLong(args=(_, int(limit), _)) if limit == MAX_LINE:
            return UriTooLong(f"The path and query exceed {limit} bytes")
        case LineTooLong(args=(_, int(limit), _)):
            return HeadersTooLarge(_one_beyond(limit))
        case BadHttpMessage(args=(text,)) if text == TOO_MANY:
            return HeadersTooLarge(f"There are more than {MAX_HEADERS} headers")
        case BadHttpMessage(message=str(text)) if any(map(text.count, OTHER_VERSIONS)):
            return HttpVersionNotSupported()
    return InvalidRequest("The request is not valid HTTP")


def _one_beyond(limit: int, size: int | None = None) -> str:
    is_given = "" if size is None else f", with {size}"
    return f"One of the headers exceeds {limit} bytes{is_given}"


def _beyond(limit: int) -> str:
    return f"The headers exceed {limit} bytes together"


def hold(request: web.BaseRequest, size: int, share: float = 1) -> None:
    """From now on the request holds so many bytes, until its reply is taken.

    :param share: of all that may be held, the part that leaves room for it
    :raises Overloaded: there is no room
    """
    connection = _connection(request)
    if size > SMALL or connection.holds:
        connection.hold(size, share)


async def take_turn(request: web.BaseRequest, size: int) -> None:
    """Until its reply is made the request works on so many bytes, a body or a reply.

    :raises Overloaded: its turn does not come
    """
    if size > SMALL:
        await _connection(request).take_turn(size)


def minds_its_client(request: web.BaseRequest, on_left: Callable[[], object]) -> None:
    """The handler itself sees to it that its client takes the reply.

    :param on_left: called when the client has left, as `has_left` tells
    """
    _connection(request)._on_left = on_left


def _connection(request: web.BaseRequest) -> ProblemHandler:
    return cast(ProblemHandler, request.protocol)


@contextlib.contextmanager
def arriving(request: web.BaseRequest) -> Iterator[None]:
    """While its body comes a request waits for its client, and is not counted.

    :raises Overloaded: there is no place for it when it has come
    """
    connection = _connection(request)
    connection._body_arrives = True
    try:
        with connection._load.waiting():
            yield
    finally:
        connection._body_arrives = False
    connection._load.admit()


def has_left(request: web.BaseRequest) -> bool:
    """Whether the client has closed, at least its own half.

    In the middle of an ordinary request that is no reason to give up, but one that
    waits for what may come has nobody left to wait for.
    """
    return request.transport is None or _connection(request)._half_closed
