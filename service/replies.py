"""A reply that is written as its client takes it."""

from aiohttp import web

#: Bytes: as many as a transport keeps before it asks to wait.
PIECE = 64 * 1024


class Reply(web.Response):
    """Writes a large body piece by piece.

    Over TLS a transport takes whatever it gets at once and then says that it has
    nothing left to send: a reply written whole would be over for this service as soon
    as it has begun, with nobody to count what waits for a client that reads slowly.
    """

    async def write_eof(self, data: bytes = b"") -> None:
        body = self._body
        if isinstance(body, bytes) and len(body) > PIECE:
            self._body = None
            if not self._must_be_empty_body:
                for begin in range(0, len(body), PIECE):
                    await self.write(memoryview(body)[begin : begin + PIECE])
        await super().write_eof(data)
