"""Where the head and the body of a request end, in any segments."""

from collections.abc import Iterable, Iterator

import pytest

from service.web.framing import MAX_FIELD, ChunkedBody, Framer, Head
from tests.support.raw_http import http

LIVEZ = http("GET", "/livez")


def chunked(*chunks: bytes, trailers: bytes = b"") -> bytes:
    """A body in chunks, with the last chunk and trailers."""
    sized = b"".join(b"%x;a=b\r\n%b\r\n" % (len(each), each) for each in chunks)
    return sized + b"0\r\n" + trailers + b"\r\n"


BODIES_IN_CHUNKS = {
    "none": chunked(),
    "empty lines": chunked(b"\r\n\r\n" * 3, b"0\r\n\r\n"),
    "trailers": chunked(b"1", trailers=b"A: b\r\nC: 0\r\n"),
    "a last chunk inside a chunk": chunked(b"0\r\n\r\n", b"\n", b"\r\n0\r\n\r\n"),
    "leading zeros": b"00000000000003\r\n123\r\n000\r\n\r\n",
}


def ends_of(body: ChunkedBody, pieces: Iterable[bytes]) -> Iterator[int]:
    for piece in pieces:
        start = 0
        while start < len(piece) and not body.is_over:
            start = body.end(piece, start)
            yield start


@pytest.mark.parametrize("body", BODIES_IN_CHUNKS.values(), ids=BODIES_IN_CHUNKS)
def test_the_end_of_a_body_in_chunks_is_found_in_any_segments(body: bytes) -> None:
    whole = body + LIVEZ
    for cut in range(1, len(whole)):
        found = ChunkedBody()
        ends = list(ends_of(found, [whole[:cut], whole[cut:]]))
        assert found.is_over
        assert ends[-1] + (cut if len(ends) > 1 else 0) == len(body)
    found = ChunkedBody()
    single = [whole[i : i + 1] for i in range(len(whole))]
    assert len(list(ends_of(found, single))) == len(body)


def test_empty_lines_in_a_chunk_do_not_cut_it() -> None:
    """Each cut costs a call of the parser: many would block the event loop."""
    body = chunked(b"\r\n\r\n" * 100_000)
    assert list(ends_of(ChunkedBody(), [body])) == [len(body)]

    # the control: an empty line does end a head
    head, ends, start = Head(), 0, 0
    while start < len(body):
        start = head.end(body, start)
        ends += 1
    assert ends > 100_000


def sized(*fields: bytes, body: bytes = b"12345") -> bytes:
    lines = [b"POST /api/read HTTP/1.1", b"Host: a", *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (sized(b"Content-Length: 5"), True),
        (sized(b"content-length: 5", b"Accept: */*"), True),
        (sized(b"Content-Length: 0", body=b""), True),
        (sized(b"Content-Length: 4"), False),
        (sized(b"Content-Length: 6"), False),
        (sized(b"Content-Length: +5"), False),
        (sized(b"Content-Length: "), False),
        (sized(b"A: Content-Length: 5"), False),
        (sized(b"Content-Length: " + b"0" * 19 + b"5"), True),
        (sized(b"Content-Length: " + b"0" * 20 + b"5"), False),
        (sized(b"Content-Length: " + b"9" * 5000), False),
        (sized(b"Content-Length: 5") * 2, False),
        (sized(b"Content-Length: 5", b"A: %b" % (b"a" * MAX_FIELD)), False),
        (sized(b"Transfer-Encoding: chunked", body=chunked(b"1")), False),
        (sized(), False),
        (b"12345", False),
    ],
)
def test_one_request_alone_is_recognized(data: bytes, expected: bool) -> None:
    assert Framer().is_one_request(data) is expected


def test_a_head_that_has_begun_is_continued() -> None:
    framer = Framer()
    framer.end_of_part(b"POST / HTTP/1.1\r\n", 0, in_body=False)
    assert not framer.is_one_request(sized(b"Content-Length: 5"))
