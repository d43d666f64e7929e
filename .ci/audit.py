"""Whether what is installed has known vulnerabilities: pip-audit, made honest.

Where it finds no advisories, as behind an index that has none, pip-audit leaves every
package out and calls that a success. So it is asked about an old version first that is
known to be vulnerable, and every package that it leaves out counts.

Its arguments go to pip-audit.

Exit code 0: no known vulnerability; 1: some; 2: nobody knows, for want of advisories.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
REQUIREMENTS = [ROOT / "requirements.txt", ROOT / "requirements-dev.txt"]

#: CVE-2017-11424.
VULNERABLE = "pyjwt==1.5.0"

CLEAN, VULNERABILITIES, UNKNOWN = 0, 1, 2

Dependencies = list[dict[str, Any]]


def audited(*options: str | Path) -> Dependencies:
    """What pip-audit has to say; nothing, when it has found nobody to ask."""
    program = Path(sys.executable).with_name("pip-audit")
    run = subprocess.run(  # noqa: S603 - our own words, and the operator's
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
        f"mended in {', '.join(advisory['fix_versions']) or 'no version'}"
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
        print(f"audit: NOT DONE: nobody here knows that {VULNERABLE} is vulnerable")
        return UNKNOWN
    dependencies = audited("--require-hashes", *(f"-r{path}" for path in REQUIREMENTS))
    faults = vulnerable(dependencies)
    for fault in faults:
        print(f"audit: {fault}")
    if faults:
        return VULNERABILITIES
    left_out = [found["name"] for found in dependencies if "skip_reason" in found]
    if left_out or not dependencies:
        print(f"audit: NOT DONE for {', '.join(left_out) or 'anything'}")
        return UNKNOWN
    print(f"audit: {len(dependencies)} packages, no known vulnerability")
    return CLEAN


if __name__ == "__main__":
    sys.exit(main())
