"""A vendor's bank that grants no exemption: the customer who waits is asked to confirm at once, and
what is sent after that claims nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from connectors.test_adyen_story import OfAdyen
from connectors.test_braintree_story import OfBraintree
from tests.banks import at_bank, back
from tests.risk.flows.test_risk import HOME, ask, decide, run
from tests.worlds import Shop, change_world, owner

from recoup.db.server import ServerAddress
from recoup.networks.magic import script_card
from recoup.processors.gateways.credential import Stored
from recoup.rescue.flows import charge
from recoup.rescue.flows.challenge import ChallengeAnswer, answer, show
from recoup.rescue.flows.taken import Person
from recoup.rescue.flows.tokenize import Vault
from recoup_lab.processors.faults import Faults

SAID = (
    "SELECT count(*) FROM attempts WHERE order_id = $1 AND code_reason = 'sca_required' AND "
    "scheme_code = $2"
)
CLAIMED = (
    "SELECT array_agg(consent ->> 'exemption' ORDER BY attempt_no) FROM attempts WHERE "
    "order_id = $1"
)


def of_adyen(vendor: OfAdyen, name: str, scheme: str) -> Stored:
    made = vendor.standin.account.store(name, "shopper-1")
    return Stored("adyen", made["id"], "shopper-1", scheme)


def of_braintree(vendor: OfBraintree, name: str, scheme: str) -> Stored:
    made = vendor.standin.account.make_method(name, "customer-1")
    return Stored("braintree", made["id"], "customer-1", scheme)


def claims(vendor: Any) -> list[str | None]:
    """As its book has them, oldest first."""
    if vendor.name == "adyen":
        return [
            one["form"]["additionalData"].get("scaExemption")
            for one in vendor.standin.book.all("payment")
        ][::-1]
    return [one["scaExemptionRequested"] for one in vendor.standin.book.all("transaction")][::-1]


async def confirmed(shop: Shop, vendor: Any, order_id: Any) -> None:
    """They confirm with their bank, and pay."""
    asks = "SELECT asks FROM challenges WHERE order_id = $1"
    assert await shop.value(asks, order_id) == "confirm"
    page = await show(shop.world, shop.merchant_id, order_id)
    done = await answer(
        shop.world, shop.orders, Vault(shop.world), page, ChallengeAnswer(confirmed=True), "r"
    )
    await back(shop, await at_bank(done, "passed"))
    assert (
        await shop.value("SELECT stage FROM current_orders WHERE order_id = $1", order_id)
        == "completed"
    )
    assert await shop.value(CLAIMED, order_id) == ["low_value", None]
    assert [one is not None for one in claims(vendor)] == [True, False]


@pytest.mark.parametrize(
    ("kind", "stored", "name", "scheme", "code"),
    [
        (OfAdyen, of_adyen, "not_exempt", "visa", "1A"),
        (OfAdyen, of_adyen, "mc_not_exempt", "mastercard", "65"),
        (OfBraintree, of_braintree, "not_exempt", "visa", "1A"),
    ],
)
def test_an_exemption_that_the_bank_refuses_goes_to_a_challenge_at_once_where_there_is_one(
    server: ServerAddress,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    kind: Callable[[], Any],
    stored: Callable[[Any, str, str], Stored],
    name: str,
    scheme: str,
    code: str,
) -> None:
    async def story(shop: Shop) -> None:
        vendor = kind()
        await vendor.start(tmp_path, Faults(1))
        connector, own = vendor.connector(), dict(shop.world.processors)
        change_world(shop.world, processors={vendor.name: connector})
        credential = stored(vendor, name, scheme)
        monkeypatch.setattr(charge, "open_card", lambda *_: credential)
        async with owner(shop.world) as connection:
            await connection.execute(
                "UPDATE merchants SET region = 'eea_uk', version = version + 1"
            )
        await decide(shop)
        who = Person(email="quiet@example.test", billing=HOME)
        quiet = {
            "avs": "Y",
            "cvv_result": "M",
            "currency": "EUR",
            "sense_key": None,
            "code": "51",
            "units": 2_900,
        }
        word = await ask(shop, **quiet, payer=who, pan=script_card(scheme, "51", 0))
        may_confirm = (
            vendor.name != "braintree"
        )  # it takes results alone: its customer has no page to confirm on
        assert word.evaluate == ("CHALLENGE" if may_confirm else "DECLINED")
        assert await shop.value(SAID, word.order_id, code) == 1
        if may_confirm:
            await confirmed(shop, vendor, word.order_id)
        else:
            assert [one is not None for one in claims(vendor)] == [True]
        change_world(shop.world, processors=own)
        await connector.close()
        await vendor.standin.stop()

    run(server, story)
