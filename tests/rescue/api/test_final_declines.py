"""A card is said to be lost, stolen or closed, or its agreement revoked: whichever door hears it,
nothing is sent to that card for 30 days of the clock."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.door import Caller, transmit_body

from recoup.networks.magic import COUNTING_CARDS, script_card

# source, code, description
FINAL: dict[str, tuple[str, str, str]] = {
    "lost": ("visa", "41", "Lost card"),
    "stolen": ("visa", "43", ""),
    "closed": ("visa", "46", "Closed account"),
    "revoked": ("visa", "R1", ""),
    "stripe lost": ("stripe", "lost_card", "Your card was declined."),
    "stripe stolen": ("stripe", "stolen_card", "Your card was declined."),
    "stripe revoked": ("stripe", "revocation_of_all_authorizations", ""),
    "adyen blocked": ("adyen", "5", "Blocked Card"),
    "adyen revoked": ("adyen", "26", "Revocation Of Auth"),
    "adyen token revoked": ("adyen", "50", ""),
    "braintree lost": ("braintree", "2012", "Possible Lost Card"),
    "braintree closed": ("braintree", "2108", "Closed Card"),
    "braintree stopped": ("braintree", "2018", ""),
    "nmi stolen": ("nmi", "252", "Stolen card"),
    "nmi stopped": ("nmi", "261", "Declined - Stop all recurring payments"),
    "its words": ("example gateway", "ERR", "Customer requested stop of all recurring payments"),
    "its words beside a code that says nothing": ("example gateway", "D", "CARD REPORTED LOST"),
    "its words beside a mild code": ("visa", "05", "Account closed"),
}
SOFT = ("adyen", "12", "Not enough balance")  # the network's own 12 is final
SENT = (
    "SELECT count(*) FROM attempts WHERE order_id = $1 AND sent_at IS NOT NULL AND state <> "
    "'not_sent'"
)


def sends(shop: Caller, order_id: str) -> int:
    return int(shop.door.sql(SENT, UUID(order_id))[0][0])


def said(source: str, code: str, text: str) -> dict[str, Any]:
    return {
        "transaction__responseCodeSource": source,
        "transaction__responseCode": code,
        "transaction__responseDescription": text,
    }


def of_card(number: str) -> dict[str, Any]:
    return {
        "paymentMethod": {
            "holderName": "Ana Roe",
            "cardNumber": number,
            "expirationMonth": 9,
            "expirationYear": 2031,
        }
    }


def test_what_evaluate_is_told(shop: Caller) -> None:
    cards = {
        kind: script_card("visa", "51", 99, serial=n) for n, kind in enumerate([*FINAL, "soft"])
    }
    orders = {
        kind: shop.admit(**of_card(cards[kind]), **said(*FINAL.get(kind, SOFT))) for kind in cards
    }
    shop.advance(days=30)
    sent = {kind: sends(shop, order_id) for kind, order_id in orders.items()}
    assert sent.pop("soft") > 1
    assert sent == dict.fromkeys(FINAL, 0)


@pytest.mark.parametrize("kind", ["closed", "stripe stolen", "nmi stolen"])
def test_another_order_of_the_same_card(shop: Caller, kind: str) -> None:
    number = COUNTING_CARDS[1]  # of a network that forbids none of these for ever
    shop.admit(**of_card(number), **said(*FINAL[kind]))
    shop.advance(days=2)
    other = shop.admit(**of_card(number), **said(*SOFT))
    shop.advance(days=20)
    assert sends(shop, other) == 0
    shop.advance(days=10)
    later = shop.admit(**of_card(number), **said(*SOFT))
    shop.advance(days=20)
    assert sends(shop, later) > 0


@pytest.mark.parametrize("same_order", [True, False])
def test_what_a_transmitted_copy_says(shop: Caller, same_order: bool) -> None:
    """The copy is of the order that is rescued, or of another payment of the same card, of another
    amount."""
    cards = {
        kind: script_card("visa", "51", 99, serial=n) for n, kind in enumerate([*FINAL, "soft"])
    }
    orders = {}
    for kind, number in cards.items():
        payer = {"id": f"payer of {kind}", "email": f"{kind.replace(' ', '-')}@example.test"}
        name = f"SUB {kind}"
        orders[kind] = shop.admit(orderId=name, payer=payer, **of_card(number), **said(*SOFT))
        card = {"cardBinNumber": number[:6], "cardLast4Digits": number[-4:]}
        copy = transmit_body(
            shop,
            isDeclined=True,
            orderId=name if same_order else f"another of {kind}",
            payer=payer,
            paymentMethod=card,
            transaction__id=f"copy of {kind}",
            transaction__amount=4590 if same_order else 1250,
            transaction__responseStatus="DECLINED",
            **said(*FINAL.get(kind, SOFT)),
        )
        assert shop.post("/transmit", copy).status_code == 200
    shop.advance(days=30)
    sent = {kind: sends(shop, order_id) for kind, order_id in orders.items()}
    assert sent.pop("soft") > 1
    assert sent == dict.fromkeys(FINAL, 0)


@pytest.mark.parametrize(
    "told",
    [
        ("lost", "its words beside a code that says nothing", "stripe stolen"),
        ("braintree closed", "nmi stopped", "adyen token revoked"),
    ],
)
def test_what_an_imported_file_says(shop: Caller, told: tuple[str, ...]) -> None:
    cards = dict(zip(told, COUNTING_CARDS, strict=True)) | {"soft": script_card("visa", "51", 99)}
    orders, rows = {}, []
    before = shop.door.run(shop.shop.now()) - timedelta(days=2)
    for kind, number in cards.items():
        token = shop.token_for(number)
        orders[kind] = shop.admit(paymentMethod={"cardNumber": token, "token": True}, **said(*SOFT))
        source, code, text = FINAL.get(kind, SOFT)
        coded = (
            {"schemeCode": code}
            if source == "visa"
            else {"processorCode": code, "processor": source}
        )
        past = {
            "orderId": f"past {kind}",
            "at": before.isoformat(),
            "amount": 1250,
            "currency": "USD",
        }
        rows.append(past | coded | {"approved": False, "token": token, "text": text})
    taken = shop.call(
        "POST", "/imports?filename=past.jsonl", content="\n".join(map(json.dumps, rows))
    )
    assert taken.status_code == 202, taken.text
    shop.advance(days=27)
    sent = {kind: sends(shop, order_id) for kind, order_id in orders.items()}
    assert sent.pop("soft") > 1
    assert sent == dict.fromkeys(told, 0)
