"""Values and keys come back byte for byte: texts are compared, never numbers."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.assertions import assert_problem
from tests.support.client import Client, Reply, unique
from tests.support.samples import VALUES, large_body

MIB = 1024 * 1024


KEYS = [
    "\0",
    " ",
    "\n",
    '"',
    "\\",
    "/",
    "'",
    "`",
    ".",
    "$",
    "\x7f",
    "é",
    "e\u0301",
    "😀",
    "ключ",
    "\u2028",
    "\ufeff",
    "\uffff",
    "\U0010ffff",
    "data",
    "__proto__",
    "nil",
    "1",
    "x" * 1024,
    "é" * 512,
    "😀" * 256,
]

TEXT = st.text(st.characters(codec="utf-8"))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(10**300), max_value=10**300)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4)
    ),
    max_leaves=12,
)
SPELLINGS = st.fixed_dictionaries(
    {
        "ensure_ascii": st.booleans(),
        "separators": st.sampled_from([(",", ":"), (", ", ": "), (" ,\r\n", "\t: ")]),
        "indent": st.sampled_from([None, 0, 2, "\t"]),
    }
)


@pytest.fixture(scope="module")
async def caller(service: Client) -> Client:
    """One account for all examples: Hypothesis makes no new fixture for each."""
    return await Client(service.session, service.url).enter()


async def written_and_read(client: Client, texts: dict[str, str]) -> dict[str, str]:
    """The texts of the values that come back when these are written."""
    members = ",".join(f"{json.dumps(key)}:{text}" for key, text in texts.items())
    written = await client.post("/api/write", f'{{"data":{{{members}}}}}')
    assert written.text == '{"status":"success"}'
    return values_in(await client.read(list(texts)))


def values_in(reply: Reply) -> dict[str, str]:
    shape = dict[str, dict[str, msgspec.Raw]]
    data = msgspec.json.decode(reply.text, type=shape)["data"]
    return {key: bytes(raw).decode() for key, raw in data.items()}


def shortened(text: str) -> str:
    return ascii(text[:40])


@pytest.mark.parametrize("value", VALUES, ids=shortened)
async def test_a_value_comes_back_byte_for_byte(client: Client, value: str) -> None:
    key = unique("value")
    await client.post("/api/write", f'{{"data":{{"{key}":{value}}}}}')
    assert (await client.read([key])).text == f'{{"data":{{"{key}":{value}}}}}'


@pytest.mark.parametrize("value", VALUES, ids=shortened)
async def test_a_nested_value_comes_back_byte_for_byte(
    client: Client, value: str
) -> None:
    key, nested = unique("nested"), f'[{{"in":[{value},{value}]}}]'
    await client.post("/api/write", f'{{"data":{{"{key}":{nested}}}}}')
    assert (await client.read([key])).text == f'{{"data":{{"{key}":{nested}}}}}'


async def test_the_space_around_a_value_is_not_part_of_it(client: Client) -> None:
    key = unique("space")
    await client.post("/api/write", f'{{"data" : {{ "{key}" : \t[ 1 ]\r\n }} }}\n')
    assert (await client.read([key])).text == f'{{"data":{{"{key}":[ 1 ]}}}}'


async def test_an_overwritten_value_leaves_nothing_behind(client: Client) -> None:
    key = unique("overwritten")
    assert await written_and_read(client, {key: '"a long text"'}) == {
        key: '"a long text"'
    }
    assert await written_and_read(client, {key: "1.0"}) == {key: "1.0"}


@pytest.mark.parametrize(
    ("opening", "closing"), [("[", "]"), ('{"a":', "}")], ids=["arrays", "objects"]
)
async def test_a_deeply_nested_value_comes_back(
    client: Client, opening: str, closing: str
) -> None:
    texts = {unique("deep"): opening * 500 + "0" + closing * 500}
    assert await written_and_read(client, texts) == texts


@large_body
@pytest.mark.parametrize(
    ("opening", "closing"), [("[", "]"), ('{"":', "}")], ids=["arrays", "objects"]
)
async def test_nesting_beyond_the_parser_is_refused(
    client: Client, opening: str, closing: str
) -> None:
    value = opening * 500_000 + "0" + closing * 500_000
    reply = await client.post("/api/write", f'{{"data":{{"k":{value}}}}}')
    assert "nested" in assert_problem(reply, 400, "invalid_json")


@pytest.mark.parametrize("depth", range(700, 1100, 25))
async def test_nesting_at_the_edge_is_taken_whole_or_refused(
    client: Client, depth: int
) -> None:
    key, value = unique("edge"), "[" * depth + "]" * depth
    reply = await client.post("/api/write", f'{{"data":{{"{key}":{value}}}}}')
    found = values_in(await client.read([key]))
    if reply.status == 200:
        assert found == {key: value}
    else:
        assert_problem(reply, 400, "invalid_json")
        assert found == {}


@large_body
@pytest.mark.parametrize("character", ["x", "é", "😀", r"\u0041"], ids=ascii)
async def test_a_value_of_exactly_1_MiB_comes_back(
    client: Client, character: str
) -> None:
    size = len(character.encode())
    count, rest = divmod(MIB - 2, size)
    text = f'"{character * count}{"x" * rest}"'
    assert len(text.encode()) == MIB
    key = unique("1-MiB")
    assert await written_and_read(client, {key: text}) == {key: text}


@large_body
async def test_a_reply_of_many_pieces_comes_back_byte_for_byte(client: Client) -> None:
    """Long values next to short ones, none aligned with the pieces that are sent."""
    prefix = unique("pieces")
    texts = {
        f"{prefix}-{size}-{character}": f'"{character * (size // len(character))}"'
        for size in (0, 1, 997, 64 * 1024 - 1, 64 * 1024, 200_001)
        for character in ("x", "é", "😀", r"\u0041")
    }
    assert await written_and_read(client, texts) == texts
    reply = await client.post(
        "/api/read", {"keys": list(texts)}, headers={"Accept-Encoding": "identity"}
    )
    assert int(reply.headers["Content-Length"]) == len(reply.text.encode())


async def test_10_000_keys_in_one_call_come_back(client: Client) -> None:
    prefix = unique("many")
    texts = {f"{prefix}-{number}": f"{number}.0" for number in range(10_000)}
    assert await written_and_read(client, texts) == texts


async def test_keys_are_returned_in_the_requested_order(client: Client) -> None:
    prefix = unique("order")
    texts = {f"{prefix}-{letter}": "0" for letter in "zayb"}
    assert list(await written_and_read(client, texts)) == list(texts)


@pytest.mark.parametrize("key", KEYS, ids=shortened)
async def test_a_key_may_hold_any_character(client: Client, key: str) -> None:
    text = json.dumps(unique("value"))
    assert await written_and_read(client, {key: text}) == {key: text}


async def test_keys_that_look_alike_are_different_keys(client: Client) -> None:
    prefix = unique("alike")
    tails = ["", " ", "\0", "\0\0", "a", "A", "é", "e\u0301", "\ufeff", "1", "1.0"]
    texts = {prefix + tail: str(number) for number, tail in enumerate(tails)}
    assert await written_and_read(client, texts) == texts


async def test_a_key_is_the_same_in_every_spelling(client: Client) -> None:
    key = unique("A/é😀")
    tail = key.removeprefix("A/é😀")
    spelled = r"\u0041\/\u00e9\ud83d\uDE00" + tail
    await client.post("/api/write", f'{{"data":{{"{spelled}":1}}}}')
    assert values_in(await client.read([key])) == {key: "1"}
    assert values_in(await client.post("/api/read", f'{{"keys":["{spelled}"]}}')) == {
        key: "1"
    }


@settings(deadline=None, database=None)
@given(
    documents=st.dictionaries(TEXT, DOCUMENTS, min_size=1, max_size=4),
    spelling=SPELLINGS,
)
async def test_any_document_comes_back_however_it_is_spelled(
    caller: Client, documents: dict[str, Any], spelling: dict[str, Any]
) -> None:
    texts = {
        f"any document {key}": json.dumps(document, **spelling)
        for key, document in documents.items()
    }
    assert await written_and_read(caller, texts) == texts
