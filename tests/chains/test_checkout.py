"""The hosted page of a charge on a chain, as a payer's browser without a script sees it, on a real
node."""

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
import segno
from tests.chains.chain_door import ChainDoor, chain_door
from tests.chains.node import Anvil

from recoup.chains.paying import SHOWN_MAX, qr_svg
from recoup.db.server import ServerAddress


@pytest.fixture
def chain(server: ServerAddress, anvil: Anvil) -> Iterator[ChainDoor]:
    with chain_door(server, anvil) as made:
        yield made


class Page:
    def __init__(
        self, chain: ChainDoor, charged: dict[str, Any], query: str = "", **headers: str
    ) -> None:
        url = charged["instruction"]["checkout_url"].removeprefix("http://door.test") + query
        answer = chain.door.call("GET", url, headers=headers)
        assert answer.status_code == 200, answer.text
        self.source, self.refresh = answer.text, answer.headers.get("refresh")
        scripts = re.findall(r"<script[^>]*>", self.source)
        assert {*scripts} <= {'<script src="/static/copy-field.js" defer>'}, (
            "it copies, and nothing rests on it"
        )
        self.text = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", self.source)).split())


def test_it_says_where_to_send_what_and_then_what_came(chain: ChainDoor) -> None:
    charged = chain.charge(amount="49.90", return_url="https://shop.example/thanks")
    address = charged["instruction"]["deposit_address"]
    page = Page(chain, charged)
    assert page.refresh == "10"
    assert page.text.count("on Base") >= 2, "the network is named twice"
    for words in ("49.90 USDC", "Send USDC on Base only", "0 of 10 confirmations", "Open until"):
        assert words in page.text, words
    assert f' value="{address}" aria-describedby="address-note"' in page.source
    assert qr_svg(address) in page.source
    assert segno.make(address, error="m", micro=False).mode == "byte", (
        "the plain address, as it is written"
    )
    units = "uint256=49900000"
    token = "0x" + chain.usdc.hex()
    target = html.escape(f"{token}@31337/transfer?address={address}&{units}")
    assert f'href="ethereum:{target}"' in page.source
    assert f'href="https://link.metamask.io/send/{target}"' in page.source

    chain.poll()
    chain.pay(charged, 20_000_000)
    chain.poll()
    page = Page(chain, charged)
    for words in (
        "29.90 USDC",
        "Still missing: 20.00 of 49.90 USDC came",
        "1 of 10 confirmations",
        "Waiting for the rest",
        "29 minutes left",
    ):
        assert words in page.text, words
    assert "uint256=29900000" in page.source
    assert "0 of 10" not in page.text, "what came is counted already"

    chain.pay(charged, 29_900_000)
    chain.mine(2)
    chain.poll()
    page = Page(chain, charged)
    assert page.refresh == "5"
    assert "3 of 10 confirmations" in page.text
    assert "Send nothing more" in page.text
    assert address not in page.source, "nobody pays twice"

    chain.mine(8)
    chain.poll()
    chain.poll()
    page = Page(chain, charged)
    assert "Paid. Thank you." in page.text
    assert page.refresh is None
    assert 'href="https://shop.example/thanks"' in page.source


def test_what_goes_wrong_is_said_with_what_to_do(chain: ChainDoor) -> None:
    over, wrong, never = (chain.charge(amount="10.00") for _ in range(3))
    chain.poll()
    chain.pay(over, 12_500_000)
    chain.pay(wrong, 10_000_000, chain.usdt)
    chain.mine(10)
    chain.poll()
    chain.poll()
    assert "2.50 USDC more came than was due" in Page(chain, over).text
    page = Page(chain, wrong)
    assert "10.00 USDT : another token, it does not count" in page.text
    assert "Send USDC on Base only" in page.text
    help_page = Page(chain, never, "?still=1")
    assert help_page.refresh is None, "who reads is not disturbed"
    for words in ("Sent on another network", "Sent from an exchange", "Sent too late"):
        assert words in help_page.text, words
        assert words not in page.text


def test_dust_of_strangers_does_not_fill_the_page(chain: ChainDoor) -> None:
    charged = chain.charge(amount="10.00")
    chain.poll()
    for _ in range(SHOWN_MAX + 3):
        chain.pay(charged, 10_000)
    chain.pay(charged, 1_000_000)
    chain.mine(10)
    chain.poll()
    chain.poll()
    payment, page = chain.answer(charged)["payment"], Page(chain, charged)
    assert (len(payment["deposits"]), payment["deposit_count"]) == (SHOWN_MAX, SHOWN_MAX + 4)
    assert (payment["deposits"][-1]["amount"], payment["amount_received"]) == ("1.00", "1.53")
    assert page.source.count("0.01 USDC") == SHOWN_MAX - 1
    assert "4 older transfers are not shown. All together are 1.53 USDC." in page.text


def test_an_expired_page_asks_for_nothing_more(chain: ChainDoor) -> None:
    never, wrong = chain.charge(), chain.charge()
    chain.poll()
    chain.pay(wrong, 10_000_000, chain.usdt)
    chain.door.run(
        chain.anvil.mine(12, seconds=30)
    )  # its clock is past the end when the merchant's is
    chain.poll()
    chain.poll()
    chain.merchant.advance(seconds=1801)
    page = Page(chain, never)
    assert "The payment link has expired" in page.text
    assert "Send nothing to its address any more" in page.text
    assert (page.refresh, '<svg class="qr"' in page.source) == (None, False)
    assert "What came is not lost" in Page(chain, wrong).text


def test_it_is_not_simulated_and_speaks_five_languages(chain: ChainDoor) -> None:
    charged = chain.charge()
    page = charged["instruction"]["checkout_url"].removeprefix("http://door.test")
    assert "Simulate" not in Page(chain, charged).text
    for form in ({}, {"channel": "mock"}):
        assert chain.door.call("POST", f"{page}/pay", data=form).status_code == 409
    assert chain.answer(charged)["order"]["status"] in ("created", "pending")
    for language, words in {
        "de": "nur auf Base",
        "fr": "uniquement sur Base",
        "es": "solo por Base",
        "zh": "只能通过 Base",
    }.items():
        assert words in Page(chain, charged, **{"accept-language": language}).text, language


def test_a_payer_chooses_the_network_where_the_charge_left_it_open(chain: ChainDoor) -> None:
    charged = chain.merchant.charge(channel=None, currency="USDC")
    link = charged["instruction"]["redirect_url"].removeprefix("http://door.test")
    page = Page(chain, charged)
    assert "Which network do you send USDC on?" in page.text
    assert "usdt_local" not in page.source, "another asset"
    assert chain.door.call("POST", link, data={"channel": "usdt_local"}).status_code == 400
    for _ in range(2):  # pressed twice
        assert chain.door.call("POST", link, data={"channel": "usdc_base"}).status_code == 303
    assert "Send USDC on Base only" in Page(chain, charged).text
    body = chain.merchant.body(
        channel=None, currency="USDC", merchant_order_id=charged["order"]["merchant_order_id"]
    )
    answer = chain.merchant.post("/charges", body).json()
    assert answer["instruction"]["type"] == "crypto_address"
    assert answer["instruction"]["terms"]["net"] == "49650500", "as a charge that named it"
    chain.poll()
    chain.pay(answer, 49_900_000)
    chain.mine(10)
    chain.poll()
    assert chain.answer(charged)["order"]["status"] == "paid"
    assert (
        "Simulate success"
        in Page(chain, chain.merchant.charge(channel=None, currency="USDC"), "?simulate=1").text
    )
