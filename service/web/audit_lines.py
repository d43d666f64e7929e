"""The lines of the audit log: one for each request of certain routes, when it ends.

What they are about is noted by the handlers. A request that is refused before its
handler has a line too; it has no user.
"""

import asyncio
import dataclasses
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from aiohttp import web

from service.errors import InvalidRequest, Stopping
from service.telemetry.audit import AuditLog, Event
from service.web.connection import has_left
from service.web.headers import request_id_of
from service.web.request_labels import matched_route
from service.web.responses import code_of

#: The outcome of a request that succeeded, whether or not its client read the reply.
OK = "ok"

#: The outcome of a request whose client left before it had sent the body.
CLIENT_GONE = "client_gone"

#: The name of each action, by the method and the path of its route.
Actions = Mapping[tuple[str, str], str]


@dataclasses.dataclass(slots=True)
class Notes:
    """What the handler of a request has noted for its line.

    :ivar user: the account, if the request's token does not name it
    :ivar is_written: whether the line has been written
    """

    user: str | None = None
    access_token: int | None = None
    target: str | int | None = None
    changed: list[str] | None = None
    is_written: bool = False


NOTES = web.RequestKey("audit_notes", Notes)


class AuditLines:
    """Writes the lines to the audit log.

    :param address_of: the address of a request's client
    :param user_of: the name of the account that a request's token names
    """

    def __init__(
        self,
        log: AuditLog,
        actions: Actions,
        routes: Iterable[web.AbstractRoute],
        address_of: Callable[[web.BaseRequest], str | None],
        user_of: Callable[[web.BaseRequest], str | None],
    ) -> None:
        self._log = log
        self._routes = {
            route: actions[key]
            for route in routes
            if (key := _key_of(route)) in actions
        }
        self._address_of = address_of
        self._user_of = user_of

    def expect(self, request: web.Request) -> None:
        """Prepares the notes of a request; its line is written whatever happens.

        To be called in the task of the request. A stop of the service may cancel it:
        then it has no reply.
        """
        request[NOTES] = Notes()
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a request is audited outside of a task")
        task.add_done_callback(partial(self._end, request))

    def write(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        """Writes the line of a request that was answered, if it has one."""
        route = matched_route(request)
        action = self._unrouted(request) if route is None else self._routes.get(route)
        if action is not None:
            self._write_line(request, action, _outcome_of(request, response))

    def _unrouted(self, request: web.BaseRequest) -> str | None:
        """The action of a request that was refused before the router was asked."""
        for route, action in self._routes.items():
            if route.method == request.method and _has_path(route, request.path):
                return action
        return None

    def _end(self, request: web.Request, _: asyncio.Task[object]) -> None:
        if not request[NOTES].is_written:
            action = self._routes[request.match_info.route]
            self._write_line(request, action, Stopping.code)

    def _write_line(self, request: web.BaseRequest, action: str, outcome: str) -> None:
        notes = request.get(NOTES) or Notes()
        notes.is_written = True
        self._log.write(
            Event(
                request_id=request_id_of(request),
                action=action,
                user=notes.user or self._user_of(request),
                access_token=notes.access_token,
                client=self._address_of(request),
                target=notes.target,
                changed=notes.changed,
                outcome=outcome,
            )
        )


def _key_of(route: web.AbstractRoute) -> tuple[str, str]:
    """Its method and path, as in the table of actions."""
    resource = route.resource
    return route.method, "" if resource is None else resource.canonical


def _has_path(route: web.AbstractRoute, path: str) -> bool:
    info = {} if route.resource is None else route.resource.get_info()
    if "pattern" in info:
        return info["pattern"].fullmatch(path) is not None
    return info.get("path") == path


def _outcome_of(request: web.BaseRequest, response: web.StreamResponse) -> str:
    code = code_of(response)
    if code is None:
        return OK
    if code == InvalidRequest.code and request.content.exception() is not None:
        return CLIENT_GONE if has_left(request) else code
    return code
