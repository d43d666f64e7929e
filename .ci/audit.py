"""The vulnerability check: pip-audit, which fails if it finds no advisories.

With a package index that has no advisories, pip-audit skips every package and succeeds.
So this program first checks an old version that is known to be vulnerable, and a
skipped package makes the result unknown.

Its arguments go to pip-audit.

Exit code 0: no known vulnerability; 1: some; 2: unknown, no advisories.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
REQUIREMENTS = [ROOT / f"requirements{part}.txt" for part in ("", "-otel", "-dev")]

#: CVE-2017-11424.
VULNERABLE = "pyjwt==1.5.0"

CLEAN, VULNERABILITIES, UNKNOWN = 0, 1, 2

Dependencies = list[dict[str, Any]]


def audited(*options: str | Path) -> Dependencies:
    """The packages that pip-audit reports; none if it fails."""
    program = Path(sys.executable).with_name("pip-audit")
    run = subprocess.run(  # noqa: S603 - constants, and the operator's arguments
        [program, "--disable-pip", "--format=json", *sys.argv[1:], *options],
        capture_output=True,
        text=True,
    )
    if not run.stdout:
        print(run.stderr.strip().rpartition("\n")[2], file=sys.stderr)
        return []
    found: Dependencies = json.loads(run.stdout)["dependencies"]
    return found


def vulnerable(dependencies: Dependencies) -> list[str]:
    return [
        f"{found['name']} {found['version']}: {advisory['id']}, "
        f"fixed in {', '.join(advisory['fix_versions']) or 'no version'}"
        for found in dependencies
        for advisory in found.get("vulns", [])
    ]


def knows_advisories() -> bool:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(VULNERABLE)
        file.flush()
        return bool(vulnerable(audited("--no-deps", "-r", file.name)))


def main() -> int:
    if not knows_advisories():
        print(f"audit: unknown, no advisories: no advisory for {VULNERABLE}")
        return UNKNOWN
    dependencies = audited("--require-hashes", *(f"-r{path}" for path in REQUIREMENTS))
    faults = vulnerable(dependencies)
    for fault in faults:
        print(f"audit: {fault}")
    if faults:
        return VULNERABILITIES
    left_out = [found["name"] for found in dependencies if "skip_reason" in found]
    if left_out or not dependencies:
        print(f"audit: unknown, no advisory for {', '.join(left_out) or 'any package'}")
        return UNKNOWN
    print(f"audit: {len(dependencies)} packages, no known vulnerability")
    return CLEAN


if __name__ == "__main__":
    sys.exit(main())
