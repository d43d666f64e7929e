"""The spans of requests that end with an exception."""

import asyncio
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from service.telemetry.sampling import Sampler
from service.telemetry.tracing import Tracing
from service.web.tracing import TracedDispatcher


@pytest.mark.parametrize("error", [RuntimeError, asyncio.CancelledError])
async def test_the_span_of_a_handler_that_raises_has_failed(
    error: type[BaseException],
) -> None:
    async def dispatch(_: web.Request) -> web.StreamResponse:
        raise error("a text with data")

    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing = Tracing(provider, Sampler(1, follows_parent=False))
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
