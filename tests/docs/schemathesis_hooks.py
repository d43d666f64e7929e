"""What schemathesis cannot know: formats, and where tokens come from."""

import json
import os
from pathlib import Path
from typing import Any

import requests
import schemathesis
from hypothesis import strategies as st

from service.model import MAX_INT64
from tests.support.client import unique

PRINTABLE = st.characters(exclude_categories=["C", "Z"])

#: Calls that end the token that they come with.
ENDING = {("POST", "/api/logout"), ("POST", "/api/password"), ("DELETE", "/api/me")}

#: Calls that confirm the password, besides: their account is a new one, too.
CONFIRMED = {("POST", "/api/tokens")}

DELETE_TOKEN = ("DELETE", "/api/tokens/{id}")

#: Of an administrator.
ADMIN_LOGIN, ADMIN_PASSWORD = "the-administrator", "password"

#: Calls for an account that their query names.
OF_AN_ACCOUNT = {"/api/admin/account", "/api/admin/end-tokens"}

#: Where each call is noted, with the status it was answered with.
CALLS = "KV_TEST_CALLS"

PASSWORD = "password"

schemathesis.openapi.format("printable", st.text(PRINTABLE, min_size=1, max_size=64))

schemathesis.openapi.format("json-text", st.sampled_from(["1", '["a"]', '{"b": null}']))


@schemathesis.serializer("application/x-ndjson")
def one_line(_: Any, value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"


@schemathesis.deserializer("application/x-ndjson")
def lines(context: Any, response: Any) -> Any:
    """The last line of an import's reply, all lines of an export."""
    if context.operation.path == "/api/import":
        return json.loads(response.content.splitlines()[-1])
    return response.content.decode()


@schemathesis.auth(refresh_interval=None)
class Token:
    """A token of a new account for each call that ends it, of one for all others."""

    def __init__(self) -> None:
        self._lasting: str | None = None
        self._of_administrator: str | None = None

    def get(self, case: "schemathesis.Case[Any]", _: Any) -> str:
        call = case.operation.method.upper(), case.operation.path
        if call == DELETE_TOKEN:
            return with_access_token(case)
        if call in ENDING | CONFIRMED:
            return entered(case, password_in(case.body))
        if case.operation.path.startswith("/api/admin/"):
            if self._of_administrator is None:
                self._of_administrator = token_of(case, ADMIN_LOGIN, ADMIN_PASSWORD)
            return self._of_administrator
        if self._lasting is None:
            self._lasting = entered(case, PASSWORD)
        return self._lasting

    def set(self, case: "schemathesis.Case[Any]", token: str, _: Any) -> None:
        case.headers["Authorization"] = f"Bearer {token}"


def password_in(body: Any) -> str:
    """The account's password that the call contains, so that it may be right."""
    given = body.get("password") if isinstance(body, dict) else None
    return given if isinstance(given, str) and is_allowed(given) else PASSWORD


def is_allowed(password: str) -> bool:
    try:
        return 1 <= len(password.encode()) <= 1024
    except UnicodeEncodeError:
        return False


def entered(case: "schemathesis.Case[Any]", password: str) -> str:
    """The token of a new account."""
    return token_of(case, registered(case, password), password)


def registered(case: "schemathesis.Case[Any]", password: str) -> str:
    """The name of a new account."""
    url = case.operation.base_url.rstrip("/")
    credentials = {"username": unique("user"), "password": password}
    requests.post(f"{url}/api/register", json=credentials, timeout=10)
    return credentials["username"]


def token_of(case: "schemathesis.Case[Any]", username: str, password: str) -> str:
    url = case.operation.base_url.rstrip("/")
    credentials = {"username": username, "password": password}
    reply = requests.post(f"{url}/api/login", json=credentials, timeout=10)
    reply.raise_for_status()
    return str(reply.json()["token"])


def with_access_token(case: "schemathesis.Case[Any]") -> str:
    """The token of a new account, whose access token the call deletes.

    If the id in its path is one at all.
    """
    token, url = entered(case, PASSWORD), case.operation.base_url.rstrip("/")
    given = str(case.path_parameters.get("id"))
    if given.isascii() and given.isdigit() and int(given) <= MAX_INT64:
        reply = requests.post(
            f"{url}/api/tokens",
            json={"password": PASSWORD, "name": "program"},
            headers={"Authorization": f"Bearer {token}"},
            timeout=10,
        )
        reply.raise_for_status()
        case.path_parameters["id"] = reply.json()["id"]
    return token


@schemathesis.hook
def before_call(_: Any, case: "schemathesis.Case[Any]", __: Any) -> None:
    """Corrects a request by what no schema can say."""
    is_valid = case.meta is not None and case.meta.generation.mode.is_positive
    # the account exists
    if case.operation.path in OF_AN_ACCOUNT and is_valid and case.query:
        case.query["username"] = registered(case, PASSWORD)
    # a value at a revision is not read from any node: no schema can say that
    query = case.query
    if query and "revision" in query and query.get("stale") in ("", "true"):
        del query["stale"]


@schemathesis.hook
def after_call(_: Any, case: "schemathesis.Case[Any]", response: Any) -> None:
    with Path(os.environ[CALLS]).open("a") as calls:
        calls.write(f"{case.operation.label} {response.status_code}\n")
