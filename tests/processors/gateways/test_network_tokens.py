"""Network tokens over a bridge's wire, and the sandbox's own."""

import asyncio
from dataclasses import replace
from uuid import UUID, uuid4

import msgspec
import pytest
from aiohttp import web
from tests.bridge_twin import SECRET, bridge_twin
from tests.processors.gateways.test_bridge import charge_of

from recoup.networks.magic import COUNTING_CARDS, classify, inputs, script_card
from recoup.networks.magic_tokens import card_number, token_number
from recoup.processors.gateways.bridge import Bridge
from recoup.processors.gateways.bridge_wire import BridgeToken, charge_body, token_body, token_of
from recoup.processors.gateways.credential import Card, CredentialNews, Token
from recoup.processors.gateways.token_service import (
    UNKNOWN,
    CryptogramRequest,
    TokenAnswer,
    TokenInquiry,
    TokenRequest,
)

ID = UUID("01a20ac6-823a-70c4-bbf0-59a9e36c881a")
PAN = script_card("visa", "51", 99)
NUMBER = token_number(PAN) or ""
TOKEN = Token(NUMBER, 4, 2033, "visa", "50110030273", "AgAAAAAABk4DWZ4C28yUQAAAAAA=")


def bridge(url: str, *, takes: bool = True) -> Bridge:
    kinds = frozenset({"card", "network_token"}) if takes else frozenset({"card"})
    return Bridge(url, secret=SECRET, acceptor_id="acq-1", takes=kinds)  # type: ignore[arg-type]


def test_a_token_is_made_asked_about_and_given_a_cryptogram() -> None:
    async def story() -> None:
        async with bridge_twin() as twin:
            made = bridge(twin.url)
            request = TokenRequest(ID, ID, "acceptor", Card(PAN, 1, 2030, "visa", "123"), 10.0)
            said = {
                "state": "active",
                "number": NUMBER,
                "expMonth": 4,
                "expYear": 2033,
                "requestorId": "501",
            }
            twin.says = [said, {"state": "refused"}, {"cryptogram": "AgAA"}]
            answer = TokenAnswer("active", NUMBER, 4, 2033, "501")
            assert [await made.make_token(request) for _ in range(2)] == 2 * [answer]
            assert twin.sent[str(ID)]["path"] == "/pay/network-tokens"
            assert twin.sent[str(ID)]["card"]["cvv"] is None
            assert await made.make_token(replace(request, id=uuid4())) == TokenAnswer("refused")
            twin.decided[str(ID)] = {"state": "suspended", "expMonth": 4, "expYear": 2037}
            assert await made.standing_of(TokenInquiry(ID, ID, 10.0)) == TokenAnswer(
                "suspended", None, 4, 2037
            )
            inquiry = TokenInquiry(ID, ID, 10.0)
            assert await made.delete_token(inquiry) == "unknown", "it still stands there"
            twin.decided[str(ID)] = {"state": "deleted"}
            assert await made.delete_token(inquiry) == "deleted"
            for status, meant in (
                (404, "not_offered"),
                (405, "not_offered"),
                (501, "not_offered"),
                (503, "unknown"),
            ):
                twin.raw = lambda status=status: web.Response(status=status)
                assert await made.delete_token(inquiry) == meant
            twin.raw = None
            asked = CryptogramRequest(uuid4(), ID, ID, 4590, "USD", 1, 1.0)
            assert await made.cryptogram(asked) == "AgAA"
            assert twin.sent[str(asked.id)]["tokenId"] == str(ID)
            twin.raw = lambda: web.Response(text="<html>", content_type="text/html")
            assert await made.make_token(replace(request, id=uuid4())) == UNKNOWN
            assert await made.cryptogram(asked) is None
            await made.close()
        gone = bridge("http://127.0.0.1:9/none")
        assert await gone.make_token(request) == UNKNOWN
        assert await gone.standing_of(TokenInquiry(ID, ID, 10.0)) == UNKNOWN
        assert await gone.cryptogram(asked) is None
        assert await gone.delete_token(TokenInquiry(ID, ID, 10.0)) == "unknown"
        await gone.close()

    asyncio.run(story())


def test_what_is_of_another_request_is_unknown() -> None:
    assert token_of(ID, None) == UNKNOWN
    assert (
        token_of(ID, msgspec.convert({"id": str(uuid4()), "state": "active"}, BridgeToken))
        == UNKNOWN
    )


def test_a_charge_by_a_token_has_it_in_place_of_the_card_and_hides_it_in_what_comes_back() -> None:
    async def story() -> None:
        async with bridge_twin() as twin:
            made, given = bridge(twin.url), replace(charge_of(), credential=TOKEN)
            twin.says = [
                {
                    "state": "declined",
                    "schemeCode": "14",
                    "reference": f"a-{NUMBER}",
                    "credentialNews": {"tokenState": "deleted"},
                },
            ]
            outcome = await made.charge(given)
            assert outcome.credential_news == CredentialNews(standing="deleted")
            assert NUMBER not in str(outcome)
            sent = twin.sent[str(given.id)]
            assert "card" not in sent
            assert sent["networkToken"]["number"] == NUMBER
            assert sent["networkToken"]["cryptogram"] == TOKEN.cryptogram
            plain = bridge(twin.url, takes=False)
            refused = await plain.charge(replace(given, id=uuid4(), key=uuid4()))
            assert (refused.state, refused.fault) == ("not_sent", "credential")
            assert len(twin.sent) == 1
            await made.close()
            await plain.close()

    asyncio.run(story())


def test_a_bridge_of_before_is_sent_what_it_always_was() -> None:
    """With a card nothing is new on the wire."""
    assert "networkToken" not in charge_body(charge_of())
    assert set(token_body(TokenRequest(ID, ID, "a", Card(PAN, 1, 2030, "visa"), 1.0))) == {
        "id",
        "merchantId",
        "acceptorId",
        "card",
    }


def test_neither_number_nor_cryptogram_reaches_a_repr() -> None:
    shown = (
        repr(TOKEN)
        + repr(TokenAnswer("active", NUMBER))
        + repr(replace(charge_of(), credential=TOKEN))
    )
    assert NUMBER not in shown
    assert str(TOKEN.cryptogram) not in shown


def test_a_test_cards_token_stands_for_it_alone_and_is_no_card_that_the_sandbox_takes() -> None:
    numbers = {one.card for one in inputs()}
    tokens = {number: token for number in numbers if (token := token_number(number))}
    assert set(COUNTING_CARDS) <= set(tokens)
    assert len(set(tokens.values())) == len(tokens)
    for number, token in tokens.items():
        assert card_number(token) == number
        assert classify(token) is None
        assert token not in numbers
    assert not any(card_number(number) for number in numbers)


@pytest.mark.parametrize(
    "number", ["", "1", "4" * 16, NUMBER[:-1] + str((int(NUMBER[-1]) + 1) % 10)]
)
def test_what_is_no_token_stands_for_no_card(number: str) -> None:
    assert card_number(number) is None
