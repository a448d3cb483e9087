"""Settlements in the portal: a shop is paid, by its owner and the operator, without a script."""

import asyncio
import html
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import httpx
from starlette.applications import Starlette
from tests.flows.money.settling import ACCOUNT, DAY, ROUTING, batches, payouts, sold, terms
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.doors.portal.routes import routes
from recoup.flows.insight.verify import verify
from recoup.flows.people.make_user import Membership, make_user, register_merchant
from recoup.kernel.ids import new_id
from recoup.store.server import ServerAddress

PASSWORD = "correct horse battery"
PEOPLE = {"owner": ("merchant", "owner"), "clerk": ("merchant", "analyst"), "olga": ("operator", "owner"),
          "otto": ("operator", "operations")}  # fmt: skip
As = Callable[[str], Awaitable[httpx.AsyncClient]]


def portal(server: ServerAddress, story: Callable[[Shop, As], Awaitable[None]]) -> None:
    async def inside() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made, fee_basis_points=290)
            world = shop.world
            await register_merchant(world, shop.merchant_id, "Brightleaf Tea", None)
            for name, (kind, role) in PEOPLE.items():
                subject = shop.merchant_id if kind == "merchant" else UUID(int=0)
                await make_user(world, f"{name}@example.test", name.title(), PASSWORD,
                                [Membership(kind, subject, role)])  # fmt: skip
            app = Starlette(routes=routes(world, shop.orders))
            clients: list[httpx.AsyncClient] = []

            async def signed_in(name: str) -> httpx.AsyncClient:
                client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://portal.test")
                clients.append(client)
                answer = await client.post("/signin", data={"email": f"{name}@example.test", "password": PASSWORD})
                assert answer.status_code == 303
                return client

            try:
                await story(shop, signed_in)
            finally:
                for client in clients:
                    await client.aclose()

    asyncio.run(inside())


async def post(client: httpx.AsyncClient, on: str, to: str, **fields: str) -> httpx.Response:
    """A form of the page `on`."""
    csrf = re.search(r'name="csrf" value="([^"]*)"', (await client.get(on)).text)
    assert csrf
    return await client.post(to, data={"csrf": html.unescape(csrf[1])} | fields)


def texts(page: httpx.Response) -> str:
    assert page.status_code == 200, page.text
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.text)))


async def entered(owner: httpx.AsyncClient, account: str = ACCOUNT) -> str:
    """An account that its owner has proved; its id."""
    answer = await post(owner, "/bank", "/bank", holder="Brightleaf Tea LLC", currency="USD", routing=ROUTING,
                        account=account)  # fmt: skip
    assert answer.status_code == 303, answer.text
    page = (await owner.get("/bank")).text
    assert account not in page
    assert account[-4:] in page
    first, second = re.findall(r"<b>(0\.\d\d)</b>", page)
    path = re.search(r"/bank/[0-9a-f-]{36}/prove", page)
    assert path
    answer = await post(owner, "/bank", path[0], first=second, second=first)
    assert answer.status_code == 303, answer.text
    return path[0].split("/")[2]


def test_a_shop_is_paid_by_two_people_and_a_bank(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner, operator = await signed_in("owner"), await signed_in("olga")
        assert "No settlement yet" in texts(await owner.get("/settlements"))
        account = await entered(owner)
        answer = await post(operator, "/approvals", f"/approvals/accounts/{account}", decision="approve")
        assert answer.status_code == 303, answer.text
        await terms(shop, period="week", delay_days=1)
        await sold(shop, 3)
        await shop.advance(9 * DAY)
        page = await owner.get("/settlements")
        heads = re.findall(r"<th[^>]*>([^<]*)</th>", page.text)
        assert heads == ["Details", "Payout Date", "Capture Period", "Total Value", "Flex Fees", "Chargebacks Fees",
                         "Chargebacks Value", "Returns", "Adjustment", "Reserve", "Payout"]  # fmt: skip
        assert "137.70" in texts(page)
        assert "133.71" in texts(page)
        (payout,) = await payouts(shop)
        batch = (await batches(shop))[0]
        detail = texts(await owner.get(f"/settlements/{batch['batch_id']}"))
        for word in ("Payment Ref", payout["reference"], "To approve", "Flex fee", "SUB-", batch["root"].hex()):
            assert word in detail, word
        answer = await post(operator, "/approvals", f"/approvals/payouts/{payout['payout_id']}/approve")
        assert answer.status_code == 303, answer.text
        await shop.settle()
        await shop.run_due()
        assert "Sent" in texts(await owner.get(f"/settlements/{batch['batch_id']}"))
        file = await operator.get(f"/approvals/payouts/{payout['payout_id']}/file")
        assert file.headers["content-disposition"] == f'attachment; filename="{payout["reference"]}.ach"'
        assert b"0000013371" in file.content
        await shop.advance(timedelta(days=2))
        assert "Paid" in texts(await owner.get("/settlements"))
        lines = await owner.get(f"/settlements/{batch['batch_id']}/lines.csv")
        assert lines.text.count("\r\n") == 1 + batch["lines"]
        assert (await owner.get(f"/settlements/{batch['batch_id']}/file")).text.count('"type":"line"') == batch["lines"]
        assert (await verify(shop.world)).difference is None

    portal(server, story)


def test_who_may_not_is_told_why(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner, clerk, olga = await signed_in("owner"), await signed_in("clerk"), await signed_in("olga")
        await terms(shop, period="day", delay_days=0, account_delay_days=3)
        await sold(shop)
        await shop.advance(DAY)
        (payout,) = await payouts(shop)
        approve = f"/approvals/payouts/{payout['payout_id']}/approve"
        assert (await owner.get("/approvals")).status_code == 403
        assert "/approvals" not in (await owner.get("/settlements")).text
        assert (await post(owner, "/bank", approve)).status_code == 403
        page = texts(await olga.get("/approvals"))
        assert "no account for USD" in page
        assert "Approve" not in page.replace("Approvals", "")
        answer = await post(olga, "/approvals", approve)
        assert answer.status_code == 409
        assert "no active bank account" in html.unescape(answer.text)
        answer = await post(clerk, "/orders", "/bank", holder="Me", routing=ROUTING, account=ACCOUNT, currency="USD")
        assert answer.status_code == 403
        account = await entered(olga)  # the operator enters it for the shop
        answer = await post(olga, "/approvals", f"/approvals/accounts/{account}", decision="approve")
        assert answer.status_code == 403
        assert "needs a second person" in answer.text
        otto = await signed_in("otto")
        await post(otto, "/approvals", f"/approvals/accounts/{account}", decision="approve")
        answer = await post(otto, "/approvals", approve)
        assert answer.status_code == 409
        assert "The bank account changed on" in answer.text
        await shop.advance(3 * DAY)
        assert (await post(olga, "/approvals", approve)).status_code == 403  # entered the account
        assert (await post(otto, "/approvals", approve)).status_code == 303
        assert (await post(otto, "/approvals", approve)).status_code == 409
        assert (await olga.post(approve, data={"csrf": "of another"})).status_code == 403

    portal(server, story)


def test_an_adjustment_needs_a_note_an_amount_and_above_the_limit_a_second_person(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        olga, otto = await signed_in("olga"), await signed_in("otto")
        await terms(shop, period="day", delay_days=0, limits={"USD": 10_000})
        await sold(shop)
        await shop.close_pages()
        path = "/approvals/adjustments"
        good = {"amount": "20.00", "currency": "USD", "note": "Goodwill", "direction": "to"}
        for wrong in ({"amount": "0"}, {"amount": "-5"}, {"amount": "1.005"}, {"note": "  "}, {"currency": "EUR"},
                      {"currency": "XXX"}):  # fmt: skip
            answer = await post(olga, "/approvals", path, **(good | wrong), key=str(new_id()))
            assert answer.status_code == 400, wrong
        assert "no key of its own" in (await post(olga, "/approvals", path, **good)).text
        made, larger = str(new_id()), good | {"amount": "200.00", "direction": "from"}
        assert (await post(olga, "/approvals", path, **good, key=made)).status_code == 303
        assert (await post(olga, "/approvals", path, **good, key=made)).status_code == 409, "a form sent twice"
        assert (await post(olga, "/approvals", path, **larger, key=str(new_id()))).status_code == 303
        page = (await olga.get("/approvals")).text
        one = re.search(r"/approvals/adjustments/[0-9a-f-]{36}", page)
        assert one
        answer = await post(olga, "/approvals", one[0], decision="book")
        assert answer.status_code == 403
        assert "second person" in answer.text
        assert (await post(otto, "/approvals", one[0], decision="book")).status_code == 303
        assert (await post(otto, "/approvals", one[0], decision="book")).status_code == 409
        await shop.advance(2 * DAY)
        (batch,) = await batches(shop)
        assert (batch["adjustment_units"], batch["payout_units"]) == (-18_000, 0)
        assert "Goodwill" in texts(await olga.get(f"/settlements/{batch['batch_id']}"))
        assert "Carried" in texts(await olga.get("/settlements"))
        assert (await verify(shop.world)).difference is None

    portal(server, story)


def test_payouts_of_one_currency_are_approved_together(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner, olga, otto = await signed_in("owner"), await signed_in("olga"), await signed_in("otto")
        await terms(shop, period="day", delay_days=0, account_delay_days=0, limits={"USD": 10_000})
        account = await entered(owner)
        await post(otto, "/approvals", f"/approvals/accounts/{account}", decision="approve")
        await sold(shop)
        await shop.advance(DAY)
        await sold(shop)
        await sold(shop, currency="EUR")
        await shop.advance(DAY)
        page = await olga.get("/approvals")
        told = texts(page)
        for words in ("USD 2", "EUR 1", "no account for EUR", "Approve all 2 that can be",
                      "above 100.00 USD in a day, and in every other currency to any amount."):  # fmt: skip
            assert words in told, words
        assert page.text.count('form="approve" name="payout"') == 2
        assert "no account for EUR" not in texts(await olga.get("/approvals?currency=USD"))
        ids = [str(row["payout_id"]) for row in await payouts(shop)]
        assert len(ids) == 3
        csrf = re.search(r'name="csrf" value="([^"]*)"', page.text)
        assert csrf
        data = {"csrf": html.unescape(csrf[1])}
        answer = await olga.post("/approvals/payouts?currency=USD", data=data | {"payout": [*ids, "none"]})
        assert answer.status_code in (404, 409)
        assert "2 of 4 payouts were approved" in answer.text
        assert sorted(row["state"] for row in await payouts(shop)) == ["approved", "approved", "created"]
        assert (await olga.post("/approvals/payouts", data=data)).status_code == 400
        assert (await post(owner, "/bank", "/approvals/payouts", payout=ids[0])).status_code == 403

    portal(server, story)


def test_an_account_that_gave_a_payout_back_is_told_wherever_it_would_be_used(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner, olga = await signed_in("owner"), await signed_in("olga")
        await terms(shop, period="day", delay_days=0, account_delay_days=0)
        account = await entered(owner, "000111110002")
        await post(olga, "/approvals", f"/approvals/accounts/{account}", decision="approve")
        await sold(shop)
        await shop.advance(DAY)
        (payout,) = await payouts(shop)
        assert "came back" not in texts(await owner.get("/bank"))
        await post(olga, "/approvals", f"/approvals/payouts/{payout['payout_id']}/approve")
        await shop.run_due()
        await shop.advance(2 * DAY)
        assert "R02, the account is closed. Enter another account" in texts(await owner.get("/bank"))
        batch = f"/settlements/{payout['batch_id']}"
        assert (await post(owner, batch, f"{batch}/pay-again")).status_code == 303
        assert "came back from it: R02, the account is closed" in texts(await olga.get("/approvals"))

    portal(server, story)


def test_pages_take_whatever_an_address_holds(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        olga = await signed_in("olga")
        for path, status in (
            ("/settlements/none", 404), (f"/settlements/{shop.merchant_id}", 404), ("/settlements?page=-1", 200),
            ("/settlements?page=99999999999&currency=%00", 200), (f"/settlements/{shop.merchant_id}/file", 404),
            ("/approvals/payouts/none/file", 404), (f"/approvals/payouts/{shop.merchant_id}/file", 404),
        ):  # fmt: skip
            assert (await olga.get(path)).status_code == status, path
        for path in ("/approvals/payouts/none/approve", f"/approvals/accounts/{shop.merchant_id}",
                     f"/approvals/adjustments/{shop.merchant_id}", f"/bank/{shop.merchant_id}/prove",
                     f"/settlements/{shop.merchant_id}/pay-again"):  # fmt: skip
            assert (await post(olga, "/approvals", path, decision="approve")).status_code == 404, path

    portal(server, story)
