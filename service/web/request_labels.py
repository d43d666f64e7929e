"""The method and the route of a request, for metrics, traces and the log.

They are from a fixed set, whatever a client sends: no path, which contains keys.
"""

from aiohttp import hdrs, web

#: In a text: a method or a route that does not exist.
UNKNOWN = "-"


def method_of(request: web.BaseRequest) -> str | None:
    """The method; None: HTTP has no such method, or the request is malformed."""
    return request.method if request.method in hdrs.METH_ALL else None


def route_of(request: web.BaseRequest) -> str | None:
    """The template of the route, as in the OpenAPI document; None: there is none."""
    route = matched_route(request)
    resource = None if route is None else route.resource
    return None if resource is None else str(resource.canonical)


def matched_route(request: web.BaseRequest) -> web.AbstractRoute | None:
    """The route that the router has found; None: it was not asked.

    Relies on `_match_info` of a request: `match_info` fails without a route.
    """
    match: web.UrlMappingMatchInfo | None = getattr(request, "_match_info", None)
    return None if match is None else match.route


def name_of(request: web.BaseRequest) -> str:
    """The method and the route as a text."""
    return f"{method_of(request) or UNKNOWN} {route_of(request) or UNKNOWN}"
