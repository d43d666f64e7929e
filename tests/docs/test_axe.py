"""The accessibility check itself: it reports faults, under the console's policy."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, Route

from service.api.console import CONSOLE_POLICY
from tests.support.axe import violations

PAGE = """<!doctype html>
<html lang="en"><head><title>A page</title><link rel="stylesheet" href="a.css"></head>
<body><main><h1>A page</h1>{}</main></body></html>
"""

STYLE = """
.pale { color: #aaa; background: #fff }
.small { inline-size: 10px; block-size: 10px; padding: 0; border: 0; display: block }
"""


class Pages:
    """Shows pages under the policy; collects the messages of the browser's console."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.messages: list[str] = []
        self._body = ""
        page.on("console", lambda message: self.messages.append(message.text))
        page.on("pageerror", lambda error: self.messages.append(str(error)))

    async def show(self, content: str) -> None:
        self._body = PAGE.format(content)
        await self.page.goto("http://console.test/")

    async def answer(self, route: Route) -> None:
        if route.request.url.endswith(".css"):
            await route.fulfill(body=STYLE, content_type="text/css")
        else:
            headers = {
                "Content-Security-Policy": CONSOLE_POLICY,
                "Content-Type": "text/html",
            }
            await route.fulfill(body=self._body, headers=headers)


@pytest.fixture
async def pages(chromium: Browser) -> AsyncIterator[Pages]:
    page = await chromium.new_page()
    shown = Pages(page)
    await page.route("**/*", shown.answer)
    yield shown
    await page.close()


async def test_a_correct_page_has_no_violations(pages: Pages) -> None:
    await pages.show("<p>Text</p><button>Save</button>")
    assert await violations(pages.page) == []
    assert pages.messages == []


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("<input>", "label: input: "),
        ("<button></button>", "button-name: button: "),
        ("<p class=pale>Pale text</p>", "color-contrast: p: "),
        (
            "<button class=small>+</button><button class=small>-</button>",
            "target-size: ",
        ),
        ("<h4>Too low</h4>", "heading-order: h4: "),
        ("<ul role=tree><li>A</li></ul>", "aria-required-children: ul: "),
    ],
)
async def test_a_violation_is_reported(content: str, rule: str, pages: Pages) -> None:
    await pages.show(content)
    found = await violations(pages.page)
    assert [line for line in found if line.startswith(rule)], found
    assert pages.messages == []


async def test_the_page_does_not_see_the_checker(pages: Pages) -> None:
    await pages.show("<p>Text</p>")
    await violations(pages.page)
    assert await pages.page.evaluate("typeof axe") == "undefined"
