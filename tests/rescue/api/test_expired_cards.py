"""Cards whose last month is over: not taken into the vault,
and not approved by the sandbox's bank."""

import re
from typing import Any

import pytest
from tests.door import Caller, tokenize_body
from tests.rescue_shapes import fields_of

from recoup.networks.allow_list import APPROVE_CARDS
from recoup.networks.magic import script_card

CARD = APPROVE_CARDS[1]
OVER = {"payment_method.credit_card.month": "10", "payment_method.credit_card.year": "2020"}


@pytest.mark.parametrize("year", ["2020", 2020, "20", "0"])
def test_a_card_that_has_expired_cannot_be_tokenized(shop: Caller, year: Any) -> None:
    body = tokenize_body(CARD, **OVER | {"payment_method.credit_card.year": year})
    with shop.door.nothing_written():
        wrong = fields_of(shop.post("/tokenize", body))
    assert list(wrong) == ["PaymentMethod.CreditCard.Year"]
    assert re.search(
        r"expired in 10/20[02]0.*today is 20.*Send the month and year", wrong[list(wrong)[0]][0]
    )
    assert CARD not in str(wrong)


def test_a_card_is_taken_until_its_month_is_over(shop: Caller) -> None:
    now = shop.door.run(shop.shop.now())
    month, year = f"{now.month:02d}", str(now.year)
    assert shop.token_for(
        CARD, **{"payment_method.credit_card.month": month, "payment_method.credit_card.year": year}
    )
    shop.advance(days=33)
    body = tokenize_body(
        CARD, **{"payment_method.credit_card.month": month, "payment_method.credit_card.year": year}
    )
    assert list(fields_of(shop.post("/tokenize", body))) == ["PaymentMethod.CreditCard.Year"]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (CARD, "54"),
        (script_card("visa", "51", 0), "54"),
        (script_card("amex", "116", 0), "101"),
    ],
)
def test_the_sandbox_bank_declines_a_card_that_has_expired(
    shop: Caller, number: str, code: str
) -> None:
    """Sent as a number with /evaluate, which is not refused for it: the decline may be of just
    that."""
    order_id = shop.admit(
        paymentMethod__cardNumber=number,
        paymentMethod__expirationMonth=10,
        paymentMethod__expirationYear=2020,
    )
    shop.advance(days=22)
    order = shop.order(order_id)
    assert order["statusName"] == "CANCELLED"
    assert {
        attempt["responseCode"] for attempt in order["attempts"] if attempt["status"] == "DECLINED"
    } == {code}
