"""The form of log lines."""

import json
import logging
import re
import sys
from typing import Any

import msgspec
import pytest

from service.telemetry.json_lines import JsonFormat, Origin
from service.telemetry.log_lines import NO_CONTEXT, Access, Context, LineFormat
from service.telemetry.text_lines import TextFormat

JSON = JsonFormat(Origin("kv-service", "host:5000"))
TEXT = TextFormat()
CONTEXT = Context(request_id="id-1", trace_id="a" * 32, span_id="b" * 16)
TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}"

ACCESS = Access(
    method="GET",
    route="/api/keys/{key}",
    version=(1, 1),
    status=200,
    size=12,
    duration=0.000123456,
    client="192.0.2.1",
    user='an "odd"\nname',
    error=None,
    keys=1,
    revision=7,
)
MALFORMED = Access(
    method=None,
    route=None,
    version=(1, 0),
    status=400,
    size=3,
    duration=0.0,
    client=None,
    error="invalid_request",
)


def record(message: str, *args: object, level: int = logging.INFO) -> logging.LogRecord:
    return logging.getLogger("a.module").makeRecord(
        "a.module", level, "", 0, message, args, None
    )


def failure() -> logging.LogRecord:
    try:
        raise ValueError("a reason\nof two lines")
    except ValueError:
        info = sys.exc_info()
    return logging.getLogger().makeRecord(
        "a.module", logging.ERROR, "", 0, "it failed", (), info
    )


def object_of(line: bytes) -> dict[str, Any]:
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    found = json.loads(line)
    assert isinstance(found, dict)
    return found


def test_a_message_in_json_has_the_names_of_opentelemetry() -> None:
    written = record("a %s of %d", "message", 2, level=logging.WARNING)
    written.created = 1_800_000_000.25
    written.process = 17
    assert object_of(JSON.message(written, CONTEXT)) == {
        "timestamp": "2027-01-15T08:00:00.250000Z",
        "severity": "WARN",
        "logger": "a.module",
        "message": "a message of 2",
        "service.name": "kv-service",
        "service.instance.id": "host:5000",
        "process.pid": 17,
        "trace_id": "a" * 32,
        "span_id": "b" * 16,
        "request_id": "id-1",
    }


def test_an_exception_in_json_is_in_the_same_line() -> None:
    found = object_of(JSON.message(failure(), NO_CONTEXT))
    assert found["exception.type"] == "ValueError"
    assert found["exception.message"] == "a reason\nof two lines"
    assert found["exception.stacktrace"].startswith("Traceback")
    assert "request_id" not in found


def test_a_request_in_json_has_the_names_of_opentelemetry() -> None:
    found = object_of(JSON.access(ACCESS, CONTEXT))
    assert re.fullmatch(r"\S+T\S+\.\d{6}Z", found.pop("timestamp"))
    assert found.pop("process.pid") > 0
    assert found == {
        "severity": "INFO",
        "logger": "service.access",
        "message": "GET /api/keys/{key} 200",
        "service.name": "kv-service",
        "service.instance.id": "host:5000",
        "trace_id": "a" * 32,
        "span_id": "b" * 16,
        "request_id": "id-1",
        "http.request.method": "GET",
        "http.route": "/api/keys/{key}",
        "network.protocol.version": "1.1",
        "http.response.status_code": 200,
        "http.response.body.size": 12,
        "duration": 0.000123,
        "client.address": "192.0.2.1",
        "user.name": 'an "odd"\nname',
        "kv.keys": 1,
        "kv.revision": 7,
    }


def test_a_malformed_request_in_json_has_no_route() -> None:
    found = object_of(JSON.access(MALFORMED, NO_CONTEXT))
    assert found["http.request.method"] == "_OTHER"
    assert found["error.type"] == "invalid_request"
    assert not {"http.route", "client.address", "user.name"} & {*found}


def test_a_message_in_text_ends_with_what_it_belongs_to() -> None:
    text = TEXT.message(record("a message"), Context(request_id="id-1")).decode()
    assert re.fullmatch(rf"{TIME} INFO a\.module: a message request_id=id-1\n", text)


def test_an_exception_in_text_follows_its_line() -> None:
    first, *rest = TEXT.message(failure(), NO_CONTEXT).decode().splitlines()
    assert first.endswith(" ERROR a.module: it failed")
    assert rest[0].startswith("Traceback")
    assert rest[-1] == "of two lines"


def test_a_request_in_text() -> None:
    text = TEXT.access(ACCESS, Context(request_id="id-1")).decode()
    _, _, line = text.partition(" INFO service.access: ")
    assert line == (
        '192.0.2.1 "GET /api/keys/{key} HTTP/1.1" 200 12 0.000123 '
        r'user="an \"odd\"\nname" keys=1 revision=7 request_id=id-1' + "\n"
    )


def test_a_malformed_request_in_text_has_no_route() -> None:
    text = TEXT.access(MALFORMED, NO_CONTEXT).decode()
    assert text.endswith(': - "- - HTTP/1.0" 400 3 0.000000 error=invalid_request\n')


@pytest.mark.parametrize("form", [TEXT, JSON])
@pytest.mark.parametrize(
    "odd", ["two\nlines", "\r", "\x1b[31m", "\x9b31m", "\0", "\u2028", "\ud800"]
)
def test_a_message_is_one_line_without_control_characters(
    form: LineFormat, odd: str
) -> None:
    line = form.message(record("a %s", odd), NO_CONTEXT).decode()
    assert line.endswith("\n")
    assert len(line[:-1].splitlines()) == 1 or form is JSON
    assert line.count("\n") == 1
    assert "\x1b" not in line
    assert "\0" not in line


def test_a_user_s_name_that_no_encoding_has_is_escaped() -> None:
    access = msgspec.structs.replace(ACCESS, user="\udfff")
    assert object_of(JSON.access(access, NO_CONTEXT))["user.name"] == "\\udfff"
    assert b'user="\\\\udfff"' in TEXT.access(access, NO_CONTEXT)
