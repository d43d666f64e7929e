"""Procedures that are called on the console, or fail; a write-ahead log that fails."""

import contextlib
from collections.abc import Iterator

from tests.support.tarantool import Tarantool, evaluated

#: Makes every procedure fail.
BREAK = """
rawset(_G, 'whole', table.copy(kv.v1))
for name in pairs(whole) do
    kv.v1[name] = function() error('a fault') end
end
"""

#: Undoes `BREAK`.
FIX = "for name, procedure in pairs(whole) do kv.v1[name] = procedure end"

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
    start('answer', function() return {answer} end)
    for _ = 1, 3 do channel:get(5) end
    return ended
end)()
"""


def prepare(tarantool: Tarantool) -> None:
    tarantool.console("kv.v1.create_user('ann', 'a hash')")
    tarantool.console("kv.v1.put({'ann', 1}, {'k', 'n'}, {'old', '1'})")


#: The log is opened again after a snapshot; it cannot be where there is a folder.
FAIL_THE_LOG = """
(function()
    box.space.kv_meta:update('revision', {{'+', 'value', 1}})
    box.snapshot()
    local obstacle = ('%020d.xlog'):format(box.info.signature)
    assert(require('fio').mkdir(obstacle))
    return obstacle
end)()
"""


@contextlib.contextmanager
def failing_log(tarantool: Tarantool) -> Iterator[str]:
    """Gives the obstacle that is in the log's way."""
    obstacle = evaluated(tarantool, FAIL_THE_LOG)
    yield obstacle
    tarantool.console(f"require('fio').rmdir('{obstacle}')")


REVISION = "box.space.kv_meta:get('revision').value"


#: {batches, through, newest}, or {nil, oldest}
AFTER = """
(function()
    local batches, through, newest = kv.v1.changes({{'ann', 1}}, {since}, '', {bytes})
    return {{batches, through, newest}}
end)()
"""


def after(since: int) -> str:
    return AFTER.format(since=since, bytes=1_000_000)


def number(tarantool: Tarantool, expression: str) -> int:
    return int(evaluated(tarantool, expression))


def revisions_after(tarantool: Tarantool, since: int) -> list[int]:
    """The revisions after one, all of them."""
    revisions: list[int] = []
    while True:
        batches, since, newest = evaluated(tarantool, after(since))
        revisions += [batch[0] for batch in batches]
        if since == newest:
            return revisions


def oldest(tarantool: Tarantool) -> int:
    """The oldest revision to resume from, as a client gets it."""
    nothing, revision = evaluated(tarantool, after(0))
    assert nothing is None
    return int(revision)
