"""The four calls as the original service's clients make them."""

import pytest

from tests.support.client import Client, unique
from tests.support.service import Serve
from tests.support.tarantool import Tarantool


async def test_the_original_flow(serve: Serve, tarantool: Tarantool) -> None:
    name = unique("admin")
    environ = {"ADMIN_LOGIN": name, "ADMIN_PASSWORD": "presale"}
    async with serve(tarantool, **environ) as client:
        login = await client.login(name, "presale")
        assert (login.status, list(login.json)) == (200, ["token"])

        data = {"key1": "value1", "key2": "value2", "key3": 1}
        write = await client.write(data)
        assert (write.status, write.json) == (200, {"status": "success"})

        read = await client.read(["key1", "key2", "key3"])
        assert (read.status, read.json) == (200, {"data": data})

        register = await client.register(unique("new_user"), "new_password")
        assert register.status == 200
        assert register.json == {"status": "User created successfully"}


async def test_a_name_can_be_registered_once(visitor: Client) -> None:
    name = unique("user")
    assert (await visitor.register(name, "first")).status == 200
    again = await visitor.register(name, "second")
    assert (again.status, again.json["code"]) == (409, "user_exists")
    assert (await visitor.login(name, "second")).status == 401
    assert (await visitor.login(name, "first")).status == 200


async def test_wrong_name_and_wrong_password_get_the_same_reply(
    visitor: Client,
) -> None:
    name = unique("user")
    await visitor.register(name, "password")
    wrong_password = await visitor.login(name, "passwore")
    wrong_name = await visitor.login(unique("nobody"), "password")
    assert wrong_password.status == wrong_name.status == 401
    assert wrong_password.text_without_id == wrong_name.text_without_id
    assert wrong_name.json["code"] == "invalid_credentials"


async def test_a_key_that_is_not_there_is_left_out(client: Client) -> None:
    key, missing = unique("null"), unique("missing")
    await client.write({key: None})
    assert (await client.read([key, missing])).json == {"data": {key: None}}
    assert (await client.read([missing])).text == '{"data":{}}'


async def test_a_key_requested_twice_is_returned_once(client: Client) -> None:
    key = unique("twice")
    await client.write({key: 1})
    assert (await client.read([key, key])).text == f'{{"data":{{"{key}":1}}}}'


async def test_a_key_written_twice_in_one_body_keeps_the_last(client: Client) -> None:
    key = unique("last")
    body = f'{{"data": {{"{key}": 1, "{key}": 2}}}}'
    assert (await client.post("/api/write", body)).status == 200
    assert (await client.read([key])).json["data"] == {key: 2}


async def test_accounts_share_one_key_space(service: Client, client: Client) -> None:
    other = await Client(service.session, service.url).enter()
    key = unique("shared")
    await client.write({key: "mine"})
    assert (await other.read([key])).json["data"] == {key: "mine"}


async def test_a_write_returns_its_revision_in_a_header(client: Client) -> None:
    first = await client.write({unique("a"): 1, unique("b"): 2})
    second = await client.write({unique("c"): 3})
    revisions = [int(reply.headers["KV-Revision"]) for reply in (first, second)]
    assert revisions[1] == revisions[0] + 1


async def test_a_revision_is_the_same_for_the_whole_batch(
    client: Client, tarantool: Tarantool
) -> None:
    keys = [unique("batch") for _ in range(3)]
    reply = await client.write(dict.fromkeys(keys, 0))
    for key in keys:
        stored = tarantool.console(f"box.space.kv:get('{key}').revision")
        assert stored.split()[2] == reply.headers["KV-Revision"]


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer"])
async def test_the_scheme_is_matched_without_regard_to_case(
    client: Client, scheme: str
) -> None:
    headers = {"Authorization": f"{scheme} {client.token}"}
    reply = await client.post("/api/read", {"keys": ["k"]}, headers=headers)
    assert reply.status == 200


async def test_the_content_type_need_not_be_json(client: Client) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    reply = await client.post("/api/read", '{"keys": ["k"]}', headers=headers)
    assert reply.status == 200


async def test_every_byte_of_a_long_password_counts(visitor: Client) -> None:
    name, password = unique("user"), "x" * 1023
    assert (await visitor.register(name, password + "a")).status == 200
    assert (await visitor.login(name, password + "b")).status == 401
    assert (await visitor.login(name, password + "a")).status == 200


async def test_a_name_is_one_account_in_either_unicode_form(visitor: Client) -> None:
    tail = unique("")
    assert (await visitor.register(f"Zoe\u0301{tail}", "password")).status == 200
    assert (await visitor.login(f"Zo\u00e9{tail}", "password")).status == 200
