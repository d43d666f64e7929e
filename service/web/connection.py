"""A connection of the server: aiohttp's RequestHandler, with limits and error replies.

aiohttp has no public hooks for them. It answers malformed requests with a text page,
leaves a handler waiting for a body that is broken or cut off, and waits without a limit
for clients that send or read too slowly. Each override below names its reason, the
private attributes it relies on and the upstream issue, if there is one.
tests/unit/test_aiohttp_contract.py checks the attributes.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from http import HTTPStatus
from typing import Any, cast

from aiohttp import HttpVersion10, HttpVersion11, hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import RequestHandler, _ErrInfo

from service.errors import HttpVersionNotSupported, Internal, Problem, RequestTimeout
from service.sizes import SMALL
from service.telemetry.families import Counter
from service.web.admission import Admission
from service.web.client_timeouts import ReadingClient, SendingClient
from service.web.framing import MAX_FIELD, MAX_HEAD, ChunkedBody, Framer, SizedBody
from service.web.headers import HeadedRequest
from service.web.parse_errors import (
    malformed,
    oversized_field,
    oversized_head,
    problem_of,
)
from service.web.problems import response_to

log = logging.getLogger(__name__)

#: Reasons to close a connection, as labels of `kv_connections_closed_total`.
SLOW_REQUEST = "slow_request"
SLOW_REPLY = "slow_reply"

RequestCallable = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
#: The third argument is a time that aiohttp measures, which is not used.
OnAnswered = Callable[[HeadedRequest, web.StreamResponse, float | None], object]


class HttpConnection(RequestHandler):
    """A connection of the server.

    :param on_connected: called with each new connection
    :param on_answered: called with each request and its reply, also that to a malformed
        request, once it has been sent or has failed
    :param closed: connections that the server closed, by reason
    """

    __slots__ = (
        "_admission",
        "_awaits_body",
        "_closed",
        "_framer",
        "_half_closed",
        "_is_refusing",
        "_is_upgrade",
        "_last_body",
        "_on_connected",
        "_on_left",
        "_reading_client",
        "_sending_client",
        "_unparsed",
        "log_access",
    )

    #: What aiohttp calls after every reply; its own reads a clock twice. Not a method:
    #: it would be one more call per request.
    log_access: OnAnswered  # type: ignore[assignment]

    def __init__(
        self,
        *args: Any,
        admission: Admission,
        on_connected: Callable[["HttpConnection"], None],
        on_answered: OnAnswered,
        closed: Counter,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._admission = admission
        self._on_connected = on_connected
        self.log_access = on_answered
        self._closed = closed
        self._framer = Framer()
        self._last_body: StreamReader = EMPTY_PAYLOAD  # no other can be unfinished
        self._unparsed = b""  # received while the parser was paused
        self._is_upgrade = False  # the last request has `Upgrade`, and has not ended
        self._is_refusing = False  # nothing more is parsed
        self._half_closed = False
        self._awaits_body = False  # the handler does
        self._on_left: Callable[[], object] | None = None
        self._sending_client = SendingClient(admission.client_timeout)
        self._reading_client = ReadingClient(admission.client_timeout)

    # The life of the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Limits the connections, and what TLS buffers; relies on `_task_handler`."""
        super().connection_made(transport)
        if self.ssl_context is not None:
            # a transport with TLS buffers eight times as many bytes by default
            cast(asyncio.Transport, transport).set_write_buffer_limits(SMALL)
        if self._task_handler is not None:
            self._task_handler.add_done_callback(self._abort_if_failed)
        self._on_connected(self)

    def _abort_if_failed(self, task: asyncio.Task[None]) -> None:
        """Aborts the connection if its task has failed: aiohttp would keep it open."""
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the task of a connection failed", exc_info=error)
            if self.transport is not None:
                self.transport.abort()

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio accepts a bool
        """Answers a client that has closed its own half (`nc -N`) and still reads.

        aiohttp closes the connection at once (#3659). Relies on `_waiter`, `_messages`
        and `_request_count`. Over TLS nothing can be sent any more: asyncio logs a
        warning for True.
        """
        self._half_closed = True
        self._fail_last_body()
        self._notify_left()
        is_idle = self._waiter is not None or self._request_count == 0
        if not is_idle and not self._messages:
            # the reply may be sent already, and nothing else would close the connection
            self.close()
        has_to_answer = bool(self._messages) or not is_idle
        return has_to_answer and self.ssl_context is None

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self._notify_left()

    def _notify_left(self) -> None:
        if self._on_left is not None:
            self._on_left()
            self._on_left = None

    def set_handler(self, handler: RequestCallable) -> None:
        """Sets the handler of the next requests; relies on `_request_handler`."""
        self._request_handler = handler

    @property
    def is_last_reply(self) -> bool:
        """Whether the connection closes after the present reply."""
        is_stopping = self._admission.is_stopping
        is_ending = is_stopping or self._half_closed or self._is_refusing
        return is_ending and not self._messages

    # Parsing

    def data_received(self, data: bytes) -> None:
        """Parses one request, or one head or one body at a time.

        If one segment has several messages, aiohttp's parser drops the bytes after a
        request with `Upgrade` (#12734), and the requests before a malformed one.
        Relies on `_close`, `_force_close`, `_request_in_progress`, `_reading_paused`,
        `_buffer_paused`, `_pause_reading_for_buffer()`, `_max_msg_queue_size`.
        """
        is_closing = self._close or self._force_close
        # a request in progress may need the rest of its body while aiohttp stops
        if (is_closing and not self._request_in_progress) or self._is_refusing:
            return
        if self._unparsed or not data:
            self._parse(b"")  # where the parser paused, the rest of its bytes
            data, self._unparsed = self._unparsed + data, b""
        if self._is_one_request(data):
            self._parse(data)
        else:
            self._parse_parts(data)

    def _is_one_request(self, data: bytes) -> bool:
        """Whether the parser may get these bytes at once, which saves time.

        Most segments have one request: see `resume_reading` for the figures. Others are
        split.
        """
        return (
            not self._messages
            and not self._reading_paused
            and self._last_body.is_eof()
            and self._framer.is_one_request(data)
        )

    def _parse_parts(self, data: bytes) -> None:
        framer, messages, limit = self._framer, self._messages, self._max_msg_queue_size
        start, size = 0, len(data)
        while start < size and not self._is_refusing:
            if self._reading_paused or len(messages) >= limit:
                self._unparsed = data[start:]
                break
            if framer.head_size == MAX_HEAD:
                self._refuse(oversized_head())
                break
            end = framer.end_of_part(data, start, not self._last_body.is_eof())
            self._parse(data[start:end])
            start = end
        if len(messages) >= limit and not self._buffer_paused:
            self._pause_reading_for_buffer()

    def _parse(self, part: bytes) -> None:
        """Parses a head or a body; relies on `_parser` and its `feed_data()`."""
        if self._is_refusing or self._parser is None:
            return
        try:
            messages, _, _ = self._parser.feed_data(part)
        except HttpProcessingError as error:
            self._fail_last_body()
            self._refuse(problem_of(error))
            return
        for message, body in messages:
            self._begin(message, body)
        if self._is_upgrade and self._last_body.is_eof():
            self._ignore_upgrade()

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Skips what aiohttp does for each body: its parser looks for more bytes.

        Together with `_is_one_request` it saves 1.5 µs per request
        (docs/benchmarks/2026-11-devices.md). Relies on `_reading_paused` and
        `_buffer_paused`.
        """
        if self._reading_paused or self._buffer_paused:
            super().resume_reading(resume_parser)

    def _begin(self, message: RawRequestMessage, body: StreamReader) -> None:
        problem = _problem_with(message, body, self._framer.end_head())
        if problem is not None:
            self._refuse(problem)
            return
        self._last_body = body
        if message.chunked:
            self._framer.begin_body(ChunkedBody())
        elif not body.is_eof():
            length = int(message.headers[hdrs.CONTENT_LENGTH])
            self._framer.begin_body(SizedBody(length))
        if message.upgrade:
            self._is_upgrade = True
            # the bytes after CONNECT belong to a tunnel, which is refused
            self._is_refusing = message.method == hdrs.METH_CONNECT
        self._enqueue(message, body)

    def _ignore_upgrade(self) -> None:
        """Parses what follows as the next request: this service never upgrades.

        Relies on `_parser` and its `set_upgraded()`.
        """
        self._is_upgrade = False
        if self._parser is not None:
            # a parser that paused for a full queue pauses for the upgrade next
            self._parser.feed_data(b"")
            self._parser.set_upgraded(False)

    def _enqueue(
        self, message: RawRequestMessage | _ErrInfo, body: StreamReader
    ) -> None:
        """Queues a message for the task of the connection.

        Relies on `_messages`, `_request_count` and `_waiter`.
        """
        self._request_count += 1
        self._messages.append((message, body))
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # Errors

    def _refuse(self, problem: Problem) -> None:
        """Answers with a problem after the requests before; nothing more is parsed.

        Relies on `_ErrInfo` (#3287).
        """
        if not self._is_refusing:
            self._is_refusing = True
            error = _ErrInfo(status=problem.status, exc=problem, message="")
            self._enqueue(error, EMPTY_PAYLOAD)

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
        """Answers with a problem instead of a text page (#3287).

        Relies on `_version` of a request.
        """
        if request.writer.output_size > 0:
            raise ConnectionError("part of the reply is sent: the connection closes")
        if isinstance(exc, Problem):
            response = response_to(request, exc)
        # aiohttp encodes a text with the bytes of an unknown expectation
        elif status == HTTPStatus.BAD_REQUEST or isinstance(exc, UnicodeEncodeError):
            response = response_to(request, problem_of(exc))
        else:
            log.error("a request failed outside the application", exc_info=exc)
            response = response_to(request, Internal())
        if isinstance(exc, HttpVersionNotSupported):
            request._version = HttpVersion11  # aiohttp's substitute for it has 1.0
        response.force_close()
        return response

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Skips the error of a body that the handler has answered already.

        aiohttp meets it again when it drains the body.
        """
        if not isinstance(kw.get("exc_info"), web.RequestPayloadError):
            super().log_exception(*args, **kw)

    # Timeouts

    @property
    def idle_seconds(self) -> float | None:
        """Seconds for which the server has awaited the client; None: it does not.

        Relies on `_request_in_progress` and `_messages`.
        """
        is_idle = not self._request_in_progress and not self._messages
        awaits = is_idle or self._awaits_body
        return self._sending_client.idle_seconds if awaits else None

    def check(self, transport: asyncio.Transport, elapsed: float) -> None:
        """Refuses or aborts if the client is too slow.

        :param elapsed: seconds since the last check
        """
        in_head = self._framer.head_size > 0
        if self.idle_seconds is None:
            self._sending_client.reset()
        elif self._sending_client.is_too_slow(elapsed, in_head=in_head):
            if not self._is_refusing:
                self._closed.add(SLOW_REQUEST)
            self._refuse(RequestTimeout("The headers did not arrive in time"))
        unsent = transport.get_write_buffer_size()
        if self._on_left is not None and not transport.is_closing():
            self._reading_client.skip(unsent)
            return
        begun = self._request_count - len(self._messages)
        if self._reading_client.is_too_slow(elapsed, unsent, begun):
            self._closed.add(SLOW_REPLY)
            transport.abort()

    @contextlib.contextmanager
    def awaiting_body(self) -> Iterator[None]:
        """A context in which the handler waits for the client, which counts as idle.

        Each context has the whole time.
        """
        self._awaits_body = True
        try:
            yield
        finally:
            self._awaits_body = False
            self._sending_client.reset()

    # For handlers

    @contextlib.contextmanager
    def receiving(self) -> Iterator[None]:
        """A context in which a request waits for its body, and does not count.

        :raises Overloaded: too many requests are in flight when it has arrived
        """
        try:
            with self.awaiting_body(), self._admission.waiting():
                yield
        except TimeoutError:  # the reply to it closes the connection
            self._closed.add(SLOW_REQUEST)
            raise
        self._admission.admit()

    @contextlib.contextmanager
    def receiving_more(self) -> Iterator[None]:
        """A context in which an admitted request waits for more of its body."""
        try:
            with self.awaiting_body(), self._admission.waiting():
                yield
        except TimeoutError:
            self._closed.add(SLOW_REQUEST)
            raise

    @property
    def has_unsent(self) -> bool:
        """Whether the client has not taken all that was written."""
        transport = self.transport
        return self.writing_paused or (
            transport is not None and transport.get_write_buffer_size() > 0
        )

    def abort_slow_reply(self) -> None:
        """Aborts the connection of a client that reads a stream too slowly."""
        if self.transport is not None and not self.transport.is_closing():
            self._closed.add(SLOW_REPLY)
            self.transport.abort()

    def disable_slow_reader_check(self, on_left: Callable[[], object]) -> None:
        """Leaves it to the handler to end a reply to a slow reader.

        :param on_left: called when the client has left, see `has_left`
        """
        self._on_left = on_left

    @contextlib.contextmanager
    def ignoring_slow_reader(self) -> Iterator[None]:
        """A context in which the client may read nothing: it may send first."""
        self._on_left = _do_nothing
        try:
            yield
        finally:
            self._on_left = None

    @property
    def has_left(self) -> bool:
        """Whether the client has closed the connection, at least its own half.

        An ordinary request is completed all the same. One that waits for changes ends.
        """
        return self.transport is None or self._half_closed


def _do_nothing() -> None:
    pass


def _problem_with(
    message: RawRequestMessage, body: StreamReader, head_size: int
) -> Problem | None:
    if head_size > MAX_FIELD and (found := oversized_field(message)):
        return found
    # a whole body has a length that framing.py has read
    has_body = body is not EMPTY_PAYLOAD and body.is_eof()
    if message.chunked or not has_body or message.path[:1] != "/":
        found = malformed(message)
        if found is not None:
            return found
    version = message.version
    if version is not HttpVersion11 and version != HttpVersion10:
        return HttpVersionNotSupported(f"HTTP/{version.major}.{version.minor}")
    return None


def connection_of(request: web.BaseRequest) -> HttpConnection:
    """The connection that a request arrived on."""
    return cast(HttpConnection, request.protocol)


def receiving(request: web.BaseRequest) -> AbstractContextManager[None]:
    """The context `HttpConnection.receiving` of a request's connection."""
    return connection_of(request).receiving()


def receiving_more(request: web.BaseRequest) -> AbstractContextManager[None]:
    """The context `HttpConnection.receiving_more` of a request's connection."""
    return connection_of(request).receiving_more()


def ignoring_slow_reader(request: web.BaseRequest) -> AbstractContextManager[None]:
    """The context `HttpConnection.ignoring_slow_reader` of a request's connection."""
    return connection_of(request).ignoring_slow_reader()


def has_unsent(request: web.BaseRequest) -> bool:
    """Whether `HttpConnection.has_unsent` holds for a request's connection."""
    return connection_of(request).has_unsent


def disable_slow_reader_check(
    request: web.BaseRequest, on_left: Callable[[], object]
) -> None:
    """Calls `HttpConnection.disable_slow_reader_check` of a request's connection."""
    connection_of(request).disable_slow_reader_check(on_left)


def abort_slow_reply(request: web.BaseRequest) -> None:
    """Calls `HttpConnection.abort_slow_reply` of a request's connection."""
    connection_of(request).abort_slow_reply()


def has_left(request: web.BaseRequest) -> bool:
    """Whether `HttpConnection.has_left` holds for a request's connection."""
    return connection_of(request).has_left
