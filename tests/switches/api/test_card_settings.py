"""/engine/cards: the switches of cards set by API, by the same flow as the portal's form and the
command."""

from typing import Any

import pytest
from tests.door import Caller
from tests.rescue_shapes import check_refused, fields_of
from tests.worlds import change_world

from recoup.switches.flows.card_switches import card_switches

NAMES = ("cardUpdates", "networkTokens", "otherCards")


def put(shop: Caller, **body: Any) -> dict[str, bool]:
    answer = shop.call("PUT", "/engine/cards", json=body)
    assert answer.status_code == 200, answer.text
    return {name: answer.json()[name]["on"] for name in NAMES}


def test_what_is_missing_stays_and_the_log_has_a_line_for_each_change(shop: Caller) -> None:
    found = shop.get("/engine/cards").json()
    assert [found[name] for name in NAMES] == [
        {"on": True, "available": False},  # no route of this world has an updater
        {"on": False, "available": True},
        {"on": False, "available": True},
    ]
    assert put(shop, networkTokens=True) == dict(zip(NAMES, (True, True, False), strict=True))
    assert put(shop, networkTokens=True, cardUpdates=False, otherCards=True) == dict(
        zip(NAMES, (False, True, True), strict=True)
    )
    assert put(shop) == dict(zip(NAMES, (False, True, True), strict=True))
    kept = shop.door.run(card_switches(shop.door.world, shop.shop.merchant_id))
    assert kept == {"card_updates": False, "network_tokens": True, "other_cards": True}
    acts = shop.door.sql(
        "SELECT action, actor FROM audit_lines WHERE merchant_id = $1 AND action LIKE 'order.%' "
        "ORDER BY 1",
        shop.shop.merchant_id,
    )
    by = f"api:{shop.shop.keys.app_key}"
    assert [tuple(row) for row in acts] == [
        ("order.card_updates", by),
        ("order.network_tokens", by),
        ("order.other_cards", by),
    ]


def test_what_no_route_offers_can_be_switched_off_and_not_on(shop: Caller) -> None:
    world = shop.door.world
    before = world.token_services
    change_world(world, token_services={})
    try:
        assert shop.get("/engine/cards").json()["networkTokens"]["available"] is False
        with shop.door.nothing_written():
            answer = shop.call(
                "PUT", "/engine/cards", json={"networkTokens": True, "otherCards": True}
            )
            check_refused(answer, 409, "conflict")
        assert "No card route here makes network tokens." in answer.text
        assert put(shop, networkTokens=False)["networkTokens"] is False
    finally:
        change_world(world, token_services=before)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"networkTokens": "yes"}, "NetworkTokens"),
        ({"cardUpdates": 1}, "CardUpdates"),
        ({"otherCard": True}, "OtherCard"),
        ({"mid": "00000000-0000-7000-8000-000000000001"}, "Mid"),
    ],
)
def test_what_is_wrong_names_its_field_and_nothing_changes(
    shop: Caller, body: dict[str, Any], field: str
) -> None:
    with shop.door.nothing_written():
        answer = shop.call("PUT", "/engine/cards", json=body)
    assert answer.status_code in (400, 403), answer.text
    assert field in fields_of(answer)
