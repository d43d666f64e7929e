"""The pure modules of lua/, run by the interpreter `tarantool` without an instance."""

import json
import subprocess
from typing import Any

from tests.support.console import lua
from tests.support.machine import ROOT

#: Seconds for the interpreter, on a busy machine.
TIMEOUT = 30.0

#: The names of the modules as the tests use them.
MODULES = {
    "counter": "kv.data.counter",
    "grants": "kv.accounts.grants",
    "lru": "kv.base.lru",
    "names": "kv.accounts.names",
    "normal_form": "kv.accounts.normal_form",
    "pretty_json": "kv.admin.pretty_json",
    "repeated_messages": "kv.base.repeated_messages",
    "replication": "kv.metrics.replication",
    "role": "roles.kv",
    "tarantool": "kv.metrics.tarantool",
}

SCRIPT = """
package.path = {path} .. package.path
local json = require('json')
local input = json.decode(io.read('*a'))
{requires}
local function run()
{code}
end
local ok, result = pcall(run)
if not ok then result = tostring(result) end
print(json.encode({{ok = ok, result = result}}))
os.exit(0)
"""


def evaluate(code: str, argument: object = None) -> Any:
    """The result of the code, converted by JSON.

    It sees the modules that it names, and the argument as `input`.

    :raises AssertionError: it raised an error
    """
    folder = ROOT / "lua"
    requires = [
        f"local {name} = require('{module}')"
        for name, module in MODULES.items()
        if f"{name}." in code
    ]
    script = SCRIPT.format(
        path=lua(f"{folder}/?.lua;{folder}/?/init.lua;"),
        requires="\n".join(requires),
        code=code,
    )
    run = subprocess.run(
        ["tarantool", "-e", script],
        input=json.dumps(argument),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert run.returncode == 0, run.stderr
    answer = json.loads(run.stdout.rstrip("\n").rpartition("\n")[2])
    assert answer["ok"], answer["result"]
    return answer.get("result")
