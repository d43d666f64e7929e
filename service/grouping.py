"""Questions of one turn of the event loop, asked in one call.

What a call costs beside its work, here and in the storage, is shared by all that
travel in it; and none waits for it: what has come in a turn leaves at the end of it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class Grouped(Generic[Question, Answer]):
    """:param call: takes questions, gives an answer to each
    :param most: questions of a call; with more, the first are answered later for it
    """

    def __init__(
        self, call: Callable[[list[Question]], Awaitable[list[Answer]]], most: int
    ) -> None:
        self._call = call
        self._most = most
        self._questions: list[Question] = []
        self._waiting: list[asyncio.Future[Answer]] = []
        self._under_way: set[asyncio.Task[None]] = set()

    def ask(self, question: Question) -> asyncio.Future[Answer]:
        """What `call` raises, whoever asks in that turn gets."""
        loop = asyncio.get_running_loop()
        answer = loop.create_future()
        self._questions.append(question)
        self._waiting.append(answer)
        if len(self._waiting) == 1:
            loop.call_soon(self._send)
        elif len(self._waiting) == self._most:
            self._send()
        return answer

    def _send(self) -> None:
        if not self._waiting:
            return
        task = asyncio.create_task(self._answer(self._questions, self._waiting))
        self._questions, self._waiting = [], []
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

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
