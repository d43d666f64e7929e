"""The metrics that one process counts, in one table."""

from collections.abc import Callable, Iterable

from service.telemetry.families import Counter, Family, Histogram

#: Seconds. A read of one key takes half a millisecond, a call that waits for Tarantool
#: ends after some seconds.
DURATIONS = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)

#: Requests that share one call.
COALESCED = (1, 2, 4, 8, 16)


class Metrics:
    """What this process counts, in its event loop."""

    def __init__(self) -> None:
        self.http_errors = Counter("kv_http_errors", "Error replies.", "code")
        self.connections_closed = Counter(
            "kv_connections_closed", "Connections that the server closed.", "reason"
        )
        self.watcher_endings = Counter(
            "kv_watcher_endings", "Streams and long polls that ended.", "reason"
        )
        self.watch_events_sent = Counter(
            "kv_watch_events_sent", "Events that streams and long polls were sent."
        )
        self.exports = Counter("kv_exports", "Exports that ended.", "result")
        self.imports = Counter("kv_imports", "Imports that ended.", "result")
        self.logins = Counter(
            "kv_logins", "Logins and confirmations of a password.", "result"
        )
        self.password_checks = Histogram(
            "kv_password_check_duration_seconds",
            "Time of a password check, without its wait in the queue.",
            DURATIONS,
        )
        self.tokens_refused = Counter(
            "kv_tokens_refused", "Requests refused for their token.", "reason"
        )
        self.storage_calls = Histogram(
            "kv_storage_call_duration_seconds",
            "Time of a call of a procedure, without long polls.",
            DURATIONS,
            "procedure",
        )
        self.storage_errors = Counter(
            "kv_storage_errors", "Attempts of calls that failed.", "kind"
        )
        self.storage_reconnects = Counter(
            "kv_storage_reconnects", "Connections to a node that were opened again."
        )
        self.coalesced = Histogram(
            "kv_storage_calls_coalesced", "Requests that share a call.", COALESCED
        )
        self.event_loop_lag = Histogram(
            "kv_event_loop_lag_seconds", "Delay of the event loop.", DURATIONS
        )
        self._sources: list[Callable[[], Iterable[Family]]] = []

    def add_source(self, source: Callable[[], Iterable[Family]]) -> None:
        """Adds families that are read at a scrape: gauges, and what others count."""
        self._sources.append(source)

    def collect(self) -> list[Family]:
        """All families at this moment."""
        counted = [
            each.collect()
            for each in vars(self).values()
            if isinstance(each, Counter | Histogram)
        ]
        return counted + [family for source in self._sources for family in source()]
