"""Event streams: what the service writes, and the tests' own parser."""

import pytest

from service.api.sse import end, events, heartbeat
from service.errors import TokenRevoked
from service.model import Change
from service.sizes import SMALL
from tests.support.identified import REQUEST, REQUEST_ID
from tests.support.sse import Event, Parser


async def test_a_parser_takes_a_stream_cut_anywhere() -> None:
    """The control of the reader that is used here."""
    sent = (
        "\r\n".join(
            [": hello", "id: 1", "data: a", "data: é", "", "id: 2", "", "event: end"]
        )
        + "\rdata:b\n\rdata: lost\n"
    )
    for size in range(1, len(sent)):
        parser, whole = Parser(), sent.encode()
        events = [
            event
            for place in range(0, len(whole), size)
            for event in parser.feed(whole[place : place + size])
        ]
        assert events == [("message", "1", "a\né"), ("end", "2", "b")]
        assert parser.comments == ["hello"]


def whole(changes: list[Change]) -> bytes:
    return b"".join(piece for group in events(changes) for piece in group)


CHANGES = {
    "write": (Change(1, ["k"], ["1"]), '{"revision":1,"data":{"k":1},"deleted":[]}'),
    "delete": (Change(2, ["k"], None), '{"revision":2,"data":{},"deleted":["k"]}'),
    "several": (
        Change(3, ["a", "é"], ['"x"', "[2]"]),
        '{"revision":3,"data":{"a":"x","é":[2]},"deleted":[]}',
    ),
    "both": (
        Change(5, ["a", "b", "c"], [None, "1", None]),
        '{"revision":5,"data":{"b":1},"deleted":["a","c"]}',
    ),
    "line ends": (
        Change(4, ["k"], ["[1,\r\n2,\r3,\n4]"]),
        '{"revision":4,"data":{"k":[1,\n2,\n3,\n4]},"deleted":[]}',
    ),
}


@pytest.mark.parametrize(("change", "data"), CHANGES.values(), ids=CHANGES)
def test_a_change_is_an_event(change: Change, data: str) -> None:
    assert list(Parser().feed(whole([change]))) == [
        ("message", str(change.revision), data)
    ]


@pytest.mark.parametrize("size", [1, SMALL - 100, SMALL, 3 * SMALL])
def test_events_come_in_pieces_of_a_bounded_size(size: int) -> None:
    changes = [Change(n, [f"k{n}"], [f'"{"é" * size}"']) for n in (1, 2, 3)]
    parser, seen = Parser(), list[Event]()
    for group in events(changes):
        for piece in group:
            assert len(piece) <= SMALL
            seen += parser.feed(piece)
        # whole at the end of a group: the id is that of the last event
        assert parser.last_event_id == (seen[-1].id if seen else "")
    assert [event.json["revision"] for event in seen] == [1, 2, 3]
    assert [list(event.json["data"]) for event in seen] == [["k1"], ["k2"], ["k3"]]


def test_a_heartbeat_is_no_event_and_moves_the_position() -> None:
    parser = Parser()
    assert list(parser.feed(heartbeat(7))) == []
    assert (parser.comments, parser.last_event_id) == (["heartbeat"], "7")


def test_the_end_is_an_event_with_a_problem() -> None:
    (event,) = Parser().feed(end(REQUEST, TokenRevoked("ended")))
    assert event.kind == "end"
    assert event.json["code"] == "token_revoked"
    assert event.json["instance"] == f"urn:request:{REQUEST_ID}"
