"""Checks the direction of the requires between the Lua modules of a folder.

A module may require modules of lower layers, and those of its package without a cycle.

    python .ci/lua_layers.py [FOLDER]

Exit code 0: all requires point downward; 1: some do not, one line for each.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]

#: From the highest to the lowest. Packages of one layer must not require each other.
LAYERS = (
    ("init", "roles"),
    ("kv.script_mode",),
    ("kv.start",),
    ("kv.leadership",),
    ("kv.exports", "kv.config", "kv.migrator"),
    ("kv.api", "kv.admin"),
    ("kv.metrics",),
    ("kv.backup",),
    ("kv.data",),
    ("kv.accounts",),
    ("kv.capacity",),
    ("kv.base",),
)
LEVELS = {package: level for level, layer in enumerate(LAYERS) for package in layer}

COMMENT = re.compile(r"--.*")
REQUIRE = re.compile(r"\brequire\b(?:\s*\(?\s*(?:'([\w.]+)'|\"([\w.]+)\"))?")

Requires = dict[str, set[str]]


def module_name(path: Path) -> str:
    """As `require` takes it."""
    parts = list(path.with_suffix("").parts)
    if len(parts) > 1 and parts[-1] == "init":
        parts.pop()
    return ".".join(parts)


def package_of(module: str) -> str | None:
    """The entry of `LAYERS` that a module belongs to."""
    for package in LEVELS:
        if module == package or module.startswith(f"{package}."):
            return package
    return None


def read_modules(folder: Path) -> tuple[Requires, list[str]]:
    """Each module with the modules of the folder that it requires, and faults."""
    names = {
        path: module_name(path.relative_to(folder)) for path in folder.rglob("*.lua")
    }
    modules: Requires = {name: set() for name in names.values()}
    faults = []
    for path, name in sorted(names.items()):
        for match in REQUIRE.finditer(COMMENT.sub("", path.read_text())):
            required = match[1] or match[2]
            if required is None:
                faults.append(f"{name}: the argument of a require is not a literal")
            elif required in modules:
                modules[name].add(required)
            elif required.startswith("kv."):
                faults.append(f"{name} requires {required}, which does not exist")
    return modules, faults


def wrong_directions(modules: Requires) -> Iterator[str]:
    """A sentence for each require that does not point downward."""
    for name, required in sorted(modules.items()):
        package = package_of(name)
        if package is None:
            yield f"{name} belongs to no layer of .ci/lua_layers.py"
            continue
        for other in sorted(required):
            target = package_of(other)
            if target is None or target == package:
                continue
            if LEVELS[target] < LEVELS[package]:
                yield f"{name} requires {other}, which is in a higher layer"
            elif LEVELS[target] == LEVELS[package]:
                yield f"{name} requires {other}, which is in the same layer"


def cycles(modules: Requires) -> Iterator[str]:
    """What remains when modules without requires are removed until there are none."""
    left = {name: required - {name} for name, required in modules.items()}
    while free := {name for name, required in left.items() if not required}:
        left = {name: left[name] - free for name in left.keys() - free}
    if left:
        yield f"a cycle is in these modules or below them: {', '.join(sorted(left))}"


def main(folder: Path) -> int:
    modules, faults = read_modules(folder)
    if not modules:
        faults.append(f"there are no modules in {folder}")
    faults += [*wrong_directions(modules), *cycles(modules)]
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "lua"))
