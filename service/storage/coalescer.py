"""Questions that come together, or while another is under way, asked in one call.

What a call costs beside its work, here and in the storage, is shared by all that
travel in it. What has come in a turn of the event loop leaves at the end of it, or when
the call before has been answered: with as many clients, that makes fewer calls. Nobody
waits for one that takes long.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")

#: Seconds to wait for a call under way: some times as long as one takes.
PATIENCE = 0.002


class Grouped(Generic[Question, Answer]):
    """Of the loop that it is made in: to ask which one runs takes a system call.

    :param call: takes questions, gives an answer to each
    :param most: questions of a call; with more, the first are answered later for it
    """

    def __init__(
        self, call: Callable[[list[Question]], Awaitable[list[Answer]]], most: int
    ) -> None:
        self._call = call
        self._most = most
        self._loop = asyncio.get_running_loop()
        self._questions: list[Question] = []
        self._waiting: list[asyncio.Future[Answer]] = []
        self._departure: asyncio.Handle | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    def ask(self, question: Question) -> asyncio.Future[Answer]:
        """What `call` raises, all get whose questions it took."""
        answer: asyncio.Future[Answer] = self._loop.create_future()
        self._questions.append(question)
        self._waiting.append(answer)
        if len(self._waiting) == self._most:
            self._send()
        elif self._departure is None:
            self._departure = (
                self._loop.call_later(PATIENCE, self._send)
                if self._under_way
                else self._loop.call_soon(self._send)
            )
        return answer

    def _send(self) -> None:
        if self._departure is not None:
            self._departure.cancel()
            self._departure = None
        answering = self._answer(self._questions, self._waiting)
        task = self._loop.create_task(answering)
        self._questions, self._waiting = [], []
        self._under_way.add(task)
        task.add_done_callback(self._answered)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if self._waiting and not self._under_way:
            self._send()

    async def _answer(
        self, questions: list[Question], waiting: list[asyncio.Future[Answer]]
    ) -> None:
        try:
            answers = await self._call(questions)
            for each, answer in zip(waiting, answers, strict=True):
                if not each.done():
                    each.set_result(answer)
        except Exception as error:
            for each in waiting:
                if not each.done():
                    each.set_exception(error)
        finally:
            for each in waiting:
                each.cancel()  # nothing, for one that has its answer
