"""A request of which only its id is known."""

from types import SimpleNamespace
from typing import cast

from aiohttp import web

REQUEST_ID = "a-request"

#: For functions that name the request in what they return.
REQUEST = cast(web.Request, SimpleNamespace(request_id=REQUEST_ID))
