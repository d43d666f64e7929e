"""The procedures of access tokens.

Every method raises what those of `Storage` do.
"""

from typing import Any

from service.model import AccessToken, Caller, Grant, NewAccessToken
from service.storage.calls import Calls


class AccessTokens:
    """The access tokens of accounts."""

    def __init__(self, calls: Calls) -> None:
        self._call = calls.call

    async def create(
        self, caller: Caller, token_hash: str, new: NewAccessToken
    ) -> AccessToken:
        """Creates an access token of the caller's account.

        :raises TokenRevoked: the caller's token is no longer valid
        :raises SessionRequired: the caller has an access token
        :raises TooManyAccessTokens: the account has as many as it may have
        """
        token_id, created_at, expires_at = await self._call(
            "kv.v1.create_access_token",
            caller,
            token_hash,
            new.name,
            _encoded(new.grants),
            new.ttl,
            writes=True,
        )
        return AccessToken(token_id, new.name, new.grants, created_at, expires_at, None)

    async def list(self, caller: Caller) -> list[AccessToken]:
        """Lists the access tokens of the caller's account, the oldest first.

        :raises TokenRevoked: the caller's token is no longer valid
        :raises SessionRequired: the caller has an access token
        """
        (found,) = await self._call("kv.v1.list_access_tokens", caller)
        return [
            AccessToken(**each | {"grants": _decoded(each["grants"])}) for each in found
        ]

    async def delete(self, caller: Caller, token_id: int) -> None:
        """Deletes an access token of the caller's account.

        :raises TokenRevoked: the caller's token is no longer valid
        :raises SessionRequired: the caller has an access token
        :raises NotFound: the account has no such token
        """
        await self._call("kv.v1.delete_access_token", caller, token_id, writes=True)


def _encoded(grants: list[Grant] | None) -> list[dict[str, Any]] | None:
    if grants is None:
        return None
    return [{"prefix": grant.prefix, "rights": grant.rights} for grant in grants]


def _decoded(grants: list[dict[str, Any]] | None) -> list[Grant] | None:
    return None if grants is None else [Grant(**grant) for grant in grants]
