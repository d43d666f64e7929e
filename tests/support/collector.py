"""Stops the collector of expired keys: they are then invisible, but still stored."""

from tests.support.tarantool import Tarantool, evaluated

#: Ends the fiber; a restart of the instance begins a new one.
END_FIBER = """
(function()
    local fiber = require('fiber')
    for id, info in pairs(fiber.info()) do
        if info.name == 'kv.expiry' then fiber.kill(id) return true end
    end
    return false
end)()
"""

#: Keys whose time is over, and whose rows are still there.
EXPIRED_ROWS = """
(function()
    local keys = {}
    for _, row in box.space.kv:pairs() do
        if row.expires_at ~= nil and row.expires_at <= require('clock').time() then
            table.insert(keys, row.key)
        end
    end
    return keys
end)()
"""


def stop_collector(tarantool: Tarantool) -> None:
    assert evaluated(tarantool, END_FIBER)


def start_collector(tarantool: Tarantool) -> None:
    """Starts the collector again after `stop_collector`."""
    tarantool.console("require('kv.data.expiry').start()")


def expired_rows(tarantool: Tarantool) -> set[str]:
    """Their keys."""
    return set(evaluated(tarantool, EXPIRED_ROWS))
