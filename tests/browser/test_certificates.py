"""A compliance certificate is printed for an acquirer: on two sheets at most, with what matters on
the first."""

import re

from playwright.sync_api import Browser
from tests.browser.walk import walked
from tests.rings import drawn

from recoup.db.server import ServerAddress
from recoup.people.page.endpoint import COOKIE

LIMITS, SCHEMES = 16, 4  # what a shop with four card schemes has
_FILL = """(numbers) => numbers.forEach((number, at) => {
  const rows = document.querySelectorAll(".certificate tbody")[at];
  while (rows.children.length < number) rows.append(rows.lastElementChild.cloneNode(true));
})"""


@drawn("browser", "paper", ["A4", "Letter"], 1)
def test_a_certificate_prints_on_two_sheets(
    server: ServerAddress, browser: Browser, paper: str
) -> None:
    with walked(server) as house:
        context = browser.new_context(base_url=house.address)
        context.add_cookies(
            [{"name": COOKIE, "value": house.cookie("owner"), "url": house.address}]
        )
        page = context.new_page()
        page.goto(f"/reports/certificates/{house.ground.a.ids['certificate']}")
        page.evaluate(_FILL, [LIMITS, SCHEMES])
        assert page.locator(".certificate tbody tr").count() >= LIMITS + SCHEMES
        printed = page.pdf(format=paper)
        context.close()
    assert len(re.findall(rb"/Type /Page\b", printed)) <= 2
