"""Distribution of the test modules to processes: most in parallel, some alone, last.

A module runs in one process, so that the fixtures its tests share are made once.
"""

from collections import deque
from collections.abc import Iterable, Sequence

import pytest
from xdist.report import report_collection_diff
from xdist.workermanage import WorkerController, parse_tx_spec_config

#: Modules that run alone: they measure times or memory, load the whole machine, or use
#: a fixed port and the one Docker engine's names. Password hashing runs when nothing
#: else needs a core (SCHED_IDLE): a test that depends on its pace is among them.
ALONE = (
    "tests/torture/test_torture.py",
    "tests/torture/test_command.py",
    "tests/benchmarks/",
    "tests/cluster/test_containers.py",
    "tests/docs/test_examples.py",
    "tests/process/test_large.py",
    "tests/process/test_load.py",
    "tests/api/test_login_timing.py",
    "tests/api/test_password_queue.py",
)

#: Modules that take the longest, in this order; begun first, so that the processes end
#: together. Modules that mostly wait are next to modules that compute.
LONG = (
    "tests/storage/test_full_memory.py",
    "tests/process/test_watchers.py",
    "tests/process/test_edge.py",
    "tests/process/test_paths.py",
    "tests/docs/test_swagger_ui.py",
    "tests/process/test_backup.py",
    "tests/docs/test_openapi.py",
    "tests/api/test_changes.py",
    "tests/torture/test_controls.py",
    *("tests/process/", "tests/storage/", "tests/migrations/"),
    *("tests/docs/", "tests/malformed/", "tests/torture/", "tests/fuzz/"),
    "tests/api/test_logins.py",
)


class ModuleScheduling:
    """A scheduler of xdist: a free process gets the next module, the last one the rest.

    A process starts its last test only when it gets another one or the signal to end.
    xdist asks after each event whether all tests have been given out.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._expected = len(parse_tx_spec_config(config))
        self._collections: dict[WorkerController, Sequence[str]] = {}
        self._pending: dict[WorkerController, list[str]] = {}
        self._parallel = deque[list[str]]()
        self._alone = deque[list[str]]()
        self._is_started = False

    @property
    def nodes(self) -> list[WorkerController]:
        return list(self._pending)

    @property
    def collection_is_completed(self) -> bool:
        return len(self._collections) >= self._expected

    @property
    def tests_finished(self) -> bool:
        return (
            self._is_started
            and not (self._parallel or self._alone)
            and all(len(tests) < 2 for tests in self._pending.values())
        )

    @property
    def has_pending(self) -> bool:
        return bool(self._parallel or self._alone) or any(self._pending.values())

    def add_node(self, node: WorkerController) -> None:
        self._pending[node] = []

    def add_node_collection(
        self, node: WorkerController, collection: Sequence[str]
    ) -> None:
        self._collections[node] = collection

    def schedule(self) -> None:
        """Called when the last process has collected; for a replacement, once more."""
        if not self._is_started:
            self._is_started = True
            if not self._have_collected_the_same():
                return
            self._take(next(iter(self._collections.values())))
        self._supply_all()

    def mark_test_complete(
        self, node: WorkerController, item_index: int, duration: float = 0
    ) -> None:
        self._pending[node].remove(self._collections[node][item_index])
        self._supply(node)

    def mark_test_pending(self, item: str) -> None:
        raise NotImplementedError

    def remove_pending_tests_from_node(
        self, node: WorkerController, indices: Sequence[int]
    ) -> None:
        raise NotImplementedError

    def remove_node(self, node: WorkerController) -> str | None:
        """Returns the test in which the process crashed; None: it has ended."""
        pending = self._pending.pop(node)
        if pending[1:]:
            self._parallel.appendleft(pending[1:])
        self._supply_all()
        return pending[0] if pending else None

    def _take(self, tests: Iterable[str]) -> None:
        modules: dict[str, list[str]] = {}
        for test in tests:
            modules.setdefault(test.partition("::")[0], []).append(test)
        for each in sorted(modules.values(), key=_rank):
            (self._alone if each[0].startswith(ALONE) else self._parallel).append(each)

    def _supply_all(self) -> None:
        for node in self.nodes:
            self._supply(node)

    def _supply(self, node: WorkerController) -> None:
        """Keeps two tests with the process, so that it knows the next one; or ends it.

        The last process waits until the others have ended.
        """
        if not self._is_started or node.shutting_down:
            return
        while len(self._pending[node]) < 2:
            if self._parallel:
                self._send(node, self._parallel.popleft())
            elif self._alone and len(self._pending) == 1:
                self._send(node, self._alone.popleft())
            elif not self._alone or self._is_one_of_several(node):
                node.shutdown()
                return
            else:
                return

    def _is_one_of_several(self, node: WorkerController) -> bool:
        return any(not n.shutting_down for n in self._pending if n is not node)

    def _send(self, node: WorkerController, tests: list[str]) -> None:
        index_of = {test: i for i, test in enumerate(self._collections[node])}
        self._pending[node].extend(tests)
        node.send_runtest_some([index_of[test] for test in tests])

    def _have_collected_the_same(self) -> bool:
        (first, expected), *others = self._collections.items()
        for node, collection in others:
            difference = report_collection_diff(
                expected, collection, first.gateway.id, node.gateway.id
            )
            if difference:
                report = pytest.CollectReport(
                    nodeid=node.gateway.id,
                    outcome="failed",
                    longrepr=difference,
                    result=[],
                )
                self._config.hook.pytest_collectreport(report=report)
                return False
        return True


def _rank(module: Sequence[str]) -> tuple[int, int]:
    places = (place for place, begin in enumerate(LONG) if module[0].startswith(begin))
    return next(places, len(LONG)), -len(module)
