"""Tarantool's write-ahead log: the number of its writes to the disk.

The WAL thread collects the commits that arrive while it waits for the disk, and writes
them as one block. With `fsync` each such write is synchronous.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

#: The end of the text at the beginning of a file.
END_OF_META = b"\n\n"

#: What a block begins with: its rows as they are, or compressed.
MAGICS = (b"\xd5\xba\x0b\xab", b"\xd5\xba\x0b\xba")

#: Bytes of a block's header, which is padded: the magic, the length of the block
#: without the header, and checksums, as MessagePack.
HEADER = 19


def count_writes(folder: Path) -> int:
    """The blocks in all files of the log."""
    return sum(_blocks(path.read_bytes()) for path in folder.glob("*.xlog"))


def _blocks(content: bytes) -> int:
    begin = content.find(END_OF_META) + len(END_OF_META)
    return sum(1 for _ in _block_ends(content, begin))


def _block_ends(content: bytes, begin: int) -> Iterator[int]:
    while content[begin : begin + 4] in MAGICS:
        begin += HEADER + _unsigned(content[begin + 4 : begin + 9])
        yield begin


def _unsigned(packed: bytes) -> int:
    """The number that these bytes begin with."""
    sizes = {0xCC: 1, 0xCD: 2, 0xCE: 4}
    size = sizes.get(packed[0], 0)
    return msgspec.msgpack.decode(packed[: 1 + size], type=int)
