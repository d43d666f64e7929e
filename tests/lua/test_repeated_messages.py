"""Messages of Tarantool that repeat are logged once in a while."""

from tests.support.lua_modules import evaluate

#: Logs texts, with pauses of a number of seconds between them; returns what was logged.
STEPS = """
    local log, logged = require('log'), setmetatable({}, { __serialize = 'seq' })
    log.error = function(format, ...) table.insert(logged, format:format(...)) end
    local now = 0
    local messages = repeated_messages.new(function() return now end)
    for _, step in ipairs(input) do
        if type(step) == 'number' then
            now = now + step
        else
            messages:log('error', 'no %s', step)
        end
    end
    return { logged = logged, count = messages.count }
"""


def logged(*steps: str | int) -> list[str]:
    found: list[str] = evaluate(STEPS, steps)["logged"]
    return found


def test_a_message_is_logged_once_in_an_interval() -> None:
    steps: list[str | int] = [
        "answer",
        9,
        "answer",
        "answer",
        1,
        "answer",
        10,
        "answer",
    ]
    assert logged(*steps) == ["no answer", "no answer (2 more times)", "no answer"]


def test_another_message_is_logged_at_once() -> None:
    assert logged("answer", "100 %", "answer") == ["no answer", "no 100 %"]


def test_the_memory_of_messages_is_bounded() -> None:
    assert evaluate(STEPS, [str(number) for number in range(250)])["count"] == 50
