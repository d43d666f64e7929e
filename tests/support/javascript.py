"""The pure modules of service/console/, run by Node.js without a browser."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.machine import ROOT

#: Seconds for the program, on a busy machine.
TIMEOUT = 60.0

#: The web console's files.
CONSOLE = ROOT / "service" / "console"

#: The import declarations at the beginning of a module.
IMPORTS = re.compile(r'(?:\s*import\b[^;]*?["\'][^"\'\n]*["\']\s*;?)*')

SCRIPT = """
import {{ readFileSync as readInput }} from "node:fs";
{imports}
const input = JSON.parse(readInput(0, "utf8"));
const result = await (async () => {{
{code}
}})();
console.log("\\n" + JSON.stringify(result ?? null));
"""


def node() -> str:
    """The program: the one of the virtual environment, else the one on the PATH.

    :raises AssertionError: there is none
    """
    own = Path(sys.executable).with_name("node")
    found = str(own) if own.exists() else shutil.which("node")
    assert found, "node is missing: requirements-dev.txt brings it (make .venv/dev)"
    return found


def evaluate(code: str, argument: object = None, *, folder: Path = CONSOLE) -> Any:
    """The result of the code, converted by JSON.

    The code is the body of an async function after import declarations, whose paths are
    relative to the folder. It sees the argument as `input`:
    `import { format } from "./text/json-text.js"; return format(input)`.

    :raises AssertionError: it raised an error
    """
    imports = IMPORTS.match(code)
    assert imports is not None
    script = SCRIPT.format(imports=imports[0], code=code[imports.end() :])
    run = subprocess.run(
        [node(), "--input-type=module", "-e", script],
        cwd=folder,
        input=json.dumps(argument),
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.rstrip("\n").rpartition("\n")[2])
