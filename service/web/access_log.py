"""The place where each request is counted and, if configured, logged.

aiohttp calls the access logger after every reply, also that to a malformed request.
"""

from collections.abc import Callable
from time import perf_counter
from typing import cast

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from service.web.headers import HeadedRequest
from service.web.request_metrics import RequestMetrics

#: Writes the line of a request: with its reply, and its duration in seconds.
WriteLine = Callable[[web.BaseRequest, web.StreamResponse, float], None]


class AccessLogger(AbstractAccessLogger):
    """Counts requests and, with `write_line`, logs them."""

    metrics: RequestMetrics
    write_line: WriteLine | None = None

    def log(
        self, request: web.BaseRequest, response: web.StreamResponse, time: float
    ) -> None:
        # that of aiohttp is measured by the clock of the loop: uvloop counts
        # milliseconds there, and reads its clock once in a cycle
        began = cast(HeadedRequest, request).began
        seconds = time if began is None else perf_counter() - began
        self.metrics.count(request, response, seconds)
        if self.write_line is not None:
            self.write_line(request, response, seconds)


def access_log_class(
    request_metrics: RequestMetrics, write: WriteLine | None
) -> type[AccessLogger]:
    """The class of a server's access logger: aiohttp creates one per connection."""

    class ConfiguredAccessLogger(AccessLogger):
        metrics = request_metrics
        write_line = None if write is None else staticmethod(write)

    return ConfiguredAccessLogger
