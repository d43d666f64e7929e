"""The operator's signals: SIGTERM and SIGINT stop the service, SIGHUP reloads it.

What is reloaded are the log file and the certificate, and with them the workers.
SIGUSR1 opens the log file again and does nothing else, as in nginx and gunicorn.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Callable

from service.web.runner import GRACE
from service.web.tls import Tls

log = logging.getLogger(__name__)

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def cancel_on_signal() -> None:
    """Cancels the current task at a stop signal; a second one ends the process."""
    loop = asyncio.get_running_loop()
    serving = asyncio.current_task()

    def stop() -> None:
        log.info("stopping: requests in flight get %g s", GRACE)
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, os._exit, 128 + number)
        if serving is not None:
            serving.cancel()

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop)


def reload_on_signal(
    reopen_log: Callable[[], None],
    tls: Tls | None,
    on_reload: Callable[[], None] | None = None,
) -> None:
    """Handles SIGHUP and SIGUSR1, whose default would end the process.

    :param reopen_log: called first: what follows is logged
    :param on_reload: called last, unless the new certificate is bad
    """

    def reload() -> None:
        reopen_log()
        if tls is None and on_reload is None:
            log.info("there is no certificate to reload")
        elif (tls is None or tls.reload()) and on_reload is not None:
            on_reload()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, reload)
    loop.add_signal_handler(signal.SIGUSR1, reopen_log)
