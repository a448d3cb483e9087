"""/evaluate with `paymentMethod: {processor, id, customer?}`: what it takes, and what it says to
the rest."""

from typing import Any

import pytest
from tests.door import APPROVES, Caller
from tests.rescue_shapes import fields_of
from tests.rings import each

from recoup.networks.card import luhn_digit
from recoup.processors.gateways.sandbox.processor import SandboxProcessor

METHOD = {"processor": "sandbox", "id": "pm_card_visa_51_01"}
SHORT = "63311000000" + luhn_digit("63311000000")  # of no scheme, and still a card number
SPACED = " ".join(APPROVES[at : at + 4] for at in range(0, 16, 4))


def test_a_stored_method_is_rescued(shop: Caller) -> None:
    order_id = shop.admit(paymentMethod=METHOD | {"customer": "cus_1"})
    shop.advance(days=20)
    order = shop.order(order_id)
    assert order["statusName"] == "COMPLETED"
    assert APPROVES not in str(order)


@each(
    ("method", "field"),
    [
        ({"processor": "nobody", "id": "pm_card_visa"}, "PaymentMethod.Processor"),
        ({"processor": "sandbox"}, "PaymentMethod.Id"),
        ({"id": "pm_card_visa"}, "PaymentMethod.Processor"),
        ({"customer": "cus_1"}, "PaymentMethod.Id"),
        (METHOD | {"cardNumber": APPROVES}, "PaymentMethod.CardNumber"),
        (
            METHOD | {"cardNumber": "0190f3c1-2b7a-7c3e-9d41-5e6f7a8b9c0d"},
            "PaymentMethod.CardNumber",
        ),
        (METHOD | {"token": True}, "PaymentMethod.Token"),
        (METHOD | {"verificationValue": "123"}, "PaymentMethod.VerificationValue"),
        (METHOD | {"id": "x" * 300}, "PaymentMethod.Id"),
        (METHOD | {"id": 12}, "PaymentMethod.Id"),
        (METHOD | {"id": ["pm"]}, "PaymentMethod.Id"),
        (METHOD | {"id": "../customers"}, "PaymentMethod.Id"),
        (METHOD | {"id": "pm_1?expand=x"}, "PaymentMethod.Id"),
        (METHOD | {"id": "pm_\x07"}, "PaymentMethod.Id"),
        (METHOD | {"customer": {"id": 1}}, "PaymentMethod.Customer"),
    ],
)
def test_what_is_no_stored_method_is_refused(
    shop: Caller, method: dict[str, Any], field: str
) -> None:
    with shop.door.nothing_written(but=("api_calls", "requests")):
        answer = shop.evaluate(paymentMethod=method)
    assert answer.status_code == 400, answer.text
    assert field in fields_of(answer)


def test_a_method_without_the_customer_that_its_processor_needs_is_refused(
    shop: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SandboxProcessor, "needs_customer", True, raising=False)
    with shop.door.nothing_written(but=("api_calls", "requests")):
        answer = shop.evaluate(paymentMethod=METHOD)
    assert answer.status_code == 400
    (said,) = fields_of(answer)["PaymentMethod.Customer"]
    assert "Send customer too" in said
    assert shop.evaluate(paymentMethod=METHOD | {"customer": "cus_of_this_test"}).status_code == 200


@pytest.mark.parametrize("member", ["processor", "id", "customer"])
@pytest.mark.parametrize(
    "number", [APPROVES, SPACED, SPACED.replace(" ", "-"), SHORT, "4222222222222", f" {APPROVES} "]
)
def test_a_card_number_in_a_stored_method_is_refused_and_repeated_nowhere(
    shop: Caller,
    member: str,
    number: str,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    plain = number.replace(" ", "").replace("-", "")
    with shop.door.nothing_written(but=("api_calls",)):
        answer = shop.evaluate(paymentMethod=METHOD | {member: number})
    assert answer.status_code == 400
    assert f"PaymentMethod.{member.capitalize()}" in fields_of(answer)
    for text in (answer.text, capsys.readouterr().out, caplog.text):
        assert plain not in text
        assert number.strip() not in text


def test_all_complaints_come_together(shop: Caller) -> None:
    answer = shop.evaluate(
        paymentMethod={"processor": "sandbox", "cardNumber": APPROVES}, transaction__amount=-1
    )
    assert {"PaymentMethod.Id", "PaymentMethod.CardNumber", "Transaction.Amount"} <= set(
        fields_of(answer)
    )


def test_neither_card_nor_method(shop: Caller) -> None:
    answer = shop.evaluate(paymentMethod={"holderName": "Ana"})
    assert fields_of(answer) == {"PaymentMethod.CardNumber": ["The CardNumber field is required."]}
