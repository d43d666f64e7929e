"""The metrics of a service in this process."""

import contextlib
from collections.abc import AsyncIterator

import aiohttp

from service.api.context import METRICS
from service.app import DEFAULT_TUNING, Tuning
from service.process.serving import running
from service.process.sockets import bind
from service.settings import Settings
from service.telemetry.families import Distribution
from service.telemetry.log import Log
from service.telemetry.metrics import Metrics
from service.web.tls import tls_of
from tests.support.client import Client
from tests.support.service import environ_for
from tests.support.tarantool import Tarantool


class Counts:
    """The samples of a process by name and labels."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def of(self, name: str, **labels: str) -> float:
        """The sum of the samples that have these labels; of a histogram, their count.

        Fails if there is no such family: a misspelt name would count as zero.
        """
        (family,) = [each for each in self._metrics.collect() if each.name == name]
        found = 0.0
        for values, value in family.samples:
            own = dict(zip(family.labels, values, strict=True))
            if labels.items() <= own.items():
                found += sum(value.counts) if isinstance(value, Distribution) else value
        return found

    def labels(self, name: str, label: str) -> set[str]:
        """The values of a label in all samples."""
        (family,) = [each for each in self._metrics.collect() if each.name == name]
        place = family.labels.index(label)
        return {values[place] for values, _ in family.samples}


@contextlib.asynccontextmanager
async def counting(
    tarantool: Tarantool, tuning: Tuning = DEFAULT_TUNING, **environ: str
) -> AsyncIterator[tuple[Client, Counts]]:
    """A service, a client of it and its metrics."""
    settings = Settings.from_env(environ_for(tarantool, **environ))
    tls = tls_of(settings)
    url = f"http{'s' if tls else ''}://{settings.host}:{settings.port}"
    with contextlib.closing(bind(settings)) as listener:
        async with (
            running(settings, listener, Log(settings), tls, tuning) as runner,
            aiohttp.ClientSession() as session,
        ):
            yield Client(session, url), Counts(runner.app[METRICS])
