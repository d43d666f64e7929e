"""The number of writes in Tarantool's log, from the blocks of its files."""

from pathlib import Path

from benchmarks.measure.wal import count_writes
from tests.support.machine import ROOT
from tests.support.tarantool import LocalTarantool

TRANSACTION = """
box.atomic(function() for i = 1, 500 do box.space.test:replace({i, 'a value'}) end end)
"""


def test_each_commit_of_one_client_is_one_write_however_large(tmp_path: Path) -> None:
    tarantool = LocalTarantool(tmp_path, migrations=ROOT / "migrations", environ={})
    try:
        tarantool.start()
        tarantool.console("box.schema.space.create('test'):create_index('first')")
        before = count_writes(tarantool.data)
        for number in range(3):
            tarantool.console(f"box.space.test:replace({{{number}}})")
        assert count_writes(tarantool.data) == before + 3
        tarantool.console(TRANSACTION)
        assert count_writes(tarantool.data) == before + 4
    finally:
        tarantool.kill()
