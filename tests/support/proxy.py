"""A proxy between the service and Tarantool that injects faults."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

CHUNK = 64 * 1024


class Proxy:
    """:ivar delay: seconds that everything waits, in both directions
    :ivar swallows: requests pass, replies do not
    """

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self.delay = 0.0
        self.swallows = False
        self._target = target
        self._links = set[asyncio.StreamWriter]()
        # open while the bytes of their direction pass
        self._forth, self._back = asyncio.Event(), asyncio.Event()
        self.resume()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        try:
            yield
        finally:
            server.close()
            self.resume()
            while self._links:
                self.cut()
                await asyncio.sleep(0)

    def cut(self) -> None:
        """Breaks every connection off, whatever is on its way."""
        for writer in self._links:
            writer.transport.abort()

    def stall(self, *, forth: bool = True, back: bool = True) -> None:
        """Holds all bytes back, as a network does whose packets are lost: connections
        stay open, new ones are accepted, and what was sent arrives after `resume`.

        :param forth: from the client to the target
        :param back: from the target to the client
        """
        if forth:
            self._forth.clear()
        if back:
            self._back.clear()

    def resume(self) -> None:
        self._forth.set()
        self._back.set()

    @contextlib.contextmanager
    def delaying(self, seconds: float) -> Iterator[None]:
        self.delay = seconds
        try:
            yield
        finally:
            self.delay = 0.0

    @contextlib.contextmanager
    def swallowing(self) -> Iterator[None]:
        """Cuts in the end: what follows a lost reply cannot be read."""
        self.swallows = True
        try:
            yield
        finally:
            self.cut()
            self.swallows = False

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with self._held(writer), contextlib.suppress(OSError):
            onward, forth = await asyncio.open_connection("127.0.0.1", self._target)
            with self._held(forth):
                # the end of one direction is the end of the other
                await asyncio.gather(
                    self._pump(reader, forth), self._pump(onward, writer, back=True)
                )

    @contextlib.contextmanager
    def _held(self, writer: asyncio.StreamWriter) -> Iterator[None]:
        self._links.add(writer)
        try:
            yield
        finally:
            self._links.discard(writer)
            writer.transport.abort()

    async def _pump(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        *,
        back: bool = False,
    ) -> None:
        """:raises ConnectionError: one of the two has gone"""
        passes = self._back if back else self._forth
        while chunk := await source.read(CHUNK):
            await passes.wait()
            if self.delay:
                await asyncio.sleep(self.delay)
            if not (back and self.swallows):
                target.write(chunk)
                await target.drain()
        raise ConnectionAbortedError
