"""Requests with path and header lines sent verbatim."""

from urllib.parse import quote

from multidict import CIMultiDict
from yarl import URL

from tests.support.client import Client, Reply


def path_of(key: str) -> str:
    """The path of a key, with every character percent-encoded that may be."""
    return "/api/keys/" + quote(key, safe="")


async def send(
    client: Client,
    method: str,
    path: str,
    body: str | bytes | None = None,
    *lines: tuple[str, str],
) -> Reply:
    """No segment `..` is resolved, no `%` touched; a header may come several times."""
    headers = CIMultiDict(lines)
    if client.token is not None:
        headers.add("Authorization", f"Bearer {client.token}")
    url = URL(client.url + path, encoded=True)
    async with client.session.request(
        method, url, data=body, headers=headers
    ) as response:
        return Reply(response.status, response.headers, await response.text())
