"""The distribution of the test modules to processes."""

from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, cast

import pytest

from tests.support import scheduling
from tests.support.scheduling import ALONE, EXCLUSIVE, HEAVY, ModuleScheduling

#: Test modules of each kind, with this many tests each.
TESTS = 3
PARALLEL = [f"tests/api/test_{name}.py" for name in "abcdefgh"]
MODULES = [
    *PARALLEL,
    *(name if name.endswith(".py") else f"{name}test_x.py" for name in HEAVY + ALONE),
]


class Node:
    """A process of xdist: it begins its last test only when it is to end."""

    def __init__(self, number: int) -> None:
        self.gateway = self
        self.id = str(number)
        self.shutting_down = False
        self.tests: list[int] = []

    def send_runtest_some(self, tests: Sequence[int]) -> None:
        self.tests.extend(tests)

    def shutdown(self) -> None:
        self.shutting_down = True

    @property
    def running(self) -> int | None:
        return self.tests[0] if len(self.tests) > 1 or self.leaves else None

    @property
    def leaves(self) -> bool:
        return self.shutting_down and bool(self.tests)


def ran(processes: int, seed: int) -> Iterator[tuple[list[str], str]]:
    """Yields the modules that run at the same time, and the test that ends next."""
    config: Any = pytest.Config.fromdictargs({}, [])
    config.option.tx = [f"{processes}*popen"]
    scheduler = ModuleScheduling(config)
    tests = [f"{module}::test_{n}" for module in MODULES for n in range(TESTS)]
    nodes = [Node(number) for number in range(processes)]
    for node in nodes:
        scheduler.add_node(cast(Any, node))
        scheduler.add_node_collection(cast(Any, node), tests)
    scheduler.schedule()
    random = Random(seed)
    while nodes:
        running = [node for node in nodes if node.running is not None]
        assert running, "all processes wait"
        node = random.choice(running)
        modules = [tests[n.tests[0]].partition("::")[0] for n in running]
        index = node.tests.pop(0)
        yield modules, tests[index]
        scheduler.mark_test_complete(cast(Any, node), index)
        for ended in [n for n in nodes if n.shutting_down and not n.tests]:
            nodes.remove(ended)
            assert scheduler.remove_node(cast(Any, ended)) is None
    assert scheduler.tests_finished


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("few", [1, 2, 3])
@pytest.mark.parametrize("processes", [1, 2, 4])
def test_modules_run_in_as_many_processes_as_they_may(
    monkeypatch: pytest.MonkeyPatch, processes: int, few: int, seed: int
) -> None:
    monkeypatch.setattr(scheduling, "FEW", few)
    ended: Counter[str] = Counter()
    most: Counter[str] = Counter()
    for modules, test in ran(processes, seed):
        ended[test] += 1
        kind = "parallel"
        if any(module.startswith(ALONE) for module in modules):
            kind = "alone"
        elif any(module.startswith(HEAVY) for module in modules):
            kind = "heavy"
        most[kind] = max(most[kind], len(modules))
        assert sum(module in EXCLUSIVE for module in modules) <= 1
    assert len(ended) == TESTS * len(MODULES)
    assert set(ended.values()) == {1}
    assert most["parallel"] == processes
    assert most["heavy"] == min(processes, few)
    assert most["alone"] == 1
