"""The memory of a call is freed when it is over."""

import gc

import pytest

from tests.support.client import Client, unique

BATCH = 10_000


@pytest.mark.usefixtures("no_collection")
async def test_a_batch_is_not_kept_until_the_next_collection(client: Client) -> None:
    prefix = unique("batch")
    data = {f"{prefix}-{number}": number for number in range(BATCH)}
    for _ in range(3):
        assert (await client.write(data)).status == 200
        assert (await client.read(list(data))).json["data"] == data
    assert batches_kept() == []


@pytest.mark.usefixtures("no_collection")
async def test_a_refused_batch_is_not_kept_either(client: Client) -> None:
    prefix = unique("batch")
    deltas = {f"{prefix}-{number}": number for number in range(BATCH)}
    assert (await client.write({f"{prefix}-0": "no number"})).status == 200
    for _ in range(3):
        assert (await client.increment(deltas)).status == 409
    assert batches_kept() == []


def batches_kept() -> list[object]:
    """A test has a dict; a list of this length is what a call sent or received."""
    kept = [found for found in gc.get_objects() if type(found) in (list, tuple)]
    return [found for found in kept if len(found) == BATCH]
