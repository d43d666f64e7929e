"""The responses of an operation: its success and its errors."""

from collections.abc import Iterable
from http import HTTPStatus
from itertools import groupby
from operator import itemgetter

from aiohttp import hdrs

from service import errors
from service.api.openapi.components import REFERENCE, Components, Schema
from service.api.openapi.headers import HEADERS
from service.api.openapi.operations import Operation
from service.api.schemas.replies import Problem
from service.api.sse import EVENT_STREAM
from service.web.headers import REQUEST_ID
from service.web.problems import CONTENT_TYPE

JSON = "application/json"

Kinds = tuple[type[errors.Problem], ...]

#: Errors of every route, of routes that need a token, of routes that read a body.
OF_ROUTES: Kinds = (
    errors.InvalidRequest,
    errors.MisdirectedRequest,
    errors.UriTooLong,
    errors.HeadersTooLarge,
    errors.Internal,
    errors.StorageUnavailable,
    errors.NoQuorum,
    errors.Overloaded,
    errors.HttpVersionNotSupported,
)
OF_TOKENS: Kinds = (
    errors.TokenMissing,
    errors.TokenInvalid,
    errors.TokenExpired,
    errors.TokenRevoked,
)
#: Of routes to which an access token has no right.
OF_SESSIONS: Kinds = (errors.SessionRequired,)
OF_BODIES: Kinds = (
    errors.InvalidJSON,
    errors.RequestTimeout,
    errors.BodyTooLarge,
    errors.UnsupportedEncoding,
)

#: An `Expect` other than `100-continue`, which aiohttp refuses on every route.
EXPECTATION = (HTTPStatus.EXPECTATION_FAILED, errors.InvalidRequest.code)

#: The header that every error of a status has.
PROBLEM_HEADERS = {
    HTTPStatus.TOO_MANY_REQUESTS: hdrs.RETRY_AFTER,
    HTTPStatus.SERVICE_UNAVAILABLE: hdrs.RETRY_AFTER,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: hdrs.ACCEPT_ENCODING,
}

#: The schema of each event of a stream.
EVENT = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "event": {"type": "string"},
        "data": {"type": "string", "contentMediaType": JSON},
    },
}


def responses_of(
    operation: Operation,
    components: Components,
    *,
    reads_body: bool,
    with_token: bool,
    needs_session: bool,
) -> Schema:
    """The responses by status.

    :param reads_body: also if a body is optional, and not in the document
    :param needs_session: whether an access token has no right to the route
    """
    status = HTTPStatus.NO_CONTENT if operation.reply is None else HTTPStatus.OK
    responses = {str(int(status)): _success(status, operation, components)}
    if hdrs.ETAG in operation.reply_headers and operation.reply is not None:
        responses["304"] = {
            "description": HTTPStatus.NOT_MODIFIED.phrase,
            "headers": _headers([REQUEST_ID]),
        }
    raised = [*OF_ROUTES, *operation.raises]
    if reads_body:
        raised += OF_BODIES
    if with_token:
        raised += OF_TOKENS
    if needs_session:
        raised += OF_SESSIONS
    codes = {EXPECTATION, *((kind.status, kind.code) for kind in raised)}
    for status, group in groupby(sorted(codes), key=itemgetter(0)):
        responses[str(int(status))] = _problem(status, [code for _, code in group])
    return responses


def _success(
    status: HTTPStatus, operation: Operation, components: Components
) -> Schema:
    success: Schema = {"description": status.phrase}
    if operation.reply is not None:
        schema = components.reference(operation.reply)
        success["content"] = {operation.media_type or JSON: {"schema": schema}}
    if operation.events:
        success["content"][EVENT_STREAM] = {"schema": EVENT}
    success["headers"] = _headers(
        [*operation.reply_headers, REQUEST_ID], operation.optional_headers
    )
    return success


def _problem(status: HTTPStatus, codes: list[str]) -> Schema:
    described: Schema = {
        "description": f"{status.phrase}: {', '.join(codes)}",
        "content": {
            CONTENT_TYPE: {
                "schema": {
                    "allOf": [{"$ref": REFERENCE.format(name=Problem.__name__)}],
                    "properties": {"code": {"enum": codes}},
                }
            }
        },
    }
    header = PROBLEM_HEADERS.get(status)
    described["headers"] = _headers([header, REQUEST_ID] if header else [REQUEST_ID])
    return described


def _headers(required: Iterable[str], optional: Iterable[str] = ()) -> Schema:
    return {
        str(name): {"schema": HEADERS[name], "required": is_required}
        for names, is_required in ((required, True), (optional, False))
        for name in names
    }
