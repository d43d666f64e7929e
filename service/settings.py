"""The settings, read once from the environment.

A field of `Settings` is a variable: `max_keys` is `KV_MAX_KEYS`. Only `ADMIN_LOGIN` and
`ADMIN_PASSWORD` have no prefix.
"""

import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from service.errors import StartError
from service.model import Grant
from service.sizes import MIB

PREFIX = "KV_"

#: RFC 7518, section 3.2: a key for HS256 has at least as many bits as the hash.
MIN_JWT_SECRET_BYTES = 32

#: The lowest cost that bcrypt accepts.
MIN_BCRYPT_ROUNDS = 4

#: Each step doubles the time of a hash: 0.2 s at 12, 3 s at 16.
MAX_BCRYPT_ROUNDS = 16

#: Grants of an account: every data call checks its keys against all of them.
MAX_GRANTS = 100

#: Variables that Kubernetes sets in each container for a Service named `kv` or `kv-…`;
#: one more is called `…_PORT` and has a URL.
SERVICE_LINK = re.compile(r"_SERVICE_HOST$|_SERVICE_PORT|_PORT_[0-9]+_(TCP|UDP|SCTP)")
SERVICE_URL = re.compile(r"(tcp|udp|sctp)://")

#: Variables that can be read from a file, whose path is in `NAME_FILE`.
SECRETS = (
    "KV_TARANTOOL_PASSWORD",
    "KV_JWT_SECRET",
    "KV_JWT_SECRET_PREVIOUS",
    "KV_METRICS_TOKEN",
    "ADMIN_PASSWORD",
)

#: Values of earlier versions, and what they are now.
FORMER_VALUES = {"KV_ACCESS_LOG": {"0": "off", "1": "all"}}

#: Fields of `Settings` that Tarantool reads too.
TARANTOOL_FIELDS = (
    "tarantool_user",
    "wal_mode",
    "memtx_memory",
    "max_body",
    "changes_bytes",
    "default_grants",
    "disk_reserve",
)

#: An Origin as browsers send it: in lower case, international names in ASCII.
ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
)

#: Ports that browsers omit from an Origin.
DEFAULT_PORTS = {"http": "80", "https": "443"}

LABEL = "[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
HOST_NAME = re.compile(rf"\.?{LABEL}(?:\.{LABEL})*")

#: The setting that allows every host name or origin.
ANY = "*"

Port = Annotated[int, Meta(ge=1, le=65535)]
Positive = Annotated[int, Meta(ge=1, le=2**31 - 1)]
NotNegative = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class SettingsError(StartError):
    """A setting is not valid; the message names its variable."""


class Secret(str):
    """A string whose repr is hidden."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class Address(msgspec.Struct, frozen=True):
    """The address of a Tarantool: TCP, or a unix socket if `host` is ``unix/``."""

    host: str
    port: int | str

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> "Address":
        host, _, port = text.strip().rpartition(":")
        is_port = port.isascii() and port.isdigit() and 0 < int(port) < 65536
        if not host or "@" in host or not is_port:
            raise ValueError("expected host:port, several of them separated by commas")
        return cls(host=host.strip("[]"), port=int(port))


class Addresses(tuple[Address, ...]):
    __slots__ = ()


class Grants(tuple[Grant, ...]):
    """The grants of an account; as text, a JSON list."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "Grants":
        try:
            grants = msgspec.json.decode(text, type=list[Grant])
        except (msgspec.DecodeError, UnicodeError):
            raise ValueError(
                'expected a JSON list like [{"prefix": "", "rights": "rw"}]'
            ) from None
        if len(grants) > MAX_GRANTS:
            raise ValueError(f"{len(grants)} grants, the limit is {MAX_GRANTS}")
        return cls(grants)

    def __str__(self) -> str:
        return msgspec.json.encode(list(self)).decode()


class Networks(tuple[IPv4Network | IPv6Network, ...]):
    __slots__ = ()


class Origins(tuple[str, ...]):
    """Origins whose pages may read replies, or only `*`."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "Origins":
        origins = cls(part.strip() for part in text.split(","))
        if ANY in origins and len(origins) > 1:
            raise ValueError("* allows every origin: expected no others")
        for origin in origins:
            if origin != ANY:
                _check_origin(origin)
        return origins


class HostNames(tuple[str, ...]):
    """Host names in lower case, a leading dot includes the subdomains; or `*`."""

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
    """The settings. Sizes are in bytes, times in seconds."""

    host: str = "0.0.0.0"  # noqa: S104 - a server in a container listens everywhere
    port: Port = 5000
    #: Processes. Tarantool has one thread, which a few of them saturate.
    workers: Annotated[int, Meta(ge=1, le=32)] = 1
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_file: Path | None = None
    access_log: Literal["off", "errors", "all"] = "off"
    #: `-` is stdout.
    audit_log: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    trusted_proxies: Networks = Networks()
    cors_origins: Origins = Origins()
    allowed_hosts: HostNames = HostNames()

    #: 0: there is no listener for metrics.
    metrics_port: Annotated[int, Meta(ge=0, le=65535)] = 0
    metrics_host: str = "127.0.0.1"
    metrics_token: Secret = Secret()

    tarantool_uri: Addresses = Addresses()
    tarantool_user: str = "kv_service"
    tarantool_password: Secret = Secret()
    startup_timeout: Positive = 60
    failover_wait: NotNegative = 5
    stale_limit: Positive = 10

    data_dir: Path = Path("./var")
    wal_mode: Literal["fsync", "write"] = "fsync"
    #: The minimum leaves capacity for a slab of each size class
    #: (lua/kv/capacity/memory.lua).
    memtx_memory: Annotated[int, Meta(ge=64 * MIB)] = 256 * MIB

    disk_reserve: Annotated[int, Meta(ge=0)] = 64 * MIB
    changes_bytes: Annotated[int, Meta(ge=0)] = 64 * MIB
    history_authors: Literal["own", "all"] = "own"

    jwt_secret: Secret = Secret()
    jwt_secret_previous: Secret = Secret()
    token_ttl: Positive = 3600
    bcrypt_rounds: Annotated[int, Meta(ge=MIN_BCRYPT_ROUNDS, le=MAX_BCRYPT_ROUNDS)] = 12
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
    console: Literal["on", "off"] = "on"

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Parses the environment; an empty variable counts as unset.

        A secret can be read from a file, whose path is in `NAME_FILE`. The variables
        that Kubernetes sets for a Service named `kv` are skipped.

        :raises SettingsError: a value is not valid, or a `KV_` variable is no setting
        """
        known = cls.__struct_encode_fields__
        given = {
            name: value
            for name, value in environ.items()
            if value and (name.startswith(PREFIX) or name in known)
        }
        for name in service_links(given):
            del given[name]
        _read_secret_files(given, environ)
        for name, values in FORMER_VALUES.items():
            if name in given:
                given[name] = values.get(given[name], given[name])
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
        """The part of a limit of the whole service that each worker gets."""
        return max(1, amount // self.workers)

    def tarantool_environ(self) -> dict[str, str]:
        """The variables of the settings that Tarantool reads too."""
        return {_variable(name): str(getattr(self, name)) for name in TARANTOOL_FIELDS}

    def __post_init__(self) -> None:
        if bool(self.admin_login) != bool(self.admin_password):
            raise ValueError("ADMIN_LOGIN and ADMIN_PASSWORD go together: set both")
        for name in "jwt_secret", "jwt_secret_previous":
            secret = getattr(self, name)
            if secret and len(secret.encode()) < MIN_JWT_SECRET_BYTES:
                raise ValueError(
                    f"{_variable(name)}: expected at least {MIN_JWT_SECRET_BYTES} bytes"
                )
        if bool(self.tls_cert) != bool(self.tls_key):
            raise ValueError("KV_TLS_CERT and KV_TLS_KEY go together: set both")
        if self.audit_log is not None and self.audit_log == self.log_file:
            raise ValueError("KV_AUDIT_LOG must not be KV_LOG_FILE")
        if self.metrics_port == self.port:
            raise ValueError("KV_METRICS_PORT must not be KV_PORT")
        if self.share(self.max_held) < self.max_body:
            raise ValueError(
                "KV_MAX_HELD / KV_WORKERS must not be less than KV_MAX_BODY"
            )
        if self.tarantool_uri and not (self.tarantool_password and self.jwt_secret):
            raise ValueError(
                "KV_TARANTOOL_URI requires KV_TARANTOOL_PASSWORD and KV_JWT_SECRET, or "
                "their _FILE variables"
            )


def service_links(environ: Mapping[str, str]) -> list[str]:
    """The variables that Kubernetes sets for a Service named `kv` or `kv-…`."""
    return sorted(
        name
        for name, value in environ.items()
        if value and name.startswith(PREFIX) and _is_link(name, value)
    )


def _is_link(name: str, value: str) -> bool:
    has_url = name.endswith("_PORT") and SERVICE_URL.match(value)
    return bool(has_url or SERVICE_LINK.search(name))


def _read_secret_files(given: dict[str, str], environ: Mapping[str, str]) -> None:
    """Replaces each variable `NAME_FILE` by the secret that its file contains.

    :raises SettingsError: a file cannot be read, or is empty
    """
    for secret in SECRETS:
        path = given.pop(f"{secret}_FILE", None) or environ.get(f"{secret}_FILE")
        if path and secret not in given:
            given[secret] = _content(secret, path)


def _content(secret: str, path: str) -> str:
    try:
        content = Path(path).read_text().rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise SettingsError(f"{secret}_FILE: cannot read {path}: {error}") from None
    if not content:
        raise SettingsError(f"{secret}_FILE: {path} is empty")
    return content


def _decode(expected: type, text: str) -> Any:
    if expected is Addresses:
        return Addresses(Address.parse(part) for part in text.split(","))
    if expected is Grants:
        return Grants.parse(text)
    if expected is Origins or expected is HostNames:
        return expected.parse(text)
    if expected is Networks:
        return Networks(_network(part.strip()) for part in text.split(","))
    return expected(text)


def _check_origin(text: str) -> None:
    if text == "null":
        raise ValueError(
            "null is the origin of any sandboxed page: only * can allow it"
        )
    found = ORIGIN.fullmatch(text)
    if found is None:
        raise ValueError(
            f"{text!r} is not an origin: expected scheme://host or scheme://host:port "
            "in lower case, without a path, several separated by commas, or *"
        )
    if found["port"] and found["port"] == DEFAULT_PORTS.get(found["scheme"]):
        raise ValueError(f"{text!r} has the default port, which browsers omit")


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
            "expected addresses or networks like 10.0.0.0/8, separated by commas"
        ) from None
