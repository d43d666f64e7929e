"""axe-core, the accessibility checker, run on pages in Chromium.

The page's policy refuses such a script. So it runs in an isolated world, which shares
the page's elements with the page's own scripts, and nothing else.
"""

import json
from functools import cache
from typing import Any

from playwright.async_api import CDPSession, Page

from tests.support.machine import ROOT

#: `make node_modules/.stamp` installs it.
PROGRAM = ROOT / "node_modules" / "axe-core" / "axe.min.js"

#: WCAG 2.2 AA, and what axe-core recommends.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

#: Rules of these tags that axe-core disables by default.
RULES = {"target-size": {"enabled": True}}

OPTIONS = {
    "runOnly": {"type": "tag", "values": TAGS},
    "rules": RULES,
    "resultTypes": ["violations"],
}

RUN = f"axe.run(document, {json.dumps(OPTIONS)}).then(found => found.violations)"


@cache
def _program() -> str:
    assert PROGRAM.exists(), "axe-core is missing: make node_modules/.stamp"
    return PROGRAM.read_text("utf-8")


async def violations(page: Page) -> list[str]:
    """What is wrong on the page, a line for each element: the rule, the element, why.

    :raises AssertionError: axe-core did not run
    """
    session = await page.context.new_cdp_session(page)
    try:
        context = await _world(session)
        await _evaluate(session, context, f"{_program()}; void 0")
        found = await _evaluate(session, context, RUN)
    finally:
        await session.detach()
    return [
        f"{rule['id']}: {' '.join(map(str, node['target']))}: {_reason(node)}"
        for rule in found
        for node in rule["nodes"]
    ]


async def _world(session: CDPSession) -> int:
    """An isolated world in the page's frame."""
    tree = await session.send("Page.getFrameTree")
    frame = tree["frameTree"]["frame"]["id"]
    world = await session.send("Page.createIsolatedWorld", {"frameId": frame})
    return int(world["executionContextId"])


async def _evaluate(session: CDPSession, context: int, code: str) -> Any:
    reply = await session.send(
        "Runtime.evaluate",
        {
            "expression": code,
            "contextId": context,
            "awaitPromise": True,
            "returnByValue": True,
        },
    )
    assert "exceptionDetails" not in reply, reply["exceptionDetails"]
    return reply["result"].get("value")


def _reason(node: dict[str, Any]) -> str:
    lines = str(node["failureSummary"]).splitlines()
    return "; ".join(line.strip() for line in lines[1:])
