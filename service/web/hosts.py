"""Protection against DNS rebinding: the host names that the service answers to.

A page can let its own name resolve to the address of a service in the reader's network,
and then shares an origin with it. Its requests still carry that name. An address or
`localhost` cannot be such a name.
"""

import re
from collections.abc import Collection
from ipaddress import ip_address

from aiohttp import HttpVersion10, hdrs, web

from service.errors import MisdirectedRequest, quoted
from service.settings import ANY, Settings

LOCALHOST = "localhost"

#: Domains that cannot be registered (RFC 6761, RFC 6762, RFC 8375, ICANN's .internal,
#: Kubernetes), with all their subdomains.
PRIVATE_DOMAINS = (
    *(".localhost", ".local", ".internal", ".lan", ".home.arpa", ".test"),
    *(".svc", ".cluster.local"),
)

#: A name or an address, and perhaps a port (RFC 9110, section 7.2).
AUTHORITY = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]+(?:%[\w.~%-]+)?)\]|(?P<name>[A-Za-z0-9._-]+))"
    r"(?::[0-9]{0,5})?",
    re.ASCII,
)

#: Characters: the longest name in DNS has 253, then comes a port.
MAX_AUTHORITY = 260

#: Admitted values of Host in the cache: clients of one service use few.
MAX_CACHED_HOSTS = 1000


class AllowedHosts:
    """The host names that a request may carry.

    :param names: with a dot in front, a domain and its subdomains
    :param exempt: paths of the routes that are answered under any host name
    :param single_labels: whether to admit names without a dot
    """

    def __init__(
        self,
        names: Collection[str],
        exempt: Collection[str],
        *,
        single_labels: bool = False,
    ) -> None:
        self._exempt = exempt
        self._names = frozenset(names) | {LOCALHOST}
        self._domains = tuple(name for name in names if name.startswith("."))
        self._single_labels = single_labels
        self._admitted: set[str | None] = set()

    def refusal(self, request: web.BaseRequest) -> MisdirectedRequest | None:
        """The reason to refuse a request, None to admit it."""
        host, target = request.headers.get(hdrs.HOST), request.raw_path
        if host in self._admitted and target[0] == "/":
            return None
        if target[0] != "/" and target != "*":
            host = request.url.raw_authority  # RFC 9112, section 3.2.2
        elif host is None and request.version == HttpVersion10:
            return None
        if self._admits(host or ""):
            self._cache_admitted(host)
            return None
        if request.path in self._exempt:
            return None
        return MisdirectedRequest(
            f"The host {quoted(host or '')} is not allowed here: see KV_ALLOWED_HOSTS"
        )

    def _admits(self, authority: str) -> bool:
        found = AUTHORITY.fullmatch(authority)
        if found is None or len(authority) > MAX_AUTHORITY:
            return False
        if found["v6"]:
            return _is_address(found["v6"])
        name = found["name"].lower().removesuffix(".")
        return _is_address(name) or (
            name in self._names
            or f".{name}".endswith(self._domains)
            or (self._single_labels and bool(name) and "." not in name)
        )

    def _cache_admitted(self, host: str | None) -> None:
        if len(self._admitted) >= MAX_CACHED_HOSTS:
            self._admitted.clear()
        self._admitted.add(host)


def allowed_hosts(settings: Settings, exempt: Collection[str]) -> AllowedHosts | None:
    """The host names that the settings allow; None: any.

    With TLS that is the default: the certificate is not valid for an attacker's name.
    """
    names = settings.allowed_hosts
    if ANY in names or (not names and settings.tls_cert):
        return None
    if not names:
        return AllowedHosts(PRIVATE_DOMAINS, exempt, single_labels=True)
    return AllowedHosts(names, exempt)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
