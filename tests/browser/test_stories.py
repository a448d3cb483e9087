"""What people do all day, in a real browser: on a desktop and on a phone, with JavaScript and
without."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.visiting import WAYS, follow, visiting, ways
from tests.browser.walk import Walked, walked
from tests.door import FUNDS
from tests.isolation.ground import Ground

from recoup.db.server import ServerAddress
from recoup.people.page.endpoint import COOKIE

ITEMS = [{"sku": "LEAF-1", "name": "Leaf Club", "amount": 4590, "quantity": 3}]


@dataclass(frozen=True)
class Way:
    """One size of screen, with or without script, and orders of its own."""

    number: int
    house: Walked
    browser: Browser

    def order(self, kind: str) -> str:
        return str(self.house.ground.kept[kind][self.number])


def orders_for_each_way(ground: Ground) -> None:
    caller, kept = ground.a.caller, ground.kept
    for number in range(len(WAYS)):
        about = {
            "payer__email": f"way{number}@zzmark.example",
            "billingInformation__lastName": f"Way{number}",
        }
        kept.setdefault("open", []).append(
            caller.admit(paymentMethod__cardNumber=FUNDS, orderId=f"OPEN-{number}", **about)
        )
        kept.setdefault("spare", []).append(
            caller.admit(paymentMethod__cardNumber=FUNDS, orderId=f"SPARE-{number}")
        )
        kept.setdefault("paid", []).append(
            caller.admit(
                expiryDateUtc=None,
                transaction__responseCode="91",
                orderId=f"PAID-{number}",
                orderItems=ITEMS,
            )
        )
    caller.advance(hours=1)
    for number in range(len(WAYS)):
        payer = "SELECT payer_id FROM order_payer WHERE order_id = $1::text::uuid"
        kept.setdefault("payer", []).append(ground.door.sql(payer, kept["open"][number])[0][0])


@pytest.fixture(scope="module")
def house(server: ServerAddress) -> Iterator[Walked]:
    with walked(server, orders_for_each_way) as made:
        yield made


@pytest.fixture(params=ways("stories", range(len(WAYS))))
def way(request: pytest.FixtureRequest, browser: Browser, house: Walked) -> Way:
    return Way(request.param, house, browser)


@pytest.fixture
def page(way: Way) -> Iterator[Page]:
    yield from seen_by(way, "operations")


@pytest.fixture
def owners_page(way: Way) -> Iterator[Page]:
    yield from seen_by(way, "owner")


def seen_by(way: Way, role: str) -> Iterator[Page]:
    size, script = WAYS[way.number]
    with visiting(way.browser, way.house.address, size=size, script=script) as made:
        made.context.add_cookies(
            [{"name": COOKIE, "value": way.house.cookie(role), "url": way.house.address}]
        )
        yield made


def press(page: Page, dialog: str, button: str | re.Pattern[str]) -> None:
    """Opens a dialog of the page by its link, and says yes."""
    page.locator(f'a[href="#{dialog}"]').filter(visible=True).first.click()
    follow(page, page.locator(f"#{dialog}").get_by_role("button", name=button))


def test_the_work_on_an_order_is_stopped_held_and_let_go(page: Page, way: Way) -> None:
    page.goto(f"/orders/{way.order('open')}")
    expect(page.get_by_role("heading", name="Next planned attempt")).to_be_visible()
    press(page, "stop", "Stop attempts")
    follow(page, page.get_by_role("button", name="Resume attempts"))
    press(page, "retry", re.compile("Retry .* now"))
    page.reload()
    page.locator("summary", has_text="More").click()
    press(page, "hold", re.compile("^Hold "))
    expect(page.locator(".head .st")).to_have_text("On hold")
    press(page, "release", re.compile("^Release "))
    expect(page.locator(".head .st")).to_have_text("Processing")


def test_a_note_is_kept_with_its_writer(page: Page, way: Way) -> None:
    page.goto(f"/orders/{way.order('open')}")
    page.get_by_label("Add a note").fill('نورا said: "wait" <b>until</b> Friday 🦊')
    page.get_by_role("button", name="Save note").click()
    note = page.locator(".line li", has_text="<b>until</b> Friday 🦊")
    expect(note).to_be_visible()
    expect(note).to_contain_text("operations at zzmark.example")


def test_a_customer_is_blocked_and_unblocked(page: Page, way: Way) -> None:
    page.goto(f"/orders/{way.order('open')}")
    page.locator("summary", has_text="More").click()
    press(page, "block-customer", "Block this customer")
    expect(page.get_by_text("This customer is blocked:")).to_be_visible()
    page.get_by_role("button", name="Unblock").click()
    expect(page.get_by_text("This customer is blocked:")).to_be_hidden()


def test_an_order_is_cancelled_once_whoever_clicks_twice(page: Page, way: Way) -> None:
    page.goto(f"/orders/{way.order('spare')}")
    page.get_by_role("link", name="Cancel order…").click()
    page.locator("#cancel").get_by_role("button", name="Cancel order").dblclick()
    expect(page.locator(".head .st")).to_have_text("Cancelled")
    expect(page.locator(".line li h3", has_text="ancelled")).to_have_count(1)


def test_pieces_are_refunded(owners_page: Page, way: Way) -> None:
    page = owners_page  # others ask a second person from an amount on
    page.goto(f"/orders/{way.order('paid')}")
    page.get_by_role("link", name="Refund…").click()
    dialog = page.locator("#refund")
    dialog.get_by_label("By item").check()
    dialog.get_by_label("of 3 ×").fill("1")
    dialog.get_by_role("button", name="Review refund").click()
    page.locator("#review").get_by_role("button", name="Refund 15.30 USD").click()
    expect(page.get_by_role("status").first).to_contain_text("15.30 USD refunded")
    page.go_back()  # the form is not sent again by it
    page.goto(f"/orders/{way.order('paid')}")
    expect(page.locator("#refunds tbody tr")).to_have_count(1)


def test_a_view_is_saved_and_the_list_leaves_as_a_file(page: Page, way: Way) -> None:
    page.goto("/orders?status=7")
    name = f"Paid {way.number}"
    if not page.get_by_label("Name of the view").is_visible():
        page.locator("summary", has_text=re.compile("Save")).first.click()
    page.get_by_label(re.compile("[Nn]ame")).filter(visible=True).first.fill(name)
    page.get_by_role("button", name=re.compile("^Save")).filter(visible=True).first.click()
    expect(page.get_by_role("navigation", name="Views").get_by_text(name)).to_be_visible()
    page.locator("summary", has_text="Export").click()
    with page.expect_download() as arriving:
        page.get_by_role("link", name="CSV").click()
    assert b"PAID-" in arriving.value.path().read_bytes()


def test_a_customer_gets_their_data_and_is_erased(owners_page: Page, way: Way) -> None:
    page = owners_page
    page.goto(f"/customers/{way.order('payer')}")
    email = f"way{way.number}@zzmark.example"
    expect(page.get_by_text(email).first).to_be_visible()
    with page.expect_download() as arriving:
        page.get_by_role("button", name="Export data").click()
    assert email.encode() in arriving.value.path().read_bytes()
    page.goto(f"/customers/{way.order('payer')}")
    page.get_by_role("link", name="Erase…").click()
    sheet = page.locator("#erase")
    sheet.get_by_label("Type").fill("somebody else")
    follow(page, sheet.get_by_role("button", name="Erase data"))
    expect(page.locator(".notice.bad, .error").filter(visible=True).first).to_be_visible()
    page.goto(f"/customers/{way.order('payer')}#erase")
    label = page.locator("#erase label bdi").inner_text()
    page.locator("#erase").get_by_label("Type").fill(label)
    page.locator("#erase").get_by_role("button", name="Erase data").click()
    expect(page.get_by_text("Their data was erased.")).to_be_visible()
    expect(page.get_by_text(email)).to_have_count(0)


def test_desks_lead_to_what_they_are_about(page: Page) -> None:
    """From the list of each desk to one thing on it, as a person reads it."""
    for desk, link in (
        ("/disputes", "tbody a"),
        ("/settlements", "tbody a"),
        ("/refunds", "tbody a"),
        ("/reconciliation/files", "tbody a"),
        ("/orders?attention=1", "a.open"),
        ("/overview", ".tile a"),
    ):
        page.goto(desk)
        target = page.locator(f"main {link}").first
        href = target.get_attribute("href")
        assert href, desk
        answer = page.goto(href)
        assert answer is not None
        assert answer.status == 200, desk
        expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_a_developer_declines_a_payment_and_moves_the_clock(page: Page) -> None:
    page.goto("/developers")
    page.get_by_label("Amount, USD").fill("0")
    page.get_by_role("button", name="Simulate decline").click()
    expect(page.get_by_label("Amount, USD")).to_have_value("0")
    expect(page.get_by_label("Amount, USD")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Amount, USD").fill("45.90")
    page.get_by_role("button", name="Simulate decline").click()
    expect(page.get_by_role("heading", name="/evaluate answered")).to_be_visible()
