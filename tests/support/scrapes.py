"""Scrapes of the listener for metrics, as Prometheus sees them."""

from collections.abc import Mapping

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from tests.support.machine import free_port

#: Seconds: Prometheus gives up after ten by default.
TIMEOUT = 10.0

Samples = Mapping[tuple[str, tuple[tuple[str, str], ...]], float]


class Scrape:
    """The samples of one scrape."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._samples: Samples = {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float | None:
        """The value of a sample; None: there is none with exactly these labels."""
        return self._samples.get((name, tuple(sorted(labels.items()))))

    def by_label(self, name: str, label: str) -> dict[str, float]:
        """The values of a metric by one of its labels."""
        return {
            dict(labels)[label]: value
            for (found, labels), value in self._samples.items()
            if found == name and label in dict(labels)
        }


class Endpoint:
    """The listener of a service on this machine."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/metrics"
        self.environ = {"KV_METRICS_PORT": str(self.port)}

    async def get(self, **headers: str) -> tuple[aiohttp.ClientResponse, str]:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(self.url, headers=headers) as response,
        ):
            return response, await response.text()

    async def scrape(self) -> Scrape:
        response, text = await self.get()
        assert response.status == 200, text
        return Scrape(text)
