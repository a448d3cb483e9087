"""Which means brought the money, read off an order's attempts."""

from tests.rescue.rules.test_order_facts import attempt, order
from tests.rings import each

from recoup.kernel.ids import new_id
from recoup.networks.challenge import PURPOSE
from recoup.orders.rules.means import Means, by_means, means_of, on_other_card, requested_means


@each(
    ("when_due", "means"),
    [
        (None, "retry"),
        ("decide", "retry"),
        ("keep", "retry"),
        ("signal", "signal"),
        ("merchant", "merchant"),
        ("new_card", "new_card"),
        ("other_card", "other_card"),
    ],
)
def test_why_the_try_was_made_is_what_brought_the_money(when_due: str | None, means: Means) -> None:
    one = attempt(1, "approved", None, when_due=when_due)
    assert means_of(order(attempts=[one]), one) == means
    assert requested_means(one) == (means if when_due == means else None)


def test_a_card_that_came_later_keeps_its_credit() -> None:
    first, second, third = (
        attempt(number, "declined", None, when_due=why)
        for number, why in ((1, "new_card"), (2, None), (3, "other_card"))
    )
    fourth = attempt(4, "approved", None, when_due="decide")
    assert means_of(order(attempts=[first, second]), second) == "new_card"
    assert means_of(order(attempts=[fourth, second, third, first]), fourth) == "other_card"
    assert means_of(order(attempts=[second], cards_before=[new_id()]), second) == "new_card"


def test_an_order_knows_that_it_goes_on_with_another_card() -> None:
    first, second = attempt(1, "declined", None, when_due="other_card"), attempt(2, "planned", None)
    assert on_other_card(order(attempts=[first, second]))
    assert not on_other_card(order(attempts=[second]))


def test_the_link_is_the_customers_and_a_checkout_has_no_means() -> None:
    one = attempt(1, "approved", None)
    one.ladder = PURPOSE
    assert by_means(order(attempts=[one]), one) == {"by": "link"}
    assert by_means(order(attempts=[one], kind="cit_web"), one) == {}
