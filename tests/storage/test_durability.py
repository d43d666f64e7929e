"""What a client has been told is on disk: no crash and no full disk takes it back."""

import contextlib
from collections.abc import Iterator

import pytest

from tests.conftest import Serve
from tests.tarantool import Tarantool, Tarantools, cut_off_at, evaluated

#: Starts all actions in one turn of the event loop, before the log can answer the first
#: of them; returns how they ended, in the order of their ends.
AT_ONCE = """
(function()
    local ended = {{}}
    local channel = require('fiber').channel(3)
    local function start(name, action)
        require('fiber').create(function()
            local ok, result = pcall(action)
            table.insert(ended, name .. ': ' .. (ok and tostring(result) or 'refused'))
            channel:put(true)
        end)
    end
    start('write', function() {write} return 'done' end)
    start('plain read', function() return {plain_read} end)
    start('read', function() return {read} end)
    for _ = 1, 3 do channel:get(5) end
    return ended
end)()
"""
KEY_AT_ONCE = AT_ONCE.format(
    write="kv.v1.put({'ann', 1}, {'k'}, {'new'})",
    plain_read="box.space.kv:get('k').value",
    read="kv.v1.get({'ann', 1}, {'k'}, 1000)[1]",
)
USER_AT_ONCE = AT_ONCE.format(
    write="kv.v1.create_user('bob', 'new')",
    plain_read="box.space.users:get('bob').password_hash",
    read="kv.v1.find_user('bob')",
)

#: The log is opened anew after a snapshot; it cannot be where there is a folder.
FAIL_THE_LOG = """
(function()
    box.space.kv_meta:update('revision', {{'+', 'value', 1}})
    box.snapshot()
    local obstacle = ('%020d.xlog'):format(box.info.signature)
    assert(require('fio').mkdir(obstacle))
    return obstacle
end)()
"""

BATCH = 100
CUTS = 10

#: Puts a batch whose values are its name.
PUT_BATCH = """
(function()
    local keys, values = {{}}, {{}}
    for i = 1, {size} do
        keys[i], values[i] = '{name}-' .. i, '{name}'
    end
    return kv.v1.put({{'ann', 1}}, keys, values)
end)()
"""

#: How many keys have the value.
COUNT = """
(function()
    local count = 0
    for _, row in box.space.kv:pairs() do
        if row.value == '{name}' then count = count + 1 end
    end
    return count
end)()
"""


@pytest.fixture
def own(tarantools: Tarantools) -> Iterator[Tarantool]:
    """An instance with the account ann and the key k."""
    with tarantools.running() as instance:
        prepare(instance)
        yield instance


def prepare(tarantool: Tarantool) -> None:
    tarantool.console("kv.v1.create_user('ann', 'a hash')")
    tarantool.console("kv.v1.put({'ann', 1}, {'k'}, {'old'})")


@contextlib.contextmanager
def failing_log(tarantool: Tarantool) -> Iterator[None]:
    obstacle = evaluated(tarantool, FAIL_THE_LOG)
    yield
    tarantool.console(f"require('fio').rmdir('{obstacle}')")


# The plain read is the control: it shows what the others could have seen.


def test_a_read_waits_for_the_write_that_it_meets(own: Tarantool) -> None:
    assert evaluated(own, KEY_AT_ONCE) == [
        "plain read: new",
        "write: done",
        "read: new",
    ]


def test_a_read_does_not_see_a_write_that_fails(own: Tarantool) -> None:
    with failing_log(own):
        ended = evaluated(own, KEY_AT_ONCE)
    assert ended == ["plain read: new", "write: refused", "read: old"]


def test_a_login_waits_for_the_registration_that_it_meets(own: Tarantool) -> None:
    ended = evaluated(own, USER_AT_ONCE)
    assert ended == ["plain read: new", "write: done", "read: new"]


def test_a_login_does_not_see_a_registration_that_fails(own: Tarantool) -> None:
    with failing_log(own):
        ended = evaluated(own, USER_AT_ONCE)
    assert ended == ["plain read: new", "write: refused", "read: nil"]


async def test_a_log_that_fails_refuses_writes_alone(
    own: Tarantool, serve: Serve
) -> None:
    async with serve(own) as client:
        await client.enter()
        before = await client.write({"key": "old"})
        with failing_log(own):
            write = await client.write({"key": "new", "other": 1})
            assert (write.status, write.json["code"]) == (503, "storage_full")
            assert write.json["applied"] == "no"
            assert (await client.register("bob", "password")).status == 503
            read = await client.read(["key", "other"])
            assert read.json["data"] == {"key": "old"}
        after = await client.write({"key": "newer"})
        assert (before.status, after.status) == (200, 200)
        assert (await client.read(["key"])).json["data"] == {"key": "newer"}


def test_a_log_cut_anywhere_in_a_batch_has_it_whole_or_not_at_all(
    tarantools: Tarantools,
) -> None:
    with tarantools.local() as source:
        source.start()
        prepare(source)
        source.console(PUT_BATCH.format(name="first", size=BATCH))
        (log,) = source.data.glob("*.xlog")
        begin = log.stat().st_size
        source.console(PUT_BATCH.format(name="last", size=BATCH))
        end = log.stat().st_size
        source.kill()

        found = {}
        for length in [*range(begin, end, (end - begin) // CUTS), end - 1, end]:
            with tarantools.local() as crashed:
                cut_off_at(source, length, crashed)
                crashed.start()
                assert evaluated(crashed, COUNT.format(name="first")) == BATCH
                found[length] = evaluated(crashed, COUNT.format(name="last"))
                crashed.console(PUT_BATCH.format(name="next", size=BATCH))
                crashed.kill()
                crashed.start()
                assert evaluated(crashed, COUNT.format(name="next")) == BATCH
        assert set(found.values()) == {0, BATCH}
        assert (found[begin], found[end]) == (0, BATCH)
