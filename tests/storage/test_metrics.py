"""The metrics of Tarantool: what `kv.v1.metrics` returns, and how it is collected."""

import asyncio
import contextlib
import re
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from service.settings import Address
from service.storage.descriptions import DESCRIPTIONS, OF_TARANTOOL
from service.storage.metrics import LOCAL, MAX_AGE, TIMEOUT, StorageMetrics
from service.telemetry.families import Family
from tests.support.console import admin
from tests.support.families import Samples, family_of, observations_of, samples_of
from tests.support.full_disk import full_disk
from tests.support.machine import free_port, wait_until
from tests.support.procedures import failing_log, prepare
from tests.support.tarantool import (
    PASSWORD,
    START_TIMEOUT,
    LocalTarantool,
    Tarantool,
    Tarantools,
    evaluated,
)

MIB = 1024 * 1024
MEMORY = 64 * MIB
CHANGES = 3 * MIB

USER = "kv_service"

#: Of every version of Tarantool.
ON_EVERY_VERSION = {
    *("tnt_cpu_system_time", "tnt_cpu_user_time", "tnt_memory", "tnt_memory_virt"),
    *("tnt_fiber_amount", "tnt_fiber_csw", "tnt_fiber_memalloc", "tnt_fiber_memused"),
    *("tnt_info_lsn", "tnt_info_uptime", "tnt_info_vclock", "tnt_read_only"),
    *("tnt_info_memory_cache", "tnt_info_memory_data", "tnt_info_memory_index"),
    *("tnt_info_memory_lua", "tnt_info_memory_net", "tnt_info_memory_tx"),
    *("tnt_net_connections_total", "tnt_net_connections_current"),
    *("tnt_net_received_total", "tnt_net_sent_total"),
    *("tnt_net_requests_total", "tnt_net_requests_current"),
    *("tnt_replication_lag", "tnt_replication_lsn", "tnt_replication_status"),
    *("tnt_runtime_lua", "tnt_runtime_used"),
    *("tnt_slab_arena_size", "tnt_slab_arena_used", "tnt_slab_arena_used_ratio"),
    *("tnt_slab_items_size", "tnt_slab_items_used", "tnt_slab_items_used_ratio"),
    *("tnt_slab_quota_size", "tnt_slab_quota_used", "tnt_slab_quota_used_ratio"),
    *("tnt_space_bsize", "tnt_space_index_bsize", "tnt_space_len"),
    *("tnt_space_total_bsize", "tnt_stats_op_total"),
}

#: Of versions with elections.
OF_ELECTIONS = {"tnt_election_state", "tnt_election_term", "tnt_synchro_queue_len"}

#: Fills the memory with small tuples, until a write is refused; returns its error.
FILL = """
(function()
    local value, refused, count = '"' .. ('x'):rep(1000) .. '"', 0, 0
    while refused < 2 do
        local requests = {}
        for i = 1, 16 do
            requests[i] = {{'ann', 1}, {('k%d'):format(count + i)}, {value}}
        end
        if kv.v1.put_each(requests)[16] ~= nil then
            refused, count = 0, count + 16
        else
            refused = refused + 1
            collectgarbage()
        end
    end
    while true do
        count = count + 1
        local key = ('k%d'):format(count)
        local ok, failure = pcall(kv.v1.put, {'ann', 1}, {key}, {value})
        if not ok then return failure.type end
    end
end)()
"""


@pytest.fixture
def own(tarantools: Tarantools) -> Iterator[LocalTarantool]:
    """A process of its own, with the account ann and two keys."""
    with tarantools.local(
        KV_MEMTX_MEMORY=str(MEMORY), KV_CHANGES_BYTES=str(CHANGES)
    ) as instance:
        instance.start()
        prepare(instance)
        yield instance


@contextlib.asynccontextmanager
async def opened(*ports: int) -> AsyncIterator[StorageMetrics]:
    metrics = StorageMetrics(
        [Address("127.0.0.1", port) for port in ports], USER, PASSWORD
    )
    await metrics.open()
    try:
        yield metrics
    finally:
        await metrics.close()


async def collected(tarantool: Tarantool) -> list[Family]:
    async with opened(tarantool.port) as metrics:
        return await metrics.collect()


def returned(tarantool: Tarantool, name: str) -> Any:
    """A metric as the procedure returns it."""
    return evaluated(tarantool, f"kv.v1.metrics().{name}")


def names(tarantool: Tarantool) -> set[str]:
    found = """(function()
        local names = {}
        for name in pairs(kv.v1.metrics()) do table.insert(names, name) end
        return names
    end)()"""
    return set(evaluated(tarantool, found))


def test_every_metric_of_the_service_is_returned_and_described(own: Tarantool) -> None:
    """`kv_storage_up` is known without the procedure."""
    ours = {name for name in names(own) if name.startswith("kv_")}
    assert ours | {"kv_storage_up"} == DESCRIPTIONS.keys()


def test_tarantool_s_own_metrics_have_the_names_of_its_rock(own: Tarantool) -> None:
    theirs = {name for name in names(own) if not name.startswith("kv_")}
    assert theirs >= ON_EVERY_VERSION
    assert theirs <= OF_TARANTOOL.keys()
    if evaluated(own, "box.info.election ~= nil"):
        assert theirs >= OF_ELECTIONS


async def test_tarantool_s_own_metrics_have_its_labels_and_units(
    own: Tarantool,
) -> None:
    families = await collected(own)
    alias = f"127.0.0.1:{own.port}"
    ratio = evaluated(own, "box.slab.info().quota_used_ratio")
    assert samples_of(families, "tnt_slab_quota_used_ratio") == {
        (alias,): float(ratio.removesuffix("%"))
    }
    assert family_of(families, "tnt_stats_op").kind == "counter"
    operations = samples_of(families, "tnt_stats_op")
    assert operations[alias, "insert"] > 0
    assert family_of(families, "tnt_space_len").labels == ("alias", "engine", "name")
    assert samples_of(families, "tnt_space_len")[alias, "memtx", "kv"] == 2
    indexes = samples_of(families, "tnt_space_index_bsize")
    assert {index for _, index, space in indexes if space == "kv"} == {
        "key",
        "key_hash",
    }


async def test_the_numbers_are_those_of_the_store(own: LocalTarantool) -> None:
    admin(own, "create_account", "'bob'", "'$2b$04$" + "." * 53 + "'")
    own.console("kv.v1.put({'ann', 1}, {'e'}, {'1'}, {ttl = 100})")
    own.console("kv.v1.delete({'ann', 1}, {'k'}, {retry = {'a key', 'a request'}})")
    families = await collected(own)
    size = evaluated(own, "{require('kv.data.change_log').size()}")[1]
    (snapshot,) = own.data.glob("*.snap")
    (log,) = own.data.glob("*.xlog")
    expected = {
        "kv_keys": 2,
        "kv_keys_expiring": 1,
        "kv_accounts": 2,
        "kv_revision": 3,
        "kv_changes_oldest_revision": 0,
        "kv_changes_bytes": size,
        "kv_changes_limit_bytes": CHANGES,
        "kv_idempotency_records": 1,
        "kv_expired_keys": 0,
        "kv_wal_bytes": log.stat().st_size,
        "kv_memory_limit_bytes": MEMORY,
        "kv_disk_reserve_bytes": 64 * MIB,
        "kv_writes_accepted": 1,
        "kv_backup_last_success_timestamp_seconds": 0,
        "kv_backup_last_bytes": 0,
    }
    found = {name: only(samples_of(families, name)) for name in expected}
    assert found == expected
    assert only(samples_of(families, "kv_idempotency_bytes")) > 0
    made_at = only(samples_of(families, "kv_snapshot_timestamp_seconds"))
    assert made_at == pytest.approx(snapshot.stat().st_mtime, abs=0.01)
    assert 0 < only(samples_of(families, "kv_memory_used_bytes")) < MEMORY
    assert only(samples_of(families, "kv_disk_free_bytes")) > 0


def only(samples: Samples) -> float:
    (value,) = samples.values()
    return value


async def test_the_console_shows_the_same_numbers(own: Tarantool) -> None:
    families = await collected(own)
    shown = dict(
        re.split(r" {2,}", line, maxsplit=1)
        for line in admin(own, "statistics").splitlines()
        if line
    )
    keys = only(samples_of(families, "kv_keys"))
    used = only(samples_of(families, "kv_memory_used_bytes"))
    assert shown["keys"].startswith(f"{keys:.0f}, ")
    assert shown["memory"].startswith(f"{used / MIB:.1f} MiB in use")


def test_each_durable_commit_is_observed(own: Tarantool) -> None:
    """One that is undone is not: it never became durable."""

    def observed() -> tuple[int, float]:
        waits = returned(own, "kv_wal_wait_seconds")
        assert len(waits["counts"]) == len(waits["bounds"]) + 1
        return sum(waits["counts"]), waits["sum"]

    count, total = observed()
    assert "kv" not in own.console("kv.v1.put({'ann', 1}, {'a', 'b'}, {'1', '2'})")
    assert observed()[0] == count + 1
    own.console("kv.v1.create_user('bob', 'a hash')")
    assert observed()[0] == count + 1  # an account is not counted
    assert 0 < observed()[1] - total < 10
    with failing_log(own):
        assert evaluated(own, "pcall(kv.v1.put, {'ann', 1}, {'a'}, {'3'})") is False
        assert observed()[0] == count + 1


def test_deleted_expired_keys_are_counted(own: Tarantool) -> None:
    own.console("kv.v1.put({'ann', 1}, {'e', 'f'}, {'1', '2'}, {ttl = 0.1})")
    wait_until(lambda: returned(own, "kv_expired_keys_total") == 2, START_TIMEOUT)
    assert returned(own, "kv_keys") == 2


def test_a_full_memory_is_shown_as_refused_writes(own: Tarantool) -> None:
    assert evaluated(own, FILL) == "kv.MemoryFull"
    assert returned(own, "kv_writes_accepted") == 0
    assert returned(own, "kv_memory_used_bytes") > 0.95 * MEMORY


def test_a_full_disk_is_shown_as_refused_writes(own: LocalTarantool) -> None:
    with full_disk(own):
        put = "{pcall(kv.v1.put, {'ann', 1}, {'k'}, {'1'})}"
        assert evaluated(own, put)[0] is False
    assert returned(own, "kv_writes_accepted") == 0
    assert returned(own, "kv_keys") == 2


def test_a_read_only_instance_accepts_no_writes(own: Tarantool) -> None:
    own.console("box.cfg({ read_only = true })")
    assert returned(own, "kv_writes_accepted") == 0
    assert returned(own, "tnt_read_only") == 1
    assert returned(own, "kv_keys") == 2


def test_the_last_backup_is_known_after_a_restart(
    own: LocalTarantool, tmp_path: Path
) -> None:
    began = time.time()
    made = admin(own, "backup", f"'{tmp_path / 'backup'}'")

    def last() -> tuple[float, int]:
        at = returned(own, "kv_backup_last_success_timestamp_seconds")
        return at, returned(own, "kv_backup_last_bytes")

    before = last()
    assert began <= before[0] <= time.time()
    assert before[1] == made["bytes"]
    own.kill()
    own.start()
    assert last() == pytest.approx(before)


def test_a_failed_backup_does_not_count(own: LocalTarantool, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AssertionError):
        admin(own, "backup", f"'{tmp_path}'")
    assert returned(own, "kv_backup_last_success_timestamp_seconds") == 0


def test_a_damaged_record_of_the_last_backup_is_no_backup(own: LocalTarantool) -> None:
    for text in "", "[]", '{"at": "x", "bytes": 1}':
        own.kill()
        (own.data / "last_backup.json").write_text(text)
        own.start()
        assert returned(own, "kv_backup_last_success_timestamp_seconds") == 0


async def test_no_metric_has_a_key_or_a_user_name(own: Tarantool) -> None:
    """No label is made from data."""
    own.console("kv.v1.put({'ann', 1}, {'canary key'}, {'\"canary value\"'})")
    admin(own, "create_account", "'canary'", "'$2b$04$" + "." * 53 + "'")
    assert "canary" not in str(await collected(own))


async def test_a_tarantool_that_is_away_is_down_and_up_again(
    own: LocalTarantool,
) -> None:
    async with opened(own.port) as metrics:
        assert up(await metrics.collect()) == [1]
        assert metrics.tarantool_version == evaluated(own, "box.info.version")
        own.kill()
        await asyncio.sleep(MAX_AGE + 0.1)
        families = await metrics.collect()
        assert [family.name for family in families] == ["kv_storage_up"]
        assert up(families) == [0]
        await asyncio.to_thread(own.start)
        await asyncio.sleep(MAX_AGE + 0.1)
        assert up(await metrics.collect()) == [1]


def up(families: list[Family]) -> list[float]:
    return [*samples_of(families, "kv_storage_up").values()]


async def test_a_tarantool_that_hangs_is_down_in_time(own: LocalTarantool) -> None:
    async with opened(own.port) as metrics:
        await metrics.collect()
        own.kill(signal.SIGSTOP)
        await asyncio.sleep(MAX_AGE + 0.1)
        began = time.monotonic()
        assert up(await metrics.collect()) == [0]
        assert TIMEOUT - 0.5 < time.monotonic() - began < TIMEOUT + 2
        own.kill(signal.SIGCONT)
        await asyncio.sleep(MAX_AGE + 0.1)
        assert up(await metrics.collect()) == [1]


async def test_scrapes_at_the_same_time_share_a_call(own: Tarantool) -> None:
    calls = "box.stat().CALL.total"
    async with opened(own.port) as metrics:
        await metrics.collect()
        await asyncio.sleep(MAX_AGE + 0.1)
        before = evaluated(own, calls)
        first, second = await asyncio.gather(metrics.collect(), metrics.collect())
        assert first is second is await metrics.collect()
        assert evaluated(own, calls) == before + 1
        await asyncio.sleep(MAX_AGE + 0.1)
        assert await metrics.collect() is not first


async def test_each_node_has_its_alias(own: Tarantool) -> None:
    away = free_port()
    async with opened(own.port, away) as metrics:
        families = await metrics.collect()
    assert samples_of(families, "kv_storage_up") == {
        (f"127.0.0.1:{own.port}",): 1,
        (f"127.0.0.1:{away}",): 0,
    }
    assert [*samples_of(families, "kv_keys")] == [(f"127.0.0.1:{own.port}",)]
    assert observations_of(families, "kv_wal_wait_seconds", f"127.0.0.1:{own.port}") > 0


async def test_a_failure_is_logged_once_in_an_interval(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with opened(free_port()) as metrics:
        await metrics.collect()
        await asyncio.sleep(MAX_AGE + 0.1)
        await metrics.collect()
    (message,) = caplog.messages
    assert message.startswith("no metrics of Tarantool at 127.0.0.1:")


async def test_an_instance_without_the_procedure_is_up(own: Tarantool) -> None:
    """As one of the previous version is, in a rolling upgrade."""
    own.console("kv.v1.metrics = nil")
    families = await collected(own)
    assert [family.name for family in families] == ["kv_storage_up"]
    assert up(families) == [1]


async def test_a_unix_socket_has_a_lasting_alias(tmp_path: Path) -> None:
    address = Address("unix/", str(tmp_path / "none.sock"))
    metrics = StorageMetrics([address], USER, PASSWORD)
    await metrics.open()
    families = await metrics.collect()
    await metrics.close()
    assert samples_of(families, "kv_storage_up") == {(LOCAL,): 0}
