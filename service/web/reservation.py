"""The reservation of a request: its part of the limits, from handler to reply."""

import asyncio

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from service.sizes import SMALL
from service.web.admission import Admission


class Reservation:
    """The slot for large work of one request, and its reserved bytes.

    The slot lasts as long as the handler. The bytes stay reserved until the client has
    taken the reply, which is when the task of the request ends: aiohttp creates one for
    each request.
    """

    __slots__ = ("_admission", "_is_released_later", "_size", "_slot")

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._size = 0  # bytes reserved
        self._slot = 0  # bytes of the slot
        self._is_released_later = False

    def reserve(self, size: int, share: float = 1) -> None:
        """Replaces the bytes that the request has reserved.

        To be called in the task of the request.

        :param share: the part of the limit that is available to this request
        :raises Overloaded: too many bytes are reserved
        """
        if size <= SMALL and not self._size:
            return
        self._size = self._admission.reserve(self._size, size, share)
        if not self._is_released_later:
            task = asyncio.current_task()
            if task is None:
                raise RuntimeError("bytes are reserved outside of a task")
            task.add_done_callback(self._release)
            self._is_released_later = True

    def limit_to_size_of(self, response: web.StreamResponse) -> None:
        """Releases the bytes beyond the size of the reply, if that is known."""
        if self._size and response.content_length is not None:
            self.reserve(min(self._size, response.content_length))

    def _release(self, _: asyncio.Task[object]) -> None:
        self._size = self._admission.reserve(self._size, 0, 1)

    async def take_slot(self, size: int) -> None:
        """Waits for a slot of this many bytes, and releases the previous one.

        :raises Overloaded: none became free in time
        """
        if size > SMALL:
            self.release_slot()
            await self._admission.slots.acquire(size)
            self._slot = size

    def release_slot(self) -> None:
        """Releases the slot, if there is one."""
        if self._slot:
            self._admission.slots.release(self._slot)
            self._slot = 0


def reservation_middleware(admission: Admission) -> Middleware:
    """The middleware that counts each request and gives it its reservation.

    The outermost one: error replies are taken by clients, too.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        request.reservation = reservation = Reservation(admission)
        admission.requests += 1
        try:
            response = await handler(request)
        finally:
            admission.requests -= 1
            reservation.release_slot()
        reservation.limit_to_size_of(response)
        return response

    return middleware


def _reservation_of(request: web.Request) -> Reservation:
    found: Reservation = request.reservation  # type: ignore[attr-defined]  # of ours
    return found


def reserve(request: web.Request, size: int, share: float = 1) -> None:
    """Reserves this many bytes until the client has taken the reply.

    :param share: the part of the limit that is available to this request
    :raises Overloaded: too many bytes are reserved
    """
    _reservation_of(request).reserve(size, share)


async def take_slot(request: web.Request, size: int) -> None:
    """Waits until the request may work on a body or a reply of this many bytes.

    :raises Overloaded: no slot became free in time
    """
    await _reservation_of(request).take_slot(size)


def release_slot(request: web.Request) -> None:
    """Releases the slot of a request whose handler goes on for long."""
    _reservation_of(request).release_slot()
