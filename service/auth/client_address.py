"""Where a request comes from: what the limits on logins count by.

Anybody may send an `X-Forwarded-For`; it counts as far as proxies vouch for it that the
operator trusts (`KV_TRUSTED_PROXIES`). Each proxy adds, on the right, the address that
it was called from: read from there, the first one that is no trusted proxy is the
client, and what stands left of it is hearsay.

aiohttp-remotes is well kept, but its nearest class, XForwardedFiltered, believes the
header of any peer, proxy or not, lets it set the scheme and the host too, and refuses
requests whose header has two lines or a word in it, as it may on the left.
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

#: Bits: a client gets no fewer addresses than these leave (RFC 6177).
IPV6_PREFIX = 64

#: IPv4 addresses as a translator shows them, in the last 32 bits (RFC 6052).
NAT64 = IPv6Network("64:ff9b::/96")

#: What a peer is called that was gone before it could be asked.
UNKNOWN = "unknown"


def client_address(request: web.BaseRequest, trusted: Networks) -> str:
    """An IPv4 address, or the network of an IPv6 one, that can have it all."""
    peer = _parse(request.remote or "")
    if peer is None:
        return UNKNOWN
    client = peer
    for hop in _forwarded_for(request):
        if not _is_in(client, trusted):
            break
        reported = _parse(hop)
        # a trusted proxy that knows no better stands for its client
        if reported is None:
            break
        client = reported
    if client in NAT64:
        return str(IPv4Address(int(client) % 2**32))
    if isinstance(client, IPv6Address):
        return str(ip_network((int(client), IPV6_PREFIX), strict=False))
    return str(client)


def _forwarded_for(request: web.BaseRequest) -> Iterator[str]:
    """From the right to the left, over all lines of the header."""
    lines = request.headers.getall(hdrs.X_FORWARDED_FOR, [])
    hops = ",".join(lines).split(",")
    return (hop for hop in map(str.strip, reversed(hops)) if hop)


def _parse(hop: str) -> IPv4Address | IPv6Address | None:
    """Some proxies add the port: 192.0.2.1:80, [2001:db8::1]:80."""
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
