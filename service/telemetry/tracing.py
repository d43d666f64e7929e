"""Traces: spans of requests and of calls of procedures, for OpenTelemetry.

The packages are an extra, `kv-service[otel]`. Without the variables that enable them
nothing here runs. Spans contain no key, value, user or token: a name has the template
of a route, or of a procedure.
"""

import asyncio
import logging
import os
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import Context, ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

from service import __version__
from service.errors import StartError
from service.settings import Address
from service.telemetry.conventions import SERVICE_NAME
from service.telemetry.sampling import RemoteParent, Sampler, parent_of, sampler_of

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

T = TypeVar("T")

#: Each of them enables traces.
ENABLING = (
    "OTEL_TRACES_EXPORTER",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
)

#: The values of OTEL_TRACES_EXPORTER.
EXPORTERS = ("otlp", "console", "none")

#: The protocol of the exporter that the extra installs.
PROTOCOL = "http/protobuf"
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")

#: Seconds that the last spans get to be sent at the end of the process.
FLUSH_TIMEOUT = 5.0

#: The span of what the current task does; None: it is not sampled.
CURRENT_SPAN: ContextVar["Span | None"] = ContextVar("current_span", default=None)

#: The spans of the requests that share the call which the current task makes.
SERVED_SPANS: ContextVar[Sequence["Span"]] = ContextVar("served_spans", default=())


class Tracing:
    """Makes the spans of one process. To be created after a fork."""

    def __init__(self, provider: "TracerProvider", sampler: Sampler) -> None:
        self._provider = provider
        self._sampler = sampler
        self._tracer = provider.get_tracer("service", __version__)

    def begin_request(self, method: str, traceparent: str | None) -> "Span | None":
        """The span of a request, which begins now; None: it is not sampled.

        :param method: a known one
        """
        parent = parent_of(traceparent)
        if not self._sampler.samples(parent):
            return None
        from opentelemetry.trace import SpanKind

        return self._tracer.start_span(
            method,
            _remote(parent) if parent is not None else _root(),
            SpanKind.SERVER,
            {"http.request.method": method},
        )

    async def call(
        self, procedure: str, address: Address, start: Callable[[], Awaitable[T]]
    ) -> T:
        """Calls a procedure within a span.

        :param start: makes the call; its result is awaited
        :raises Exception: what the result raises
        """
        span = self._begin_call(procedure, address)
        with ending(span) if span is not None else nullcontext():
            return await start()

    def _begin_call(self, procedure: str, address: Address) -> "Span | None":
        """The span of a call, which begins now; None: it is not sampled.

        That of a call that serves several requests has a link to each of them.
        """
        served, own = SERVED_SPANS.get(), CURRENT_SPAN.get()
        parent = served[0] if served else own
        if parent is None:
            return None
        from opentelemetry.trace import Link, SpanKind, set_span_in_context

        return self._tracer.start_span(
            f"call {procedure}",
            set_span_in_context(parent, _root()),
            SpanKind.CLIENT,
            {
                "db.system.name": "tarantool",
                "db.operation.name": "call",
                "db.stored_procedure.name": procedure,
                **_attributes_of(address),
            },
            [Link(each.get_span_context()) for each in served],
        )

    async def close(self) -> None:
        """Sends the last spans, for `FLUSH_TIMEOUT` seconds at most."""
        # a daemon: the process does not wait for it at its end, as for an executor's
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        await asyncio.to_thread(closing.join, FLUSH_TIMEOUT)


def fail(span: "Span", kind: str) -> None:
    """Notes that the operation of a span has failed.

    :param kind: a code or the name of a class, never a text with data
    """
    from opentelemetry.trace import StatusCode

    span.set_attribute("error.type", kind)
    span.set_status(StatusCode.ERROR)


@contextmanager
def ending(span: "Span") -> Iterator[None]:
    """A context after which the span ends; an exception is its failure."""
    try:
        yield
    except BaseException as error:
        fail(span, type(error).__qualname__)
        raise
    finally:
        span.end()


@contextmanager
def current(span: "Span") -> Iterator[None]:
    """A context in which the calls of procedures belong to this span; then it ends.

    The task of a request keeps its span: the log line comes last.
    """
    CURRENT_SPAN.set(span)
    with ending(span):
        yield


def serving_context(spans: Sequence["Span"]) -> Context:
    """The context of a task that serves the requests of these spans, and no other."""
    context = Context()
    if spans:
        context.run(SERVED_SPANS.set, spans)
    return context


def current_trace() -> tuple[str, str] | tuple[None, None]:
    """The ids of the current trace and span in hexadecimal digits, for the log."""
    span = CURRENT_SPAN.get()
    if span is None:
        return None, None
    found = span.get_span_context()
    return f"{found.trace_id:032x}", f"{found.span_id:016x}"


def is_enabled(environ: Mapping[str, str]) -> bool:
    """Whether the variables of OpenTelemetry ask for traces."""
    return (
        any(environ.get(name) for name in ENABLING)
        and environ.get("OTEL_TRACES_EXPORTER") != "none"
        and environ.get("OTEL_SDK_DISABLED", "").lower() != "true"
    )


def tracing_of(environ: Mapping[str, str]) -> Tracing | None:
    """The traces that the variables of OpenTelemetry ask for; None: they do not.

    The SDK reads `OTEL_*` from the environment itself.

    :raises StartError: a package is missing, or a variable is not valid
    """
    if not is_enabled(environ):
        return None
    sampler = sampler_of(environ)
    kind = environ.get("OTEL_TRACES_EXPORTER") or "otlp"
    if kind not in EXPORTERS:
        raise StartError(
            f"OTEL_TRACES_EXPORTER is {kind}, expected one of: {', '.join(EXPORTERS)}"
        )
    for name in PROTOCOLS:
        if environ.get(name, PROTOCOL) != PROTOCOL:
            raise StartError(f"{name} is {environ[name]}, expected {PROTOCOL}")
    try:
        provider = _provider(kind, environ)
    except ImportError as error:
        raise StartError(
            f"traces need the packages of kv-service[otel]: {error}"
        ) from None
    except ValueError as error:
        raise StartError(f"a variable of OpenTelemetry is not valid: {error}") from None
    return Tracing(provider, sampler)


def _provider(kind: str, environ: Mapping[str, str]) -> "TracerProvider":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON

    # each attempt to send is a warning, with the address; lost spans are an error
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)
    own: dict[str, Any] = {"service.version": __version__, "process.pid": os.getpid()}
    named = environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    if not environ.get("OTEL_SERVICE_NAME") and "service.name=" not in named:
        own["service.name"] = SERVICE_NAME
    provider = TracerProvider(
        sampler=ALWAYS_ON,  # only what is sampled gets here
        resource=Resource.create(own),
        shutdown_on_exit=False,
    )
    exporter = OTLPSpanExporter() if kind == "otlp" else ConsoleSpanExporter()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def _attributes_of(address: Address) -> dict[str, str | int]:
    if isinstance(address.port, str):  # a unix socket
        return {"server.address": address.port}
    return {"server.address": address.host, "server.port": address.port}


def _root() -> Any:
    from opentelemetry.context import Context as SpanContexts

    return SpanContexts()


def _remote(parent: RemoteParent) -> Any:
    from opentelemetry.trace import (
        NonRecordingSpan,
        SpanContext,
        TraceFlags,
        set_span_in_context,
    )

    found = SpanContext(
        parent.trace_id,
        parent.span_id,
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
    return set_span_in_context(NonRecordingSpan(found), _root())
