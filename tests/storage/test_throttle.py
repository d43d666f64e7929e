"""The throttle of logins and sign-ups, with a controlled clock, and its memory."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.client import unique
from tests.support.tarantool import Tarantool, Tarantools, evaluated

FREE, LONGEST_WAIT, FORGET = 10, 300, 3600
FREE_OF_ADDRESS, LEAK = 200, 5

#: Three times the names and addresses of a generation, but for a few.
CROWD = 98_000

#: Megabytes that they may take.
MOST = 64

#: From a whole second on: sums of waits are exact.
SETS_THE_CLOCK = """
local clock = require('clock')
now = math.ceil(clock.monotonic())
clock.monotonic = function() return now end
"""

#: Names and addresses of the longest kind; one client continues to try among them. It
#: yields: 3.x stops a fiber that runs for 1 s.
FLOOD = f"""
(function()
    local fiber = require('fiber')
    for n = 1, {CROWD} do
        local name = ('%06d'):format(n) .. ('\\u{{1F511}}'):rep(58)
        local address = ('2001:db8:%04x:%04x::/64'):format(n / 65536, n % 65536)
        assert(kv.v1.begin_login(name, address) == nil)
        assert(kv.v1.begin_sign_up(address) == nil)
        if n % 10000 == 0 then
            assert(kv.v1.begin_login('ann', 'stubborn') == 1)
        end
        if n % 1000 == 0 then fiber.yield() end
    end
    collectgarbage()
    return collectgarbage('count') / 1024
end)()
"""


@pytest.fixture(scope="module")
def own(tarantools: Tarantools) -> Iterator[Tarantool]:
    with tarantools.running() as instance:
        instance.console(SETS_THE_CLOCK)
        yield instance


class Guesser:
    """Tries one name from one address."""

    def __init__(self, own: Tarantool, name: str, address: str | None = None) -> None:
        self._own = own
        self._arguments = f"'{name}', '{address or unique('address')}'"

    def wait(self) -> Any:
        """Seconds until the next guess; None for one that was admitted."""
        return evaluated(self._own, f"(kv.v1.begin_login({self._arguments}))")

    def guess(self, times: int = 1) -> None:
        for _ in range(times):
            assert self.wait() is None

    def end(self, *, succeeded: bool) -> None:
        outcome = "true" if succeeded else "false"
        self._own.console(f"kv.v1.end_login({self._arguments}, {outcome})")

    def sleep(self, seconds: float) -> None:
        self._own.console(f"now = now + {seconds}")


def test_the_wait_doubles_up_to_a_bound(own: Tarantool) -> None:
    guesser = Guesser(own, "ann")
    guesser.guess(FREE)
    for seconds in (1, 2, 4, 8, 16, 32, 64, 128, 256, LONGEST_WAIT, LONGEST_WAIT):
        guesser.sleep(seconds - 0.25)
        assert guesser.wait() == 0.25
        guesser.sleep(0.25)
        guesser.guess()


def test_failures_are_forgotten_after_a_while_without_attempts(own: Tarantool) -> None:
    guesser = Guesser(own, "ann")
    guesser.guess(FREE)
    guesser.sleep(1 + FORGET)
    guesser.guess()
    assert guesser.wait() == 2
    guesser.sleep(2 + FORGET + 0.25)
    guesser.guess(FREE)
    assert guesser.wait() == 1


def test_an_attempt_whose_password_was_not_checked_does_not_count(
    own: Tarantool,
) -> None:
    guesser = Guesser(own, "ann")
    guesser.guess(FREE)
    guesser.end(succeeded=False)
    guesser.guess()
    assert guesser.wait() == 1
    guesser.sleep(1)
    guesser.guess()
    guesser.end(succeeded=False)
    guesser.guess()
    assert guesser.wait() == 2


def test_an_address_has_one_failure_after_the_other_forgotten(own: Tarantool) -> None:
    address = unique("address")
    own.console(
        f"for n = 1, {FREE_OF_ADDRESS} do kv.v1.begin_login('x' .. n, '{address}') end"
    )
    guesser = Guesser(own, "ann", address)
    assert guesser.wait() == LEAK
    guesser.sleep(3)
    assert guesser.wait() == LEAK - 3
    Guesser(own, "x1", address).end(succeeded=True)
    guesser.guess()
    guesser.sleep(2)
    guesser.guess()
    assert guesser.wait() == LEAK


def test_a_flood_takes_bounded_memory_and_evicts_no_active_client(
    own: Tarantool,
) -> None:
    guesser = Guesser(own, "ann", "stubborn")
    guesser.guess(FREE)
    before = evaluated(own, "collectgarbage('count')") / 1024
    assert evaluated(own, FLOOD) - before < MOST
    assert guesser.wait() == 1
    idle = Guesser(own, "ben", "idle")
    idle.guess(FREE)
    assert evaluated(own, FLOOD.replace("%06d", "x%05x")) - before < MOST
    idle.guess()
