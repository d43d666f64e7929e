"""Settings.from_env: values that stop the start, each with a reason that names it."""

import pytest

from service.settings import Settings, SettingsError
from tests.support.service import service_links


def reason_of(environ: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as refused:
        Settings.from_env(environ)
    return str(refused.value)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("https://app.example.com/", "is not an origin"),
        ("https://app.example.com/path", "is not an origin"),
        ("https://app.example.com?x", "is not an origin"),
        ("app.example.com", "is not an origin"),
        ("//app.example.com", "is not an origin"),
        ("https://*.example.com", "is not an origin"),
        ("https://App.example.com", "is not an origin"),
        ("HTTPS://app.example.com", "is not an origin"),
        ("https://user@app.example.com", "is not an origin"),
        ("https://b\xfccher.example", "is not an origin"),
        ("https://a.example https://b.example", "is not an origin"),
        ("https://a.example,", "is not an origin"),
        ("https://", "is not an origin"),
        ("https://a.example:", "is not an origin"),
        ("https://a.example:0443", "is not an origin"),
        ("https://a.example:443", "has the default port"),
        ("http://a.example:80", "has the default port"),
        ("*,https://a.example", "expected no others"),
        ("null", "null is the origin of any sandboxed page"),
        ("https://a.example,null", "null is the origin of any sandboxed page"),
    ],
)
def test_a_value_that_is_no_list_of_origins_stops_the_start(
    value: str, reason: str
) -> None:
    found = reason_of({"KV_CORS_ORIGINS": value})
    assert found.startswith("KV_CORS_ORIGINS: ")
    assert reason in found


@pytest.mark.parametrize(
    "value",
    [
        *("https://kv.example.com", "kv.example.com:5000", "*.example.com", "a b"),
        *(
            "kv.example.com,",
            ",",
            "kv..example.com",
            ".",
            "..a",
            "-a.example",
            "m\xfcnchen",
        ),
        *("kv.example.com/", "[::1]", "user@kv", "**", "a,*.b"),
    ],
    ids=ascii,
)
def test_a_value_that_is_no_list_of_names_stops_the_start(value: str) -> None:
    reason = reason_of({"KV_ALLOWED_HOSTS": value})
    assert reason.startswith("KV_ALLOWED_HOSTS: ")
    assert "is not a host name: expected" in reason


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("KV_SERVICE", "10.96.0.12"),
        ("KV_SERVICE_HOSTS", "10.96.0.12"),
        ("KV_MAX_KEY_PORT", "5000"),
        ("KV_PORTS", "tcp://10.96.0.12:5000"),
        ("KV_PORT_TCP", "tcp://10.96.0.12:5000"),
        ("KV_PORT_X_TCP", "tcp://10.96.0.12:5000"),
        ("KV_PORT", "http://10.96.0.12:5000"),
        ("KV_TARANTOOL_URL", "tcp://10.96.0.12:3301"),
    ],
)
def test_another_variable_is_still_refused_next_to_a_service(
    variable: str, value: str
) -> None:
    links = service_links("kv-tarantool", (3301, "tcp"))
    reason = reason_of(links | {variable: value})
    assert reason.startswith(variable)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("KV_NO_SUCH_SETTING", "1"),
        ("KV_PORT", "65536"),
        ("KV_PORT", "http"),
        ("KV_METRICS_PORT", "5000"),
        ("KV_METRICS_PORT", "on"),
        ("KV_METRICS_TOKEN_FILE", "/no/such/file"),
        ("KV_TOKEN_TTL", "0"),
        ("KV_TOKEN_TTL", "-1"),
        ("KV_BCRYPT_ROUNDS", "3"),
        ("KV_BCRYPT_ROUNDS", "17"),
        ("KV_WAL_MODE", "none"),
        ("KV_REGISTRATION", "shut"),
        ("KV_ACCESS_LOG", "loud"),
        ("KV_LOG_FORMAT", "xml"),
        ("KV_LOG_LEVEL", "loud"),
        ("KV_COMPRESSION", "gzip"),
        ("KV_CONSOLE", "1"),
        ("KV_TRUSTED_PROXIES", "proxy.example.org"),
        ("KV_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("KV_TRUSTED_PROXIES", "10.0.0.1,"),
        ("KV_MEMTX_MEMORY", "1"),
        ("KV_MAX_KEYS", "1.5"),
        ("KV_TARANTOOL_URI", "no address"),
        ("KV_TARANTOOL_URI", "127.0.0.1:3301,"),
        ("KV_JWT_SECRET", "short"),
        ("KV_JWT_SECRET_FILE", "/no/such/file"),
        ("KV_TARANTOOL_PASSWORD_FILE", "/"),
        ("ADMIN_PASSWORD_FILE", "/dev/null"),
    ],
)
def test_a_value_that_cannot_be_used(variable: str, value: str) -> None:
    reason = reason_of({variable: value})
    assert variable in reason or value in reason
    assert "Unknown error" not in reason


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    address = {"KV_TARANTOOL_URI": "user:password123@127.0.0.1:3301"}
    reason = reason_of(address)
    assert "KV_TARANTOOL_URI" in reason
    assert "password123" not in reason


def test_a_buffer_limit_below_the_largest_body() -> None:
    environ = {"KV_MAX_HELD": "1000", "KV_MAX_BODY": "1001"}
    reason = reason_of(environ)
    assert "KV_MAX_HELD" in reason
    assert "KV_MAX_BODY" in reason


@pytest.mark.parametrize("given", ["ADMIN_LOGIN", "ADMIN_PASSWORD"])
def test_half_an_administrator(given: str) -> None:
    reason = reason_of({given: "admin"})
    assert reason == "ADMIN_LOGIN and ADMIN_PASSWORD go together: set both"


def test_a_buffer_limit_below_the_largest_body_for_each_worker() -> None:
    environ = {"KV_MAX_HELD": "1999", "KV_MAX_BODY": "1000", "KV_WORKERS": "2"}
    assert reason_of(environ) == (
        "KV_MAX_HELD / KV_WORKERS must not be less than KV_MAX_BODY"
    )


@pytest.mark.parametrize("number", ["0", "33", "two"])
def test_a_number_that_cannot_be_used(number: str) -> None:
    reason = reason_of({"KV_WORKERS": number})
    assert reason.startswith("KV_WORKERS: ")


@pytest.mark.parametrize(
    ("given", "access_log"),
    [("0", "off"), ("1", "all"), ("off", "off"), ("errors", "errors"), ("all", "all")],
)
def test_former_values_of_the_access_log(given: str, access_log: str) -> None:
    assert Settings.from_env({"KV_ACCESS_LOG": given}).access_log == access_log
