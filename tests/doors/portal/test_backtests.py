"""The page of back-tests: what it shows and what is missing, each payment; and beside a policy before it is saved."""

import io

import httpx
from tests.doors.portal import staff
from tests.doors.portal.staff import As, portal
from tests.doors.portal.test_engine import words
from tests.flows.backtests.test_kept import run_later, with_orders
from tests.flows.backtests.test_of_imports import lines
from tests.worlds import Shop

from recoup.flows.backtests.kept import ask as asked_for
from recoup.flows.backtests.questions import BacktestRequest, question_for
from recoup.flows.insight.imports.read import read_import
from recoup.flows.insight.imports.work import finish
from recoup.rules.imports.answers import Answers
from recoup.store.server import ServerAddress


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
        assert "4 in all, the latest decline first" in page
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


def test_a_policy_is_tested_before_it_is_saved_and_its_version_names_the_test(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner = await signed_in("owner")
        await with_orders(shop, 4)
        checked = await staff.post(owner, "/policy", "/policy", act="check", seen="0", **{"tries.all": "2"})
        page = words(checked)
        assert "The policy can be saved" in page
        assert "Back-test of the last 90 days" in page
        assert "Not enough to say what the policy would have rescued" in page
        place = checked.text.partition('href="/backtests/')[2].partition('"')[0]
        saved = await staff.post(owner, "/policy", "/policy", act="save", seen="0", reason="two", **{"tries.all": "2"})
        assert saved.status_code == 303
        assert f'href="/backtests/{place}"' in (await owner.get("/policy")).text
        assert "Saved as version 1" in words(await owner.get(f"/backtests/{place}"))

    portal(server, story)


def test_a_file_that_is_too_short_is_listed_and_says_so(server: ServerAddress) -> None:
    async def story(shop: Shop, who: As) -> None:
        maya = await who("owner")
        content, answers = io.BytesIO(lines(2)), Answers("", "", "", "")
        read = await read_import(shop.world, shop.scope, "past.jsonl", content, answers, dry_run=False)
        assert read.stored is not None
        request = BacktestRequest("retry-2", import_id=read.stored.import_id)
        await finish(shop.world, (shop.merchant_id, read.stored.import_id))
        asked = await asked_for(shop.world, shop.scope, await question_for(shop.world, shop.merchant_id, request))
        await run_later(shop)
        for path in ("/backtests", f"/backtests/{asked.backtest_id}"):
            page = await maya.get(path)
            assert page.status_code == 200
            assert "ot enough" in words(page)

    portal(server, story)
