"""The store that the pictures show."""

import json
from collections.abc import Iterator

from tests.support.client import Client

ADMINISTRATOR, PASSWORD = "ada", "correct horse battery"

#: Keys of a call.
BATCH = 1000

CARRIERS = ("dhl", "hermes", "post", "ups")

#: A number beyond 2^53 and one with a zero at its end: both are shown as they are.
FEATURES = """{
  "checkout": {"enabled": true, "rollout": 0.50},
  "search": {"enabled": false, "owner": "team-discovery"},
  "lastDeployment": 248480010225057793
}"""


def keys() -> Iterator[tuple[str, object]]:
    for number in range(1, 3413):
        order = {"customer": 7000 + number * 13 % 911, "total": number * 7.25}
        yield f"orders/2026/{number:05}", order | {"carrier": CARRIERS[number % 4]}
    for number in range(1, 97):
        yield (
            f"users/{number:03}",
            {"name": f"User {number}", "visits": number**2},
        )
    for city in "berlin", "lisbon", "riga", "seoul", "toronto":
        yield f"config/regions/{city}", {"currency": "EUR", "delivery": city != "seoul"}
    yield "config/banner", "Free delivery until Sunday"
    yield "counters/visits", 9007199254740993


async def fill(client: Client) -> None:
    """Writes the sample with an administrator's account."""
    await client.login(ADMINISTRATOR, PASSWORD)
    pairs = list(keys())
    for first in range(0, len(pairs), BATCH):
        await client.write(dict(pairs[first : first + BATCH]))
    for enabled in "false", "true":
        text = FEATURES.replace("true", enabled, 1)
        await client.post("/api/write", f'{{"data": {{"config/features": {text}}}}}')
    sessions = {f"sessions/{number:04x}": {"user": number} for number in range(16, 40)}
    await client.write(sessions, ttl=5400)
    orders = {"prefix": "orders/", "rights": "r"}
    grants = [orders, {"prefix": "config/", "rights": "rw"}]
    for name, own in ("grace", grants), ("linus", []), ("mallory", [orders]):
        account = {"username": name, "password": PASSWORD, "grants": own}
        await client.post("/api/admin/accounts", account)
    await client.request(
        "PATCH", "/api/admin/account?username=mallory", json.dumps({"disabled": True})
    )
    for name, prefix in ("nightly report", "orders/"), ("deployment", "config/"):
        token = {"password": PASSWORD, "name": name, "expires_in": 30 * 86400}
        await client.post(
            "/api/tokens", token | {"grants": [{"prefix": prefix, "rights": "r"}]}
        )
