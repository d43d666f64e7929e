"""`make torture`: rounds for as long as you say, and a record of them."""

import argparse
import asyncio
import random
import shutil
import sys
import time
from datetime import datetime
from pathlib import Path
from random import Random

from service.process.local_cluster import NAMES
from tests.support.machine import ROOT
from tests.torture.evidence import Evidence
from tests.torture.figures import Figures
from tests.torture.history import save
from tests.torture.judge.checker import report
from tests.torture.judge.verdict import judge
from tests.torture.run.cluster_faults import CLUSTER_FAULTS
from tests.torture.run.cluster_system import ClusterSystem
from tests.torture.run.faults import FAULTS
from tests.torture.run.round import Round
from tests.torture.run.system import System

#: A round takes about so long.
SECONDS = 60.0

RECORDS = ROOT / "var" / "torture"


def keep(evidence: Evidence, folder: Path) -> None:
    save(evidence.history.operations, folder / "operations.jsonl")
    save(evidence.history.changes, folder / "changes.jsonl")
    save(evidence.faults, folder / "faults.jsonl")


async def evidence_of(
    folder: Path, nodes: int, random: Random, until: float
) -> Evidence:
    """Runs a round, on a single instance or on a cluster."""
    if nodes == 1:
        return await Round(System(folder), random).run(FAULTS, until=until)
    cluster = ClusterSystem(folder)
    return await Round(cluster, random).run(CLUSTER_FAULTS, until=until)


async def torture(
    seconds: float, seed: str, folder: Path, nodes: int = 1
) -> str | None:
    """Rounds until the time is over; or until one is not as it should be, and how."""
    figures = Figures()
    until = time.monotonic() + seconds
    number = 0
    while (begin := time.monotonic()) < until:
        number += 1
        place = folder / f"round-{number}"
        place.mkdir(parents=True)
        evidence = await evidence_of(place, nodes, Random(f"{seed} {number}"), until)
        keep(evidence, place)
        violations = judge(evidence)
        figures.add(evidence, violations, time.monotonic() - begin)
        (folder / "report.md").write_text(f"Seed {seed}\n\n{figures.markdown()}\n")
        if violations:
            return report(violations, evidence.history)
        for name in ("data", "lua", *(f"{name}/var" for name in NAMES)):
            shutil.rmtree(place / name, ignore_errors=True)
    return None


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make torture", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--seed", default=str(random.randrange(10**6)))
    parser.add_argument("--nodes", type=int, choices=(1, 3), default=1)
    parser.add_argument("--record", type=Path, help="a folder that is not there yet")
    return parser.parse_args()


def main() -> int:
    given = arguments()
    name = f"{datetime.now():%Y-%m-%dT%H-%M-%S}-{given.seed}"
    folder: Path = given.record or RECORDS / name
    print(f"{given.seconds:g} s, seed {given.seed}, record in {folder}", flush=True)
    failure = asyncio.run(torture(given.seconds, given.seed, folder, given.nodes))
    record = folder / "report.md"
    if failure is not None:
        record.write_text(f"{record.read_text()}\n```text\n{failure}\n```\n")
    print(record.read_text())
    return 0 if failure is None else 1


if __name__ == "__main__":
    sys.exit(main())
