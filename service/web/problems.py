"""Error replies: problem details (RFC 9457) from errors."""

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import cast

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from service.errors import (
    BodyTooLarge,
    Internal,
    InvalidRequest,
    NotFound,
    Problem,
    quoted,
)
from service.telemetry.request_ids import urn_of
from service.web.headers import request_id_of
from service.web.request_labels import name_of
from service.web.responses import Reply

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"

#: The codes of the errors that aiohttp raises, before or instead of a handler.
HTTP_CODES = {
    HTTPStatus.NOT_FOUND: NotFound.code,
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: BodyTooLarge.code,
    HTTPStatus.INTERNAL_SERVER_ERROR: Internal.code,
}


class ProblemReply(Reply):
    """An error reply."""

    def __init__(self, body: Mapping[str, object], headers: Mapping[str, str]) -> None:
        super().__init__(
            status=cast(int, body["status"]),
            # in ASCII: the media type has no charset (see headers.JSON)
            body=json.dumps(body, separators=(",", ":")).encode(),
            headers=headers,
            content_type=CONTENT_TYPE,
            compressible=True,
        )
        self.code = cast(str, body["code"])


def response_to(request: web.BaseRequest, problem: Problem) -> ProblemReply:
    """The reply to a request that failed."""
    return ProblemReply(body_of(request, problem), problem.headers)


def body_of(request: web.BaseRequest, problem: Problem) -> dict[str, object]:
    """The members of the problem details of a request that failed."""
    members = {**problem.members, **problem.progress}
    return _body(request, problem.status, problem.code, str(problem), **members)


def _body(
    request: web.BaseRequest, status: int, code: str, detail: str, **members: object
) -> dict[str, object]:
    return {
        "status": int(status),
        "title": HTTPStatus(status).phrase,
        "detail": detail,
        "instance": urn_of(request_id_of(request)),
        "code": code,
        # clients of the original service read this member
        "error": detail,
        **members,
    }


def http_problem(request: web.BaseRequest, refused: web.HTTPException) -> ProblemReply:
    """The reply to an error that aiohttp raised."""
    headers: dict[str, str] = {}
    match refused:
        case web.HTTPNotFound():
            # the target of CONNECT has no path
            detail = f"There is nothing at {request.path or request.raw_path}"
        case web.HTTPMethodNotAllowed():
            allowed = ", ".join(sorted(refused.allowed_methods))
            headers[hdrs.ALLOW] = allowed
            detail = f"{request.path} takes {allowed}, not {request.method}"
        case web.HTTPExpectationFailed():
            expected = quoted(request.headers[hdrs.EXPECT])
            detail = f"Expect is {expected}, the only expectation is 100-continue"
        case _:
            detail = HTTPStatus(refused.status).description or refused.reason
    code = HTTP_CODES.get(HTTPStatus(refused.status), InvalidRequest.code)
    return ProblemReply(_body(request, refused.status, code, detail), headers)


@web.middleware
async def problem_middleware(
    request: web.Request, handler: Handler
) -> web.StreamResponse:
    """Turns an exception of a handler into its reply."""
    try:
        return await handler(request)
    except Problem as problem:
        return response_to(request, problem)
    except web.HTTPException as refused:
        return http_problem(request, refused)
    except Exception:
        log.exception("%s failed", name_of(request))
        return response_to(request, Internal())
