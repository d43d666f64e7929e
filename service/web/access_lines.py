"""The lines of the access log: one for each request, without confidential data.

A path contains keys, and a query may contain a ticket: a line has the template of the
route instead. Nothing else that a client chooses is in it, except a known method, the
name of an account whose token has been verified, and a valid request id.
"""

from collections.abc import Callable
from typing import cast

from aiohttp import hdrs, web

from service.telemetry.log import Log, context_of
from service.telemetry.log_lines import Access
from service.web.headers import KV_REVISION, HeadedRequest, request_id_of
from service.web.request_labels import method_of, route_of
from service.web.responses import ShortReply, code_of

#: The lowest status that is logged, by the values of KV_ACCESS_LOG.
FIRST_STATUS = {"errors": 400, "all": 0}


class AccessLines:
    """Writes the lines to the log.

    :param first_status: a request whose reply has a lower status is not logged
    :param address_of: the address of a request's client
    :param user_of: the name of the account that a request's token names
    """

    def __init__(
        self,
        log: Log,
        first_status: int,
        address_of: Callable[[web.BaseRequest], str | None],
        user_of: Callable[[web.BaseRequest], str | None],
    ) -> None:
        self._log = log
        self._first_status = first_status
        self._address_of = address_of
        self._user_of = user_of

    def write(
        self, request: web.BaseRequest, response: web.StreamResponse, seconds: float
    ) -> None:
        """Writes the line of a request, unless its reply is not to be logged."""
        if response.status < self._first_status:
            return
        touched = cast(HeadedRequest, request).touched
        self._log.write_access(
            Access(
                method=method_of(request),
                route=route_of(request),
                version=(request.version.major, request.version.minor),
                status=response.status,
                size=_size_of(request, response),
                duration=seconds,
                client=self._address_of(request),
                user=self._user_of(request),
                error=code_of(response),
                keys=sum(count for _, count in touched) if touched else None,
                revision=_revision_of(response),
            ),
            context_of(request_id_of(request)),
        )


def _size_of(request: web.BaseRequest, response: web.StreamResponse) -> int:
    """Bytes of the body that were sent; of a streamed one with those of its head.

    The number of bytes of the head is not kept.
    """
    if request.method == hdrs.METH_HEAD:
        return 0
    sent, length = request.writer.output_size, response.content_length
    return sent if length is None else min(sent, length)


def _revision_of(response: web.StreamResponse) -> int | None:
    if isinstance(response, ShortReply):
        return response.revision
    text = response.headers.get(KV_REVISION)
    return None if text is None else int(text)
