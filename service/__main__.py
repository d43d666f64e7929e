"""The command line, `python -m service` or `kv-service`: runs the server."""

import argparse
import asyncio
import os
import sys

import uvloop

from service import __version__
from service.errors import StartError
from service.logs import log_to_stderr
from service.process.run import serve
from service.process.workers import WorkersEnded
from service.settings import Settings


def main() -> int:
    _parser().parse_args()
    log_to_stderr()
    try:
        settings = Settings.from_env(os.environ)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings))
    except StartError as why:
        print(f"kv: cannot start: {why}", file=sys.stderr)
        return 1
    except WorkersEnded as why:
        print(f"kv: {why}", file=sys.stderr)
        return 1
    return 0


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
