"""What a payer's page says of a card is what happens in the 21 days after it, at every end."""

import re
import uuid
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.checkout.page.test_card_page import ANOTHER, post
from tests.disputes.flows.test_disputes import SILENT_YES
from tests.door import FUNDS, Caller, Door

from recoup.kernel.problem import Problem
from recoup.networks.magic import FAULT_CARDS, script_card
from recoup.orders.rules.typed_card import CardIds
from recoup.rescue.flows.amend import Amended, amend
from recoup.rescue.flows.cancel import cancel
from recoup.rescue.moves.challenge_answer import answer

OWN = script_card("visa", "54", 99)
SOFT = script_card("visa", "51", 99, 3)
LATER = script_card("visa", "51", 1, 4)  # approved at the second send
HARD = script_card("visa", "04", 99, 5)
STOLEN = script_card("visa", "43", 99, 6)


class Payer:
    """Of an MIT that the bank declined, with a link."""

    def __init__(self, door: Door, shop: Caller, own: str = OWN, **more: Any) -> None:
        self.door, self.shop = door, shop
        code = {"paymentMethod__cardNumber": own, "transaction__responseCode": "54"}
        self.order_id = shop.admit(**(code | {"transaction__responseCodeSource": "visa"} | more))
        shop.advance(seconds=5)
        self.path = urlsplit(shop.order(self.order_id)["challengeUrl"]).path
        self.seen = len(self.attempts())

    def page(self, **headers: str) -> str:
        text = re.sub(
            r"<[^>]+>",
            " ",
            self.door.call("GET", self.path, headers=headers).text.partition("<main")[2],
        )
        return " ".join(text.split())

    def types(self, number: str, **more: str) -> None:
        form = {"number": number, "expires": "08/33", "code": "123"} | more
        assert post(self.door, f"{self.path}/answer", **form).status_code == 303

    def agrees(self) -> None:
        raw = self.door.call("GET", self.path).text
        seen = re.search(r'name="seen" value="([0-9a-f]+)"', raw)
        assert seen is not None
        assert post(self.door, f"{self.path}/agree", seen=seen[1]).status_code == 303

    def refuses(self) -> None:
        assert post(self.door, f"{self.path}/refuse").status_code == 303

    def attempts(self) -> list[Any]:
        rows = self.door.sql(
            "SELECT card_last4, initiator, state FROM attempts WHERE order_id = $1::text::uuid "
            "ORDER BY attempt_no",
            self.order_id,
        )
        return [tuple(row) for row in rows]

    def planned(self) -> bool:
        return any(state == "planned" for _, _, state in self.attempts())

    def charged_later(self, days: float = 21) -> list[Any]:
        """What is sent in the days after now, without the payer."""
        before = len([one for one in self.attempts() if one[2] not in ("planned", "not_sent")])
        self.shop.advance(days=days)
        return [one for one in self.attempts() if one[2] not in ("planned", "not_sent")][before:]


def last4(number: str) -> str:
    return number[-4:]


NOT_AGAIN = "It is not charged again."
WITHOUT_YES = "Without your yes it is not charged again."
NOTHING_PLANNED = "Nothing has been charged so far. No further attempt is planned."
ENDS = "“Do not pay” ends this payment: no card is charged for it any more."
REFUSED = "You chose not to pay: no card is charged for this payment any more."
QUESTION = "Try this card again later?"


def may_be_charged(number: str) -> str:
    return f"The card ending {last4(number)} may be charged without your doing anything, until"


def test_declined_and_left_without_an_answer(door: Door, shop: Caller) -> None:
    payer = Payer(door, shop)
    assert "Another card is charged once, now. If your bank declines it, we ask you" in payer.page()
    payer.types(SOFT)
    page = payer.page()
    assert all(one in page for one in (QUESTION, WITHOUT_YES, NOTHING_PLANNED, ENDS))
    assert payer.charged_later() == []
    assert "This payment has ended Nothing is charged." in payer.page()
    assert shop.order(payer.order_id)["reason"] == "expired"


def test_declined_and_left_while_the_shops_own_card_is_tried_on(door: Door, shop: Caller) -> None:
    payer = with_plan(door, shop)
    assert may_be_charged(FUNDS) in payer.page()
    payer.types(SOFT)
    page = payer.page()
    assert all(one in page for one in (QUESTION, WITHOUT_YES, may_be_charged(FUNDS)))
    later = payer.charged_later()
    assert later
    assert {one[:2] for one in later} == {(last4(FUNDS), "merchant")}


def with_plan(door: Door, shop: Caller) -> Payer:
    """A link beside an attempt that is planned with the order's own card."""
    payer = Payer(door, shop)
    change = Amended(token_id=uuid.UUID(shop.token_for(FUNDS)))
    door.run(
        amend(door.world, shop.shop.orders, shop.shop.scope, uuid.UUID(payer.order_id), change)
    )
    shop.advance(seconds=5)
    assert payer.planned()
    return payer


def test_declined_and_yes(door: Door, shop: Caller) -> None:
    payer = Payer(door, shop)
    payer.types(LATER)
    payer.agrees()
    page = payer.page()
    assert f"You agreed that the card ending {last4(LATER)} is tried again." in page
    assert may_be_charged(LATER) in page
    assert QUESTION not in page
    assert payer.charged_later() == [(last4(LATER), "merchant", "approved")]
    assert "Done. Thank you." in payer.page()
    [line] = door.sql(
        "SELECT body -> 'consent' ->> 'words' AS words, body -> 'consent' ->> 'version' AS "
        "version, actor, recorded_at"
        " FROM order_log WHERE order_id = $1::text::uuid AND body ? 'consent'",
        payer.order_id,
    )
    assert (line["version"], line["actor"]) == ("later-1", "payer:page")
    assert line["words"].startswith("If you say yes, Brightleaf Tea tries the card ending")
    assert (last4(LATER) in line["words"], "45.90 USD in all" in line["words"]) == (True, True)
    assert "other_card" not in {
        one["when_due"] for one in door.sql("SELECT when_due FROM attempts")
    }


def test_a_yes_in_their_own_language_is_kept_in_its_words(door: Door, shop: Caller) -> None:
    payer, german = Payer(door, shop), {"accept-language": "de"}
    payer.types(SOFT)
    raw = door.call("GET", payer.path, headers=german).text
    seen = re.search(r'name="seen" value="([0-9a-f]+)"', raw)
    assert seen is not None
    door.call("POST", f"{payer.path}/agree", data={"seen": seen[1]}, headers=german)
    [kept] = door.sql(
        "SELECT body -> 'consent' AS c FROM order_log WHERE order_id = $1::text::uuid AND body ? "
        "'consent'",
        payer.order_id,
    )
    assert '"language": "de"' in kept["c"]
    assert "Brightleaf Tea" in kept["c"]


@pytest.mark.parametrize("when", ["at once", "declined", "agreed", "planned", "on hold"])
def test_a_no_ends_it_whatever_is_planned(door: Door, shop: Caller, when: str) -> None:
    payer = with_plan(door, shop) if when in ("planned", "on hold") else Payer(door, shop)
    if when in ("declined", "agreed", "on hold"):
        payer.types(SOFT)
    if when == "agreed":
        payer.agrees()
    if when == "on hold":
        shop.set(killed=True)
        due = datetime.fromisoformat(shop.order(payer.order_id)["nextAttemptAt"])
        now = datetime.fromisoformat(shop.get("/clock").json()["now"])
        shop.advance(seconds=(due - now).total_seconds() + 60)
        assert shop.order(payer.order_id)["statusName"] == "ONHOLD"
    assert ENDS in payer.page()
    payer.refuses()
    shop.set(killed=False)
    assert REFUSED in payer.page()
    order = shop.order(payer.order_id)
    assert (order["statusName"], order["reason"], order["nextAttemptAt"]) == (
        "CANCELLED",
        "payer_refused",
        None,
    )
    assert payer.charged_later() == []
    payer.refuses()  # again, by another tab
    assert post(door, f"{payer.path}/answer", **ANOTHER).status_code == 303
    assert payer.charged_later(1) == []
    assert REFUSED in payer.page()


def test_a_no_while_a_card_is_being_tried_returns_what_is_approved_after_it(
    door: Door, shop: Caller
) -> None:
    payer = Payer(door, shop, transaction__amount=SILENT_YES, orderItems=[])
    payer.types(FAULT_CARDS["visa"])
    assert "Waiting for your bank" in payer.page()
    payer.refuses()
    assert "If you were charged, the money is returned to you automatically." in payer.page()
    door.run(shop.shop.settle())
    shop.advance(days=1)
    assert "The money was returned to you." in payer.page()


@pytest.mark.parametrize("number", [HARD, STOLEN])
def test_a_card_that_is_refused_for_good_is_not_asked_about(
    door: Door, shop: Caller, number: str
) -> None:
    payer = Payer(door, shop)
    payer.types(number)
    page = payer.page()
    assert f"Your bank declined the card ending {last4(number)}. {NOT_AGAIN}" in page
    assert QUESTION not in page
    assert payer.charged_later(20) == []
    assert shop.order(payer.order_id)["statusName"] == "PROCESSING"


def test_three_cards_are_taken_and_then_the_question_stays(door: Door, shop: Caller) -> None:
    payer = Payer(door, shop)
    for number in (HARD, SOFT, LATER):
        payer.types(number)
    page = payer.page()
    assert "Card number" not in page
    assert all(one in page for one in (QUESTION, WITHOUT_YES, NOTHING_PLANNED))
    payer.agrees()
    assert payer.charged_later() == [(last4(LATER), "merchant", "approved")]


def test_two_tabs_agree_to_the_card_that_they_show_and_once(door: Door, shop: Caller) -> None:
    payer = Payer(door, shop)
    payer.types(SOFT)
    first = re.search(r'name="seen" value="([0-9a-f]+)"', door.call("GET", payer.path).text)
    assert first is not None
    payer.types(LATER)  # in the other tab
    post(door, f"{payer.path}/agree", seen=first[1])
    post(door, f"{payer.path}/agree")
    post(door, f"{payer.path}/agree", seen="0" * 64)
    assert not payer.planned()
    assert QUESTION in payer.page()
    payer.agrees()
    post(door, f"{payer.path}/agree", seen=first[1])
    assert [one for one in payer.attempts() if one[2] == "planned"] == [
        (None, "merchant", "planned")
    ]
    assert payer.charged_later() == [(last4(LATER), "merchant", "approved")]


def test_a_yes_after_the_end_changes_nothing(door: Door, shop: Caller) -> None:
    for end in ("cancelled", "expired"):
        payer = Payer(door, shop)
        payer.types(SOFT)
        seen = re.search(r'name="seen" value="([0-9a-f]+)"', door.call("GET", payer.path).text)
        assert seen is not None
        if end == "cancelled":
            door.run(
                cancel(door.world, shop.shop.orders, shop.shop.scope, uuid.UUID(payer.order_id))
            )
        else:
            shop.advance(days=22)
        assert post(door, f"{payer.path}/agree", seen=seen[1]).status_code == 303
        assert "This payment has ended Nothing is charged." in payer.page()
        assert payer.charged_later() == []


def test_the_number_that_the_shop_has_already_is_its_own_card(door: Door, shop: Caller) -> None:
    payer = Payer(door, shop, FUNDS)
    payer.types(FUNDS)
    page = payer.page()
    assert QUESTION not in page
    assert may_be_charged(FUNDS) in page
    assert {one[:2] for one in payer.charged_later()} == {(last4(FUNDS), "merchant")}


def test_who_agreed_is_not_charged_after_the_day_that_they_read(door: Door, shop: Caller) -> None:
    payer = Payer(door, shop)
    payer.types(SOFT)
    payer.agrees()
    until = door.run(shop.shop.order(uuid.UUID(payer.order_id)))["expires_at"]
    for further, taken in ((-1, True), (1, False)):
        moved = Amended(expires_at=until.replace(day=until.day + further))
        change = amend(
            door.world, shop.shop.orders, shop.shop.scope, uuid.UUID(payer.order_id), moved
        )
        if taken:
            door.run(change)
            continue
        with pytest.raises(Problem) as refused:
            door.run(change)
        assert "The customer agreed to charges of this card until" in refused.value.message


def test_a_typed_card_is_no_card_of_the_customers_other_orders(door: Door, shop: Caller) -> None:
    door.sql(
        "INSERT INTO notice_settings (merchant_id, notice, enabled, actor, changed_at)"
        " VALUES ($1, 'other_card', true, 'test', now())",
        shop.shop.merchant_id,
    )
    payer = Payer(door, shop, payer__id="cust-7")
    payer.types(LATER)
    payer.agrees()
    assert payer.charged_later() == [(last4(LATER), "merchant", "approved")]
    other = Payer(door, shop, payer__id="cust-7")
    assert other.charged_later(20) == []


def test_an_answer_whose_process_died_leaves_the_order_with_its_own_card(
    door: Door, shop: Caller
) -> None:
    payer = with_plan(door, shop)
    own = door.run(shop.shop.order(uuid.UUID(payer.order_id)))
    card = CardIds(uuid.uuid4(), uuid.uuid4(), uuid.uuid4())
    door.run(
        shop.shop.orders.run(
            lambda change: answer(change, card), shop.shop.key(uuid.UUID(payer.order_id))
        )
    )
    shop.advance(seconds=10)
    now = door.run(shop.shop.order(uuid.UUID(payer.order_id)))
    for name in ("token_id", "card_id", "pan_id", "next_attempt_at"):
        assert now[name] == own[name]
    assert may_be_charged(FUNDS) in payer.page()


def test_a_payment_that_came_another_way_is_said(door: Door, shop: Caller) -> None:
    payer = Payer(door, shop)
    external = shop.order(payer.order_id)["externalOrderId"]
    door.run(shop.shop.transmitted(external, declined=False))
    shop.advance(seconds=5)
    assert (
        "Brightleaf Tea has received this payment in another way. Nothing more is due."
        in payer.page()
    )
