"""The command line, `python -m service` or `kv-service`: runs the server."""

import argparse
import sys

from service import __version__
from service.process.command import run_command
from service.process.run import serve


def main() -> int:
    _parser().parse_args()
    return run_command(serve)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kv-service",
        description="Serves a key-value store over HTTP. All settings are environment "
        "variables: KV_HOST, KV_PORT, KV_DATA_DIR and others.",
    )
    version = f"%(prog)s {__version__}"
    parser.add_argument("--version", action="version", version=version)
    return parser


if __name__ == "__main__":
    sys.exit(main())
