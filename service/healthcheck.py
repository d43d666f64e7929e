"""The health check of the image: exits with 0 when the service is ready.

``python -m service.healthcheck`` asks `/readyz` of the service that runs with the same
environment, on this machine.
"""

import os
import ssl
import sys

# not urllib, which would send the request through a proxy of the environment
from http.client import HTTPConnection, HTTPException, HTTPSConnection

from service.settings import Settings, SettingsError

#: Seconds; less than the `--timeout` of the image's HEALTHCHECK.
TIMEOUT = 2.0

#: `KV_HOST` of a service that listens on all addresses.
ANY_ADDRESS = {"0.0.0.0", "::"}  # noqa: S104 - nothing is bound here


def main() -> int:
    try:
        status = _readiness(Settings.from_env(os.environ))
    except (SettingsError, OSError, HTTPException) as why:
        print(f"kv: not ready: {why}", file=sys.stderr)
        return 1
    if status != 200:
        print(f"kv: not ready: status {status}", file=sys.stderr)
    return 0 if status == 200 else 1


def _readiness(settings: Settings) -> int:
    """The status of `/readyz`."""
    host = "127.0.0.1" if settings.host in ANY_ADDRESS else settings.host
    connection = (
        HTTPSConnection(host, settings.port, timeout=TIMEOUT, context=_unverified())
        if settings.tls_cert
        else HTTPConnection(host, settings.port, timeout=TIMEOUT)
    )
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status
    finally:
        connection.close()


def _unverified() -> ssl.SSLContext:
    """A context without verification: the certificate is for another host name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


if __name__ == "__main__":
    sys.exit(main())
