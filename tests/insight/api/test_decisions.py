"""GET /orders/{id}/decisions: what was decided, why, and what one other input would have made of
it."""

from collections.abc import Iterator

import pytest
from tests.door import Door, opened_door
from tests.engine.api.test_engine import ONCE_DECLINED, learned

from recoup.db.server import ServerAddress
from recoup.networks.magic import script_card

LOST = script_card("visa", "41", 1)


@pytest.fixture
def world(server: ServerAddress) -> Iterator[Door]:
    with opened_door(server) as door:
        yield door


def test_a_decision_of_the_engine_is_explained_by_deciding_again(world: Door) -> None:
    shop = world.shop()
    world.run(learned(shop))
    order_id = shop.admit(paymentMethod__cardNumber=ONCE_DECLINED)
    shop.advance(minutes=1)
    found = shop.call("GET", f"/orders/{order_id}/decisions").json()
    assert "data" in found, found
    [first] = found["data"]
    assert (found["hasMore"], found["next"]) == (False, None)
    assert (first["verdict"], first["versions"]["decider"], first["repeats"]) == (
        "plan",
        "engine-3",
        True,
    )
    assert (first["arm"]["arm"], first["arm"]["share"]) == ("engine", 100)
    assert [one["name"] for one in first["alternatives"] if one["taken"]]
    assert sum(
        one["probability"] for one in first["alternatives"] if one["probability"]
    ) == pytest.approx(1, abs=1e-5)
    changes = {one["change"]: one for one in first["whatIf"]}
    assert {"expiry_a_week_later", "sends_without_cost", "pay_day_known"} <= changes.keys()
    free = changes["sends_without_cost"]
    assert free["differs"]
    assert free["tries"] > len(first["plan"])
    assert free["text"].startswith("If an attempt cost nothing: the next attempt would have been ")
    assert "features" not in first, "what a decision read of a card at other merchants is not shown"


def test_pages_of_decisions_follow_one_another(world: Door) -> None:
    shop = world.shop()
    order_id = shop.admit(paymentMethod__cardNumber=ONCE_DECLINED)
    shop.advance(days=20)
    whole = shop.call("GET", f"/orders/{order_id}/decisions").json()["data"]
    assert len(whole) > 0
    assert all(one["repeats"] for one in whole)
    seen, after = [], ""
    for _ in whole:
        page = shop.call("GET", f"/orders/{order_id}/decisions?limit=1{after}").json()
        seen += page["data"]
        after = f"&after={page['next']}"
    assert seen == whole
    assert not page["hasMore"]


def test_another_card_is_the_cure_of_a_lost_one(world: Door) -> None:
    shop = world.shop()
    order_id = shop.admit(paymentMethod__cardNumber=LOST)
    shop.advance(days=20)
    *_, last = shop.call("GET", f"/orders/{order_id}/decisions").json()["data"]
    assert (last["verdict"], last["repeats"]) == ("decline_at_once", True)
    texts = [one["text"] for one in last["whatIf"]]
    assert (
        "With another card of the customer on file: the card would have been tried at once."
        in texts
    )


@pytest.mark.parametrize("query", ["limit=0", "limit=21", "after=x", "page=2"])
def test_a_query_that_says_nothing_here_is_refused(world: Door, query: str) -> None:
    shop = world.shop()
    order_id = shop.admit(paymentMethod__cardNumber=ONCE_DECLINED)
    assert shop.call("GET", f"/orders/{order_id}/decisions?{query}").status_code == 400


def test_decisions_of_an_order_of_somebody_else_do_not_exist(world: Door) -> None:
    shop, other = world.shop(), world.shop()
    order_id = shop.admit(paymentMethod__cardNumber=ONCE_DECLINED)
    assert other.call("GET", f"/orders/{order_id}/decisions").status_code == 404
