"""The key-value API against a model of it, step by step: texts, revisions, rights."""

import http.client
import json
from collections.abc import Iterator, Mapping
from email.message import Message
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.support.console import set_grants
from tests.support.service import environ_for, service_process
from tests.support.tarantool import Tarantools
from tests.support.verbatim import path_of

EXAMPLES, STEPS = 60, 30

#: Few, so that steps meet; in an order of bytes that is no order of words.
KEYS = ["a", "a/", "a/1", "a/2", "a/é", "b", "B", "\0", "😀", "ключ"]
PREFIXES = ["", "a", "a/", "b", "c", "к"]
DELIMITERS = ["/", "a", "a/", "é", "ю", "none"]

#: What a counter makes of values that are counts.
COUNTS = {"0": 0, "-0": 0, "7": 7, "-3": -3, "9223372036854775807": 2**63 - 1}
TEXTS = [
    *COUNTS,
    *("null", "1.0", "1e2", '"5"', "[ 1,\t2 ]", '{"b":1,"a":2}', r'"\u00e9"', '"é"'),
    *("0.50", "9" * 30, "9223372036854775808", '""', "{}"),
]
DELTAS = [1, -1, 5, 2**63 - 1, -(2**63)]

#: What each account may do with keys, by prefix.
GRANTS: Mapping[str, list[tuple[str, str]]] = {
    "all": [("", "rw")],
    "reader": [("a/", "r"), ("b", "r")],
    "writer": [("a", "w")],
    "both": [("a/", "rw"), ("a/1", "r"), ("B", "w")],
    "none": [],
}
EVERYBODY = ["all", "all", "all", *GRANTS]


class Answer(NamedTuple):
    status: int
    headers: Message
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def texts(self) -> dict[str, str]:
        """The values as they came, by their keys."""
        shape = dict[str, msgspec.Raw]
        members = msgspec.json.decode(self.text, type=shape)
        data = msgspec.json.decode(members["data"], type=shape)
        return {key: bytes(raw).decode() for key, raw in data.items()}


class Service:
    """Speaks to the service, as an account, one request at a time."""

    def __init__(self, url: str) -> None:
        where = urlsplit(url)
        self._connection = http.client.HTTPConnection(
            str(where.hostname), where.port, timeout=10
        )
        self._tokens: dict[str, str] = {}

    def close(self) -> None:
        self._connection.close()

    def enter(self, name: str) -> None:
        credentials = json.dumps({"username": name, "password": "password"})
        assert self.call(None, "POST", "/api/register", credentials).status == 200
        reply = self.call(None, "POST", "/api/login", credentials)
        self._tokens[name] = reply.json["token"]

    def call(
        self,
        account: str | None,
        method: str,
        path: str,
        body: str | None = None,
        **headers: str,
    ) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if account is not None:
            sent["Authorization"] = f"Bearer {self._tokens[account]}"
        content = None if body is None else body.encode()
        self._connection.request(method, path, content, sent)
        reply = self._connection.getresponse()
        text = reply.read().decode()
        return Answer(reply.status, reply.headers, text)

    def post(self, account: str, call: str, body: str, **headers: str) -> Answer:
        return self.call(account, "POST", f"/api/{call}", body, **headers)


class Row(NamedTuple):
    text: str
    revision: int


class Refused(Exception):
    """:ivar status, code: how"""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(status, code)
        self.status, self.code = status, code


def order(key: str) -> bytes:
    return key.encode()


class Model:
    """A reference model of the service, as simple as possible."""

    def __init__(self, revision: int) -> None:
        self.revision = revision
        self.rows: dict[str, Row] = {}

    def may(self, account: str, right: str, key: str) -> bool:
        return any(
            right in rights and key.startswith(prefix)
            for prefix, rights in GRANTS[account]
        )

    def check_rights(self, account: str, right: str, keys: list[str]) -> None:
        if not all(self.may(account, right, key) for key in keys):
            raise Refused(403, "forbidden")

    def check_conditions(self, account: str, wanted: Mapping[str, int | None]) -> None:
        self.check_rights(account, "r", list(wanted))
        if any(self.revision_of(key) != revision for key, revision in wanted.items()):
            raise Refused(412, "condition_failed")

    def revision_of(self, key: str) -> int | None:
        return self.rows[key].revision if key in self.rows else None

    def write(
        self, account: str, data: Mapping[str, str], wanted: Mapping[str, int | None]
    ) -> None:
        self.check_rights(account, "w", list(data))
        self.check_conditions(account, wanted)
        self.put(data)

    def write_and_delete(
        self,
        account: str,
        data: Mapping[str, str],
        deleted: list[str],
        wanted: Mapping[str, int | None],
    ) -> None:
        self.check_rights(account, "w", [*data, *deleted])
        self.check_conditions(account, wanted)
        found = [key for key in deleted if self.rows.pop(key, None) is not None]
        if data:
            self.put(data)
        else:
            self.revision += bool(found)

    def put(self, data: Mapping[str, str]) -> None:
        self.revision += 1
        self.rows |= {key: Row(text, self.revision) for key, text in data.items()}

    def delete(
        self, account: str, keys: list[str], wanted: Mapping[str, int | None]
    ) -> int:
        self.check_rights(account, "w", keys)
        self.check_conditions(account, wanted)
        found = [key for key in keys if self.rows.pop(key, None) is not None]
        self.revision += bool(found)
        return len(found)

    def increment(self, account: str, deltas: Mapping[str, int]) -> dict[str, str]:
        self.check_rights(account, "r", list(deltas))
        self.check_rights(account, "w", list(deltas))
        sums: dict[str, str] = {}
        for key, delta in deltas.items():
            count = counted(self.rows[key].text) if key in self.rows else 0
            if count is None:
                raise Refused(409, "not_a_counter")
            if not -(2**63) <= count + delta < 2**63:
                raise Refused(409, "counter_overflow")
            sums[key] = str(count + delta)
        self.put(sums)
        return sums

    def read(self, account: str, keys: list[str]) -> dict[str, Row]:
        self.check_rights(account, "r", keys)
        return {key: self.rows[key] for key in keys if key in self.rows}

    def listed(self, account: str, prefix: str) -> list[str]:
        granted = [granted for granted, rights in GRANTS[account] if "r" in rights]
        if not any(prefix.startswith(p) or p.startswith(prefix) for p in granted):
            raise Refused(403, "forbidden")
        return sorted(
            (
                key
                for key in self.rows
                if key.startswith(prefix) and self.may(account, "r", key)
            ),
            key=order,
        )

    def level(self, account: str, prefix: str, delimiter: str) -> dict[str, int | None]:
        """The keys of a level, and its prefixes with the numbers of their keys."""
        found: dict[str, int | None] = {}
        for key in self.listed(account, prefix):
            name, is_deeper, _ = key[len(prefix) :].partition(delimiter)
            if is_deeper:
                child = prefix + name + delimiter
                found[child] = (found.get(child) or 0) + 1
            else:
                found[key] = None
        return found


def counted(text: str) -> int | None:
    """None: it is no count."""
    return int(text) if text not in TEXTS else COUNTS.get(text)


keys = st.sampled_from(KEYS)
key_lists = st.lists(keys, min_size=1, max_size=4)
batches = st.dictionaries(keys, st.sampled_from(TEXTS), min_size=1, max_size=3)
accounts = st.sampled_from(EVERYBODY)

#: Of a key, relative to what it has: its own revision, another one, or none.
conditions = st.dictionaries(
    keys, st.sampled_from(["own", "own", "other", None]), max_size=2
)


class Comparison(RuleBasedStateMachine):
    """Makes each step with the service and with the model."""

    service: Service

    def __init__(self) -> None:
        super().__init__()
        listed = self.service.post("all", "list", "{}")
        left = listed.json["keys"]
        self.model = Model(int(listed.headers["KV-Revision"]))
        if left:
            self.service.post("all", "delete", json.dumps({"keys": left}))
            self.model.revision += 1
        self.retries = 0

    def wanted(self, conditions: Mapping[str, str | None]) -> dict[str, int | None]:
        return {
            key: None if kind is None else self.revision_like(key, kind)
            for key, kind in conditions.items()
        }

    def revision_like(self, key: str, kind: str) -> int:
        own = self.model.revision_of(key) or self.model.revision + 1
        return own if kind == "own" else own + 1

    def expect(self, answer: Answer, refused: Refused) -> None:
        assert (answer.status, answer.json["code"]) == (refused.status, refused.code)
        assert int(self.probe().headers["KV-Revision"]) == self.model.revision

    def probe(self) -> Answer:
        return self.service.post("all", "list", '{"limit": 1}')

    @rule(account=accounts, data=batches, conditions=conditions, again=st.booleans())
    def write(
        self,
        account: str,
        data: dict[str, str],
        conditions: dict[str, str | None],
        again: bool,
    ) -> None:
        wanted = self.wanted(conditions)
        members = ",".join(f"{json.dumps(key)}:{text}" for key, text in data.items())
        body = f'{{"data":{{{members}}},"if":{json.dumps(wanted)}}}'
        headers = self.retry_headers(again)
        answer = self.service.post(account, "write", body, **headers)
        try:
            self.model.write(account, data, wanted)
        except Refused as refused:
            self.expect(answer, refused)
            return
        assert answer.text == '{"status":"success"}'
        assert int(answer.headers["KV-Revision"]) == self.model.revision
        if again:
            self.repeat(account, "write", body, headers, answer)

    @rule(
        account=accounts,
        data=st.dictionaries(keys, st.sampled_from(TEXTS), max_size=3),
        keys=key_lists,
        conditions=conditions,
        again=st.booleans(),
    )
    def write_and_delete(
        self,
        account: str,
        data: dict[str, str],
        keys: list[str],
        conditions: dict[str, str | None],
        again: bool,
    ) -> None:
        data = {key: text for key, text in data.items() if key not in keys}
        wanted, since = self.wanted(conditions), self.model.revision
        members = ",".join(f"{json.dumps(key)}:{text}" for key, text in data.items())
        body = (
            f'{{"data":{{{members}}},"delete":{json.dumps(keys)},'
            f'"if":{json.dumps(wanted)}}}'
        )
        headers = self.retry_headers(again)
        existing = [key for key in dict.fromkeys(keys) if key in self.model.rows]
        answer = self.service.post(account, "write", body, **headers)
        try:
            self.model.write_and_delete(account, data, keys, wanted)
        except Refused as refused:
            self.expect(answer, refused)
            return
        assert answer.text == '{"status":"success"}'
        assert int(answer.headers["KV-Revision"]) == self.model.revision
        if again:
            self.repeat(account, "write", body, headers, answer)
        changes = self.service.call("all", "GET", f"/api/changes?since={since}").json
        expected = {key: json.loads(text) for key, text in data.items()}
        if self.model.revision == since:
            assert changes["changes"] == []
            return
        (change,) = changes["changes"]
        assert (change["data"], change["deleted"]) == (expected, existing)

    def retry_headers(self, again: bool) -> dict[str, str]:
        self.retries += 1
        name = f"{self.model.revision}-{self.retries}"
        return {"Idempotency_Key": name} if again else {}

    def repeat(
        self, account: str, call: str, body: str, headers: dict[str, str], first: Answer
    ) -> None:
        """Answered as before, and nothing is written."""
        answer = self.service.post(account, call, body, **headers)
        assert (answer.status, answer.text) == (first.status, first.text)
        assert answer.headers["KV-Revision"] == first.headers["KV-Revision"]

    @rule(account=accounts, keys=key_lists, conditions=conditions)
    def delete(
        self, account: str, keys: list[str], conditions: dict[str, str | None]
    ) -> None:
        wanted = self.wanted(conditions)
        body = json.dumps({"keys": keys, "if": wanted})
        answer = self.service.post(account, "delete", body)
        try:
            deleted = self.model.delete(account, list(dict.fromkeys(keys)), wanted)
        except Refused as refused:
            self.expect(answer, refused)
            return
        assert answer.text == f'{{"status":"success","deleted":{deleted}}}'
        assert int(answer.headers["KV-Revision"]) == self.model.revision

    @rule(
        account=accounts,
        deltas=st.dictionaries(keys, st.sampled_from(DELTAS), min_size=1, max_size=2),
        again=st.booleans(),
    )
    def increment(self, account: str, deltas: dict[str, int], again: bool) -> None:
        body, headers = json.dumps({"data": deltas}), self.retry_headers(again)
        answer = self.service.post(account, "increment", body, **headers)
        try:
            sums = self.model.increment(account, deltas)
        except Refused as refused:
            self.expect(answer, refused)
            return
        assert answer.texts == sums
        assert int(answer.headers["KV-Revision"]) == self.model.revision
        if again:
            self.repeat(account, "increment", body, headers, answer)

    @rule(account=accounts, keys=key_lists, detailed=st.booleans())
    def read(self, account: str, keys: list[str], detailed: bool) -> None:
        body = json.dumps({"keys": keys, "revisions": detailed})
        answer = self.service.post(account, "read", body)
        try:
            rows = self.model.read(account, keys)
        except Refused as refused:
            self.expect(answer, refused)
            return
        assert answer.texts == {key: row.text for key, row in rows.items()}
        if detailed:
            revisions = {key: row.revision for key, row in rows.items()}
            assert answer.json["revisions"] == revisions

    @rule(
        account=accounts,
        prefix=st.sampled_from(PREFIXES),
        limit=st.integers(1, 4),
        values=st.booleans(),
    )
    def list_pages(self, account: str, prefix: str, limit: int, values: bool) -> None:
        try:
            wanted = self.model.listed(account, prefix)
        except Refused as refused:
            body = json.dumps({"prefix": prefix})
            self.expect(self.service.post(account, "list", body), refused)
            return
        found: list[str] = []
        after = None
        while after is not None or not found:
            members = {"prefix": prefix, "after": after, "limit": limit}
            body = json.dumps(members | {"values": values})
            answer = self.service.post(account, "list", body)
            assert int(answer.headers["KV-Revision"]) == self.model.revision
            page = answer.json
            if values:
                texts = answer.texts
                assert texts == {key: self.model.rows[key].text for key in texts}
            names = list(page["data"] if values else page["keys"])
            assert len(names) == min(limit, len(wanted) - len(found))
            found += names
            after = page["next"]
            if after is None:
                break
        assert found == wanted

    @rule(
        account=accounts,
        prefix=st.sampled_from(PREFIXES),
        delimiter=st.sampled_from(DELIMITERS),
        limit=st.integers(1, 4),
        values=st.booleans(),
    )
    def list_level(
        self, account: str, prefix: str, delimiter: str, limit: int, values: bool
    ) -> None:
        members: dict[str, Any] = {
            "prefix": prefix,
            "delimiter": delimiter,
            "limit": limit,
            "values": values,
            "details": True,
        }
        try:
            wanted = self.model.level(account, prefix, delimiter)
        except Refused as refused:
            answer = self.service.post(account, "list", json.dumps(members))
            self.expect(answer, refused)
            return
        found: dict[str, int | None] = {}
        while True:
            answer = self.service.post(account, "list", json.dumps(members))
            assert int(answer.headers["KV-Revision"]) == self.model.revision
            page = answer.json
            names = list(page["data"] if values else page["keys"])
            assert page["details"] == {
                key: {
                    "size": len(self.model.rows[key].text.encode()),
                    "revision": self.model.rows[key].revision,
                }
                for key in names
            }
            entries = dict.fromkeys(names) | {
                level["prefix"]: level["keys"] for level in page["prefixes"]
            }
            assert len(entries) == min(limit, len(wanted) - len(found))
            found |= entries
            members["after"] = page["next"]
            if page["next"] is None:
                break
        assert found == wanted

    @rule(account=accounts, key=keys)
    def get_one(self, account: str, key: str) -> None:
        answer = self.service.call(account, "GET", path_of(key))
        try:
            rows = self.model.read(account, [key])
            if not rows:
                raise Refused(404, "not_found")
        except Refused as refused:
            self.expect(answer, refused)
            return
        assert answer.text == rows[key].text
        assert answer.headers["ETag"] == f'"{rows[key].revision}"'

    @rule(
        account=accounts,
        key=keys,
        text=st.sampled_from(TEXTS),
        kind=st.sampled_from(["own", "other", None, "any"]),
    )
    def put_one(self, account: str, key: str, text: str, kind: str | None) -> None:
        headers, wanted = self.preconditions(key, kind)
        answer = self.service.call(account, "PUT", path_of(key), text, **headers)
        try:
            self.model.write(account, {key: text}, wanted)
        except Refused as refused:
            self.expect(answer, refused)
            return
        assert answer.status == 204
        assert answer.headers["ETag"] == f'"{self.model.revision}"'

    def preconditions(
        self, key: str, kind: str | None
    ) -> tuple[dict[str, str], dict[str, int | None]]:
        if kind == "any":
            return {}, {}
        if kind is None:
            return {"If_None_Match": "*"}, {key: None}
        revision = self.revision_like(key, kind)
        return {"If_Match": f'"{revision}"'}, {key: revision}

    @rule(account=accounts, key=keys)
    def delete_one(self, account: str, key: str) -> None:
        answer = self.service.call(account, "DELETE", path_of(key))
        try:
            if not self.model.delete(account, [key], {}):
                raise Refused(404, "not_found")
        except Refused as refused:
            self.expect(answer, refused)
            return
        assert answer.status == 204
        assert int(answer.headers["KV-Revision"]) == self.model.revision

    def teardown(self) -> None:
        everything = self.service.post("all", "list", '{"values": true}')
        assert everything.texts == {k: r.text for k, r in self.model.rows.items()}


@pytest.fixture(scope="module")
def service(
    tarantools: Tarantools, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    with (
        tarantools.running() as tarantool,
        service_process(
            tmp_path_factory.mktemp("model"), **environ_for(tarantool)
        ) as process,
    ):
        service = Service(process.url)
        for name, grants in GRANTS.items():
            service.enter(name)
            set_grants(tarantool, name, *grants)
        yield service
        service.close()


SETTINGS = settings(
    deadline=None,
    database=None,
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    report_multiple_bugs=False,
)
#: Faults as they are found.
UNSHRUNK = settings(SETTINGS, phases=[Phase.generate])


def test_the_service_does_what_the_model_does(service: Service) -> None:
    class Run(Comparison):
        pass

    Run.service = service
    run_state_machine_as_test(Run, settings=SETTINGS)


def test_a_model_that_does_something_else_is_noticed(service: Service) -> None:
    """The control: one that increments the revision when nothing is deleted."""

    class Other(Model):
        def delete(
            self, account: str, keys: list[str], wanted: Mapping[str, int | None]
        ) -> int:
            deleted = super().delete(account, keys, wanted)
            self.revision += not deleted
            return deleted

    class Run(Comparison):
        def __init__(self) -> None:
            super().__init__()
            self.model = Other(self.model.revision)

    Run.service = service
    with pytest.raises(AssertionError):
        run_state_machine_as_test(
            Run, settings=settings(SETTINGS, phases=[Phase.generate])
        )
