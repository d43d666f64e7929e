"""One real Tarantool for the run, and services that talk to it over TCP."""

import contextlib
import gc
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from service.app import DEFAULT_TUNING, Tuning
from service.process.serving import running
from service.process.sockets import bind
from service.settings import Settings
from tests.support.addresses import coming_from, new_address
from tests.support.client import Client
from tests.support.cluster import Cluster, Clusters, lacks_election
from tests.support.confidential import SuiteLogs
from tests.support.reporting import NEEDS_ELECTION, figures, skipped_without_election
from tests.support.scheduling import ModuleScheduling
from tests.support.service import Serve, environ_for
from tests.support.tarantool import Tarantool, Tarantools, uses_containers

#: Bytes: what all tests together leave in the shared instance, and twice as much.
MEMORY = 1024 * 1024 * 1024


@pytest.fixture
def no_collection() -> Iterator[None]:
    """Stops the collector: only memory without references is freed."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def pytest_report_header() -> str:
    where = "a container" if uses_containers() else "a local process"
    return f"tarantool: {where}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    marked = [item for item in items if item.get_closest_marker(NEEDS_ELECTION)]
    reason = lacks_election() if marked else ""
    if reason:
        for item in marked:
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for text in figures(terminalreporter):
        terminalreporter.write_line(f"\n{text}\n")
    skipped = skipped_without_election(terminalreporter)
    if skipped:
        terminalreporter.section(f"skipped: {lacks_election()}")
        for test in skipped:
            terminalreporter.write_line(test)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config) -> ModuleScheduling:
    return ModuleScheduling(config)


@pytest.fixture(scope="session")
def tarantools(tmp_path_factory: pytest.TempPathFactory) -> Tarantools:
    return Tarantools(tmp_path_factory.mktemp("tarantool"))


@pytest.fixture(scope="session")
def tarantool(tarantools: Tarantools) -> Iterator[Tarantool]:
    """The shared instance: tests use names of their own in it and leave it running."""
    with tarantools.running(KV_MEMTX_MEMORY=str(MEMORY)) as instance:
        yield instance


@pytest.fixture(scope="session")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Clusters:
    return Clusters(tmp_path_factory.mktemp("cluster"))


@pytest.fixture
def cluster(clusters: Clusters) -> Iterator[Cluster]:
    """Three nodes with a leader, for one test."""
    with clusters.prepared().running() as cluster:
        yield cluster


@pytest.fixture(scope="session", autouse=True)
def suite_logs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SuiteLogs]:
    """The logs of the services of `serve`: in the end they are searched for secrets."""
    logs = SuiteLogs(tmp_path_factory.mktemp("logs"))
    with logs.with_messages():
        yield logs
    assert logs.leaks() == []


@pytest.fixture(scope="session")
def serve(suite_logs: SuiteLogs) -> Serve:
    """`async with serve(tarantool, KV_…="…") as client` runs a service of its own.

    `tuning=Tuning(…)` changes limits that are not settings.
    """

    @contextlib.asynccontextmanager
    async def served(
        tarantool: Tarantool, *, tuning: Tuning = DEFAULT_TUNING, **environ: str
    ) -> AsyncIterator[Client]:
        given = environ_for(tarantool, KV_ACCESS_LOG="all", **environ)
        settings = Settings.from_env(given)
        url = f"http://{settings.host}:{settings.port}"
        async with (
            running(settings, bind(settings), suite_logs.next(), tuning=tuning),
            aiohttp.ClientSession() as session,
        ):
            yield Client(session, url)

    return served


@pytest.fixture(scope="session")
async def service(serve: Serve, tarantool: Tarantool) -> AsyncIterator[Client]:
    async with serve(tarantool) as client:
        yield client


@pytest.fixture
async def visitor(service: Client) -> AsyncIterator[Client]:
    """A client without a token, with an address of its own."""
    async with coming_from(new_address(), service) as visitor:
        yield visitor


@pytest.fixture
async def client(visitor: Client) -> Client:
    """A client logged in as an account of its own."""
    return await visitor.enter()
