"""The calls of administrators, and those for the account that the settings name.

Methods with a caller raise `TokenRevoked`, `SessionRequired` for an access token, and
`NotAnAdministrator`; those with a user name besides raise `NotFound`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from service.model import (
    AccountChanges,
    AccountPage,
    AdministratorState,
    Caller,
    Grant,
    ManagedAccount,
)
from service.storage.calls import Calls


class Administration:
    """The part of the storage client for administrators."""

    def __init__(self, calls: Calls) -> None:
        self._call = calls.call

    async def accounts(
        self,
        caller: Caller,
        prefix: str,
        after: str | None,
        limit: int,
        max_bytes: int,
    ) -> AccountPage:
        """Reads a page of the accounts whose names have a prefix.

        :param after: the name to continue after, None for the first page
        :param max_bytes: of the page; its first account may be larger
        """
        accounts, *rest = await self._call(
            "kv.v1.list_accounts",
            caller,
            prefix,
            after,
            limit,
            max_bytes,
            size=max_bytes,
        )
        return AccountPage([_account(found) for found in accounts], *rest or [None])

    async def account(self, caller: Caller, username: str) -> ManagedAccount:
        """Reads an account."""
        (found,) = await self._call("kv.v1.show_account", caller, username)
        return _account(found)

    async def create(
        self,
        caller: Caller,
        username: str,
        password_hash: str,
        grants: Sequence[Grant] | None,
        *,
        administrator: bool,
    ) -> ManagedAccount:
        """Creates an account.

        :param grants: None: the default grants
        :raises UserExists: the name is taken
        """
        (created,) = await self._call(
            "kv.v1.create_account",
            caller,
            username,
            password_hash,
            msgspec.to_builtins(grants),
            administrator,
            writes=True,
        )
        return _account(created)

    async def change(
        self,
        caller: Caller,
        username: str,
        changes: AccountChanges,
        *,
        keeps_access_tokens: bool,
    ) -> ManagedAccount:
        """Makes all changes or none; disabling and a new password revoke the tokens.

        :param keeps_access_tokens: whether access tokens stay valid
        :raises LastAdministrator: no enabled administrator would remain
        """
        given = {k: v for k, v in changes._asdict().items() if v is not None}
        (changed,) = await self._call(
            "kv.v1.change_account",
            caller,
            username,
            msgspec.to_builtins(given),
            keeps_access_tokens,
            writes=True,
        )
        return _account(changed)

    async def delete(self, caller: Caller, username: str) -> None:
        """Deletes an account.

        :raises LastAdministrator: no enabled administrator would remain
        """
        await self._call("kv.v1.delete_account", caller, username, writes=True)

    async def end_tokens(
        self, caller: Caller, username: str, *, keeps_access_tokens: bool
    ) -> None:
        """Revokes every token of an account.

        :param keeps_access_tokens: whether access tokens stay valid
        """
        await self._call(
            "kv.v1.end_account_tokens",
            caller,
            username,
            keeps_access_tokens,
            writes=True,
        )

    async def statistics(self, caller: Caller) -> Mapping[str, Any]:
        """Reads the state of the store and, in a cluster, of its nodes."""
        found: Mapping[str, Any]
        (found,) = await self._call("kv.v1.statistics", caller)
        return found

    async def find_administrator(self, username: str) -> AdministratorState | None:
        """Reads the state of the account of the settings; None: there is none."""
        password_hash, *rest = await self._call("kv.v1.find_administrator", username)
        return (
            None if password_hash is None else AdministratorState(password_hash, *rest)
        )

    async def create_administrator(self, username: str, password_hash: str) -> None:
        """Creates an administrator with all rights.

        :raises UserExists: the name is taken
        """
        await self._call(
            "kv.v1.create_administrator", username, password_hash, writes=True
        )

    async def confirm_administrator(self, username: str, known_hash: str) -> bool:
        """Makes an account an administrator if it is enabled and has this hash.

        :return: whether it is one now
        """
        (is_done,) = await self._call(
            "kv.v1.confirm_administrator",
            username,
            known_hash,
            writes=True,
            is_repeatable=True,
        )
        return bool(is_done)


def _account(found: Mapping[str, Any]) -> ManagedAccount:
    return msgspec.convert(found, ManagedAccount)
