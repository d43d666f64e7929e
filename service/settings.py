"""Everything that can be set, read once from the environment.

A field of `Settings` is a variable: `max_keys` is `KV_MAX_KEYS`; only `ADMIN_LOGIN` and
`ADMIN_PASSWORD` stand without the prefix.
"""

import logging
import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from service.errors import StartError
from service.model import Grant

log = logging.getLogger(__name__)

PREFIX = "KV_"
MIB = 1024 * 1024

#: RFC 7518, section 3.2: a key for HS256 has at least as many bits as the hash.
MIN_JWT_SECRET_BYTES = 32

#: A hash takes twice as long with each step: 0.2 s at 12, 3 s at 16.
MAX_BCRYPT_ROUNDS = 16

#: Every data call checks the keys against all grants of its account.
MAX_GRANTS = 100

#: Kubernetes describes a Service named `kv` or `kv-…` to each container in variables of
#: these names, and in one `…_PORT` that has a URL.
SERVICE_LINK = re.compile(r"_SERVICE_HOST$|_SERVICE_PORT|_PORT_[0-9]+_(TCP|UDP|SCTP)")
SERVICE_URL = re.compile(r"(tcp|udp|sctp)://")

#: The variables that may come as a file.
SECRETS = (
    "KV_TARANTOOL_PASSWORD",
    "KV_JWT_SECRET",
    "KV_JWT_SECRET_PREVIOUS",
    "ADMIN_PASSWORD",
)

#: What a browser sends as Origin: in lower case, and international names in ASCII.
ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
)
#: Which a browser leaves out of it.
DEFAULT_PORTS = {"http": "80", "https": "443"}

LABEL = "[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
HOST_NAME = re.compile(rf"\.?{LABEL}(?:\.{LABEL})*")

#: In place of names or origins.
ANY = "*"

Port = Annotated[int, Meta(ge=1, le=65535)]
Positive = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class SettingsError(StartError):
    """A variable that cannot be used; the message names it."""


class Secret(str):
    """A string that does not show itself in a repr."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class Address(msgspec.Struct, frozen=True):
    """Where a Tarantool listens: TCP, or a unix socket when `host` is ``unix/``."""

    host: str
    port: int | str

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> "Address":
        host, _, port = text.strip().rpartition(":")
        is_port = port.isascii() and port.isdigit() and 0 < int(port) < 65536
        if not host or "@" in host or not is_port:
            raise ValueError(
                "host:port is wanted, several of them with commas between them"
            )
        return cls(host=host.strip("[]"), port=int(port))


class Addresses(tuple[Address, ...]):
    __slots__ = ()


class Grants(tuple[Grant, ...]):
    """What an account may touch; as text, a JSON list."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "Grants":
        try:
            grants = msgspec.json.decode(text, type=list[Grant])
        except (msgspec.DecodeError, UnicodeError):
            raise ValueError(
                'a JSON list like [{"prefix": "", "rights": "rw"}] is wanted'
            ) from None
        if len(grants) > MAX_GRANTS:
            raise ValueError(f"{len(grants)} grants, the limit is {MAX_GRANTS}")
        return cls(grants)

    def __str__(self) -> str:
        return msgspec.json.encode(list(self)).decode()


class Networks(tuple[IPv4Network | IPv6Network, ...]):
    __slots__ = ()


class Origins(tuple[str, ...]):
    """Origins whose pages may read replies, or `*` alone."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "Origins":
        origins = cls(part.strip() for part in text.split(","))
        if ANY in origins and len(origins) > 1:
            raise ValueError("* allows every origin: expected it alone")
        for origin in origins:
            if origin != ANY:
                _check_origin(origin)
        return origins


class HostNames(tuple[str, ...]):
    """Host names in lower case; with a dot in front, with subdomains; or `*`."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "HostNames":
        return cls(_host_name(part.strip()) for part in text.split(","))


def _variable(field: str) -> str:
    name = field.upper()
    return name if name.startswith("ADMIN_") else PREFIX + name


class Settings(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename=_variable,
):
    """Sizes are in bytes, times in seconds; empty means unset."""

    host: str = "0.0.0.0"  # noqa: S104 - a server in a container listens everywhere
    port: Port = 5000
    #: More would not get more out of one Tarantool, whose own thread is one.
    workers: Annotated[int, Meta(ge=1, le=32)] = 1
    access_log: bool = False
    tls_cert: Path | None = None
    tls_key: Path | None = None
    trusted_proxies: Networks = Networks()
    cors_origins: Origins = Origins()
    allowed_hosts: HostNames = HostNames()

    tarantool_uri: Addresses = Addresses()
    tarantool_user: str = "kv_service"
    tarantool_password: Secret = Secret()
    startup_timeout: Positive = 60

    data_dir: Path = Path("./var")
    wal_mode: Literal["fsync", "write"] = "fsync"
    #: Less has no room for what begins a slab of each size (kv/capacity/memory.lua).
    memtx_memory: Annotated[int, Meta(ge=64 * MIB)] = 256 * MIB

    disk_reserve: Annotated[int, Meta(ge=0)] = 64 * MIB
    changes_bytes: Annotated[int, Meta(ge=0)] = 64 * MIB

    jwt_secret: Secret = Secret()
    jwt_secret_previous: Secret = Secret()
    token_ttl: Positive = 3600
    bcrypt_rounds: Annotated[int, Meta(ge=4, le=MAX_BCRYPT_ROUNDS)] = 12
    registration: Literal["open", "closed"] = "open"
    default_grants: Grants = Grants([Grant("", "rw")])
    admin_login: str = ""
    admin_password: Secret = Secret()

    max_body: Positive = 16 * MIB
    max_keys: Positive = 10_000
    max_key: Positive = 1024
    max_value: Positive = MIB

    max_connections: Positive = 16_384
    max_watchers: Positive = 10_000
    max_in_flight: Positive = 1024
    max_held: Annotated[int, Meta(ge=1)] = 128 * MIB
    client_timeout: Positive = 20
    keepalive_timeout: Positive = 75
    compression: Literal["on", "off"] = "on"

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Reads the variables; an empty one counts as unset.

        A secret may come as a file: `NAME_FILE` holds its path. What Kubernetes injects
        for a Service of the same prefix is skipped.

        :raises SettingsError: a bad value, or a `KV_` variable that is not a setting
        """
        known = cls.__struct_encode_fields__
        given = {
            name: value
            for name, value in environ.items()
            if value and (name.startswith(PREFIX) or name in known)
        }
        links = sorted(name for name in given if _is_service_link(name, given[name]))
        if links:
            log.info("skipped variables of Kubernetes Services: %s", ", ".join(links))
        for name in links:
            del given[name]
        for secret in SECRETS:
            path = given.pop(f"{secret}_FILE", None) or environ.get(f"{secret}_FILE")
            if path and secret not in given:
                given[secret] = _content(secret, path)
        for name in given:
            if name not in known:
                raise SettingsError(f"{name} is not a setting of this service")
        try:
            return msgspec.convert(given, cls, strict=False, dec_hook=_decode)
        except msgspec.ValidationError as error:
            reason, _, path = str(error).partition(" - at `$.")
            variable = path.rstrip("`")
            raise SettingsError(f"{variable}: {reason}" if path else reason) from None

    def share(self, amount: int) -> int:
        """What each worker may have of what the whole service may."""
        return max(1, amount // self.workers)

    def __post_init__(self) -> None:
        if bool(self.admin_login) != bool(self.admin_password):
            raise ValueError("ADMIN_LOGIN and ADMIN_PASSWORD go together: set both")
        for name in "jwt_secret", "jwt_secret_previous":
            secret = getattr(self, name)
            if secret and len(secret.encode()) < MIN_JWT_SECRET_BYTES:
                raise ValueError(
                    f"{_variable(name)}: "
                    f"{MIN_JWT_SECRET_BYTES} bytes or more are wanted"
                )
        if bool(self.tls_cert) != bool(self.tls_key):
            raise ValueError("KV_TLS_CERT and KV_TLS_KEY go together: set both")
        if self.share(self.max_held) < self.max_body:
            raise ValueError(
                "KV_MAX_HELD must not be less than KV_MAX_BODY, for each of KV_WORKERS"
            )
        if self.tarantool_uri and not (self.tarantool_password and self.jwt_secret):
            raise ValueError(
                "KV_TARANTOOL_PASSWORD and KV_JWT_SECRET (or their _FILE) are wanted "
                "with KV_TARANTOOL_URI"
            )


def _is_service_link(name: str, value: str) -> bool:
    has_url = name.endswith("_PORT") and SERVICE_URL.match(value)
    return bool(has_url or SERVICE_LINK.search(name))


def _content(secret: str, path: str) -> str:
    try:
        content = Path(path).read_text().rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise SettingsError(f"{secret}_FILE: cannot read {path}: {error}") from None
    if not content:
        raise SettingsError(f"{secret}_FILE: {path} is empty")
    return content


def _decode(wanted: type, text: str) -> Any:
    if wanted is Addresses:
        return Addresses(Address.parse(part) for part in text.split(","))
    if wanted is Grants:
        return Grants.parse(text)
    if wanted is Origins or wanted is HostNames:
        return wanted.parse(text)
    if wanted is Networks:
        return Networks(_network(part.strip()) for part in text.split(","))
    return wanted(text)


def _check_origin(text: str) -> None:
    if text == "null":
        raise ValueError(
            "null is the origin of any sandboxed page: it cannot be allowed alone"
        )
    found = ORIGIN.fullmatch(text)
    if found is None:
        raise ValueError(
            f"{text!r} is not an origin: expected scheme://host or scheme://host:port "
            "in lower case, without a path, several separated by commas, or *"
        )
    if found["port"] and found["port"] == DEFAULT_PORTS.get(found["scheme"]):
        raise ValueError(f"{text!r} has the default port, which browsers leave out")


def _host_name(text: str) -> str:
    name = text.lower().removesuffix(".")
    if name != ANY and not HOST_NAME.fullmatch(name):
        raise ValueError(
            f"{text!r} is not a host name: expected names like kv.example.com, "
            ".example.com with its subdomains, separated by commas, or *"
        )
    return name


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError:
        raise ValueError(
            "addresses or networks like 10.0.0.0/8 are wanted, with commas between them"
        ) from None
