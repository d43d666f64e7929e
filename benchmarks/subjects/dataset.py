"""The keys and values of a store, and the request files: the same for all subjects.

A value is a string of letters and digits. Each subject encodes it in its own way: as
JSON, as plain bytes, as Base64.
"""

import string
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from benchmarks.measure.cases import Call, Kind, Operation
from benchmarks.measure.wrk import write_requests

#: Builds the bytes of a request from its keys and values.
BuildRequest = Callable[[Operation, list[str], list[str]], bytes]

Rows = tuple[list[str], list[str]]

#: Keys per request while the store is filled.
LOAD_BATCH = 1000

#: Number of distinct values.
VALUES = 1009

#: The share of reads in a mix, in percent.
READ_PERCENT = 95

#: Keys that the requests of a file touch together: more than the CPU caches hold.
KEYS_PER_FILE = 100_000

#: Requests in a file, at least: with large batches it needs no more.
MIN_REQUESTS = 100


class Dataset:
    """:ivar count: number of keys
    :ivar bytes: of all keys and values
    """

    def __init__(self, folder: Path, count: int, value_bytes: int) -> None:
        self.count = count
        self.bytes = count * (len(self._key(0)) + value_bytes)
        self._folder = folder
        letters = string.ascii_letters + string.digits
        random = Random(count)
        self._values = [
            "".join(random.choices(letters, k=value_bytes)) for _ in range(VALUES)
        ]

    def batches(self) -> Iterator[Rows]:
        """All keys and values, in the batches that fill the store."""
        for begin in range(0, self.count, LOAD_BATCH):
            yield self._rows(range(begin, min(begin + LOAD_BATCH, self.count)))

    def random_rows(self, random: Random, batch: int) -> Rows:
        """Distinct random keys."""
        return self._rows(random.sample(range(self.count), batch))

    def random_json(self, random: Random, batch: int) -> Rows:
        """Distinct random keys, with their values as JSON texts."""
        keys, values = self.random_rows(random, batch)
        return keys, [f'"{value}"' for value in values]

    def first_rows(self, batch: int) -> Rows:
        return self._rows(range(batch))

    def request_file(self, call: Call, subject: str, build: BuildRequest) -> Path:
        """Writes a file of requests for wrk, and returns its path."""
        random = Random(str(call))
        number = max(MIN_REQUESTS, min(self.count, KEYS_PER_FILE) // call.batch)
        path = self._folder / f"{subject}-{self.count}-{call.kind}-{call.batch}"

        def request() -> bytes:
            rows = self.random_rows(random, call.batch)
            return build(_operation(call.kind, random), *rows)

        write_requests(path, (request() for _ in range(number)))
        return path

    def _rows(self, numbers: range | list[int]) -> Rows:
        keys = [self._key(number) for number in numbers]
        return keys, [self._values[number % VALUES] for number in numbers]

    @staticmethod
    def _key(number: int) -> str:
        return f"key:{number:010}"


def _operation(kind: Kind, random: Random) -> Operation:
    if kind != "mix":
        return kind
    return "read" if random.randrange(100) < READ_PERCENT else "write"
