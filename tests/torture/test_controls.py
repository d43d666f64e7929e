"""Faults of the store itself, put into a copy of lua/: the judge sees every one.

Without them the same clients and the same faults of the world around are the short
round of test_torture, where the judge finds nothing.
"""

import asyncio
import time
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from tests.support.full_disk import full_disk
from tests.support.machine import wait_until
from tests.support.tarantool import evaluated
from tests.torture.judge.verdict import judge
from tests.torture.run.faults import FAULTS, Fault, Scene
from tests.torture.run.past import read_history
from tests.torture.run.round import EXPIRY, FAULT_TIMEOUT, Round
from tests.torture.run.session import Session
from tests.torture.run.system import System
from tests.torture.run.transfers import export
from tests.torture.run.workload import KEYS

#: Seconds between two requests of a client on average: busier than in a round, so that
#: requests meet within the milliseconds for which a fault can be seen.
THINK_TIME = 0.005

QUIET = 0.3

#: Of everything, in a round.
EXPORTS = 20

#: A request meets a fault by chance, on a busy machine more rarely: at most this many
#: rounds until the judge sees it.
ROUNDS = 6


class Control(NamedTuple):
    """Code of the store that keeps a promise, and code that does not.

    :ivar changed: file, text, and the text instead of it
    :ivar fault: of the world around, that brings it to light
    :ivar rules: one of these is broken
    :ivar settle: as in `Round.run`
    """

    changed: tuple[tuple[str, str, str], ...]
    fault: Fault[System]
    rules: set[str]
    settle: float = 0.0

    def seed(self, lua: Path) -> None:
        for file, text, instead in self.changed:
            source = (lua / file).read_text()
            assert source.count(text) == 1, f"{file}: {text}"
            (lua / file).write_text(source.replace(text, instead))


REVISION = "tuples.release(box.space.kv_meta:replace({ 'revision', revision }))"
LOG = "change_log.append(revision, change)"
BEGIN = "local keys, written = change.keys, count_written(change)"

NO_TRANSACTION = Control(
    (
        ("kv/base/durability.lua", "pcall(box.atomic, run,", "pcall(run,"),
        # revisions are taken first and in order, so that nothing but the batch suffers
        ("kv/data/transaction.lua", REVISION, ""),
        ("kv/data/transaction.lua", LOG, ""),
        ("kv/data/transaction.lua", BEGIN, f"{REVISION} {LOG} {BEGIN}"),
    ),
    FAULTS["connections cut"],
    {"torn read"},
)

RESULT_BEFORE_THE_COMMIT = """function(run, ...)
    local result
    require('fiber').create(box.atomic, function(...)
        result = run(...)
        return result
    end, ...)
    return result
end"""

ACKNOWLEDGED_EARLY = Control(
    (
        (
            "kv/base/durability.lua",
            "local ok, result = pcall(box.atomic, run,",
            f"local ok, result = true, ({RESULT_BEFORE_THE_COMMIT})(run,",
        ),
    ),
    FAULTS["disk full"],
    {"lost write"},
)

NO_RECORD_FOR_RETRIES = Control(
    (
        (
            "kv/data/transaction.lua",
            "idempotency.save(user, options.retry, result, now)",
            "return user",
        ),
    ),
    FAULTS["replies swallowed"],
    {"applied twice"},
)

#: Does not wait, and counts the reads that met a write which then failed.
COUNTS_WRONG_READS = """until (function()
        require('fiber').create(function()
            if not transaction.commits:await(newest) then
                rawset(_G, 'wrong_reads', (rawget(_G, 'wrong_reads') or 0) + 1)
            end
        end)
        return true
    end)()"""

#: Wrong reads of a round: the judge cannot recognise each of them.
WRONG_READS = 3


async def disk_full_until_reads_are_wrong(scene: Scene[System]) -> float:
    """A read and a failing write meet by chance, on a busy machine rarely."""

    def are_wrong() -> bool:
        reads = evaluated(scene.system.tarantool, "rawget(_G, 'wrong_reads') or 0")
        return bool(reads >= WRONG_READS)

    with full_disk(scene.system.tarantool):
        await asyncio.to_thread(wait_until, are_wrong, FAULT_TIMEOUT)
    return time.monotonic()


#: The judge reports the first rule that a value excludes. Which one depends on what
#: became of its write (refused, never repeated, or repeated and successful), and on the
#: other keys of the read.
NO_WAIT_FOR_THE_LOG = Control(
    (
        (
            "kv/data/reads.lua",
            "until transaction.commits:await(newest)",
            COUNTS_WRONG_READS,
        ),
    ),
    disk_full_until_reads_are_wrong,
    {
        "phantom read",
        "early read",
        "refused write",
        "stale read",
        "torn read",
        "linearizability",
    },
)

NO_GRANT_CHECK = Control(
    (
        (
            "kv/data/reads.lua",
            "grants.check(authorize.check(caller), 'r', keys)",
            "authorize.check(caller)",
        ),
    ),
    FAULTS["connections cut"],
    {"grant"},
)

DELETE_WITHOUT_LEADER = """function(find)
    local keys = find()
    box.atomic(require('kv.data.store').delete, keys, 1)
    return keys
end"""

#: A single instance writes in one way, kv.data.transaction. A collector that goes past
#: it deletes keys without a revision and a change. (One that works on an instance that
#: takes no writes is refused by Tarantool itself.)
EXPIRY_WITHOUT_LEADER = Control(
    (
        (
            "kv/data/expiry.lua",
            "transaction.delete_expired(function()",
            f"({DELETE_WITHOUT_LEADER})(function()",
        ),
    ),
    FAULTS["connections cut"],
    {"replay"},
    EXPIRY,
)

#: The newest revision, on disk or not; counts as COUNTS_WRONG_READS does.
COUNTS_WRONG_HISTORIES = """local newest = store.revision()
    require('fiber').create(function()
        if not transaction.commits:await_all() then
            rawset(_G, 'wrong_reads', (rawget(_G, 'wrong_reads') or 0) + 1)
        end
    end)
    local from"""


async def read_histories(session: Session) -> None:
    while True:
        for key in KEYS:
            await read_history(session, key, limit=10, pages=1)


async def disk_full_until_histories_are_wrong(scene: Scene[System]) -> float:
    """The clients rarely read one."""
    reading = asyncio.create_task(read_histories(scene.session))
    try:
        return await disk_full_until_reads_are_wrong(scene)
    finally:
        reading.cancel()


NO_WAIT_FOR_THE_LOG_IN_A_HISTORY = Control(
    (
        (
            "kv/data/history.lua",
            "transaction.commits:await_all()\n    local user",
            "local user",
        ),
        (
            "kv/data/history.lua",
            "local newest = transaction.newest_on_disk()\n    local from",
            COUNTS_WRONG_HISTORIES,
        ),
    ),
    disk_full_until_histories_are_wrong,
    {"history"},
)

TWO_TRANSACTIONS = Control(
    (
        (
            "kv/api/writes.lua",
            """table.insert(change.keys, key)
            table.insert(change.values, box.NULL)""",
            "require('fiber').new(M.write, caller, { key }, { box.NULL })",
        ),
    ),
    FAULTS["connections cut"],
    {"delete"},
)

ONE_TTL = Control(
    (("kv/api/writes.lua", "ttl = options.ttls[position]", "ttl = options.ttls[1]"),),
    FAULTS["connections cut"],
    {"early expiry", "late expiry", "phantom write"},
    EXPIRY,
)

NO_GRANTS_OF_A_TOKEN = Control(
    (
        (
            "kv/accounts/callers.lua",
            "grants.intersect(token.grants, granted)",
            "granted",
        ),
    ),
    FAULTS["connections cut"],
    {"grant"},
)

#: It is in memory only.
TOKEN_THAT_ENDS = Control(
    (
        (
            "kv/accounts/authorize.lua",
            "local M = {}",
            "local M, started_at = {}, os.time()",
        ),
        (
            "kv/accounts/authorize.lua",
            "row.id == token.account then",
            "row.id == token.account and token.created_at >= started_at then",
        ),
    ),
    FAULTS["kill -9 of Tarantool"],
    {"token"},
)


async def exported_while_clients_write(scene: Scene[System]) -> float:
    for _ in range(EXPORTS):
        await export(scene.session, "")
    return time.monotonic()


NO_CHANGES_IN_AN_EXPORT = Control(
    (
        (
            "kv/data/export.lua",
            "changes_after(position, revision, readable, max_bytes * CHANGES_SHARE)",
            "{ rows = {}, bytes = 0, since = revision, skip = 0, are_all = true }",
        ),
    ),
    exported_while_clients_write,
    {"export"},
)

CONTROLS = {
    "no-transaction-around-the-batch": NO_TRANSACTION,
    "acknowledgement-before-the-log": ACKNOWLEDGED_EARLY,
    "retry-without-its-record": NO_RECORD_FOR_RETRIES,
    "read-that-does-not-wait": NO_WAIT_FOR_THE_LOG,
    "reader-without-grant-check": NO_GRANT_CHECK,
    "expiry-that-ignores-the-leader": EXPIRY_WITHOUT_LEADER,
    "history-that-does-not-wait": NO_WAIT_FOR_THE_LOG_IN_A_HISTORY,
    "deletions-after-the-write": TWO_TRANSACTIONS,
    "one-time-to-live-for-all-keys": ONE_TTL,
    "token-with-all-grants": NO_GRANTS_OF_A_TOKEN,
    "token-that-a-restart-ends": TOKEN_THAT_ENDS,
    "export-without-changes": NO_CHANGES_IN_AN_EXPORT,
}


@pytest.mark.parametrize("control", CONTROLS.values(), ids=CONTROLS)
async def test_a_fault_of_the_store_is_seen(tmp_path: Path, control: Control) -> None:
    broken = set[str]()
    for number in range(ROUNDS):
        folder = tmp_path / str(number)
        folder.mkdir()
        system = System(folder, control.seed)
        one = Round(system, Random(number), think_time=THINK_TIME)
        evidence = await one.run(
            {"the fault": control.fault}, quiet=QUIET, settle=control.settle
        )
        broken |= {violation.rule for violation in judge(evidence)}
        if broken & control.rules:
            return
    pytest.fail(f"not seen in {ROUNDS} rounds, which broke {broken}")
