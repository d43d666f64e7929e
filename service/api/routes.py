"""The route table: the application, admission and the OpenAPI document follow from it.

A new route takes a row here, a handler in the module of its resource, and an operation
in `openapi.operations` with the structs of its body and its reply.
"""

from typing import NamedTuple

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from service.api import (
    accounts,
    batches,
    changes,
    docs,
    export,
    health,
    history,
    imports,
    keys,
    tickets,
)
from service.api.authentication import (
    Authenticate,
    authenticated,
    by_token,
    by_token_or_ticket,
)
from service.api.openapi import operations
from service.api.openapi.operations import Operation

GET, POST, PUT, DELETE = hdrs.METH_GET, hdrs.METH_POST, hdrs.METH_PUT, hdrs.METH_DELETE

#: A key is the rest of the path, with its slashes and line ends.
KEY = "/api/keys/{key:(?s:.*)}"

#: Routes that need no token, and routes that the OpenAPI document omits.
PUBLIC = None
UNDOCUMENTED = None


class Route(NamedTuple):
    """A route: its handler, and what is known of it before a request comes.

    :ivar operation: its part of the OpenAPI document
    :ivar authenticate: verifies the caller
    :ivar reads: whether a POST writes nothing, as a GET does
    :ivar is_exempt: whether it is answered beyond every limit and under any host name
    :ivar has_head: whether a GET route answers HEAD too
    :ivar is_timed: whether its requests are in the histogram of durations and in traces
    """

    method: str
    path: str
    handler: Handler
    operation: Operation | None
    authenticate: Authenticate | None = by_token
    reads: bool = False
    is_exempt: bool = False
    has_head: bool = True
    is_timed: bool = True

    def definition(self) -> web.RouteDef:
        """The route as aiohttp registers it."""
        handler = self.handler
        if self.authenticate is not None:
            handler = authenticated(self.authenticate, handler)
        if self.method == GET:
            return web.get(self.path, handler, allow_head=self.has_head)
        return web.route(self.method, self.path, handler)


ROUTES = (
    Route(GET, "/", docs.root, UNDOCUMENTED, PUBLIC),
    Route(GET, "/favicon.ico", docs.icon, UNDOCUMENTED, PUBLIC),
    Route(GET, "/openapi.json", docs.openapi, UNDOCUMENTED, PUBLIC),
    Route(GET, "/docs", docs.page, UNDOCUMENTED, PUBLIC),
    Route(GET, "/docs/{name}", docs.file, UNDOCUMENTED, PUBLIC),
    Route(POST, "/api/register", accounts.register, operations.REGISTER, PUBLIC),
    Route(POST, "/api/login", accounts.login, operations.LOGIN, PUBLIC, reads=True),
    Route(GET, "/livez", health.livez, operations.LIVEZ, PUBLIC, is_exempt=True),
    Route(GET, "/readyz", health.readyz, operations.READYZ, PUBLIC, is_exempt=True),
    Route(POST, "/api/write", batches.write, operations.WRITE),
    Route(POST, "/api/read", batches.read, operations.READ, reads=True),
    Route(POST, "/api/delete", batches.delete, operations.DELETE),
    Route(POST, "/api/list", batches.list_keys, operations.LIST_KEYS, reads=True),
    Route(POST, "/api/increment", batches.increment, operations.INCREMENT),
    Route(GET, KEY, keys.get, operations.GET_KEY),
    Route(PUT, KEY, keys.put, operations.PUT_KEY),
    Route(DELETE, KEY, keys.delete, operations.DELETE_KEY),
    Route(
        GET,
        "/api/changes",
        changes.changes,
        operations.CHANGES,
        by_token_or_ticket,
        has_head=False,
        is_timed=False,  # it waits for changes
    ),
    Route(
        GET,
        "/api/export",
        export.export,
        operations.EXPORT,
        has_head=False,
        is_timed=False,  # it lasts as long as its client takes
    ),
    Route(GET, "/api/history", history.list_changes, operations.HISTORY),
    Route(
        POST,
        "/api/import",
        imports.import_lines,
        operations.IMPORT,
        is_timed=False,  # its client decides how long it takes
    ),
    Route(POST, "/api/tickets", tickets.create, operations.CREATE_TICKET, reads=True),
    Route(POST, "/api/refresh", accounts.refresh, operations.REFRESH, reads=True),
    Route(POST, "/api/logout", accounts.logout, operations.LOGOUT),
    Route(POST, "/api/password", accounts.change_password, operations.CHANGE_PASSWORD),
    Route(GET, "/api/me", accounts.show, operations.SHOW_ACCOUNT),
    Route(DELETE, "/api/me", accounts.delete, operations.DELETE_ACCOUNT),
)

#: Method and path of the POST routes that write nothing.
READING = frozenset((route.method, route.path) for route in ROUTES if route.reads)

EXEMPT_PATHS = frozenset(route.path for route in ROUTES if route.is_exempt)

UNTIMED_PATHS = frozenset(route.path for route in ROUTES if not route.is_timed)
