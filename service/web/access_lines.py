"""The lines of the access log: one for each request, without confidential data.

A path contains keys, and a query may contain a ticket: a line has the template of the
route instead. Nothing else that a client chooses is in it, except a known method, the
name of an account whose token has been verified, and a valid request id.
"""

from collections.abc import Callable

from aiohttp import hdrs, web

from service.telemetry.log import Log
from service.telemetry.log_lines import Access, Context
from service.web.access_log import UNKNOWN, code_of, route_of
from service.web.headers import KV_REVISION, HeadedRequest

#: The number of keys that a request has touched.
TOUCHED = web.RequestKey("touched", int)


class AccessLines:
    """Writes the lines to the log.

    :param address_of: the address of a request's client
    :param user_of: the name of the account that a request's token names
    """

    def __init__(
        self,
        log: Log,
        address_of: Callable[[web.BaseRequest], str | None],
        user_of: Callable[[web.BaseRequest], str | None],
    ) -> None:
        self._log = log
        self._first_status = log.first_status
        self._address_of = address_of
        self._user_of = user_of

    def write(
        self, request: web.BaseRequest, response: web.StreamResponse, seconds: float
    ) -> None:
        """Writes the line of a request, unless its reply is not to be logged."""
        if response.status < self._first_status:
            return
        route = route_of(request)
        revision = response.headers.get(KV_REVISION)
        self._log.write_access(
            Access(
                method=request.method if request.method in hdrs.METH_ALL else None,
                route=None if route == UNKNOWN else route,
                version=(request.version.major, request.version.minor),
                status=response.status,
                size=response.body_length,
                duration=seconds,
                client=self._address_of(request),
                user=self._user_of(request),
                error=code_of(response),
                keys=request.get(TOUCHED),
                revision=None if revision is None else int(revision),
            ),
            Context(request_id=_id_of(request)),
        )


def _id_of(request: web.BaseRequest) -> str | None:
    return request.request_id if isinstance(request, HeadedRequest) else None
