"""Other versions of the code and of the migrations, and nodes that change to them."""

import shutil
import signal
from pathlib import Path

from service.process.local_cluster import node_environ
from tests.support.cluster import Cluster, Node
from tests.support.machine import ROOT, wait_until
from tests.support.tarantool import START_TIMEOUT, evaluated

STATUS = "kv.v1.status()"
ADDED = "box.space.added ~= nil"

#: The procedure of the new version.
NAME = "kv.v1.added"
PROCEDURE = f"box.space._func.index.name:get('{NAME}') ~= nil"

#: Why a node of the old version does not start after a migration.
FILE_IS_MISSING = "9999_added was applied here, but its file"

MIGRATION = """
return {{
    up = function()
        box.schema.space.create('added'):create_index('primary')
    end,
    compatible = {compatible},
}}
"""

#: At the end of the module of the procedures.
NEW_PROCEDURE = "\n\nfunction M.added()\n    return 'added'\nend\n\nreturn M\n"

#: In the service: it is ready when it can call the new procedure, too.
READY = "self._nodes.check_leader()\n"
NEW_READY = f"await self._call('{NAME}')\n"


def new_version(folder: Path, *, compatible: bool) -> Path:
    """The folder lua/ of a version with another procedure and another migration."""
    lua = folder / "lua"
    shutil.copytree(ROOT / "lua", lua)
    shutil.copytree(ROOT / "migrations", folder / "migrations")
    (folder / "migrations" / "9999_added.lua").write_text(
        MIGRATION.format(compatible=str(compatible).lower())
    )
    procedures = lua / "kv" / "api" / "v1.lua"
    text = procedures.read_text().rstrip().removesuffix("return M").rstrip()
    procedures.write_text(text + NEW_PROCEDURE)
    return lua


def new_service(folder: Path) -> Path:
    """A checkout with a service that calls the new procedure."""
    shutil.copytree(ROOT / "service", folder / "service")
    client = folder / "service" / "storage" / "client.py"
    text = client.read_text()
    assert text.count(READY) == 1
    client.write_text(text.replace(READY, NEW_READY))
    return folder


def use(node: Node, lua: Path, number: signal.Signals = signal.SIGKILL) -> None:
    """Restarts a node with this code.

    :param number: the signal that ends it
    """
    node.kill(number)
    node.environ |= node_environ(node.port, lua)
    node.start()


def leads(node: Node) -> bool:
    return bool(evaluated(node, STATUS)["leads"])


def wait_for_duties(cluster: Cluster, *, other_than: Node | None = None) -> Node:
    """Waits for a leader that has published its procedures."""
    node = cluster.wait_for_leader(other_than=other_than)
    wait_until(lambda: leads(node), START_TIMEOUT)
    return node


def is_upgraded(node: Node) -> bool:
    return bool(evaluated(node, f"{ADDED} and {PROCEDURE}"))
