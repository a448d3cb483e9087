"""The page of back-tests: what it shows and what is missing, each payment; and beside a policy
before it is saved."""

import io
from typing import Any

import httpx
import msgspec
from tests import staff
from tests.backtest.flows.test_kept import run_later, with_orders
from tests.backtest.flows.test_of_imports import lines
from tests.engine.page.test_engine import words
from tests.staff import As, portal
from tests.worlds import Shop

from recoup.backtest.api.backtests_shapes import BacktestHistory, BacktestReport
from recoup.backtest.flows.backtest_file import TOO_LITTLE
from recoup.backtest.flows.kept import ask as asked_for
from recoup.backtest.flows.questions import BacktestRequest, question_for
from recoup.backtest.moves import begin_backtest, keep_figures
from recoup.db.server import ServerAddress
from recoup.imports.flows import finish, read_import
from recoup.imports.rules.answers import Answers
from recoup.kernel.ids import new_id
from recoup.kernel.time import BusinessTime
from recoup.orders.moves.due import done_with


async def ask(client: httpx.AsyncClient, **fields: str) -> httpx.Response:
    return await staff.post(client, "/backtests", "/backtests", **fields)


def test_it_is_asked_shown_and_taken_as_a_file(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner = await signed_in("owner")
        assert "No back-test yet" in words(await owner.get("/backtests"))
        await with_orders(shop, 4)
        request = await ask(owner, decider="retry-2", days="90")
        assert request.status_code == 303
        place = request.headers["location"]
        page = words(await owner.get(place))
        assert "Schedule retry-2, within the policies that held at the time" in page
        assert "Not enough to say what the policy would have rescued" in page
        assert "payments that were not rescued; 50 are needed." in page
        assert "of 4 declined orders of 4 customers" in page
        reasons = words(await owner.get(f"{place}/payments"))
        assert "4 in all, the latest decline first" in reasons
        assert "4 in all" not in page
        assert (await owner.get("/backtests/nothing/payments")).status_code == 404
        assert "being made" not in page
        file = await owner.get(f"{place}/payments.csv")
        assert len(file.text.splitlines()) == 5
        assert "Schedule retry-2" in words(await owner.get("/backtests"))
        assert (await ask(owner, decider="retry-2", days="90")).headers["location"] == place
        assert (await owner.get("/backtests/nothing")).status_code == 404
        assert (await ask(owner, decider="retry-99")).status_code == 400
        assert (await ask(owner, version="7")).status_code == 404
        assert (await ask(owner, source="nothing")).status_code == 404
        viewer = await signed_in("clerk")
        assert (await viewer.get(place)).status_code == 200
        assert (await ask(viewer, decider="retry-1")).status_code == 403

    portal(server, story)


def test_a_policy_is_tested_before_it_is_saved_and_its_version_names_the_test(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner = await signed_in("owner")
        await with_orders(shop, 4)
        checked = await staff.post(
            owner, "/policy", "/policy", act="check", seen="0", **{"tries.all": "2"}
        )
        page = words(checked)
        assert "The policy can be saved" in page
        assert "Back-test of the last 90 days" in page
        assert "Not enough to say what the policy would have rescued" in page
        place = checked.text.partition('href="/backtests/')[2].partition('"')[0]
        saved = await staff.post(
            owner, "/policy", "/policy", act="save", seen="0", reason="two", **{"tries.all": "2"}
        )
        assert saved.status_code == 303
        assert f'href="/backtests/{place}"' in (await owner.get("/policy")).text
        assert "Saved as version 1" in words(await owner.get(f"/backtests/{place}"))

    portal(server, story)


def test_a_file_that_is_too_short_is_listed_and_says_so(server: ServerAddress) -> None:
    async def story(shop: Shop, who: As) -> None:
        maya = await who("owner")
        content, answers = io.BytesIO(lines(2)), Answers("", "", "", "")
        read = await read_import(
            shop.world, shop.scope, "past.jsonl", content, answers, dry_run=False
        )
        assert read.stored is not None
        request = BacktestRequest("retry-2", import_id=read.stored.import_id)
        await finish(shop.world, (shop.merchant_id, read.stored.import_id))
        asked = await asked_for(
            shop.world, shop.scope, await question_for(shop.world, shop.merchant_id, request)
        )
        await run_later(shop)
        for path in ("/backtests", f"/backtests/{asked.backtest_id}"):
            page = await maya.get(path)
            assert page.status_code == 200
            assert "ot enough" in words(page)
            assert (
                f'<a href="/imports/{read.stored.import_id}"><bdi class="cut">past.jsonl</bdi></a>'
                in page.text
            )

    portal(server, story)


SHARE = {"value": 0.47, "low": 0.44, "high": 0.5}
OWN: dict[str, Any] = {
    "basis": "propensities",
    "policy": "retry-2",
    "from": "2026-03-01T00:00:00Z",
    "until": "2026-05-29T00:00:00Z",
    "sampledOf": None,
    "open": 0,
    "unread": 0,
    "payers": 900,
    "verdict": "better",
    "sendCost": 12,
    "orders": 1200,
    "rescuedThen": 500,
    "then": SHARE,
    "rescued": SHARE,
    "difference": {"value": 0.03, "low": 0.012, "high": 0.05},
    "missing": [],
    "sends": 1.8,
    "sendsThen": 2.1,
    "days": 9.0,
    "daysThen": 12.5,
    "overlap": {
        "effectivePayers": 400.0,
        "followed": 0.8,
        "unsupported": 0,
        "clipped": 0,
        "largestPayer": 0.01,
    },
    "money": [
        {
            "currency": "USD",
            "orders": 1200,
            "declined": 9_000_000,
            "rescuedThen": 4_000_000,
            "rescued": 4_200_000,
            "netThen": 3_900_000,
            "net": 4_100_000,
            "netDifference": {"low": 1, "high": 2},
            "feesAvoided": -4_320,
        }
    ],
    "spanDays": 87.0,
}
GROUP = {
    name: OWN[name]
    for name in ("orders", "rescuedThen", "then", "rescued", "difference", "missing", "sends")
} | {name: OWN[name] for name in ("sendsThen", "days", "daysThen")}
HISTORY: dict[str, Any] = {
    "basis": "history",
    "policy": "retry-2",
    "orders": 400,
    "declined": 500,
    "begunBefore": 0,
    "openAfter": 100,
    "from": None,
    "until": None,
    "missing": [],
    "sampledOf": None,
    "attempts": 900,
    "then": SHARE,
    "sendsThen": 3.0,
    "daysThen": 5.0,
    "bounds": {"atLeast": 0.1, "atMost": 0.9},
    "plannedOf": [400, 400],
    "sends": 2.0,
    "calibration": None,
    "rangeOfModels": None,
    "whyNoModels": "",
    "experiments": [],
}
MONEY = [
    {
        "currency": "USD",
        "orders": 400,
        "declined": 900_000,
        "rescuedThen": 423_000,
        "atLeast": 90_000,
        "atMost": 810_000,
        "lowest": None,
        "highest": None,
    },
]
WHOLE = {
    "name": "",
    "orders": 400,
    "rescuedThen": 188,
    "sendsThen": 3.0,
    "daysThen": 5.0,
    "models": None,
    "rescued": {"atLeast": 0.1, "atMost": 0.9},
    "sends": {"atLeast": 1.0, "atMost": 2.0},
    "daysEarlier": {"atLeast": -3.0, "atMost": 2.0},
    "feesAvoided": [{"currency": "USD", "atLeast": 4_800, "atMost": 9_600}],
}


async def _shown(shop: Shop, who: As, report: dict[str, Any]) -> str:
    """Its page, as the list has it too."""
    question = await question_for(shop.world, shop.merchant_id, BacktestRequest("retry-2"))
    backtest_id, wall = new_id(), shop.world.clocks.wall()
    async with shop.world.db.transaction() as tx:
        await begin_backtest(
            tx, shop.merchant_id, backtest_id, question.plain(), question.hash, "api:x", None, wall
        )
        until = BusinessTime(wall)
        await keep_figures(
            tx, shop.merchant_id, backtest_id, report, None, [], until=until, wall=wall
        )
        await done_with(tx, shop.merchant_id, "backtest", backtest_id)
    maya = await who("owner")
    assert (await maya.get("/backtests")).status_code == 200
    page = await maya.get(f"/backtests/{backtest_id}")
    assert page.status_code == 200
    return words(page)


def test_it_says_in_plain_words_what_it_means(server: ServerAddress) -> None:
    async def story(shop: Shop, who: As) -> None:
        fees = [{"currency": "USD", "units": 1_200}, {"currency": "EUR", "units": -300}]
        groups = {"class": [GROUP | {"name": "fraud", "daysEarlier": 3.5, "feesAvoided": fees}]}
        page = await _shown(
            shop, who, OWN | {"daysEarlier": 3.5, "feesAvoided": fees, "groups": groups}
        )
        assert "Of 31,034 USD declined a month, 13,448 USD come back today;" in page
        assert "with this policy, about 14,138 USD would come back (from 13,448 to 13,448)." in page
        assert "Recommendation: switch it on." in page
        assert (
            "Of 1,200 declined payments in 87 days, 47.0 % came back; with this policy, 44.0 to "
            "50.0 % would." in page
        )
        assert "they show a difference of +1.2 to +5.0 points." in page
        assert "Its attempts would have cost 43.20 USD more in fees." in page
        assert "The money would have come 3.5 days earlier." in page
        assert "Suspected fraud" in page
        assert "+12.00 USD" in page
        assert "\N{MINUS SIGN}3.00 EUR" in page
        experiment = {
            "orders": 5_000,
            "compared": 0.1,
            "plusMinus": 0.364,
            "days": 9.0,
            "atRisk": 3,
        }
        more = {"whole": WHOLE, "whyNoModels": str(TOO_LITTLE), "experiments": [experiment]}
        page = await _shown(
            shop, who, HISTORY | more | {"groups": {"class": [WHOLE | {"name": "funds"}]}}
        )
        assert "come back today" not in page, "it was kept without the money"
        assert "at least 10.0 % and at most 90.0 % are rescued." in page
        page = await _shown(
            shop, who, HISTORY | more | {"spanDays": 90.0, "money": MONEY, "groups": {}}
        )
        assert "Of 3,000 USD declined a month, 1,410 USD come back today;" in page
        assert (
            "this policy, between 300 and 2,700 USD would come back: the file alone proves no "
            "narrower" in page
        )
        assert "Recommendation: run a comparison group for" in page
        page = await _shown(
            shop, who, HISTORY | more | {"groups": {"class": [WHOLE | {"name": "funds"}]}}
        )
        assert "Fees avoided: between +48.00 and +96.00 USD." in page
        assert "That rests on an assumed cost of 0.12 USD an attempt" in page
        assert "their money comes 3.0 days later to 2.0 earlier." in page
        assert (
            "Insufficient funds 400 47.0 % 10.0 to 90.0 % – 1.00 to 2.00 3.00 3.0 days later to "
            "2.0 earlier" in page
        )
        assert "± 36.4 points" in page
        assert "too few repeated attempts to learn from. Import a longer export" in page
        both = {
            "assumed": ["lasting", "payer"],
            "atLeast": 0.1,
            "atMost": 0.2,
            "known": 3,
            "contradicted": 1_234,
        }
        payer = {
            "assumed": ["payer"],
            "atLeast": None,
            "atMost": None,
            "known": 3,
            "contradicted": 1_233,
        }
        page = await _shown(
            shop, who, HISTORY | {"whole": WHOLE, "assuming": [both, payer], "groups": {}}
        )
        assert "cannot be said: 1,233 payments of this file contradict it." in page
        assert "1,234" not in page
        missing = [{"what": "unknown", "have": 0.364, "needed": 0.05}]
        page = await _shown(shop, who, HISTORY | {"then": None, "missing": missing})
        assert (
            "Of 36.4 % of the payments it is not known whether a later attempt was approved; 5.0 % "
            "at most." in page
        )
        assert msgspec.convert(
            HISTORY | {"assuming": [both], "missing": missing}, BacktestHistory
        ).missing

    portal(server, story)


def test_one_that_was_kept_by_an_earlier_release_is_shown(server: ServerAddress) -> None:
    async def story(shop: Shop, who: As) -> None:
        page = await _shown(shop, who, OWN | {"groups": {"class": [GROUP | {"name": "funds"}]}})
        assert "Insufficient funds" in page
        counted = {"name": "funds", "orders": 400, "rescuedThen": 188}
        page = await _shown(shop, who, HISTORY | {"groups": {"class": [counted]}})
        assert "Insufficient funds" in page
        assert (
            msgspec.convert(
                OWN | {"groups": {"class": [GROUP | {"name": "funds"}]}}, BacktestReport
            ).days
            == 9.0
        )
        assert (
            msgspec.convert(HISTORY | {"groups": {"class": [counted]}}, BacktestHistory).whole
            is None
        )

    portal(server, story)
