"""The documentation in a real browser: forms that call, secrets that stay, search, and all of it
without script too."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, expect
from tests.browser.visiting import DESKTOP, PHONE, visiting
from tests.docs.docs_server import Documented, documented
from tests.docs.operations import own_dialects
from tests.docs.test_signature_script import signed
from tests.rings import drawn

from recoup.db.server import ServerAddress

SECRET = "sk_test_only_this_page_may_know_it"


@pytest.fixture(scope="module")
def site(server: ServerAddress) -> Iterator[Documented]:
    with documented(server, own_dialects()) as running:
        yield running


@contextmanager
def opened(browser: Browser, site: Documented, path: str, **more: Any) -> Iterator[Page]:
    with visiting(browser, site.address, **more) as page:
        page.goto(path)
        yield page


def stored(page: Page) -> str:
    """Everything that outlives the page, as text."""
    kept = page.evaluate(
        "async () => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, "
        "location.href,"
        " await indexedDB.databases(), await caches.keys(), history.state])"
    )
    return str(kept) + json.dumps(page.context.storage_state())


def called(sent: list[Request]) -> list[Request]:
    """The calls of scripts among what the browser asked for."""
    return [one for one in sent if one.resource_type == "fetch"]


def test_the_stablecoin_secret_signs_here_and_goes_nowhere(
    browser: Browser, site: Documented
) -> None:
    with opened(browser, site, "/docs/stablecoin") as page:
        sent: list[Request] = []
        page.on("request", lambda request: sent.append(request))
        page.get_by_label("Key id").fill("pk_test_1")
        page.get_by_label("Secret").fill(SECRET)
        charge = page.locator("#post-charges")
        charge.get_by_text("Try it").click()
        expect(charge.get_by_text("Response", exact=True)).to_be_hidden()
        charge.get_by_role("button", name="Send POST /api/v1/charges").click()
        expect(charge.get_by_text("Response", exact=True)).to_be_visible()
        orders = page.locator("#get-orders")
        orders.get_by_text("Try it").click()
        orders.get_by_label("Query").fill("status=paid&limit=1")
        orders.get_by_role("button").last.click()
        expect(orders.locator("[data-answered]")).not_to_be_empty()
        calls = called(sent)
        assert [one.method for one in calls] == ["POST", "GET"]
        first = calls[0]
        headers = first.all_headers()
        body = first.post_data or ""
        assert json.loads(body)["channel"] == "mock"
        assert headers["x-api-key"] == "pk_test_1"
        assert headers["x-signature"] == signed(
            SECRET, method="POST", path="/api/v1/charges", stamp=headers["x-timestamp"], body=body
        )
        times = [one.all_headers()["x-timestamp"] for one in calls]
        assert len(set(times)) == 2, "a signature works once: each call takes a second of its own"
        for one in sent:
            assert SECRET not in f"{one.url} {one.all_headers()} {one.post_data}"
            assert one.url.startswith(site.address)
        assert SECRET not in stored(page)
        shown = charge.locator("[data-sent]").inner_text()
        assert "POST /api/v1/charges" in shown
        assert headers["x-signature"] in shown
        assert SECRET not in page.inner_text("body")
        page.reload()
        expect(page.get_by_label("Secret")).to_have_value("")


def test_a_rescue_call_fetches_one_token_and_keeps_it_in_memory(
    browser: Browser, site: Documented
) -> None:
    with opened(browser, site, "/docs/rescue") as page:
        sent: list[Request] = []
        page.on("request", lambda request: sent.append(request))
        evaluate = page.locator("#post-evaluate")
        evaluate.get_by_text("Try it").click()
        evaluate.get_by_role("button", name="Send POST").click()
        expect(evaluate.locator("[data-answered]")).to_contain_text("Fill in the credentials")
        page.get_by_label("App key").fill(site.keys.app_key)
        page.get_by_label("App secret").fill(site.keys.app_secret)
        evaluate.get_by_role("button", name="Send POST").click()
        expect(evaluate.locator("[data-answered]")).to_contain_text('"status": "SUBMITTED"')
        expect(evaluate.locator("[data-answered]")).to_contain_text("x-request-id: ")
        assert "200 OK" in evaluate.locator("[data-answered]").inner_text()
        answered = evaluate.locator("[data-answered]").inner_text().partition("\n\n")[2]
        order_id = json.loads(answered)["orderId"]
        cancel = page.locator("#post-orders-id-cancel")
        cancel.get_by_text("Try it").click()
        cancel.get_by_role("button", name="Send POST").click()
        expect(cancel.locator("[data-answered]")).to_contain_text("Fill in ORDER_ID")
        cancel.get_by_label("ORDER_ID").fill(order_id)
        cancel.get_by_role("button", name="Send POST").click()
        expect(cancel.locator("[data-answered]")).to_contain_text("200 OK")
        calls = called(sent)
        paths = [one.url.removeprefix(site.address) for one in calls]
        assert paths == ["/v1/oauth2/token", "/v1/evaluate", f"/v1/orders/{order_id}/cancel"]
        others = [one for one in sent if one is not calls[0]]
        assert all(
            site.keys.app_secret not in f"{one.url} {one.all_headers()} {one.post_data}"
            for one in others
        )
        token = calls[1].all_headers()["authorization"].removeprefix("Bearer ")
        kept = stored(page)
        assert site.keys.app_secret not in kept
        assert token not in kept
        assert token not in page.inner_text("body")


def test_a_wrong_secret_and_a_wrong_body_show_what_the_api_says(
    browser: Browser, site: Documented
) -> None:
    with opened(browser, site, "/docs/rescue") as page:
        page.get_by_label("App key").fill(site.keys.app_key)
        page.get_by_label("App secret").fill("wrong")
        evaluate = page.locator("#post-evaluate")
        evaluate.get_by_text("Try it").click()
        evaluate.get_by_role("button", name="Send POST").click()
        expect(evaluate.locator("[data-answered]")).to_contain_text("No token")
        page.get_by_label("App secret").fill(site.keys.app_secret)
        evaluate.get_by_label("Body").fill('{"isDeclined": true}')
        evaluate.get_by_role("button", name="Send POST").click()
        expect(evaluate.locator("[data-answered]")).to_contain_text("400 Bad Request")
        expect(evaluate.locator("[data-answered]")).to_contain_text(
            "Merchant's orderId is required"
        )


def test_search_finds_while_typing_and_goes_there_by_keyboard(
    browser: Browser, site: Documented
) -> None:
    with opened(browser, site, "/docs") as page:
        page.keyboard.press("/")
        page.keyboard.type("attempt.declined")
        found = page.locator("#found a")
        expect(found.first).to_contain_text("attempt.declined")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(page).to_have_url(f"{site.address}/docs/rescue#webhook-attempt-declined")
        asked: list[Request] = []
        page.on("request", lambda request: asked.append(request))
        page.get_by_placeholder("Search").fill("expiryDateUtc")
        expect(page.locator("#found a", has_text="Hand a decline over")).to_be_visible()
        page.get_by_placeholder("Search").fill("zebra crossing")
        expect(page.locator("#found")).to_contain_text("Nothing found")
        assert {one.url for one in called(asked)} <= {f"{site.address}/docs/search.json"}
        page.keyboard.press("Escape")
        expect(page.locator("#found")).to_be_hidden()


FIELD_WORDS = {
    "chargeback": "disputes",
    "Chargebacks": "disputes",
    "retrieval request": "disputes",
    "VAMP": "disputes#monitoring-programmes",
    "dunning": "engine",
    "smart retries": "engine",
    "retry": "engine#set-a-retry-policy",
    "subscription": "connect#from-a-billing-system",
    "subscriptions": "connect#from-a-billing-system",
    "decline code": "connect#the-declined-transaction",
    "SDK": "connect#use-a-client",
    "3DS": "risk-and-advances#when-the-bank-wants-a-confirmation",
    "SCA": "risk-and-advances#when-the-bank-wants-a-confirmation",
    "fraud": "risk-and-advances#the-risk-check",
    "payout": "money#payout",
    "bank transfer": "money#payout",
    "partial refund": "money#refunds",
    "pre-auth": "money#captures",
    "statement descriptor": "money#what-customers-see",
    "webhook": "webhooks",
    "webhook signature": "webhooks#check-the-signature",
    "verify webhook signature": "webhooks#check-the-signature",
    "ngrok": "webhooks#on-your-own-machine",
    "webhook retries": "webhooks#a-receiver-that-is-down",
    "account updater": "cards#replaced-cards",
    "idempotency key": "errors#when-to-repeat-a-call",
    "API key": "people-and-partners#keys",
    "2FA": "people-and-partners#your-account",
    "KYC": "people-and-partners#become-a-merchant",
    "quickstart": "first-payment",
    "gateway": "processors",
    "pay by link": "payment-links",
    "instalment": "payment-links#parts",
    "A/B test": "prove-it#compare-engine-and-schedule",
    "MT940": "money#compare-a-statement",
    "GDPR": "security",
    "docker": "operate",
    "test card number": "test-cards",
    "early fraud warning": "disputes#fraud-warnings",
    "network token": "cards#network-tokens",
}


def test_search_takes_the_words_of_the_field(browser: Browser, site: Documented) -> None:
    with opened(browser, site, "/docs") as page:
        page.get_by_placeholder("Search").fill("attempt.declined")
        expect(page.locator("#found a").first).to_be_visible()
        found = {}
        for words in FIELD_WORDS:
            page.get_by_placeholder("Search").fill(words)
            found[words] = page.locator("#found a").first.get_attribute("href")
    assert found == {words: f"/docs/{path}" for words, path in FIELD_WORDS.items()}


def test_a_language_chosen_once_is_chosen_for_the_page(browser: Browser, site: Documented) -> None:
    with opened(browser, site, "/docs/rescue") as page:
        page.locator("#post-evaluate label", has_text="Python").click()
        expect(page.locator('#get-orders pre[data-language="Python"]')).to_be_visible()
        expect(page.locator('#get-orders pre[data-language="curl"]')).to_be_hidden()
        keys = [orders_of(page)]
        page.reload()
        keys.append(orders_of(page))
    assert [len(one) for one in keys] == [1, 1], "one visit is one order, in samples and forms"
    assert keys[0] != keys[1], "and each visit another"


def orders_of(page: Page) -> set[str]:
    """Their numbers in all samples and forms."""
    page.wait_for_function(
        "!document.querySelector('main').textContent.includes("
        "document.querySelector('[data-number]').dataset.number)"
    )
    body = page.locator("#post-evaluate [data-body]").input_value()
    return set(re.findall(r"key-([0-9a-f]{10})", page.locator("main").inner_text() + body))


@drawn("browser", "size", [DESKTOP, PHONE], 1)
def test_without_script_everything_can_be_read_and_nothing_is_wider_than_the_screen(
    browser: Browser, site: Documented, size: tuple[int, int]
) -> None:
    with opened(browser, site, "/docs", script=False, size=size) as page:
        expect(page.get_by_placeholder("Search")).to_be_hidden()
        for path in (
            "/docs/rescue",
            "/docs/stablecoin",
            "/docs/webhooks",
            "/docs/test-cards",
            "/docs/first-payment",
        ):
            page.goto(path)
            box = page.locator("main").bounding_box()
            assert box is not None
            assert box["width"] <= size[0]
        page.goto("/docs/rescue#post-evaluate")
        evaluate = page.locator("#post-evaluate")
        expect(evaluate.get_by_text("Try it")).to_be_hidden()
        evaluate.locator("label", has_text="Python").click()
        expect(evaluate.locator('pre[data-language="Python"]')).to_be_visible()
        expect(evaluate.locator('pre[data-language="curl"]')).to_be_hidden()
        evaluate.get_by_text("fields inside").first.click()
        expect(evaluate.get_by_text("responseCodeSource").first).to_be_visible()
