"""What is stored and asked for: the same keys and strings for all, in the same order.

A value is a string of letters and digits; how it travels is the affair of each subject:
as JSON text, as its bytes, as base64.
"""

import string
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Literal, NamedTuple

Operation = Literal["read", "write"]
Kind = Literal["read", "write", "mix"]

#: Makes the bytes of a request from its keys and its values.
Request = Callable[[Operation, list[str], list[str]], bytes]

#: Of a call that loads the store.
LOADED_AT_ONCE = 1000

#: Strings that take turns as values.
VALUES = 1009

#: Of a mix, in percent.
READS = 95

#: Keys that the requests of a case touch together, if there are so many: not only those
#: that the processor's caches hold. And the least number of requests: of a large batch
#: there need not be many.
TOUCHED, LEAST = 100_000, 100


class Call(NamedTuple):
    """A case: what is called, with how many keys."""

    kind: Kind
    batch: int

    def __str__(self) -> str:
        return f"{self.kind} {self.batch:,}"


class Corpus:
    def __init__(self, folder: Path, count: int, value_bytes: int) -> None:
        self.count = count
        self.bytes = count * (len(self._key(0)) + value_bytes)
        self._folder = folder
        letters = string.ascii_letters + string.digits
        random = Random(count)
        self._values = [
            "".join(random.choices(letters, k=value_bytes)) for _ in range(VALUES)
        ]

    def everything(self) -> Iterator[tuple[list[str], list[str]]]:
        """All keys and values, in batches to load."""
        for begin in range(0, self.count, LOADED_AT_ONCE):
            numbers = range(begin, min(begin + LOADED_AT_ONCE, self.count))
            yield self._rows(numbers)

    def drawn(self, random: Random, batch: int) -> tuple[list[str], list[str]]:
        """Keys drawn at random, each once."""
        return self._rows(random.sample(range(self.count), batch))

    def sample(self, batch: int) -> tuple[list[str], list[str]]:
        """The first keys."""
        return self._rows(range(batch))

    def requests(self, call: Call, subject: str, request: Request) -> Path:
        """A file of them, as requests.lua takes it."""
        random = Random(str(call))
        number = max(LEAST, min(self.count, TOUCHED) // call.batch)
        path = self._folder / f"{subject}-{self.count}-{call.kind}-{call.batch}"
        with path.open("wb") as file:
            for _ in range(number):
                drawn = self.drawn(random, call.batch)
                sent = request(_operation(call.kind, random), *drawn)
                file.write(b"%d\n" % len(sent) + sent)
        return path

    def _rows(self, numbers: range | list[int]) -> tuple[list[str], list[str]]:
        keys = [self._key(number) for number in numbers]
        return keys, [self._values[number % VALUES] for number in numbers]

    @staticmethod
    def _key(number: int) -> str:
        return f"key:{number:010}"


def _operation(kind: Kind, random: Random) -> Operation:
    if kind != "mix":
        return kind
    return "read" if random.randrange(100) < READS else "write"
