"""Settlements in the portal: a shop is paid, by its owner and the operator, without a script."""

import html
import re
from datetime import timedelta
from decimal import Decimal

import httpx
from tests.desk.page.test_orders import sheet_of
from tests.settling import ACCOUNT, DAY, ROUTING, batches, payouts, sold, terms
from tests.staff import As, approve_reviewed, payout_review, portal, post, review_form, texts
from tests.worlds import Shop

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.ids import new_id


async def entered(owner: httpx.AsyncClient, account: str = ACCOUNT) -> str:
    """An account that its owner has proved; its id."""
    answer = await post(
        owner,
        "/bank",
        "/bank",
        holder="Brightleaf Tea LLC",
        currency="USD",
        routing=ROUTING,
        account=account,
    )
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
        assert "No settlements yet" in texts(await owner.get("/settlements"))
        account = await entered(owner)
        answer = await post(
            operator, "/approvals", f"/approvals/accounts/{account}", decision="approve"
        )
        assert answer.status_code == 303, answer.text
        await terms(shop, period="week", delay_days=1)
        await sold(shop, 3)
        await shop.advance(9 * DAY)
        page = await owner.get("/settlements")
        heads = re.findall(r"<th[^>]*>([^<]*)</th>", page.text)
        assert heads[: heads.index("Details")] == ["Balance", "Scheduled payouts", "Total", "USD"]
        assert heads[heads.index("Details") :] == [
            "Details",
            "Payout date",
            "Capture period",
            "Total value",
            "Service fees",
            "Chargeback fees",
            "Chargeback value",
            "Returns",
            "Adjustment",
            "Reserve",
            "Payout",
        ]
        assert "137.70" in texts(page)
        assert "133.71" in texts(page)
        (payout,) = await payouts(shop)
        batch = (await batches(shop))[0]
        detail = texts(await owner.get(f"/settlements/{batch['batch_id']}"))
        for word in (
            "Payment reference",
            payout["reference"],
            "Scheduled",
            "Service fee",
            "SUB-",
            batch["root"].hex(),
        ):
            assert word in detail, word
        answer = await approve_reviewed(operator, payout_review(payout["payout_id"]))
        assert answer.status_code == 303, answer.text
        await shop.settle()
        await shop.run_due()
        assert "Sent" in texts(await owner.get(f"/settlements/{batch['batch_id']}"))
        file = await operator.get(f"/approvals/payouts/{payout['payout_id']}/file")
        assert (
            file.headers["content-disposition"]
            == f'attachment; filename="{payout["reference"]}.ach"'
        )
        assert b"0000013371" in file.content
        await shop.advance(timedelta(days=2))
        assert "Confirmed" in texts(await owner.get("/settlements"))
        lines = await owner.get(f"/settlements/{batch['batch_id']}/lines.csv")
        assert lines.text.count("\r\n") == 1 + batch["lines"]
        assert lines.content.startswith(b"\xef\xbb\xbf"), "a spreadsheet reads it as UTF-8"
        heads, *rows = sheet_of(
            (await owner.get(f"/settlements/{batch['batch_id']}/lines.xlsx")).content
        )
        assert len(rows) == batch["lines"]
        assert sum(Decimal(row[heads.index("Amount")]) for row in rows) == 0
        printed = await owner.get(f"/settlements/{batch['batch_id']}?print=1")
        assert printed.text.count("<tr><td><span>") == batch["lines"]
        assert (await owner.get(f"/settlements/{batch['batch_id']}/file")).text.count(
            '"type":"line"'
        ) == batch["lines"]
        assert (await verify(shop.world)).difference is None

    portal(server, story, fee_basis_points=290)


def test_who_may_not_is_told_why(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner, clerk, olga = (
            await signed_in("owner"),
            await signed_in("clerk"),
            await signed_in("olga"),
        )
        await terms(shop, period="day", delay_days=0, account_delay_days=3)
        await sold(shop)
        await shop.advance(DAY)
        (payout,) = await payouts(shop)
        to, review = "/approvals/payouts", payout_review(payout["payout_id"])
        press = {"payout": str(payout["payout_id"]), "seen": "x"}
        assert (await clerk.get("/approvals")).status_code == 403
        assert "/approvals" not in (await clerk.get("/settlements")).text
        assert "Bank payouts" not in texts(await owner.get("/approvals")), (
            "the owner agrees to refunds there, no more"
        )
        assert (await post(owner, "/bank", to, **press)).status_code == 403
        assert (await owner.get(review)).status_code == 403
        page = texts(await olga.get("/approvals"))
        assert "no account for USD" in page
        assert "Approve" not in page.replace("Approvals", "")
        answer = await post(olga, "/approvals", to, **press)
        assert answer.status_code == 409
        assert "no active bank account" in html.unescape(answer.text)
        answer = await post(
            clerk, "/orders", "/bank", holder="Me", routing=ROUTING, account=ACCOUNT, currency="USD"
        )
        assert answer.status_code == 403
        account = await entered(olga)  # the operator enters it for the shop
        answer = await post(
            olga, "/approvals", f"/approvals/accounts/{account}", decision="approve"
        )
        assert answer.status_code == 403
        assert "needs a second person" in answer.text
        otto = await signed_in("otto")
        await post(otto, "/approvals", f"/approvals/accounts/{account}", decision="approve")
        answer = await post(otto, "/approvals", to, **press)
        assert answer.status_code == 409
        assert "The bank account changed on" in answer.text
        await shop.advance(3 * DAY)
        assert (
            await post(olga, "/approvals", to, **press)
        ).status_code == 403  # entered the account
        assert "Approve and send" not in texts(await olga.get(review))
        approved = await approve_reviewed(otto, review)
        assert approved.status_code == 303
        assert "The payout is approved and is being sent." in texts(
            await otto.get(approved.headers["location"])
        )
        assert (await post(otto, "/approvals", to, **press)).status_code == 409
        assert (await olga.post(to, data=press | {"csrf": "of another"})).status_code == 403

    portal(server, story, fee_basis_points=290)


def test_an_adjustment_needs_a_note_an_amount_and_above_the_limit_a_second_person(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        olga, otto = await signed_in("olga"), await signed_in("otto")
        await terms(shop, period="day", delay_days=0, limits={"USD": 10_000})
        await sold(shop)
        await shop.close_pages()
        path = "/approvals/adjustments"
        good = {"amount": "20.00", "currency": "USD", "note": "Goodwill", "direction": "to"}
        for wrong in (
            {"amount": "0"},
            {"amount": "-5"},
            {"amount": "1.005"},
            {"note": "  "},
            {"currency": "EUR"},
            {"currency": "XXX"},
        ):
            answer = await post(olga, "/approvals", path, **(good | wrong), key=str(new_id()))
            assert answer.status_code == 400, wrong
        assert "This form has no key" in (await post(olga, "/approvals", path, **good)).text
        made, larger = str(new_id()), good | {"amount": "200.00", "direction": "from"}
        booked = await post(olga, "/approvals", path, **good, key=made)
        assert "The adjustment is booked." in texts(await olga.get(booked.headers["location"]))
        assert (await post(olga, "/approvals", path, **good, key=made)).status_code == 409, (
            "a form sent twice"
        )
        waits = await post(olga, "/approvals", path, **larger, key=str(new_id()))
        assert "The adjustment waits for a second person." in texts(
            await olga.get(waits.headers["location"])
        )
        page = (await olga.get("/approvals")).text
        one = re.search(r"/approvals/adjustments/[0-9a-f-]{36}", page)
        assert one
        _, mine = review_form(await olga.get(one[0]))
        answer = await olga.post(one[0], data=mine | {"decision": "book"})
        assert answer.status_code == 403
        assert "second person" in answer.text
        _, seen = review_form(await otto.get(one[0]))
        assert (await otto.post(one[0], data=seen | {"decision": "book"})).status_code == 303
        assert (await otto.post(one[0], data=seen | {"decision": "book"})).status_code == 409
        await shop.advance(2 * DAY)
        (batch,) = await batches(shop)
        assert (batch["adjustment_units"], batch["payout_units"]) == (-18_000, 0)
        assert "Goodwill" in texts(await olga.get(f"/settlements/{batch['batch_id']}"))
        assert "Carried" in texts(await olga.get("/settlements"))
        assert (await verify(shop.world)).difference is None

    portal(server, story, fee_basis_points=290)


def test_payouts_of_one_currency_are_approved_together(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner, olga, otto = (
            await signed_in("owner"),
            await signed_in("olga"),
            await signed_in("otto"),
        )
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
        for words in (
            "USD 2",
            "EUR 1",
            "no account for EUR",
            "Review all ready payouts (2)",
            "above 100.00 USD in a day, and any amount in other currencies.",
        ):
            assert words in told, words
        assert page.text.count('form="approve" name="payout"') == 2
        assert "no account for EUR" not in texts(await olga.get("/approvals?currency=USD"))
        ids = [str(row["payout_id"]) for row in await payouts(shop)]
        assert len(ids) == 3
        csrf = re.search(r'name="csrf" value="([^"]*)"', page.text)
        assert csrf
        data = {"csrf": html.unescape(csrf[1])}
        path = "/approvals/payouts?currency=USD"
        assert (await olga.post(path, data=data | {"payout": [*ids, "none"]})).status_code == 404
        review = await olga.post(path, data=data | {"payout": ids})
        told = texts(review)
        assert "Approve and send 89.14 USD" in told
        assert "The merchant has no active bank account for EUR." in told
        assert {row["state"] for row in await payouts(shop)} == {"created"}
        action, fields = review_form(review)
        assert action == path
        assert len(fields["payout"]) == 2, "the one without an account is left out"
        answer = await olga.post(action, data=fields)
        assert "The payouts are approved" in texts(await olga.get(answer.headers["location"]))
        assert sorted(row["state"] for row in await payouts(shop)) == [
            "approved",
            "approved",
            "created",
        ]
        assert (await olga.post("/approvals/payouts", data=data)).status_code == 400
        assert (await post(owner, "/bank", "/approvals/payouts", payout=ids[0])).status_code == 403

    portal(server, story, fee_basis_points=290)


def test_an_account_that_gave_a_payout_back_is_told_wherever_it_would_be_used(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner, olga = await signed_in("owner"), await signed_in("olga")
        await terms(shop, period="day", delay_days=0, account_delay_days=0)
        account = await entered(owner, "000111110002")
        await post(olga, "/approvals", f"/approvals/accounts/{account}", decision="approve")
        await sold(shop)
        await shop.advance(DAY)
        (payout,) = await payouts(shop)
        assert "returned" not in texts(await owner.get("/bank"))
        await approve_reviewed(olga, payout_review(payout["payout_id"]))
        await shop.run_due()
        await shop.advance(2 * DAY)
        assert "R02, the account is closed. Enter another account" in texts(
            await owner.get("/bank")
        )
        batch = f"/settlements/{payout['batch_id']}"
        assert (await post(owner, batch, f"{batch}/pay-again")).status_code == 303
        assert "returned from this account: R02, the account is closed" in texts(
            await olga.get("/approvals")
        )

    portal(server, story, fee_basis_points=290)


def test_pages_take_whatever_an_address_holds(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        olga = await signed_in("olga")
        for path, status in (
            ("/settlements/none", 404),
            (f"/settlements/{shop.merchant_id}", 404),
            ("/settlements?page=-1", 200),
            ("/settlements?page=99999999999&currency=%00", 200),
            (f"/settlements/{shop.merchant_id}/file", 404),
            ("/approvals/payouts/none/file", 404),
            (f"/approvals/payouts/{shop.merchant_id}/file", 404),
            (payout_review("none"), 303),
            (payout_review(shop.merchant_id), 303),
            ("/approvals/payouts", 303),
        ):
            assert (await olga.get(path)).status_code == status, path
        for path in (
            f"/approvals/accounts/{shop.merchant_id}",
            f"/approvals/adjustments/{shop.merchant_id}",
            f"/bank/{shop.merchant_id}/prove",
            f"/settlements/{shop.merchant_id}/pay-again",
        ):
            assert (await post(olga, "/approvals", path, decision="approve")).status_code == 404, (
                path
            )

    portal(server, story, fee_basis_points=290)


def test_a_payout_without_an_account_says_that_it_waits_for_one(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner, operator = await signed_in("owner"), await signed_in("olga")
        await terms(shop, period="week", delay_days=1)
        await sold(shop, 1)
        await shop.advance(9 * DAY)
        (batch,) = await batches(shop)
        pages = ("/settlements", f"/settlements/{batch['batch_id']}")
        for page in pages:
            assert "There is no bank account in use for USD" in texts(await owner.get(page))
        account = await entered(owner)
        await post(operator, "/approvals", f"/approvals/accounts/{account}", decision="approve")
        for page in pages:
            assert "There is no bank account" not in texts(await owner.get(page))

    portal(server, story)
