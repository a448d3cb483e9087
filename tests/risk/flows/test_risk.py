"""The risk check before a waiting customer's payment: it watches unless the merchant lets it
decide, what it decides is stored and proved again, and nobody's names, replays or odd texts make it
say more than they should."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.rescue.flows.test_customer_waiting import PATIENT, kept
from tests.rings import each
from tests.routes.flows.test_routes import OWN, SECOND, two_routes
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.db.upkeep import retain
from recoup.insight.flows.verify import verify
from recoup.kernel.problem import Problem
from recoup.networks.allow_list import APPROVE_CARDS, PHONE_CARD
from recoup.networks.magic import script_card
from recoup.processors.gateways.port import Charge
from recoup.processors.gateways.sandbox.processor import SandboxProcessor
from recoup.rescue.flows.challenge import ChallengeAnswer, answer, show
from recoup.rescue.flows.taken import Person
from recoup.rescue.flows.tokenize import Vault
from recoup.risk.flows.risk import RiskChange, newest_risk, set_risk
from recoup.risk.flows.risk_check import Risks, address_counted, ip_counted
from recoup.risk.store.risk import Sighted, Sighting
from recoup.terms.rules.terms import RiskMode

IP, DEVICE = "203.0.113.77", "sense-key-of-a-browser"
HOME = {"addressLine1": "1 Main St", "zipcode": "10001", "countryCode": "US"}
AWAY = {"addressLine1": "9 Rue X", "zipcode": "75001", "countryCode": "FR"}
BAD: dict[str, Any] = {"avs": "N", "cvv_result": "N", "units": 50_000}
DOUBTFUL: dict[str, Any] = {"avs": "N"}
OTHERS = [script_card("visa", code, 0) for code in ("05", "51", "61", "91")]


def run(server: ServerAddress, story: Callable[[Shop], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with sandbox_world(server, policy=PATIENT) as made:
            shop = await make_shop(*made, fee_basis_points=290)
            await story(shop)
            proved = await verify(made[0])
            assert proved.difference is None, proved.difference

    asyncio.run(whole())


async def ask(shop: Shop, **more: Any) -> Any:
    person = more.pop(
        "payer", Person(first_name="Ana", email="ana@example.test", ip=IP, billing=HOME)
    )
    usual = {
        "is_mit": False,
        "days": None,
        "pan": APPROVE_CARDS[1],
        "code": "05",
        "cvv": "123",
        "payer": person,
    }
    return await shop.ask(**usual | {"sense_key": DEVICE} | more)


async def decide(shop: Shop, mode: RiskMode = "share", share: int = 100) -> None:
    await set_risk(shop.world, shop.scope, RiskChange(mode, share, 0))
    shop.merchants.forget(shop.merchant_id)


async def rows(shop: Shop, sql: str, *more: Any) -> Sequence[Any]:
    async with owner(shop.world) as connection:
        found: Sequence[Any] = await connection.fetch(sql, shop.merchant_id, *more)
        return found


async def decision_of(shop: Shop, order_id: Any) -> Any:
    found = await rows(
        shop,
        "SELECT * FROM decisions WHERE merchant_id = $1 AND order_id = $2 AND versions ->> "
        "'decider' LIKE 'risk-%'",
        order_id,
    )
    assert len(found) == 1
    plain = dict(found[0])
    return plain | {
        name: json.loads(plain[name]) for name in ("features", "reasons", "rules", "versions")
    }


def test_by_itself_it_watches_and_changes_nothing(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        word = await ask(shop, **BAD)
        assert word.evaluate == "APPROVED"
        kept_of = await decision_of(shop, word.order_id)
        assert kept_of["features"]["arm"] == "shadow"
        assert kept_of["reasons"][0].startswith("The risk check only watched")
        (named,) = await rows(
            shop,
            "SELECT body ->> 'risk' AS id FROM order_log"
            " WHERE merchant_id = $1 AND order_id = $2 AND happening = 'planned'",
            word.order_id,
        )
        assert named["id"] == str(kept_of["decision_id"])
        mit = await shop.ask(days=None)
        assert not await rows(
            shop,
            "SELECT 1 FROM decisions WHERE merchant_id = $1 AND order_id = $2 AND versions ->> "
            "'decider' LIKE 'risk-%'",
            mit.order_id,
        )

    run(server, story)


def test_switched_off_it_reads_and_keeps_nothing(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await decide(shop, "off", 0)
        assert (await ask(shop, **BAD)).evaluate == "APPROVED"
        assert not await rows(shop, "SELECT 1 FROM risk_sightings WHERE merchant_id = $1")

    run(server, story)


def test_plain_fraud_is_declined_before_anything_is_sent(server: ServerAddress) -> None:
    """Cards tried one after another from one place: the later ones are declined, and none of them
    reaches the bank."""

    async def story(shop: Shop) -> None:
        await decide(shop)
        for number in range(12):
            await ask(shop, pan=[APPROVE_CARDS[1], *OTHERS][number % 5], units=200)
        word = await ask(
            shop, **BAD, payer=Person(ip=IP, billing=HOME, shipping=AWAY, email="x@example.test")
        )
        assert word.evaluate == "DECLINED"
        assert word.order_id not in await kept(shop)
        assert not await rows(
            shop,
            "SELECT 1 FROM attempts WHERE merchant_id = $1 AND order_id = $2 AND sent_at IS NOT "
            "NULL",
            word.order_id,
        )
        assert (await decision_of(shop, word.order_id))["verdict"] == "decline_at_once"
        assert "fraud" not in str(word.cause and word.cause.sentence())
        again = await ask(
            shop,
            external_id=(await shop.order(word.order_id))["external_id"],
            **BAD,
            transaction_id=(await shop.order(word.order_id))["transaction_id"],
            payer=Person(ip=IP, billing=HOME, shipping=AWAY, email="x@example.test"),
        )
        assert (again.order_id, again.evaluate) == (word.order_id, "DECLINED")

    run(server, story)


def test_a_doubtful_customer_confirms_with_the_same_card(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await decide(shop)
        word = await ask(
            shop,
            **DOUBTFUL,
            payer=Person(ip=IP, billing=HOME, shipping=AWAY, email="x@example.test"),
        )
        assert word.evaluate == "CHALLENGE"
        assert word.order_id not in await kept(shop)
        page = await show(shop.world, shop.merchant_id, word.order_id)
        assert (page.asks, page.by_risk) == ("confirm", True)
        for wrong in (
            ChallengeAnswer(),
            ChallengeAnswer(pan=OTHERS[0], exp_month=9, exp_year=2031, confirmed=True),
        ):
            with pytest.raises(Problem, match="onfirm the payment"):
                await answer(shop.world, shop.orders, Vault(shop.world), page, wrong, "r")
        assert word.order_id not in await kept(shop)
        after = await answer(
            shop.world, shop.orders, Vault(shop.world), page, ChallengeAnswer(confirmed=True), "r"
        )
        assert after.state == "passed"
        assert word.order_id in await kept(shop)

    run(server, story)


def test_on_the_phone_nobody_is_asked_to_confirm(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await decide(shop)
        away = Person(billing=HOME, shipping=AWAY, email="x@example.test")
        word = await ask(shop, **DOUBTFUL, order_source="callcenter", sense_key=None, payer=away)
        assert word.evaluate == "APPROVED"
        assert "no_page" in (await decision_of(shop, word.order_id))["rules"]

    run(server, story)


def test_the_comparison_group_is_only_watched(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await set_risk(shop.world, shop.scope, RiskChange("share", 50, 50))
        shop.merchants.forget(shop.merchant_id)
        arms = set()
        for number in range(12):
            person = Person(email=f"p{number}@example.test", billing=HOME, shipping=AWAY)
            word = await ask(shop, **DOUBTFUL, sense_key=None, payer=person)
            arm = (await decision_of(shop, word.order_id))["features"]["arm"]
            arms.add(arm)
            assert (word.evaluate == "CHALLENGE") is (arm == "engine")
        assert arms == {"engine", "holdout"}

    run(server, story)


def test_what_the_processor_said_of_the_card_counts_for_its_next_payment(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        first = await ask(shop)
        assert (await decision_of(shop, first.order_id))["features"]["risk"][
            "processor_risk"
        ] == "unknown"
        (said,) = await rows(shop, "SELECT risk_level FROM card_results WHERE merchant_id = $1")
        again = await decision_of(shop, (await ask(shop)).order_id)
        assert again["features"]["risk"]["processor_risk"] == said["risk_level"]
        assert f"processor_{said['risk_level']}" in again["features"]["held"]
        async with owner(shop.world) as connection:
            await connection.execute(
                "UPDATE card_results SET risk_at = risk_at - interval '91 days'"
            )
        later = await decision_of(shop, (await ask(shop)).order_id)
        assert later["features"]["risk"]["processor_risk"] == "unknown"

    run(server, story)


def test_a_quiet_payment_in_europe_claims_an_exemption(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the check decides; what only watches claims nothing, and neither does a payment of
    elsewhere."""
    sent: list[Charge] = []
    charge = SandboxProcessor.charge

    async def noted(processor: SandboxProcessor, made: Charge) -> Any:
        sent.append(made)
        return await charge(processor, made)

    monkeypatch.setattr(SandboxProcessor, "charge", noted)
    quiet = {"avs": "Y", "cvv_result": "M", "currency": "EUR", "sense_key": None, "code": "51"}

    async def story(shop: Shop) -> None:
        async def claimed(number: int, **more: Any) -> str | None:
            who = Person(
                email=f"q{number}@example.test",
                billing=HOME | {"addressLine1": f"{number} Main St"},
            )
            given = (
                quiet
                | {"payer": who, "units": 2_900, "pan": APPROVE_CARDS[number % len(APPROVE_CARDS)]}
                | more
            )
            assert (await ask(shop, **given)).evaluate == "APPROVED"
            return sent[-1].exemption

        assert await claimed(1) is None
        await decide(shop)
        assert await claimed(2) is None
        async with owner(shop.world) as connection:
            await connection.execute(
                "UPDATE merchants SET region = 'eea_uk', version = version + 1"
            )
        shop.merchants.forget(shop.merchant_id)
        assert await claimed(3) == "low_value"
        (kept,) = await rows(
            shop,
            "SELECT consent FROM attempts WHERE merchant_id = $1 AND consent ->> 'exemption' <> "
            "'mit'",
        )
        assert json.loads(kept["consent"])["exemption"] == "low_value", (
            "sent again, it says the same"
        )
        assert await claimed(4, units=3_100) is None
        (kept_of,) = await rows(
            shop,
            "SELECT rules FROM decisions WHERE merchant_id = $1 AND rules ? 'claims_low_value'",
        )
        assert json.loads(kept_of["rules"])[0] == "approve"

    run(server, story)


def test_the_claim_goes_on_by_another_route_where_nothing_left_by_the_first(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        await decide(shop)
        async with owner(shop.world) as connection:
            await connection.execute(
                "UPDATE merchants SET region = 'eea_uk', version = version + 1"
            )
        shop.merchants.forget(shop.merchant_id)
        async with two_routes(shop, SECOND, OWN) as second:
            second.dead = True
            quiet = {
                "avs": "Y",
                "cvv_result": "M",
                "currency": "EUR",
                "sense_key": None,
                "code": "51",
                "units": 2_900,
            }
            who = Person(email="quiet@example.test", billing=HOME)
            assert (await ask(shop, **quiet, payer=who)).evaluate == "APPROVED"
        found = await rows(
            shop, "SELECT * FROM attempts WHERE merchant_id = $1 ORDER BY attempt_no"
        )
        said = [
            (one["route"], one["state"], json.loads(one["consent"])["exemption"]) for one in found
        ]
        assert said == [("second", "not_sent", "low_value"), ("sandbox", "approved", "low_value")]

    run(server, story)


def test_an_order_counts_once_however_often_it_comes(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        for _ in range(5):  # ended each time: a new generation of one order of the merchant's
            await ask(shop, external_id="SUB-1", pan=PHONE_CARD, cvv="", sense_key=DEVICE)
        word = await ask(shop)
        seen = (await decision_of(shop, word.order_id))["features"]["risk"]["seen"]
        assert seen["ip"]["day"] == seen["device"]["day"] == 1
        assert seen["ip"]["cards"] == 1
        again = await ask(shop)
        assert (await decision_of(shop, again.order_id))["features"]["risk"]["seen"]["card"][
            "day"
        ] == 1

    run(server, story)


@each(
    "text",
    [
        "'; DROP TABLE orders; --",
        "\u202e𝔘𝔫𝔦",
        "x" * 5_000,
        "{}",
        "\\u0000",
        "::ffff:203.0.113.77",
        " 203.0.113.77 ",
        "🙂",
    ],
)
def test_odd_texts_are_names_like_any_other(server: ServerAddress, text: str) -> None:
    async def story(shop: Shop) -> None:
        odd = {"addressLine1": text, "zipcode": text, "countryCode": text}
        word = await ask(
            shop,
            payer=Person(email="a@example.test", ip=text, billing=odd),
            sense_key=text,
            avs=text,
        )
        assert word.evaluate == "APPROVED"
        found = await rows(
            shop, "SELECT s::text AS line FROM risk_sightings s WHERE merchant_id = $1"
        )
        assert found
        assert all(IP not in row["line"] and text not in row["line"] for row in found)
        kept_of = await decision_of(shop, word.order_id)
        assert text not in str(dict(kept_of)) or len(text) < 3

    run(server, story)


def test_names_are_counted_as_one_would_expect() -> None:
    assert ip_counted("::ffff:203.0.113.77") == ip_counted(" 203.0.113.77 ") == "203.0.113.77"
    assert (
        ip_counted("2001:db8::1")
        == ip_counted("2001:db8:0:0:ffff::9")
        != ip_counted("2001:db8:0:1::1")
    )
    assert ip_counted("unknown") == ip_counted("") == ip_counted("10.0.0.0/8") == ""
    assert (
        address_counted(HOME)
        == address_counted(HOME | {"addressLine1": "1  MAIN-st."})
        != address_counted(AWAY)
    )
    assert (
        address_counted({"countryCode": "US"})
        == address_counted(None)
        == address_counted({"addressLine1": "--"})
    )


def test_what_no_window_reaches_is_forgotten(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await ask(shop)
        async with owner(shop.world) as connection:
            now = shop.world.clocks.wall()
            await retain(connection, now + timedelta(days=7))
            assert await connection.fetchval("SELECT count(*) FROM risk_sightings") > 0
            await retain(connection, now + timedelta(days=9))
            assert await connection.fetchval("SELECT count(*) FROM risk_sightings") == 0

    run(server, story)


def test_without_an_answer_of_the_look_the_payment_goes_on(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(_: Risks, rows: Sequence[Sighting]) -> list[Sighted | None]:
        await asyncio.sleep(30)
        return [None for _ in rows]

    monkeypatch.setattr(Risks, "_look", silent)

    async def story(shop: Shop) -> None:
        await decide(shop)
        assert (await ask(shop, **BAD)).evaluate == "APPROVED"

    run(server, story)


@each(
    "wrong",
    [
        {"share": 101},
        {"share": -1},
        {"holdout": 51},
        {"margin": 0},
        {"share": 95, "holdout": 10},
        {"mode": "on"},
    ],
)
def test_settings_that_make_no_sense_are_refused(
    server: ServerAddress, wrong: dict[str, Any]
) -> None:
    async def story(shop: Shop) -> None:
        with pytest.raises(Problem) as refused:
            await set_risk(shop.world, shop.scope, replace(RiskChange("share", 50, 10), **wrong))
        assert refused.value.field in wrong
        assert await newest_risk(shop.world, shop.merchant_id) is None

    run(server, story)
