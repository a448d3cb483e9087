"""The proof is printed for somebody who decides: on one sheet. Pages are found by one field."""

import re

from playwright.sync_api import Browser
from tests.browser.walk import walked

from recoup.db.server import ServerAddress
from recoup.people.page.endpoint import COOKIE

_FILL = """() => {
  const row = (table) => { for (let n = 0; n < 60;
    n++) table.append(table.lastElementChild.cloneNode(true)); };
  document.querySelectorAll(".backtest details tbody").forEach(row);
}"""


def test_a_back_test_prints_on_one_sheet_and_ctrl_k_finds_a_page(
    server: ServerAddress, browser: Browser
) -> None:
    with walked(server) as house:
        context = browser.new_context(base_url=house.address)
        context.add_cookies(
            [{"name": COOKIE, "value": house.cookie("owner"), "url": house.address}]
        )
        page = context.new_page()
        page.goto(f"/backtests/{house.ground.a.ids['backtest']}")
        page.evaluate(_FILL)
        assert len(re.findall(rb"/Type /Page\b", page.pdf(format="A4"))) == 1
        page.keyboard.press("Control+k")
        page.wait_for_url("**/find")
        page.keyboard.type("retry pol")
        assert [one.inner_text() for one in page.locator(".found li:visible").all()] == [
            "Retry policy",
            "Change the retry policy",
        ]
        page.keyboard.press("Enter")
        page.wait_for_url("**/policy")
        page.goto("/find")
        page.keyboard.type("prove")
        found = [one.get_attribute("href") for one in page.locator(".found li:visible a").all()]
        assert found[0] == "/backtests"
        assert "/imports" in found
        page.locator("#find-q").fill("ana@payer.example")
        assert page.locator("#find-none").is_visible()
        page.goto("/find")
        page.keyboard.type("SUB-no-page-has-this")
        page.keyboard.press("Enter")
        page.wait_for_url("**/orders?q=SUB-no-page-has-this")
        context.close()
