"""Timeouts for slow clients, check by check."""

import pytest

from service.web.client_timeouts import (
    CHECK_INTERVAL,
    MIN_RATE,
    ReadingClient,
    SendingClient,
)

TIMEOUT = 10.0


def test_a_head_has_its_timeout_and_one_interval() -> None:
    client = SendingClient(TIMEOUT)
    assert not client.is_too_slow(TIMEOUT + CHECK_INTERVAL, in_head=True)
    assert client.is_too_slow(0.1, in_head=True)


def test_the_time_without_a_head_is_idle_time_only() -> None:
    client = SendingClient(TIMEOUT)
    assert not client.is_too_slow(10 * TIMEOUT, in_head=False)
    assert client.idle_seconds == 10 * TIMEOUT
    assert not client.is_too_slow(TIMEOUT, in_head=True)
    client.reset()
    assert client.idle_seconds == 0
    assert not client.is_too_slow(TIMEOUT, in_head=True)


#: Bytes that stay unsent at one check after the other, a second apart.
STALLED = [100_000] * 12
EVERY_SECOND_A_BYTE = [100_000 - n for n in range(12)]
AT_THE_RATE = [1_000_000 - n * MIN_RATE for n in range(40)]
GROWING = [50_000, 60_000] * 20
EMPTY = [0] * 40


@pytest.mark.parametrize(
    ("unsent", "is_too_slow"),
    [
        (STALLED[:-1], False),
        (STALLED, True),
        (EVERY_SECOND_A_BYTE, True),
        (AT_THE_RATE, False),
        (GROWING, False),
        (EMPTY, False),
    ],
)
def test_a_reply_has_to_be_read_at_the_minimum_rate(
    unsent: list[int], is_too_slow: bool
) -> None:
    client = ReadingClient(TIMEOUT)
    found = [client.is_too_slow(1.0, each, requests=1) for each in unsent]
    assert found[-1] == is_too_slow
    assert not any(found[:-1])


def test_a_new_request_is_progress() -> None:
    client = ReadingClient(TIMEOUT)
    found = [client.is_too_slow(1.0, 1000, requests=n) for n in range(40)]
    assert not any(found)


def test_checks_that_are_skipped_do_not_count() -> None:
    client = ReadingClient(TIMEOUT)
    for _ in range(40):
        client.skip(1000)
    assert not client.is_too_slow(TIMEOUT, 1000, requests=0)
    assert client.is_too_slow(1.0, 1000, requests=0)
