"""A flood on a service of its own: `python -m tests.malformed REQUESTS [SEED]`.

Prints what was answered and how memory went; the exit code is 1 when anything is wrong.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.malformed.flood import MIB, flooded


def main(requests: int, seed: int = 1) -> int:
    with tempfile.TemporaryDirectory() as folder:
        outcome, complaints = asyncio.run(flooded(Path(folder), requests, seed))
    for kind, count in sorted(outcome.replies.items()):
        print(f"{count:8d}  {kind}")
    for sample in outcome.samples[:: len(outcome.samples) // 10 or 1]:
        memory = (
            f"{name} {size / MIB:.1f} MiB" for name, size in sample.memory.items()
        )
        print(
            f"after {sample.requests} requests:", ", ".join(memory), sample.descriptors
        )
    print(
        f"{outcome.requests} requests on {outcome.connections} connections "
        f"in {outcome.seconds:.0f} s, seed {seed}"
    )
    print(*complaints, sep="\n")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
