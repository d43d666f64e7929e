"""A command that serves: its settings, its log, its exit code."""

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import uvloop

from service.errors import StartError
from service.process.standard_streams import open_standard_streams
from service.process.workers import WorkersEnded
from service.settings import Settings, service_links
from service.telemetry.log import Log

log = logging.getLogger(__name__)


def run_command(serve: Callable[[Settings, Log], Coroutine[Any, Any, None]]) -> int:
    """Runs `serve` with the settings of the environment; returns the exit code.

    A failure is one line on stderr, whatever the form of the log; a file has it too.
    """
    open_standard_streams()
    try:
        settings = Settings.from_env(os.environ)
        logs = Log(settings).install()
    except StartError as why:
        print(f"kv: cannot start: {why}", file=sys.stderr)
        return 1
    if links := service_links(os.environ):
        log.info("skipped variables of Kubernetes Services: %s", ", ".join(links))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings, logs))
    except StartError as why:
        failure = f"cannot start: {why}"
    except WorkersEnded as why:
        failure = str(why)
    except Exception:
        log.critical("the service has failed", exc_info=True)
        return 1
    else:
        return 0
    if settings.log_file is not None:
        log.critical("%s", failure)
    print(f"kv: {failure}", file=sys.stderr)
    return 1
