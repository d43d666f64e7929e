"""Clients with addresses of their own, for which the limits on logins count."""

import contextlib
import itertools
from collections.abc import AsyncIterator
from ipaddress import ip_address

import aiohttp

from tests.support.client import Client

#: All of 127.0.0.0/8 is this machine; the services are at 127.0.0.1.
_ADDRESSES = itertools.count(int(ip_address("127.1.0.1")))


def new_address() -> str:
    """One that no client has used yet."""
    return str(ip_address(next(_ADDRESSES)))


@contextlib.asynccontextmanager
async def coming_from(address: str, service: Client) -> AsyncIterator[Client]:
    """A client of the same service, as many of its calls at once as it likes."""
    connector = aiohttp.TCPConnector(local_addr=(address, 0), limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield Client(session, service.url)


#: Failures of a name from an address without a wait, and of an address with any names.
FREE, FREE_OF_ADDRESS = 10, 200
