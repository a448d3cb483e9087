"""The rescue engine's page: who decides, for the shop and its sites; the engine stopped; and the
order that says so."""

import html
import re

import httpx
import pytest
from tests import staff
from tests.engine.flows.taken_model import take_model
from tests.rings import each
from tests.staff import As, portal
from tests.worlds import Shop
from tests.worlds import owner as database_owner

from recoup.db.server import ServerAddress
from recoup.networks.magic import script_card
from recoup.policy_versions.flows.policies import save_policy
from recoup.policy_versions.flows.policy_scopes import where_of
from recoup.rescue.store.models import TrainingLine, add_training
from recoup.risk.flows.risk import newest_risk
from recoup.switches.flows.card_switches import card_switches
from recoup.terms.rules.arm_terms import Terms
from recoup.uplift.flows.arms import read_arms

FORM = {
    "site": "",
    "mode": "share",
    "share": "60",
    "holdout": "10",
    "explore": "5",
    "explore_max": "500 USD; 90,5 EUR",
}


async def post(client: httpx.AsyncClient, to: str = "/engine", **fields: str) -> httpx.Response:
    return await staff.post(client, "/engine", to, **fields)


def words(answer: httpx.Response) -> str:
    """What is read on the page, on one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


async def shops(shop: Shop, site: bool = False) -> Terms:
    known = await read_arms(
        shop.world,
        shop.merchant_id,
        shop.world.clocks.wall(),
    )  # type: ignore[arg-type]
    return known.own(shop.site_id if site else None)


def test_the_share_is_set_for_the_shop_and_another_for_a_site(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        ops, owner = await signed_in("ops"), await signed_in("owner")
        page = words(await ops.get("/engine"))
        assert "No model is in use yet" in page
        refused = await post(ops, **FORM)
        assert refused.status_code == 400
        assert "The engine cannot take traffic. No model is in use yet" in words(refused)
        await take_model(shop.world)
        assert (await post(ops, **FORM)).status_code == 303
        found = await shops(shop)
        assert (found.mode, found.share, found.holdout, found.explore) == ("share", 60, 10, 5)
        assert found.explore_max == {"USD": 50000, "EUR": 9050}
        assert (
            await post(owner, **FORM | {"site": str(shop.site_id), "mode": "shadow"})
        ).status_code == 303
        assert (await shops(shop, site=True)).mode == "shadow"
        read = (await ops.get("/engine")).text
        assert 'value="90.50 EUR; 500.00 USD"' in read
        audit = words(await owner.get("/audit"))
        assert "changed the settings of the rescue engine" in audit

    portal(server, story)


def test_it_says_what_a_bound_leaves_of_the_share_and_whose_it_is(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        ops = await signed_in("ops")
        await take_model(shop.world)
        assert (await post(ops, **FORM)).status_code == 303
        assert "In force for new orders" not in words(await ops.get("/engine"))
        for lines in ({"share": 20}, {"arm": "shadow"}):
            await save_policy(
                shop.world,
                shop.scope,
                await where_of(shop.world),
                {"engine": lines},
                "a trial first",
            )
            page = words(await ops.get("/engine"))
            assert "In force for new orders" in page
            assert 'value="60"' in (await ops.get("/engine")).text, "what is set stays"
            left = (
                "20 % of the customers, where 60 % are set"
                if "share" in lines
                else "engine in shadow mode"
            )
            assert f"{left} (the operator’s bound)" in page

    portal(server, story)


@each(
    ("wrong", "said"),
    [
        ({"share": "95"}, "the share is at most 90 %"),
        ({"holdout": "51"}, "from 0 to 50 percent"),
        ({"explore": "much"}, "not a whole percentage"),
        ({"mode": "all"}, "Choose who decides"),
        ({"mode": "inherit"}, "Only a site"),
        ({"explore_max": "500"}, "enter amounts with their currencies"),
        ({"explore_max": "5 XYZ"}, "enter amounts with their currencies"),
        ({"site": "x"}, "no such site"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_changes(
    server: ServerAddress, wrong: dict[str, str], said: str
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        ops = await signed_in("ops")
        answer = await post(ops, **FORM | wrong)
        assert answer.status_code in (400, 404)
        assert said in words(answer)
        assert (await shops(shop)).mode == "off"

    portal(server, story)


def test_the_engine_is_stopped_at_once_and_let_go_on(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        ops, clerk = await signed_in("ops"), await signed_in("clerk")
        assert (await post(ops, "/engine/stop", act="stop", why="")).status_code == 400
        assert (await post(ops, "/engine/stop", act="stop", why="odd approvals")).status_code == 303
        assert "The engine is stopped" in words(await clerk.get("/engine"))
        assert (await post(clerk, "/engine/stop", act="resume")).status_code == 403
        assert (await post(ops, "/engine/stop", act="resume")).status_code == 303
        assert "The engine is stopped" not in words(await clerk.get("/engine"))

    portal(server, story)


def test_codes_that_nobody_knows_are_listed_with_their_orders(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        ops = await signed_in("ops")
        assert "Unknown codes" not in words(await ops.get("/engine"))
        at = (await shop.now()).isoformat()
        strange = {"code": "9Z", "source": "mastercard", "text": "", "advice": "77", "at": at}
        for _ in range(2):
            await shop.admit(pan=script_card("mastercard", "51", 1), decline=strange)
        await shop.admit(
            pan=script_card("visa", "51", 1), decline=strange | {"code": "8Y", "advice": None}
        )
        order_id = await shop.admit()
        await shop.run_due()
        page = words(await ops.get("/engine"))
        assert "Unknown codes" in page
        assert "77 Advice code Mastercard 2 " in page
        assert "9Z Decline code Mastercard 2 " in page
        assert "8Y Decline code Visa 1 " in page
        assert "is unknown" not in words(await ops.get(f"/orders/{order_id}"))

    portal(server, story)


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ("candidate", "a better model was found; the operator decides whether to use it."),
        ("too_little", "there are too few attempts to learn from."),
    ],
)
def test_the_page_says_what_the_last_night_has_found(
    server: ServerAddress, result: str, said: str
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        ops = await signed_in("ops")
        assert "Last training" not in words(await ops.get("/engine"))
        async with shop.world.db.transaction() as tx:
            at = shop.world.clocks.wall()
            await add_training(
                tx,
                TrainingLine(
                    result=result,
                    attempts=0,
                    model=None,
                    compared_with=None,
                    score=None,
                    compared_score=None,
                    note="a secret of the operator",
                    began_at=at,
                    ended_at=at,
                    mode="candidate",
                ),
            )
        page = words(await ops.get("/engine"))
        assert "Last training, " in page
        assert said in page
        assert "secret" not in page

    portal(server, story)


def test_an_order_says_who_decided_and_why(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        model_name = await take_model(shop.world)
        ops = await signed_in("ops")
        await post(ops, **FORM | {"share": "100", "holdout": "0", "explore": "0"})
        shop.merchants.forget(shop.merchant_id)
        order_id = await shop.admit()
        await shop.run_due()
        page = words(await ops.get(f"/orders/{order_id}"))
        for part in (
            "Decided by the rescue engine",
            "The model gives the next attempt a chance of",
            "The best time within",
            "No further attempt.",
            f"model {model_name}",
        ):
            assert part in page
        await post(ops, **FORM | {"mode": "shadow", "holdout": "10"})
        shop.merchants.forget(shop.merchant_id)
        order_id = await shop.admit()
        await shop.run_due()
        page = words(await ops.get(f"/orders/{order_id}"))
        assert "Decided by the fixed schedule; engine in shadow mode" in page
        assert "Its own next attempt would have been" in page
        answer = await ops.get(f"/orders/{order_id}", headers={"accept-language": "de"})
        assert answer.status_code == 200

    portal(server, story)


def test_the_risk_check_is_switched_on_and_a_wrong_figure_is_named(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        ops = await signed_in("ops")
        page = words(await ops.get("/engine/risk"))
        assert "It only watches" in page
        form = {"risk_mode": "share", "share": "80", "holdout": "10", "margin": "25"}
        assert (await post(ops, "/engine/risk", **form)).status_code == 303
        found = await newest_risk(shop.world, shop.merchant_id)
        assert found is not None
        terms = found.terms
        assert (terms.mode, terms.share, terms.holdout, terms.margin) == ("share", 80, 10, 25)
        refused = await post(ops, "/engine/risk", **form | {"margin": "a lot"})
        assert refused.status_code == 400
        assert 'value="a lot"' in refused.text
        after = await newest_risk(shop.world, shop.merchant_id)
        assert after is not None
        assert after.terms.margin == 25
        assert (await post(ops, "/engine/risk", **form | {"risk_mode": "no"})).status_code == 400
        audit = words(await (await signed_in("owner")).get("/audit"))
        assert "changed the settings of the risk check" in audit
        clerk = await signed_in("clerk")
        assert (await post(clerk, "/engine/risk", **form)).status_code in (403, 404)

    portal(server, story)


def test_what_the_risk_check_learned_is_shown(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        ops = await signed_in("ops")
        assert "Weights: default." in words(await ops.get("/engine/risk"))
        async with database_owner(shop.world) as connection:
            await connection.execute(
                "INSERT INTO risk_weights (version_no, name, base, terms, used, payments, frauds, "
                "merchants, held_from,"
                " held_payments, held_frauds, score, compared_with, compared_score, note, made_at, "
                "made_by) VALUES"
                " (7, 'risk-abc', -4000, '{}', true, 9001, 90, 1, now(), 902, 12, 0.05, "
                "'risk-prior-2', 0.0625, '',"
                " now(), 'worker:training')"
            )
        page = words(await ops.get("/engine/risk"))
        assert "Weights: version 7" in page
        assert "learned from 9001 payments, 90 of them fraud." in page
        assert (
            "On 902 later payments, 12 of them fraud, the log loss was 0.05000; with the weights "
            "before, 0.06250" in page
        )

    portal(server, story)


def test_what_is_done_for_cards_is_switched_and_logged(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        ops, owner = await signed_in("ops"), await signed_in("owner")
        assert "Charge by network tokens" in words(await ops.get("/engine/cards"))
        form = {"cards": "yes", "network_tokens": "yes"}
        assert (await post(ops, "/engine/cards", **form)).status_code == 303
        found = await card_switches(shop.world, shop.merchant_id)
        assert found == {"card_updates": False, "network_tokens": True, "other_cards": False}
        audit = words(await owner.get("/audit"))
        assert "switched network tokens" in audit
        assert "switched queries about replaced cards" in audit
        assert "another card of the same customer" not in audit, "nothing changed"

    portal(server, story)
