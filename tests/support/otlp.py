"""A receiver of OTLP over HTTP, which decodes the spans that it gets."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)

#: What a service needs to send spans soon.
SOON = {"OTEL_BSP_SCHEDULE_DELAY": "50"}


@dataclass(frozen=True)
class Span:
    """A span as it was received; ids in hexadecimal digits.

    :ivar links: the traces and spans that it refers to
    """

    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, Any]
    links: list[tuple[str, str]]
    has_failed: bool


class Receiver:
    """What has arrived until now.

    :ivar bodies: as they were received
    :ivar resource: the attributes of the last sender
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.spans: list[Span] = []
        self.bodies: list[bytes] = []
        self.resource: dict[str, Any] = {}

    def environ(self) -> dict[str, str]:
        """The variables of a service that sends its spans here."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.url, **SOON}

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]

    def add(self, body: bytes) -> None:
        self.bodies.append(body)
        request = ExportTraceServiceRequest.FromString(body)
        for group in request.resource_spans:
            self.resource = _attributes(group.resource.attributes)
            for scope in group.scope_spans:
                self.spans.extend(map(_span, scope.spans))


def _attributes(pairs: Any) -> dict[str, Any]:
    return {
        pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs
    }


def _span(span: Any) -> Span:
    return Span(
        span.name,
        span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        _attributes(span.attributes),
        [(link.trace_id.hex(), link.span_id.hex()) for link in span.links],
        span.status.code == span.status.STATUS_CODE_ERROR,
    )


@contextmanager
def otlp_receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            receiver.add(body)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = Receiver(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
