"""Assertions on replies that every suite makes."""

from http import HTTPStatus

from tests.support.client import Reply

#: What a reply would contain if an exception, a path or a stack got into it.
TRACES = ("Traceback", "Exception", "codec can't", "site-packages", ".py", ".lua")


def assert_problem(reply: Reply, status: int, code: str) -> str:
    """Returns the detail."""
    assert (reply.status, reply.json["code"]) == (status, code), reply.text
    assert reply.headers["Content-Type"] == "application/problem+json"
    problem = reply.json
    assert problem["status"] == status
    assert problem["title"] == HTTPStatus(status).phrase
    assert problem["detail"]
    assert problem["error"] == problem["detail"]
    assert problem["instance"] == f"urn:request:{reply.headers['X-Request-Id']}"
    assert not [trace for trace in TRACES if trace in reply.text]
    return str(problem["detail"])
