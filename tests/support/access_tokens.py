"""Access tokens, as clients create and list them."""

from typing import Any

from tests.support.client import Client, Reply

#: Of the accounts of `Client.enter`.
PASSWORD = "password"


async def creation(client: Client, name: str = "program", **more: Any) -> Reply:
    """The reply to a request for an access token of the client's account."""
    body = {"password": PASSWORD, "name": name} | more
    return await client.post("/api/tokens", body)


async def created(client: Client, name: str = "program", **more: Any) -> Any:
    """An access token of the client's account, as it is shown once."""
    reply = await creation(client, name, **more)
    assert reply.status == 200, reply.text
    return reply.json


def using(client: Client, token: str) -> Client:
    """A client that sends this token."""
    other = Client(client.session, client.url)
    other.token = token
    return other


async def program_of(client: Client, **more: Any) -> Client:
    """A client with a new access token of the client's account."""
    return using(client, (await created(client, **more))["token"])


async def tokens_of(client: Client) -> list[Any]:
    reply = await client.request("GET", "/api/tokens")
    assert reply.status == 200, reply.text
    assert reply.json.keys() == {"tokens"}
    return list(reply.json["tokens"])


async def delete_token(client: Client, token_id: int) -> None:
    reply = await client.request("DELETE", f"/api/tokens/{token_id}")
    assert (reply.status, reply.json) == (200, {"status": "success"})
