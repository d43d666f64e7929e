"""TLS from a certificate and its key, which may be replaced while the service runs."""

import logging
import ssl
from pathlib import Path

from service.errors import StartError
from service.settings import Settings
from service.web.certificate import expiry_of

log = logging.getLogger(__name__)

#: Of TLS 1.2: forward secrecy and authenticated encryption. Those of 1.3 all have both.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"


class Tls:
    """A certificate and its key, in PEM; the certificate is the first of its chain.

    :raises StartError: they cannot be used
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        self._certificate, self._key = certificate, key
        #: When the certificate expires, in seconds since 1970; None: it is not known.
        self.expires_at: float | None = None
        self._current = self._loaded()
        #: The context of the listener, which gives each handshake the current pair. A
        #: context keeps one pair per type of key, and cannot replace it.
        self.context = _empty()
        self.context.sni_callback = self._hand_over

    def reload(self) -> bool:
        """Loads the pair for new connections; an invalid one changes nothing."""
        try:
            self._current = self._loaded()
        except StartError as why:
            log.error("the certificate was not reloaded: %s", why)
            return False
        log.info("the certificate was reloaded")
        return True

    def _hand_over(
        self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext
    ) -> None:
        connection.context = self._current

    def _loaded(self) -> ssl.SSLContext:
        context = _empty()
        certificate = _content("KV_TLS_CERT", self._certificate)
        _content("KV_TLS_KEY", self._key)
        self._load(context)
        try:
            self.expires_at = expiry_of(certificate)
        except (ValueError, IndexError):  # OpenSSL accepts more than this parser
            self.expires_at = None
        return context

    def _load(self, context: ssl.SSLContext) -> None:
        try:
            context.load_cert_chain(self._certificate, self._key, _no_password)
        except ssl.SSLError as error:
            raise StartError(
                "KV_TLS_CERT and KV_TLS_KEY are no certificate and its key in PEM: "
                f"{error.reason or error.strerror or error}"
            ) from None
        except OSError as error:  # they could be read a moment ago
            raise StartError(
                f"KV_TLS_CERT and KV_TLS_KEY: cannot read them: {error.strerror}"
            ) from None


def _content(variable: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StartError(f"{variable}: cannot read {path}: {error.strerror}") from None


def tls_of(settings: Settings) -> Tls | None:
    """The certificate and its key, if they are configured.

    :raises StartError: the certificate or its key cannot be used
    """
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    return Tls(settings.tls_cert, settings.tls_key)


def _empty() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_RENEGOTIATION
    return context


def _no_password() -> str:
    """Prevents a prompt on the terminal."""
    raise StartError("KV_TLS_KEY: the key is encrypted")
