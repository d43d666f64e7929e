"""`python -m benchmarks SUBCOMMAND`: measures the service on this machine."""

import argparse
import signal
import sys
from typing import Protocol

from benchmarks.scenarios import (
    access_tokens,
    cluster,
    compare,
    compare_trees,
    durability,
    instructions,
    large,
    lists,
    logins,
    transfer,
    waits,
    workers,
)


class Scenario(Protocol):
    """A module of `benchmarks.scenarios`; its docstring is the subcommand's help."""

    __doc__: str | None

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, options: argparse.Namespace) -> int:
        """Returns the exit code."""


SUBCOMMANDS: dict[str, Scenario] = {
    "compare": compare,
    "logins": logins,
    "large": large,
    "lists": lists,
    "durability": durability,
    "waits": waits,
    "workers": workers,
    "transfer": transfer,
    "cluster": cluster,
    "compare-trees": compare_trees,
    "instructions": instructions,
    "access-tokens": access_tokens,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    subparsers = parser.add_subparsers(dest="subcommand", required=True)
    for name, scenario in SUBCOMMANDS.items():
        text = scenario.__doc__ or ""
        scenario.add_arguments(
            subparsers.add_parser(
                name,
                help=text.partition("\n")[0],
                description=text,
                formatter_class=argparse.ArgumentDefaultsHelpFormatter,
            )
        )
    options = parser.parse_args()
    # the programs that a scenario has started are stopped on the way out
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    return SUBCOMMANDS[options.subcommand].run(options)


if __name__ == "__main__":
    sys.exit(main())
