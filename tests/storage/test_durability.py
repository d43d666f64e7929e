"""An acknowledged write is on disk: no crash and no full disk loses it."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.support.procedures import AT_ONCE, failing_log, prepare
from tests.support.service import Serve
from tests.support.tarantool import Tarantool, Tarantools, evaluated


class Meeting(NamedTuple):
    """A request made while a write is a pending commit.

    :ivar seen: by a plain read, the control: what the answer could have rested on
    :ivar kept: the answer that rests on the write
    :ivar undone: the answer when the write has been taken back
    """

    write: str
    plain_read: str
    answer: str
    seen: str
    kept: str
    undone: str

    def at_once(self, write: str = "{}") -> str:
        return AT_ONCE.format(
            write=write.format(self.write),
            plain_read=self.plain_read,
            answer=self.answer,
        )


def put(key: str, value: str) -> str:
    return f"kv.v1.put({{'ann', 1}}, {{'{key}'}}, {{'{value}'}})"


def value(key: str) -> str:
    return f"box.space.kv:get('{key}').value"


PUT = put("k", "new")
DELETE = "kv.v1.delete({'ann', 1}, {'k'})"
INCREMENT = "select(2, kv.v1.increment({'ann', 1}, {'n'}, {1}))[1]"
WRITE_AND_DELETE = "kv.v1.write({'ann', 1}, {'new', 'k'}, {'1', box.NULL})"
IS_THERE = "box.space.kv:get('k') ~= nil"
READ = "kv.v1.get({'ann', 1}, {'k'}, 1000)[1]"
MEMBERS = "kv.v1.read({'ann', 1}, {'k'}, 1000)"
STALE_READ = "(select(3, kv.v1.get_stale({'ann', 1}, {'k'}, 1000)))[1]"
STALE_LIST = """
table.concat(
    (select(5, kv.v1.list_stale({'ann', 1}, '', nil, 10, 1000, true))), ', ')
"""
LIST = "table.concat(select(4, kv.v1.list({'ann', 1}, '', nil, 10, 1000, true)), ', ')"
PAGE = "(select(4, kv.v1.list_page({'ann', 1}, '', nil, 10, 1000, {values = true})))"
REVISION_IN_LIST = """
(select(5, kv.v1.list_details({'ann', 1}, 'k', nil, 10, 1000, {details = true})))[2][1]
"""
PREFIXES = "#(select(6, kv.v1.list_level({'ann', 1}, 'k', nil, 10, 1000, '1', {})))"
STALE_PREFIXES = """
#(select(7, kv.v1.list_level_stale({'ann', 1}, 'k', nil, 10, 1000, '1', {})))
"""
EXPORT = """
table.concat((select(4, kv.v1.export_page({'ann', 1}, '', nil, 1000)))[2], ', ')
"""

READS = {
    "read-of-an-overwrite": Meeting(PUT, value("k"), READ, "new", "new", "old"),
    "members-of-an-overwrite": Meeting(
        PUT, value("k"), MEMBERS, "new", '"k":new', '"k":old'
    ),
    "members-of-a-deletion": Meeting(DELETE, IS_THERE, MEMBERS, "false", "", '"k":old'),
    "read-of-a-deletion": Meeting(
        DELETE, IS_THERE, f"{READ} ~= nil", "false", "false", "true"
    ),
    "read-of-a-deletion-in-a-write": Meeting(
        WRITE_AND_DELETE, IS_THERE, f"{READ} ~= nil", "false", "false", "true"
    ),
    "list-of-an-overwrite": Meeting(PUT, value("k"), LIST, "new", "new, 1", "old, 1"),
    "page-of-an-overwrite": Meeting(
        PUT, value("k"), PAGE, "new", '"k":new,"n":1', '"k":old,"n":1'
    ),
    "list-of-a-deletion": Meeting(DELETE, IS_THERE, LIST, "false", "1", "old, 1"),
    "export-of-an-overwrite": Meeting(
        PUT, value("k"), EXPORT, "new", "new, 1", "old, 1"
    ),
    "export-of-a-deletion": Meeting(DELETE, IS_THERE, EXPORT, "false", "1", "old, 1"),
    "stale-read-of-an-overwrite": Meeting(
        PUT, value("k"), STALE_READ, "new", "new", "old"
    ),
    "stale-read-of-a-deletion": Meeting(
        DELETE, IS_THERE, f"{STALE_READ} ~= nil", "false", "false", "true"
    ),
    "stale-list-of-an-overwrite": Meeting(
        PUT, value("k"), STALE_LIST, "new", "new, 1", "old, 1"
    ),
    "details-of-an-overwrite": Meeting(
        PUT, value("k"), REVISION_IN_LIST, "new", "2", "1"
    ),
    "level-of-a-write": Meeting(
        put("k1", "new"), value("k1"), PREFIXES, "new", "1", "0"
    ),
    "stale-level-of-a-write": Meeting(
        put("k1", "new"), value("k1"), STALE_PREFIXES, "new", "1", "0"
    ),
    "login-of-a-registration": Meeting(
        write="kv.v1.create_user('bob', 'new')",
        plain_read="box.space.users:get('bob').password_hash",
        answer="(select(3, kv.v1.begin_login('bob', 'nowhere')))",
        seen="new",
        kept="new",
        undone="nil",
    ),
}

#: The key k is at revision 1.
PUT_IF_AS_IT_WAS = """
(kv.v1.put({'ann', 1}, {'k'}, {'mine'}, {conditions = {{'k', {1}, true}}})) ~= nil
"""
DELETE_IF_NOT_THERE = """
(kv.v1.delete({'ann', 1}, {'k'}, {conditions = {{'new', {box.NULL}, true}}})) ~= nil
"""
WRITE_AND_DELETE_IF_AS_IT_WAS = """
(kv.v1.write({'ann', 1}, {'other', 'k'}, {'1', box.NULL},
    {conditions = {{'k', {1}, true}}})) ~= nil
"""
DELETE_IN_A_WRITE = "(select(2, kv.v1.write({'ann', 1}, {'k'}, {box.NULL})))"

#: What a write on its way makes a refusal, or a write that has nothing to do.
DECISIONS = {
    "put-if-as-it-was": Meeting(
        PUT, value("k"), PUT_IF_AS_IT_WAS, "new", "false", "true"
    ),
    "delete-if-not-there": Meeting(
        put("new", "1"), value("new"), DELETE_IF_NOT_THERE, "1", "false", "true"
    ),
    "delete-of-a-deletion": Meeting(
        DELETE, IS_THERE, f"(select(2, {DELETE}))", "false", "0", "1"
    ),
    "write-and-delete-if-as-it-was": Meeting(
        PUT, value("k"), WRITE_AND_DELETE_IF_AS_IT_WAS, "new", "false", "true"
    ),
    "delete-in-a-write-of-a-deletion": Meeting(
        DELETE, IS_THERE, DELETE_IN_A_WRITE, "false", "0", "1"
    ),
    "increment-of-no-counter": Meeting(
        put("n", "text"), value("n"), INCREMENT, "text", "refused", "2"
    ),
}

#: The end of a failed write makes the WAL work again, before it is reported.
REPAIR_THE_LOG = """
local ok = pcall(function() {{}} end)
if not ok then
    os.remove('{obstacle}')
    error('the log failed')
end
"""


#: A batch larger than a tuple may be: it does not reach the WAL. Is false.
FAILS_AT_ONCE = """
(pcall(kv.v1.put, {'ann', 1}, {'b'}, {('x'):rep(box.cfg.memtx_max_tuple_size)}))
"""

BATCH = 100
CUTS = 10

#: Puts a batch whose values are its name.
PUT_BATCH = """
(function()
    local keys, values = {{}}, {{}}
    for i = 1, {size} do
        keys[i], values[i] = '{name}-' .. i, '{name}'
    end
    return kv.v1.put({{'ann', 1}}, keys, values)
end)()
"""

#: Writes a batch as `PUT_BATCH` does, and deletes the batch `old`.
RENAME_BATCH = """
(function()
    local keys, values = {{}}, {{}}
    for i = 1, {size} do
        keys[i], values[i] = '{name}-' .. i, '{name}'
        keys[{size} + i], values[{size} + i] = '{old}-' .. i, box.NULL
    end
    return (kv.v1.write({{'ann', 1}}, keys, values))
end)()
"""

#: How many keys have the value.
COUNT = """
(function()
    local count = 0
    for _, row in box.space.kv:pairs() do
        if row.value == '{name}' then count = count + 1 end
    end
    return count
end)()
"""


@pytest.fixture
def own(tarantools: Tarantools) -> Iterator[Tarantool]:
    """An instance with the account ann and the keys k and n."""
    with tarantools.running() as instance:
        prepare(instance)
        yield instance


@pytest.mark.parametrize("meeting", (READS | DECISIONS).values(), ids=READS | DECISIONS)
def test_a_reply_waits_for_the_pending_commit_that_it_depends_on(
    own: Tarantool, meeting: Meeting
) -> None:
    assert evaluated(own, meeting.at_once()) == [
        f"plain read: {meeting.seen}",
        "write: done",
        f"answer: {meeting.kept}",
    ]


@pytest.mark.parametrize("meeting", (READS | DECISIONS).values(), ids=READS | DECISIONS)
def test_a_reply_waits_for_a_pending_commit_after_a_write_that_fails_at_once(
    own: Tarantool, meeting: Meeting
) -> None:
    behind = meeting._replace(plain_read=f"{FAILS_AT_ONCE} or {meeting.plain_read}")
    assert evaluated(own, behind.at_once()) == [
        f"plain read: {meeting.seen}",
        "write: done",
        f"answer: {meeting.kept}",
    ]


@pytest.mark.parametrize("meeting", READS.values(), ids=READS)
def test_a_reader_does_not_see_a_write_that_fails(
    own: Tarantool, meeting: Meeting
) -> None:
    with failing_log(own):
        ended = evaluated(own, meeting.at_once())
    assert ended == [
        f"plain read: {meeting.seen}",
        "write: refused",
        f"answer: {meeting.undone}",
    ]


@pytest.mark.parametrize("meeting", DECISIONS.values(), ids=DECISIONS)
def test_a_decision_that_depends_on_a_failed_write_is_made_again(
    own: Tarantool, meeting: Meeting
) -> None:
    with failing_log(own) as obstacle:
        repair = REPAIR_THE_LOG.format(obstacle=obstacle)
        ended = evaluated(own, meeting.at_once(repair))
    assert ended == [
        f"plain read: {meeting.seen}",
        "write: refused",
        f"answer: {meeting.undone}",
    ]


def test_an_increment_on_a_pending_commit_shares_its_outcome(own: Tarantool) -> None:
    at_once = AT_ONCE.format(
        write=f"local _ = {INCREMENT}", plain_read=value("n"), answer=INCREMENT
    )
    with failing_log(own):
        ended = evaluated(own, at_once)
        assert ended[0] == "plain read: 2"
        assert sorted(ended[1:]) == ["answer: refused", "write: refused"]
        assert evaluated(own, value("n")) == "1"
    assert evaluated(own, at_once) == ["plain read: 2", "write: done", "answer: 3"]


def changes_at_once(tarantool: Tarantool) -> list[str]:
    """How many batches there are, and how many are shown."""
    at_once = AT_ONCE.format(
        write=PUT,
        plain_read="box.space.kv_changes:len()",
        answer="#(kv.v1.changes({'ann', 1}, 0, '', 1000))",
    )
    return list(evaluated(tarantool, at_once))


def test_the_feed_does_not_show_what_is_not_on_disk(own: Tarantool) -> None:
    assert changes_at_once(own) == ["plain read: 2", "answer: 1", "write: done"]
    assert changes_at_once(own) == ["plain read: 3", "answer: 2", "write: done"]
    with failing_log(own):
        ended = changes_at_once(own)
    assert ended == ["plain read: 4", "answer: 3", "write: refused"]


def test_a_watcher_receives_changes_when_they_are_on_disk(own: Tarantool) -> None:
    at_once = AT_ONCE.format(
        write=PUT,
        plain_read="box.space.kv_changes:len()",
        answer="#(kv.v1.follow(1, require('kv.accounts.accounts').epoch(), 1000, 5))",
    )
    assert evaluated(own, at_once) == ["plain read: 2", "write: done", "answer: 1"]


async def test_a_failing_log_refuses_only_writes(own: Tarantool, serve: Serve) -> None:
    async with serve(own) as client:
        await client.enter()
        before = await client.write({"key": "old"})
        with failing_log(own):
            write = await client.write({"key": "new", "other": 1})
            assert (write.status, write.json["code"]) == (503, "storage_full")
            assert write.json["applied"] == "no"
            assert (await client.register("bob", "password")).status == 503
            read = await client.read(["key", "other"])
            assert read.json["data"] == {"key": "old"}
        after = await client.write({"key": "newer"})
        assert (before.status, after.status) == (200, 200)
        assert (await client.read(["key"])).json["data"] == {"key": "newer"}


def test_a_log_cut_anywhere_in_a_batch_has_it_whole_or_not_at_all(
    tarantools: Tarantools,
) -> None:
    with tarantools.local() as source:
        source.start()
        prepare(source)
        source.console(PUT_BATCH.format(name="first", size=BATCH))
        (log,) = source.data.glob("*.xlog")
        begin = log.stat().st_size
        source.console(PUT_BATCH.format(name="last", size=BATCH))
        end = log.stat().st_size
        source.kill()

        found = {}
        for length, crashed in tarantools.cut_off(source, begin, end, CUTS):
            assert evaluated(crashed, COUNT.format(name="first")) == BATCH
            found[length] = evaluated(crashed, COUNT.format(name="last"))
            crashed.console(PUT_BATCH.format(name="next", size=BATCH))
            crashed.kill()
            crashed.start()
            assert evaluated(crashed, COUNT.format(name="next")) == BATCH
        assert set(found.values()) == {0, BATCH}
        assert (found[begin], found[end]) == (0, BATCH)


def test_a_log_cut_anywhere_in_a_rename_has_it_whole_or_not_at_all(
    tarantools: Tarantools,
) -> None:
    with tarantools.local() as source:
        source.start()
        prepare(source)
        source.console(PUT_BATCH.format(name="before", size=BATCH))
        (log,) = source.data.glob("*.xlog")
        begin = log.stat().st_size
        source.console(RENAME_BATCH.format(name="after", old="before", size=BATCH))
        end = log.stat().st_size
        source.kill()

        found = {}
        for length, crashed in tarantools.cut_off(source, begin, end, CUTS):
            counts = [COUNT.format(name=name) for name in ("before", "after")]
            found[length] = tuple(evaluated(crashed, count) for count in counts)
        assert set(found.values()) == {(BATCH, 0), (0, BATCH)}
        assert (found[begin], found[end]) == ((BATCH, 0), (0, BATCH))


PROGRAM = "{'', ('0'):rep(64)}"
CREATE_TOKEN = "kv.v1.create_access_token({'ann', 1}, ('0'):rep(64), 'program')"
DELETE_TOKEN = "kv.v1.delete_access_token({'ann', 1}, {id})"
HAS_TOKEN = "#box.space.access_tokens:select() > 0"

#: Small reads and writes are left out instead of waiting: they need calls of their own.
USES = {
    "read": f"kv.v1.get({PROGRAM}, {{'k'}}, 1000)[1]",
    "small-reads": f"kv.v1.read_each({{{{{PROGRAM}, {{'k'}}, 1000}}}})[1] == nil",
    "write": f"kv.v1.put({PROGRAM}, {{'x'}}, {{'1'}}) > 0",
    "small-writes": f"kv.v1.put_each({{{{{PROGRAM}, {{'x'}}, {{'1'}}}}}})[1] == nil",
    "list": "#kv.v1.list_access_tokens({'ann', 1})",
}


@pytest.mark.parametrize("use", USES)
def test_an_access_token_is_not_used_before_it_is_on_disk(
    own: Tarantool, use: str
) -> None:
    at_once = AT_ONCE.format(
        write=CREATE_TOKEN, plain_read=HAS_TOKEN, answer=f"{USES[use]}"
    )
    with failing_log(own):
        ended = evaluated(own, at_once)
    assert ended[0] == "plain read: true"
    expected = {"list": "0", "small-reads": "true", "small-writes": "true"}
    assert f"answer: {expected.get(use, 'refused')}" in ended
    assert "write: refused" in ended
    assert evaluated(own, HAS_TOKEN) is False


@pytest.mark.parametrize("use", ["read", "small-reads", "list"])
def test_a_deletion_of_an_access_token_that_fails_leaves_it_valid(
    own: Tarantool, use: str
) -> None:
    own.console(CREATE_TOKEN)
    token_id = evaluated(own, "box.space.access_tokens:select()[1].id")
    at_once = AT_ONCE.format(
        write=DELETE_TOKEN.replace("{id}", str(token_id)),
        plain_read=HAS_TOKEN,
        answer=USES[use],
    )
    with failing_log(own):
        ended = evaluated(own, at_once)
    assert ended[0] == "plain read: false"
    expected = {"read": "old", "small-reads": "true", "list": "1"}[use]
    assert f"answer: {expected}" in ended
    assert evaluated(own, USES["read"]) == "old"
    # the control: a deletion that succeeds
    ended = evaluated(own, at_once)
    assert ended[0] == "plain read: false"
    expected = {"read": "refused", "small-reads": "true", "list": "0"}[use]
    assert f"answer: {expected}" in ended


SAVE_USES = "require('kv.accounts.access_tokens').save_uses(10)"


def test_a_last_use_and_a_deletion_that_both_fail_do_not_stop_the_collector(
    own: Tarantool,
) -> None:
    """The deletion forgets the use, and the token is there again."""
    own.console(CREATE_TOKEN)
    token_id = evaluated(own, "box.space.access_tokens:select()[1].id")
    at_once = AT_ONCE.format(
        write=f"assert({USES['read']} == 'old') {SAVE_USES}",
        plain_read="box.space.access_token_uses:len()",
        answer=DELETE_TOKEN.replace("{id}", str(token_id)),
    )
    with failing_log(own):
        ended = evaluated(own, at_once)
    assert ended[0] == "plain read: 1"
    assert sorted(ended[1:]) == ["answer: refused", "write: refused"]
    assert evaluated(own, HAS_TOKEN) is True
    assert evaluated(own, f"(pcall(function() {SAVE_USES} end))") is True
    assert evaluated(own, USES["read"]) == "old"  # from which on it is used again
    own.console(SAVE_USES)
    assert evaluated(own, "box.space.access_token_uses:len()") == 1


DELETE_EXPIRED = "require('kv.accounts.access_tokens').delete_expired(10)"


def test_an_expired_token_of_an_account_with_a_pending_commit_is_deleted_later(
    own: Tarantool,
) -> None:
    """Two pending commits of one account would have one tag."""
    own.console("require('kv.data.expiry').stop()")
    expires = CREATE_TOKEN.replace("'program'", "'program', nil, -2")
    own.console(expires)
    at_once = AT_ONCE.format(
        write="require('kv.accounts.accounts').update('ann', {disabled = false})",
        plain_read=HAS_TOKEN,
        answer=f"tostring({DELETE_EXPIRED}) .. tostring({HAS_TOKEN})",
    )
    ended = evaluated(own, at_once)
    assert ended == ["plain read: true", "answer: falsetrue", "write: done"]
    own.console(DELETE_EXPIRED)
    assert evaluated(own, HAS_TOKEN) is False


def test_a_pending_commit_of_another_account_does_not_make_a_token_unknown(
    own: Tarantool,
) -> None:
    """An unknown token waits for all commits, one after the other."""
    own.console(CREATE_TOKEN)
    at_once = AT_ONCE.format(
        write="kv.v1.create_user('bob', 'a hash')",
        plain_read="box.space.users:len()",
        answer=f"{USES['read']} .. tostring((pcall(kv.v1.get, {{'', 'x'}}, {{}}, 9)))",
    )
    ended = evaluated(own, at_once)
    assert ended[0] == "plain read: 2"
    assert "answer: oldfalse" in ended
