"""The spans of requests and calls that end with an exception."""

import asyncio
import weakref
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from service.settings import Address
from service.telemetry.sampling import Sampler
from service.telemetry.tracing import Tracing, current
from service.web.tracing import TracedDispatcher


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(exporter: InMemorySpanExporter) -> Tracing:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Tracing(provider, Sampler(1, follows_parent=False))


@pytest.mark.parametrize("error", [RuntimeError, asyncio.CancelledError])
async def test_the_span_of_a_handler_that_raises_has_failed(
    exporter: InMemorySpanExporter, tracing: Tracing, error: type[BaseException]
) -> None:
    async def dispatch(_: web.Request) -> web.StreamResponse:
        raise error("a text with data")

    dispatcher: Any = dispatch
    with pytest.raises(error):
        await TracedDispatcher(dispatcher, tracing, ())(
            make_mocked_request("POST", "/api/write")
        )
    (span,) = exporter.get_finished_spans()
    assert not span.status.is_ok
    assert span.attributes is not None
    assert span.attributes["error.type"] == error.__qualname__
    assert "a text with data" not in span.to_json()


class Fault(Exception):
    pass


def failed() -> asyncio.Future[None]:
    future = asyncio.get_running_loop().create_future()
    future.set_exception(Fault())
    return future


async def exception_of_a_call(tracing: Tracing) -> weakref.ref[Fault]:
    try:
        await tracing.call("kv.v1.get", Address("127.0.0.1", 3301), failed)
    except Fault as error:
        return weakref.ref(error)
    raise AssertionError


@pytest.mark.usefixtures("no_collection")
async def test_a_failed_call_is_freed_without_the_collector(
    exporter: InMemorySpanExporter, tracing: Tracing
) -> None:
    """Its exception refers to the frames that it went through."""
    assert (await exception_of_a_call(tracing))() is None
    span = tracing.begin_request("GET", None)
    assert span is not None
    with current(span):
        assert (await exception_of_a_call(tracing))() is None
    assert [found.name for found in exporter.get_finished_spans()] == [
        *("call kv.v1.get", "GET")
    ]
