"""The command line: settings from the environment, then the server."""

import asyncio
import os
import sys

import uvloop

from service.errors import StartError
from service.logs import log_to_stderr
from service.process.run import serve
from service.process.workers import WorkersEnded
from service.settings import Settings


def main() -> int:
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


if __name__ == "__main__":
    sys.exit(main())
