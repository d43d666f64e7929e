"""`python -m benchmarks.subjects.counted_service`: a service that does nothing if idle.

One process serves, as `python -m service` configures it. The monitor of the event loop,
whose work depends on the time, is as good as switched off.
"""

import asyncio
import contextlib
import logging
import sys

from service.app import Tuning
from service.process.command import run_command
from service.process.serving import running
from service.process.signals import cancel_on_signal
from service.process.sockets import bind
from service.settings import Settings
from service.telemetry.log import Log

log = logging.getLogger(__name__)

#: No timer of the monitor is due during a measurement.
TUNING = Tuning(monitor_interval=24 * 3600.0)


async def serve(settings: Settings, logs: Log) -> None:
    """Serves until a stop signal.

    :param settings: with the address of a Tarantool
    """
    cancel_on_signal()
    with contextlib.suppress(asyncio.CancelledError):
        async with contextlib.AsyncExitStack() as stack:
            listener = stack.enter_context(bind(settings))
            await stack.enter_async_context(
                running(settings, listener, logs, tuning=TUNING)
            )
            log.info("serving on %s:%d", settings.host, settings.port)
            await asyncio.Event().wait()


if __name__ == "__main__":
    sys.exit(run_command(serve))
