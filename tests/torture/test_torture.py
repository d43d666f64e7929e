"""Every fault once, under load: no guarantee is violated."""

import os
import random
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.reporting import FIGURES
from tests.torture.figures import Figures, felt
from tests.torture.judge.checker import report
from tests.torture.judge.verdict import judge
from tests.torture.run.faults import FAULTS
from tests.torture.run.round import Round
from tests.torture.run.system import System

#: Seconds without a fault, before and after each: `make torture` has more.
QUIET = 0.3

#: What slows requests down, if anything, and refuses none.
HARMLESS = {
    "SIGSTOP of Tarantool, short",
    "connections slow",
    "clock an hour ahead",
    "clock an hour behind",
}


async def test_a_short_round_of_all_faults(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    seed = os.environ.get("SEED") or str(random.randrange(10**6))
    begin = time.monotonic()
    one = Round(System(tmp_path), random.Random(seed))
    evidence = await one.run(FAULTS, quiet=QUIET)
    violations = judge(evidence)
    figures = Figures()
    figures.add(evidence, violations, time.monotonic() - begin)
    record_property(FIGURES, f"Torture with the seed {seed}\n\n{figures.markdown()}")
    unfelt = {fault.name for fault in evidence.faults if not felt(evidence, fault)}
    assert unfelt <= HARMLESS
    assert {fault.name for fault in evidence.faults} == FAULTS.keys()
    assert not violations, report(violations, evidence.history)
