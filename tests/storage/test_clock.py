"""Keys expire by the store's time: a step of the wall clock does not change it."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.collector import stop_collector
from tests.support.machine import ROOT, wait_until
from tests.support.procedures import prepare
from tests.support.tarantool import LocalTarantool, Tarantools, evaluated

HOUR = 3600

#: Seconds of a short life, and until it is over for certain.
LIFE, PAST_IT = 0.2, 0.4

#: Seconds for something to happen that is due, on a busy machine.
TOLERANCE = 10.0

WALL_CLOCK = "require('clock').time()"
PUT = "kv.v1.put({{'ann', 1}}, {{'{key}'}}, {{'1'}}, {{ttl = {ttl}}})"
STORED = "(box.space.kv:get('{key}') ~= nil)"

#: Whether a key exists, by each call that shows it; and seconds left.
ASK = {
    "read": "(kv.v1.get({{'ann', 1}}, {{'{key}'}}, 1000)[1] ~= nil)",
    "members": "(kv.v1.read({{'ann', 1}}, {{'{key}'}}, 1000) ~= '')",
    "page": "(#select(3, kv.v1.list_page("
    "{{'ann', 1}}, '{key}', nil, 9, 999, {{}})) == 1)",
    "list": "(#select(3, kv.v1.list({{'ann', 1}}, '{key}', nil, 9, 999, false)) == 1)",
    "level": "(#select(6, kv.v1.list_level("
    "{{'ann', 1}}, '', nil, 9, 999, '{key}', {{}})) == 1)",
    "condition": "(kv.v1.put({{'ann', 1}}, {{'other'}}, {{'1'}}, {{conditions = "
    "{{{{'{key}', {{box.NULL}}, false}}}}}}) ~= nil)",
    "delete": "(select(2, kv.v1.delete({{'ann', 1}}, {{'{key}'}})) == 1)",
}
LEFT = "(select(3, kv.v1.get({{'ann', 1}}, {{'{key}'}}, 1000, true)))[1]"


class Stepped:
    """An instance whose wall clock can be set, and nothing else of its machine."""

    def __init__(self, instance: LocalTarantool, offset: Path) -> None:
        self.instance = instance
        self._offset = offset
        self.set_clock(0)

    def set_clock(self, seconds: int) -> None:
        """Sets the clock this far from the right time."""
        step = self._offset.with_suffix(".new")
        step.write_text(f"{seconds:+d}")
        step.rename(self._offset)

    def step(self, seconds: int) -> None:
        """The control of every test here: the step is seen in the process."""
        self.set_clock(seconds)
        assert abs(self.ask(WALL_CLOCK) - time.time() - seconds) < TOLERANCE

    def restart(self, seconds: int) -> None:
        self.instance.kill()
        self.set_clock(seconds)
        self.instance.start()
        assert abs(self.ask(WALL_CLOCK) - time.time() - seconds) < TOLERANCE

    def put(self, key: str, ttl: float) -> None:
        self.instance.console(PUT.format(key=key, ttl=ttl))

    def ask(self, question: str, key: str = "k") -> float:
        return float(evaluated(self.instance, question.format(key=key)))


@pytest.fixture
def stepped(tarantools: Tarantools, tmp_path: Path) -> Iterator[Stepped]:
    """An instance with a clock to step, and the account ann."""
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
    offset = tmp_path / "offset"
    environ = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    with tarantools.local(ROOT / "migrations", **environ) as instance:
        stepped = Stepped(instance, offset)
        instance.start()
        prepare(instance)
        yield stepped


@pytest.mark.parametrize("question", ASK.values(), ids=ASK)
def test_a_step_backwards_brings_nothing_back(stepped: Stepped, question: str) -> None:
    stop_collector(stepped.instance)
    stepped.put("k", LIFE)
    time.sleep(PAST_IT)
    assert stepped.ask(STORED)
    assert not stepped.ask(question)
    stepped.step(-HOUR)
    assert not stepped.ask(question)


def test_a_step_forwards_ends_nothing(stepped: Stepped) -> None:
    stepped.put("k", HOUR)
    stepped.step(2 * HOUR)
    time.sleep(1.5)  # the collector has run
    assert stepped.ask(ASK["read"])
    assert HOUR - TOLERANCE < stepped.ask(LEFT) < HOUR


@pytest.mark.parametrize("seconds", [-HOUR, HOUR])
def test_after_a_step_keys_live_as_long_as_before(
    stepped: Stepped, seconds: int
) -> None:
    begin = time.monotonic()
    stepped.put("before", 1)
    stepped.step(seconds)
    stepped.put("k", 1)
    for key in ("before", "k"):
        # on a busy machine the questions may take longer than the life
        assert stepped.ask(ASK["read"], key) or time.monotonic() > begin + 1
    wait_until(lambda: not stepped.ask(STORED), TOLERANCE)
    wait_until(lambda: not stepped.ask(STORED, "before"), TOLERANCE)


@pytest.mark.parametrize("question", ASK.values(), ids=ASK)
def test_a_key_reported_as_missing_stays_missing_after_a_restart_in_the_past(
    stepped: Stepped, question: str
) -> None:
    stop_collector(stepped.instance)
    stepped.put("k", LIFE)
    time.sleep(PAST_IT)
    assert not stepped.ask(question)
    stepped.restart(-HOUR)
    assert not stepped.ask(question)


def test_an_expiry_not_reported_is_undone_by_a_restart_in_the_past(
    stepped: Stepped,
) -> None:
    """The control of the one before: the clock alone would have it so."""
    stop_collector(stepped.instance)
    stepped.put("k", LIFE)
    time.sleep(PAST_IT)
    stepped.restart(-HOUR)
    assert stepped.ask(ASK["read"])
    assert stepped.ask(LEFT) > HOUR - TOLERANCE


def test_the_time_is_recorded_periodically(stepped: Stepped) -> None:
    """So that a restart in the past adds seconds to a life, not hours."""
    stepped.put("k", HOUR)
    recorded = "(box.space.kv_meta:get('time').value / 1e6)"
    wait_until(
        lambda: bool(
            evaluated(stepped.instance, "box.space.kv_meta:get('time') ~= nil")
        ),
        TOLERANCE,
    )
    assert abs(stepped.ask(recorded) - time.time()) < TOLERANCE
    stepped.restart(-HOUR)
    assert HOUR - TOLERANCE < stepped.ask(LEFT) <= HOUR + TOLERANCE
    stepped.put("short", LIFE)
    wait_until(lambda: not stepped.ask(STORED, "short"), TOLERANCE)
