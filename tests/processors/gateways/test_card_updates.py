"""An account updater's answers: the sandbox's by its test cards, and a bridge's as it comes over
the wire."""

import asyncio
from dataclasses import replace
from uuid import UUID, uuid4

import msgspec
import pytest
from aiohttp import web
from tests.bridge_twin import SECRET, bridge_twin

from recoup.networks import magic_updates
from recoup.networks.magic import answer, script_card
from recoup.processors.gateways.bridge import Bridge
from recoup.processors.gateways.bridge_wire import BridgeUpdate, update_body, update_of
from recoup.processors.gateways.port import Card, Stored
from recoup.processors.gateways.updater import UNKNOWN, CardUpdate, RouteUpdaters, UpdateInquiry

ID = UUID("01a20ac6-823a-70c4-bbf0-59a9e36c881a")
PAN = script_card("visa", "54", 99)


def read(**said: object) -> CardUpdate:
    return update_of(ID, msgspec.convert({"id": str(ID)} | said, BridgeUpdate))


def test_a_bridges_new_card_is_read() -> None:
    card = {"number": PAN, "expMonth": 4, "expYear": 2033}
    assert read(state="updated", card=card) == CardUpdate("updated", PAN, 4, 2033)
    assert read(state="updated", card=card | {"number": None}) == CardUpdate(
        "updated", None, 4, 2033
    )
    assert read(state="closed") == CardUpdate("closed")


def test_what_contradicts_itself_or_is_of_another_query_is_unknown() -> None:
    assert read(state="updated") == UNKNOWN
    assert read(state="unchanged", card={"expMonth": 4, "expYear": 2033}) == UNKNOWN
    assert read(id=str(uuid4()), state="closed") == UNKNOWN
    assert update_of(ID, None) == UNKNOWN


def test_a_bridge_is_queried_signed_and_answers_the_same_to_a_repeat() -> None:
    async def story() -> None:
        async with bridge_twin() as twin:
            bridge = Bridge(twin.url, secret=SECRET, acceptor_id="acq-1")
            inquiry = UpdateInquiry(ID, ID, "acceptor", Card(PAN, 1, 2030, "visa"), 10.0)
            twin.says = [
                {"state": "updated", "card": {"expMonth": 4, "expYear": 2033}},
                {"state": "closed"},
            ]
            assert [await bridge.update_of(inquiry) for _ in range(2)] == 2 * [
                CardUpdate("updated", None, 4, 2033)
            ]
            assert twin.sent[str(ID)]["path"] == "/pay/card-updates"
            twin.raw = lambda: web.Response(text="<html>", content_type="text/html")
            assert await bridge.update_of(inquiry) == UNKNOWN
            await bridge.close()
        bridge = Bridge("http://127.0.0.1:9/none", secret=SECRET, acceptor_id="acq-1")
        assert await bridge.update_of(inquiry) == UNKNOWN
        await bridge.close()

    asyncio.run(story())


def test_no_security_code_leaves_and_no_number_reaches_a_repr() -> None:
    inquiry = UpdateInquiry(ID, ID, "acceptor", Card(PAN, 1, 2030, "visa", "123"), 10.0)
    assert update_body(inquiry)["card"]["cvv"] is None
    assert PAN not in repr(inquiry) + repr(CardUpdate("updated", PAN, 1, 2034))


@pytest.mark.parametrize("scheme", ["visa", "mastercard", "discover", "amex"])
def test_a_test_card_with_a_new_number_is_paid_by_it(scheme: str) -> None:
    code = "101" if scheme == "amex" else "54"
    found = magic_updates.update_of(
        script_card(scheme, code, 99, magic_updates.NEW_NUMBER), 5, 2030
    )
    assert (found.state, found.exp_month, found.exp_year) == ("updated", 5, 2034)
    assert found.number is not None
    said = answer(
        found.number,
        units=100,
        by_customer=False,
        phone=None,
        cvv_given=False,
        sends_before=0,
        declines_before=0,
    )
    assert said is not None
    assert said.approved
    assert magic_updates.update_of(found.number, 5, 2034).state == "unchanged", (
        "a new card has no newer one"
    )


@pytest.mark.parametrize(
    ("serial", "state"),
    [(902, "updated"), (903, "closed"), (904, "contact"), (905, "unknown"), (1, "unchanged")],
)
def test_the_serial_selects_the_answer(serial: int, state: str) -> None:
    found = magic_updates.update_of(script_card("visa", "54", 99, serial), 5, 2030)
    assert (found.state, found.number) == (state, None)


def test_of_several_routes_the_one_that_the_card_was_sent_by_is_queried() -> None:
    """Else the first that takes numbers; what a processor keeps only by that processor."""

    async def story() -> None:
        routes = {name: Told(name) for name in ("kept", "first", "second")}
        updaters = RouteUpdaters(routes, frozenset({"first", "second"}))
        card = UpdateInquiry(ID, ID, "own", Card(PAN, 1, 2030, "visa"), 10.0)
        method = replace(card, card=Stored("kept", "pm_1"))
        assert (await updaters.update_of(replace(card, route="second"))).exp_month == 2
        for route in (None, "kept", "gone"):
            assert (await updaters.update_of(replace(card, route=route))).exp_month == 1
        assert (await updaters.update_of(replace(method, route="first"))).exp_month == 0
        assert await updaters.update_of(replace(method, card=Stored("first", "pm_1"))) == UNKNOWN
        assert [one.acceptor_id for one in routes["second"].given] == ["own"], "as it was sent"
        assert {one.acceptor_id for one in routes["first"].given} == {"acceptor of first"}

    asyncio.run(story())


class Told:
    def __init__(self, name: str) -> None:
        self.name, self.acceptor_id, self.given = name, f"acceptor of {name}", list[UpdateInquiry]()

    async def update_of(self, inquiry: UpdateInquiry) -> CardUpdate:
        self.given.append(inquiry)
        return CardUpdate("updated", None, ("kept", "first", "second").index(self.name), 2040)


def test_a_bridge_is_queried_about_a_method_that_it_stores() -> None:
    body = update_body(
        UpdateInquiry(ID, ID, "acceptor", Stored("kept", "pm_1", "cus_1", "visa"), 10.0)
    )
    assert body["storedMethod"] == {"id": "pm_1", "customer": "cus_1", "scheme": "visa"}
    assert "card" not in body
