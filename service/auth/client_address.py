"""The client's address: the limits on logins count by it, and the access log has it.

Any client can send an `X-Forwarded-For`. Each proxy appends, on the right, the address
that it was called from. Read from the right, the first address that is not a trusted
proxy (`KV_TRUSTED_PROXIES`) is the client; those to the left of it are ignored.

aiohttp-remotes has no class that fits. XForwardedFiltered trusts the header of every
peer, lets it set the scheme and the host, too, and refuses requests whose header has
two lines or an entry that is not an address.
"""

from collections.abc import Iterator
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from aiohttp import hdrs, web

from service.settings import Networks

#: Bits of an IPv6 address that identify a client: it owns the rest (RFC 6177).
IPV6_PREFIX = 64

#: IPv4 addresses behind a NAT64 translator, in the last 32 bits (RFC 6052).
NAT64 = IPv6Network("64:ff9b::/96")

#: The address of a peer that has disconnected already.
UNKNOWN = "unknown"


def client_address(request: web.BaseRequest, trusted: Networks) -> str:
    """An IPv4 address, or the /64 network of an IPv6 address.

    :param trusted: the proxies whose `X-Forwarded-For` counts
    """
    client = _client_of(request, trusted)
    if client is None:
        return UNKNOWN
    if client in NAT64:
        return str(IPv4Address(int(client) % 2**32))
    if isinstance(client, IPv6Address):
        return str(ip_network((int(client), IPV6_PREFIX), strict=False))
    return str(client)


def exact_address(request: web.BaseRequest, trusted: Networks) -> str | None:
    """The whole address, without a zone; None: the client has disconnected already."""
    client = _client_of(request, trusted)
    if isinstance(client, IPv6Address) and client.scope_id is not None:
        # in a header it may be any text
        client = IPv6Address(int(client))
    return None if client is None else str(client)


def _client_of(
    request: web.BaseRequest, trusted: Networks
) -> IPv4Address | IPv6Address | None:
    client = _parse(request.remote or "")
    if client is None:
        return None
    for hop in _forwarded_for(request):
        if not _is_in(client, trusted):
            break
        reported = _parse(hop)
        # the proxy reports no address: it counts as the client
        if reported is None:
            break
        client = reported
    return client


def _forwarded_for(request: web.BaseRequest) -> Iterator[str]:
    """The entries of all lines of the header, from right to left."""
    if not request.headers:  # of a malformed request they are a dict
        return
    lines = request.headers.getall(hdrs.X_FORWARDED_FOR, [])
    hops = ",".join(lines).split(",")
    yield from (hop for hop in map(str.strip, reversed(hops)) if hop)


def _parse(hop: str) -> IPv4Address | IPv6Address | None:
    """Parses an address; some proxies add the port: 192.0.2.1:80, [2001:db8::1]:80."""
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    try:
        address = ip_address(hop)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _is_in(
    address: IPv4Address | IPv6Address, networks: tuple[IPv4Network | IPv6Network, ...]
) -> bool:
    return any(address in network for network in networks)
