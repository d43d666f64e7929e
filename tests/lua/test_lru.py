"""The bounded cache of two generations."""

from collections.abc import Sequence

from tests.support.lua_modules import evaluate

#: Runs steps on a cache: {'put', key, value} or {'get', key}; returns what `get` found.
STEPS = """
    local cache = lru.new(input.size)
    local found, largest = setmetatable({}, { __serialize = 'seq' }), 0
    for _, step in ipairs(input.steps) do
        if step[1] == 'put' then
            cache:put(step[2], step[3])
        else
            table.insert(found, cache:get(step[2]) or 'nothing')
        end
        local keys = 0
        for _ in pairs(cache.young) do keys = keys + 1 end
        for _ in pairs(cache.old) do keys = keys + 1 end
        largest = math.max(largest, keys)
    end
    return { found = found, largest = largest }
"""

Step = Sequence[object]


def run(size: int, *steps: Step) -> tuple[list[object], int]:
    """The values found, and the highest number of keys."""
    result = evaluate(STEPS, {"size": size, "steps": steps})
    return result["found"], result["largest"]


def puts(*keys: str) -> list[Step]:
    return [("put", key, key.upper()) for key in keys]


def gets(*keys: str) -> list[Step]:
    return [("get", key) for key in keys]


def test_the_keys_used_last_are_there() -> None:
    found, _ = run(2, *puts("a", "b", "c", "d"), *gets("c", "d"))
    assert found == ["C", "D"]


def test_a_key_not_used_recently_is_dropped() -> None:
    found, _ = run(2, *puts("a", "b", "c", "d", "e"), *gets("a", "b"))
    assert found == ["nothing", "nothing"]


def test_a_recently_used_key_is_kept() -> None:
    steps = [step for key in "bcdefgh" for step in (*puts(key), *gets("a"))]
    found, _ = run(2, *puts("a"), *steps)
    assert found == ["A"] * 7


def test_a_key_that_is_put_again_has_its_new_value_once() -> None:
    steps = [*puts("a", "b", "c"), ("put", "a", 2), *gets("a"), ("put", "a", 3)]
    found, _ = run(2, *steps, *gets("a", "b", "c"))
    assert found[:2] == [2, 3]


def test_the_cache_is_bounded() -> None:
    keys = [f"k{number}" for number in range(100)]
    _, largest = run(5, *puts(*keys), *gets(*keys), *puts(*keys))
    assert largest == 2 * 5
