"""The route table: the application, admission and the OpenAPI document follow from it.

A new route takes a row here, a handler in the module of its resource, and an operation
in `openapi.operations` with the structs of its body and its reply.
"""

from typing import NamedTuple

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from service.api import (
    access_tokens,
    accounts,
    administration,
    batches,
    changes,
    console,
    docs,
    export,
    health,
    history,
    imports,
    keys,
    tickets,
)
from service.api.audit import audited
from service.api.authentication import (
    Authenticate,
    authenticated,
    by_session,
    by_token,
    by_token_or_ticket,
)
from service.api.openapi import operations
from service.api.openapi.operations import Operation

GET, POST, PUT, DELETE = hdrs.METH_GET, hdrs.METH_POST, hdrs.METH_PUT, hdrs.METH_DELETE
PATCH = hdrs.METH_PATCH

#: A key is the rest of the path, with its slashes and line ends.
KEY = "/api/keys/{key:(?s:.*)}"

#: Routes that need no token, and routes that the OpenAPI document omits.
PUBLIC = None
UNDOCUMENTED = None


class Route(NamedTuple):
    """A route: its handler, and what is known of it before a request comes.

    :ivar operation: its part of the OpenAPI document
    :ivar authenticate: verifies the caller; an access token has a right to the route
        unless it is `by_session`
    :ivar reads: whether a POST writes nothing, as a GET does
    :ivar is_exempt: whether it is answered beyond every limit and under any host name
    :ivar has_head: whether a GET route answers HEAD too
    :ivar is_timed: whether its requests are in the histogram of durations and in traces
    :ivar audit: the action of its requests in the audit log; None: they are not in it
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
    audit: str | None = None

    def definition(self) -> web.RouteDef:
        """The route as aiohttp registers it."""
        handler = self.handler
        if self.authenticate is not None:
            handler = authenticated(self.authenticate, handler)
        if self.audit is not None:
            handler = audited(handler)
        if self.method == GET:
            return web.get(self.path, handler, allow_head=self.has_head)
        return web.route(self.method, self.path, handler)


ROUTES = (
    Route(GET, "/", console.page, UNDOCUMENTED, PUBLIC),
    Route(GET, "/console/{path:.+}", console.file, UNDOCUMENTED, PUBLIC),
    Route(GET, "/favicon.ico", docs.icon, UNDOCUMENTED, PUBLIC),
    Route(GET, "/openapi.json", docs.openapi, UNDOCUMENTED, PUBLIC),
    Route(GET, "/docs", docs.page, UNDOCUMENTED, PUBLIC),
    Route(GET, "/docs/{name}", docs.file, UNDOCUMENTED, PUBLIC),
    Route(
        POST,
        "/api/register",
        accounts.register,
        operations.REGISTER,
        PUBLIC,
        audit="register",
    ),
    Route(
        POST,
        "/api/login",
        accounts.login,
        operations.LOGIN,
        PUBLIC,
        reads=True,
        audit="login",
    ),
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
    Route(
        POST,
        "/api/tickets",
        tickets.create,
        operations.CREATE_TICKET,
        reads=True,
        audit="create_ticket",
    ),
    Route(
        POST,
        "/api/refresh",
        accounts.refresh,
        operations.REFRESH,
        by_session,
        reads=True,
        audit="refresh",
    ),
    Route(
        POST,
        "/api/logout",
        accounts.logout,
        operations.LOGOUT,
        by_session,
        audit="logout",
    ),
    Route(
        POST,
        "/api/password",
        accounts.change_password,
        operations.CHANGE_PASSWORD,
        by_session,
        audit="change_password",
    ),
    Route(
        GET,
        "/api/tokens",
        access_tokens.list_tokens,
        operations.LIST_TOKENS,
        by_session,
    ),
    Route(
        POST,
        "/api/tokens",
        access_tokens.create,
        operations.CREATE_TOKEN,
        by_session,
        audit="create_access_token",
    ),
    Route(
        DELETE,
        "/api/tokens/{id}",
        access_tokens.delete,
        operations.DELETE_TOKEN,
        by_session,
        audit="delete_access_token",
    ),
    Route(GET, "/api/me", accounts.show, operations.SHOW_ACCOUNT),
    Route(
        DELETE,
        "/api/me",
        accounts.delete,
        operations.DELETE_ACCOUNT,
        by_session,
        audit="delete_own_account",
    ),
    Route(
        GET,
        "/api/admin/accounts",
        administration.list_accounts,
        operations.ADMIN_LIST_ACCOUNTS,
        by_session,
        audit="list_accounts",
    ),
    Route(
        POST,
        "/api/admin/accounts",
        administration.create,
        operations.ADMIN_CREATE_ACCOUNT,
        by_session,
        audit="create_account",
    ),
    Route(
        GET,
        "/api/admin/account",
        administration.show,
        operations.ADMIN_SHOW_ACCOUNT,
        by_session,
        audit="show_account",
    ),
    Route(
        PATCH,
        "/api/admin/account",
        administration.change,
        operations.ADMIN_CHANGE_ACCOUNT,
        by_session,
        audit="change_account",
    ),
    Route(
        DELETE,
        "/api/admin/account",
        administration.delete,
        operations.ADMIN_DELETE_ACCOUNT,
        by_session,
        audit="delete_account",
    ),
    Route(
        POST,
        "/api/admin/end-tokens",
        administration.end_tokens,
        operations.ADMIN_END_TOKENS,
        by_session,
        audit="end_tokens",
    ),
    Route(
        GET,
        "/api/admin/status",
        administration.status,
        operations.ADMIN_STATUS,
        by_session,
        audit="show_status",
    ),
)

#: Method and path of the POST routes that write nothing.
READING = frozenset((route.method, route.path) for route in ROUTES if route.reads)

EXEMPT_PATHS = frozenset(route.path for route in ROUTES if route.is_exempt)

UNTIMED_PATHS = frozenset(route.path for route in ROUTES if not route.is_timed)

#: The actions of the audit log, by method and path.
ACTIONS = {
    (method, route.path): route.audit
    for route in ROUTES
    if route.audit is not None
    for method in ((GET, hdrs.METH_HEAD) if route.method == GET else (route.method,))
}
