"""The one form of the log, in every process of the service."""

import logging
from collections.abc import Iterable

from aiohttp import web
from aiohttp.web_log import AccessLogger


def log_to_stderr() -> None:
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )


class AccessLog(AccessLogger):
    """aiohttp's access log without queries, which may hold a ticket."""

    def _format_line(
        self, request: web.BaseRequest, response: web.StreamResponse, time: float
    ) -> Iterable[tuple[str | tuple[str, str], str]]:
        for name, value in super()._format_line(request, response, time):
            match name:
                case "first_request_line":
                    line = f"{request.method} {request.rel_url.raw_path}"
                    yield name, f"{line} HTTP/{'.'.join(map(str, request.version))}"
                case ("request_header", "Referer"):
                    yield name, value.partition("?")[0]
                case _:
                    yield name, value
