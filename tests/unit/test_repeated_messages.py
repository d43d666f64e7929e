"""Messages that repeat are logged once in a while."""

import logging

import pytest

from service.repeated_messages import LOG_INTERVAL, MAX_REMEMBERED, RepeatedMessages

log = logging.getLogger("tests.repeated")


@pytest.fixture
def now() -> list[float]:
    """The time, to be changed."""
    return [1000.0]


@pytest.fixture
def messages(now: list[float]) -> RepeatedMessages:
    return RepeatedMessages(log, clock=lambda: now[0])


def test_a_message_is_logged_once_in_an_interval(
    messages: RepeatedMessages, now: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        messages.log(logging.WARNING, "no %s", "answer")
    assert caplog.messages == ["no answer"]
    now[0] += LOG_INTERVAL
    messages.log(logging.WARNING, "no %s", "answer")
    assert caplog.messages == ["no answer", "no answer (2 more times)"]
    now[0] += LOG_INTERVAL
    messages.log(logging.WARNING, "no %s", "answer")
    assert caplog.messages[-1] == "no answer"


def test_another_message_is_logged_at_once(
    messages: RepeatedMessages, caplog: pytest.LogCaptureFixture
) -> None:
    messages.log(logging.WARNING, "no %s", "answer")
    messages.log(logging.ERROR, "no %s", "disk")
    assert caplog.messages == ["no answer", "no disk"]
    assert [each.levelno for each in caplog.records] == [logging.WARNING, logging.ERROR]


def test_a_message_is_logged_again_after_its_cause_is_over(
    messages: RepeatedMessages, caplog: pytest.LogCaptureFixture
) -> None:
    messages.log(logging.WARNING, "100 %")
    messages.forget()
    messages.log(logging.WARNING, "100 %")
    assert caplog.messages == ["100 %", "100 %"]


def test_the_memory_of_messages_is_bounded(messages: RepeatedMessages) -> None:
    for number in range(3 * MAX_REMEMBERED):
        messages.log(logging.WARNING, "%d", number)
    assert len(messages._messages) == MAX_REMEMBERED
