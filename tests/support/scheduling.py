"""Distribution of the test modules to processes: most in all, then some in few, then
some alone.

A module runs in one process, so that the fixtures its tests share are made once.
"""

import os
import sys
from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pytest
from xdist.report import report_collection_diff
from xdist.workermanage import WorkerController, parse_tx_spec_config

#: Modules that run alone: they measure times or memory. Password hashing runs when
#: nothing else needs a core (SCHED_IDLE): tests that depend on its pace are among them.
ALONE = (
    "tests/process/test_large.py",
    "tests/api/test_login_timing.py",
    "tests/api/test_password_queue.py",
)

#: Modules that load a core or more, or hash passwords of the default cost. They run in
#: fewer processes than there are cores.
HEAVY = (
    "tests/docs/test_examples.py",
    "tests/benchmarks/",
    "tests/torture/test_torture.py",
    "tests/process/test_load.py",
    "tests/torture/test_command.py",
    "tests/cluster/test_containers.py",
)

#: Modules that never run at the same time: they use a fixed port and the one Docker
#: engine's names.
EXCLUSIVE = ("tests/docs/test_examples.py", "tests/cluster/test_containers.py")

#: Processes for `HEAVY`.
FEW = max(1, (os.cpu_count() or 1) - 1)

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
    "tests/api/test_every_route.py",
    "tests/process/test_startup.py",
    "tests/api/test_changes.py",
    "tests/torture/test_controls.py",
    "tests/storage/test_durability.py",
    "tests/api/test_content_encoding.py",
    *("tests/process/", "tests/storage/", "tests/migrations/"),
    *("tests/console/", "tests/docs/"),
    *("tests/malformed/", "tests/torture/", "tests/fuzz/"),
    "tests/api/test_logins.py",
    "tests/api/test_levels.py",
    "tests/api/test_export_in_motion.py",
    "tests/api/test_values.py",
    "tests/api/test_history.py",
    "tests/api/test_framing.py",
    "tests/api/test_calls_of_a_read.py",
    "tests/api/test_administration.py",
    "tests/api/test_import_streams.py",
    "tests/api/test_model.py",
)


class Phase(NamedTuple):
    """Modules that run at the same time, in this many processes at most.

    It begins when the other processes have ended.
    """

    processes: int
    modules: deque[list[str]]


class ModuleScheduling:
    """A scheduler of xdist: a free process gets the next module of the current phase.

    A process starts its last test only when it gets another one or the signal to end.
    xdist asks after each event whether all tests have been given out.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._expected = len(parse_tx_spec_config(config))
        self._collections: dict[WorkerController, Sequence[str]] = {}
        self._pending: dict[WorkerController, list[str]] = {}
        self._parallel = Phase(sys.maxsize, deque())
        self._heavy = Phase(FEW, deque())
        self._alone = Phase(1, deque())
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
            and self._phase is None
            and all(len(tests) < 2 for tests in self._pending.values())
        )

    @property
    def has_pending(self) -> bool:
        return self._phase is not None or any(self._pending.values())

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
            self._parallel.modules.appendleft(pending[1:])
        self._supply_all()
        return pending[0] if pending else None

    @property
    def _phase(self) -> Phase | None:
        """The current one: the first that has modules."""
        phases = (self._parallel, self._heavy, self._alone)
        return next((phase for phase in phases if phase.modules), None)

    def _take(self, tests: Iterable[str]) -> None:
        modules: dict[str, list[str]] = {}
        for test in tests:
            module = test.partition("::")[0]
            name = EXCLUSIVE[0] if module in EXCLUSIVE else module
            modules.setdefault(name, []).append(test)
        for name, each in sorted(modules.items(), key=_rank):
            self._phase_of(name).modules.append(each)

    def _phase_of(self, module: str) -> Phase:
        if module.startswith(ALONE):
            return self._alone
        return self._heavy if module.startswith(HEAVY) else self._parallel

    def _supply_all(self) -> None:
        for node in self.nodes:
            self._supply(node)

    def _supply(self, node: WorkerController) -> None:
        """Keeps two tests with the process, so that it knows the next one; or ends it.

        Those for which the next phase has a place wait until the others have ended.
        """
        if not self._is_started or node.shutting_down:
            return
        while len(self._pending[node]) < 2:
            phase = self._phase
            if phase is None or self._remaining() > phase.processes:
                node.shutdown()
                return
            if len(self._pending) > phase.processes:
                return
            self._send(node, phase.modules.popleft())

    def _remaining(self) -> int:
        return sum(not node.shutting_down for node in self._pending)

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


def _rank(module: tuple[str, Sequence[str]]) -> tuple[int, int]:
    name, tests = module
    order = HEAVY + LONG
    places = (place for place, begin in enumerate(order) if name.startswith(begin))
    return next(places, len(order)), -len(tests)
