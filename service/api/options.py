"""OPTIONS: the methods of a path. It needs no token: a browser's preflight has none."""

from aiohttp import hdrs, web

from service.web.asterisk import Asterisk


async def options(request: web.Request) -> web.Response:
    resource = request.match_info.route.resource
    routes = request.app.router.routes() if isinstance(resource, Asterisk) else resource
    methods = {route.method for route in routes or ()}  # None only for mypy
    headers = {hdrs.ALLOW: ", ".join(sorted(methods))}
    return web.Response(status=204, headers=headers)


def add_options(app: web.Application) -> None:
    """Adds OPTIONS to every path that has a route by now, and to `*`."""
    app.router.register_resource(Asterisk())
    for resource in list(app.router.resources()):
        if isinstance(resource, web.Resource):
            resource.add_route(hdrs.METH_OPTIONS, options)
