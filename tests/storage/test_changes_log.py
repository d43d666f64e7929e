"""The change log: bounded, complete, and on disk before any client sees it."""

import shutil
import signal
from collections.abc import Iterator

import pytest

from tests.support.procedures import (
    AFTER,
    AT_ONCE,
    REVISION,
    after,
    failing_log,
    number,
    oldest,
    prepare,
    revisions_after,
)
from tests.support.tarantool import LocalTarantool, Tarantool, Tarantools, evaluated

KIB = 1024
BOUND = 16 * KIB

#: Puts batches of one key; returns the largest size of the log on the way.
PUT_MANY = """
(function()
    local largest = 0
    for i = 1, {count} do
        kv.v1.put({{'ann', 1}}, {{'key'}}, {{'"' .. ('x'):rep({size}) .. '"'}})
        largest = math.max(largest, {size_now})
    end
    return largest
end)()
"""
PUT = "{{kv.v1.put({{'ann', 1}}, {{'{key}'}}, {{'1'}})}}"

#: Removes all batches but the newest, and writes before that is on disk.
SHED_AND_PUT = """
(function()
    local fiber, ended = require('fiber'), {}
    local function start(action, ...)
        local started = fiber.new(action, ...)
        started:set_joinable(true)
        return started
    end
    local shed = start(require('kv.data.change_log').shed)
    local put = start(kv.v1.put, {'ann', 1}, {'key'}, {'1'})
    for i, started in ipairs({shed, put}) do
        ended[i] = started:join() and 'done' or 'refused'
    end
    return ended
end)()
"""

#: With the overhead of each batch and of each key.
SIZE = (
    "(tonumber(box.space.kv_changes:bsize()) + 48 * box.space.kv_changes:len()"
    " + 24 * box.space.kv_changes.index.key:len())"
)
COUNT = "box.space.kv_changes:len()"


@pytest.fixture
def own(tarantools: Tarantools) -> Iterator[Tarantool]:
    """An instance with the account ann and the key k."""
    with tarantools.running(KV_CHANGES_BYTES=str(BOUND)) as instance:
        prepare(instance)
        yield instance


def put_many(count: int, size: int) -> str:
    return PUT_MANY.format(count=count, size=size, size_now=SIZE)


def put(tarantool: Tarantool, key: str) -> int:
    """Returns the revision."""
    return int(evaluated(tarantool, PUT.format(key=key))[0])


# Its bound


@pytest.mark.parametrize("size", [10, KIB, 5 * KIB])
def test_the_log_takes_no_more_than_its_bound(own: Tarantool, size: int) -> None:
    largest = number(own, put_many(count=3 * BOUND // size, size=size))
    assert BOUND / 2 < largest <= BOUND
    newest = number(own, REVISION)
    assert revisions_after(own, oldest(own)) == list(range(oldest(own) + 1, newest + 1))


def test_a_batch_beyond_the_bound_is_kept_until_the_next_one(own: Tarantool) -> None:
    number(own, put_many(count=10, size=KIB))
    number(own, put_many(count=1, size=2 * BOUND))
    newest = number(own, REVISION)
    assert number(own, COUNT) == 1
    assert revisions_after(own, newest - 1) == [newest]
    put(own, "k")
    assert number(own, COUNT) == 1
    assert number(own, SIZE) < KIB
    assert revisions_after(own, newest) == [newest + 1]


def test_after_a_large_batch_the_log_shrinks_to_its_bound(own: Tarantool) -> None:
    """Not at once: no write pays for the removal of thousands."""
    number(own, put_many(count=1000, size=1))
    number(own, put_many(count=1, size=BOUND - 4 * KIB))
    assert number(own, SIZE) > BOUND
    large = number(own, REVISION)
    number(own, put_many(count=20, size=1))
    assert number(own, SIZE) <= BOUND
    assert revisions_after(own, large - 1) == list(range(large, large + 21))


def test_after_a_removal_that_failed_the_log_takes_no_more_than_its_bound(
    own: Tarantool,
) -> None:
    number(own, put_many(count=100, size=KIB))
    with failing_log(own):
        assert evaluated(own, SHED_AND_PUT) == ["refused", "refused"]
    assert number(own, SIZE) > BOUND / 2
    assert number(own, put_many(count=10, size=KIB)) <= BOUND


async def test_the_log_takes_a_quarter_of_the_memory_at_most(
    tarantools: Tarantools,
) -> None:
    memory = 64 * KIB * KIB  # the least that the service takes
    with tarantools.running(KV_MEMTX_MEMORY=str(memory)) as own:
        prepare(own)
        largest = number(own, put_many(count=4000, size=8 * KIB))
        assert memory / 8 < largest <= memory / 4


def test_a_page_holds_a_bounded_number_of_small_batches(own: Tarantool) -> None:
    """What costs the instance its time is each batch, more than its bytes."""
    number(own, put_many(count=80, size=1))
    batches, _, _ = evaluated(own, AFTER.format(since=0, bytes=16 * KIB))
    assert 16 < len(batches) < 16 * KIB / 256


# A restart


def test_the_log_outlives_a_kill(own: Tarantool) -> None:
    number(own, put_many(count=100, size=KIB))
    since = oldest(own)
    before = evaluated(own, after(since))
    own.kill()
    own.start()
    assert oldest(own) == since
    assert evaluated(own, after(since)) == before
    newest = put(own, "k")
    assert revisions_after(own, newest - 1) == [newest]


def handed_over(source: LocalTarantool, target: LocalTarantool) -> None:
    """Starts the target on the data of the source, as a start with other settings."""
    source.kill(signal.SIGTERM)
    target.data.mkdir()
    for file in [*source.data.glob("*.snap"), *source.data.glob("*.xlog")]:
        shutil.copy(file, target.data)
    target.start()


def test_a_log_that_was_switched_off_has_no_gap(tarantools: Tarantools) -> None:
    with (
        tarantools.local() as first,
        tarantools.local(KV_CHANGES_BYTES="0") as without,
        tarantools.local() as last,
    ):
        first.start()
        prepare(first)
        since = put(first, "seen")
        handed_over(first, without)
        assert number(without, COUNT) == 0
        missed = put(without, "missed")
        handed_over(without, last)
        assert oldest(last) == missed
        assert evaluated(last, after(since)) == [None, missed]
        assert revisions_after(last, missed) == []
        now = put(last, "seen again")
        assert revisions_after(last, missed) == [now]
        assert evaluated(last, after(since)) == [None, missed]


def test_a_log_that_misses_a_write_is_cleared(own: Tarantool) -> None:
    """As after a time with a version that does not know it."""
    since = put(own, "seen")
    own.console("box.space.kv_meta:update('revision', {{'+', 'value', 1}})")
    own.kill()
    own.start()
    assert number(own, COUNT) == 0
    assert evaluated(own, after(since)) == [None, since + 1]


def test_a_start_keeps_a_log_that_misses_nothing(own: Tarantool) -> None:
    """The control of the one before."""
    since = put(own, "seen")
    own.kill()
    own.start()
    assert revisions_after(own, since - 1) == [since]


# What is not on disk


#: How far the answer advances from revision {since}.
ADVANCED = "(function() local _, through = {reading} return through - {since} end)()"
PLAIN = "box.space.kv_changes.index.revision:max().revision - {since}"
CHANGES = "kv.v1.changes({{'ann', 1}}, {since}, '', 1000000)"
FOLLOW = """
kv.v1.follow({since}, require('kv.accounts.accounts').epoch(), 1000000, 0.5)
"""


def racing(since: int, reading: str) -> str:
    answer = ADVANCED.format(reading=reading.format(since=since), since=since)
    return AT_ONCE.format(
        write="kv.v1.put({'ann', 1}, {'k'}, {'new'})",
        plain_read=PLAIN.format(since=since),
        answer=answer,
    )


# The plain read is the control: it shows what the others could have seen.


def test_a_poll_does_not_return_what_is_not_on_disk(own: Tarantool) -> None:
    ended = evaluated(own, racing(number(own, REVISION), CHANGES))
    assert sorted(ended) == ["answer: 0", "plain read: 1", "write: done"]


def test_a_follower_waits_until_a_batch_is_on_disk(own: Tarantool) -> None:
    ended = evaluated(own, racing(number(own, REVISION), FOLLOW))
    assert ended == ["plain read: 1", "write: done", "answer: 1"]


@pytest.mark.parametrize("reading", [CHANGES, FOLLOW], ids=["poll", "follower"])
def test_a_failed_write_is_not_reported(own: Tarantool, reading: str) -> None:
    with failing_log(own):
        since = number(own, REVISION)
        ended = evaluated(own, racing(since, reading))
    assert sorted(ended) == ["answer: 0", "plain read: 1", "write: refused"]
    now = put(own, "k")
    assert revisions_after(own, since) == [now]
