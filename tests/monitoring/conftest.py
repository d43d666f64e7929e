"""The metrics that exist."""

from dataclasses import dataclass

import pytest

from tests.support.certificates import Authority, Pair
from tests.support.monitoring import (
    families_of,
    names_of_every_tarantool,
    series_of,
)
from tests.support.scrapes import Endpoint
from tests.support.service import environ_for, service_process
from tests.support.tarantool import Tarantool


@dataclass(frozen=True)
class Existing:
    """:ivar families: the names of all metrics
    :ivar series: the names that queries may use
    """

    families: set[str]
    series: set[str]


@pytest.fixture(scope="session")
async def existing(
    tmp_path_factory: pytest.TempPathFactory, tarantool: Tarantool
) -> Existing:
    """The metrics of a service with TLS, and the metrics that only a cluster has."""
    folder = tmp_path_factory.mktemp("monitoring")
    pair = Pair(Authority(folder / "ca"), folder)
    endpoint = Endpoint()
    environ = environ_for(tarantool, **endpoint.environ, **pair.environ())
    with service_process(folder, **environ):
        found = families_of((await endpoint.scrape()).text)
    others = names_of_every_tarantool()
    return Existing({*found} | others, series_of(found) | others)
