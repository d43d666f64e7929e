"""Lua that runs on a node while the test does something else."""

from dataclasses import dataclass
from typing import Any

from tests.support.console import lua
from tests.support.machine import wait_until
from tests.support.tarantool import Tarantool, evaluated

#: Seconds for an outcome, on a busy machine.
TIMEOUT = 30.0

START = """
(function(name)
    local fiber = require('fiber')
    local begin = fiber.clock()
    local tasks = rawget(_G, 'tasks') or {{}}
    rawset(_G, 'tasks', tasks)
    local task = {{}}
    tasks[name] = task
    task.fiber = fiber.new(function()
        local outcome = {{pcall(function() return {code} end)}}
        if outcome[1] then
            task.outcome = {{result = {{unpack(outcome, 2, table.maxn(outcome))}}}}
        else
            local failure = outcome[2]
            local is_error = type(failure) == 'cdata'
            task.outcome = {{
                kind = is_error and failure.type or 'Lua', text = tostring(failure),
            }}
        end
        task.outcome.seconds = fiber.clock() - begin
    end)
    return true
end)({name})
"""


@dataclass(frozen=True)
class Outcome:
    """
    :ivar kind: of the error; None: there is a result
    :ivar seconds: from the start to the end, on the node
    """

    kind: str | None
    result: list[Any]
    seconds: float


class Task:
    """An expression that a fiber of the node evaluates."""

    _count = 0

    def __init__(self, node: Tarantool, code: str) -> None:
        Task._count += 1
        self._node = node
        self._name = f"task {Task._count}"
        evaluated(node, START.format(code=code, name=lua(self._name)))

    def cancel(self) -> None:
        self._node.console(f"tasks[{lua(self._name)}].fiber:cancel()")

    def is_done(self) -> bool:
        found = evaluated(self._node, f"tasks[{lua(self._name)}].outcome ~= nil")
        return bool(found)

    def outcome(self, timeout: float = TIMEOUT) -> Outcome:
        """Waits for it."""
        wait_until(self.is_done, timeout)
        found = evaluated(self._node, f"tasks[{lua(self._name)}].outcome")
        result = found.get("result") or []
        return Outcome(found.get("kind"), list(result), found["seconds"])
