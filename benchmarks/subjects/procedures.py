"""The procedures of a service's Tarantool, for calls without the service."""

from pathlib import Path
from typing import Any

import asynctnt

from benchmarks.measure.cases import Operation
from benchmarks.subjects.service import CREDENTIALS, Service
from benchmarks.subjects.subject import MIB
from service.process import secret_files

#: The procedures of one request; those of a few keys are coalesced into `read_each` and
#: `put_each`.
PROCEDURES: dict[Operation, str] = {"read": "kv.v1.read", "write": "kv.v1.put"}

USER = "kv_service"

#: The limit of a read's reply, as large as any.
MAX_REPLY = 16 * MIB

#: Seconds for a call.
CALL_TIMEOUT = 30.0


def connection_to(data: Path) -> asynctnt.Connection:
    """A connection, not open yet, as the service has it.

    :param data: the folder of the service's data
    """
    password = secret_files.read_or_create(data / secret_files.TARANTOOL_PASSWORD)
    return asynctnt.Connection(
        host="unix/",
        port=str(data / "tarantool.sock"),
        username=USER,
        password=password,
        fetch_schema=False,
        auto_refetch_schema=False,
        ping_timeout=0,
        request_timeout=CALL_TIMEOUT,
    )


def caller_of(service: Service) -> list[Any]:
    """The first argument of all procedures: an account of the service."""
    name = CREDENTIALS["username"]
    users = f"box.space.users:get('{name}')"
    return [name, service.console_number(f"{users}.credentials_version")]


def arguments(
    operation: Operation, caller: list[Any], keys: list[str], values: list[str]
) -> list[Any]:
    """:param values: JSON texts"""
    return [caller, keys, MAX_REPLY if operation == "read" else values]
