"""`make torture`, for a few seconds."""

import re
import subprocess
import sys
from pathlib import Path

from tests.support.machine import ROOT
from tests.torture.history import load

#: Seconds that it is set to run, and its timeout, on a busy machine.
SECONDS, TIMEOUT = 1, 300


def test_the_command_ends_by_itself_and_leaves_a_record(tmp_path: Path) -> None:
    record = tmp_path / "record"
    command = [sys.executable, "-m", "tests.torture", "--seconds", str(SECONDS)]
    ended = subprocess.run(
        [*command, "--seed", "7", "--record", str(record)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    report = (record / "report.md").read_text()
    assert report in ended.stdout
    assert "| violations | 0 |" in report
    (reported,) = re.findall(r"\| operations \| (\d+) \|", report)
    (one,) = record.glob("round-*")
    assert len(list(load(one / "operations.jsonl"))) == int(reported)
    assert (one / "faults.jsonl").read_text().count("\n") >= 1
    assert (one / "tarantool.log").read_text()
    assert all(log.read_text() for log in one.glob("worker-*/service.stderr"))
