"""Files of banks against the ledger: payouts found, what processors paid and banks took back
booked, returns told."""

import asyncio

from tests.bank_files import (
    BANK,
    bai2,
    camt,
    details,
    mt940,
    nacha,
    ntry,
    payment,
    ref,
    status_report,
    stmt,
)
from tests.comparing import compare, outcomes, verdicts
from tests.settling import DAY, payouts, person, sold, terms, with_account
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.bank.flows import approve, go_on, take_answers
from recoup.bank.rules.reading import Reading
from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.money import EXPONENTS, to_text
from recoup.kit.report_spans import days
from recoup.reconciliation.flows.book_differences import book_lines


async def sent(shop: Shop) -> tuple[str, int, str]:
    """A payout that the bank has: its reference, cents and amount."""
    payout = (await payouts(shop))[-1]
    await approve(shop.world, person(shop, "olga"), payout["payout_id"])
    await go_on(shop.world, shop.merchant_id, payout["payout_id"])
    return payout["reference"], payout["units"], to_text(payout["units"], EXPONENTS["USD"])


async def bank_sum(shop: Shop, asset: str) -> int:
    sql = (
        "SELECT coalesce(sum(units), 0) FROM entries WHERE merchant_id = $1 AND account = "
        "'bank' AND asset = $2"
    )
    return int(await shop.value(sql, shop.merchant_id, asset))


def test_bank_files_end_in_the_ledger_and_at_the_payout(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        olga = person(shop, "olga")
        await with_account(shop)
        await terms(shop, period="day", delay_days=0)
        await shop.advance(4 * DAY)
        await sold(shop, 2)
        await shop.advance(DAY)
        reference, units, amount = await sent(shop)

        # The bank's statement knows the payout by our reference; of two formats, and of a file read
        # twice, nothing counts twice.
        day = f"{(await payouts(shop))[-1]['approved_at']:%Y-%m-%d}"
        entry = ntry(amount, "DBIT", details(ref(reference)), ccy="USD").replace("2026-11-20", day)
        ran = await compare(shop, camt(stmt(entry, ccy="USD")), BANK)
        assert await outcomes(shop, ran) == {"matched": 1}
        assert (await compare(shop, camt(stmt(entry, ccy="USD")), BANK)).before
        twice = camt(stmt(entry, entry, ccy="USD"))
        told = [row.reason for row in await verdicts(shop, await compare(shop, twice, BANK))]
        assert told == ["by_reference", "listed_twice"]

        # c15b: a credit of 100.00 and a reversed one of 40.00 are 60.00; c15a: the details of the
        # batch, not the batch.
        before = await bank_sum(shop, "EUR")
        lines = (":61:2611201120C100,00NTRFPO-1//BANK1", ":61:2611201120RC40,00NTRFPO-2//BANK2")
        ran = await compare(shop, mt940(*lines), BANK)
        assert [(row.type, row.recipe) for row in await verdicts(shop, ran)] == [
            ("funding", "funded"),
            ("funding_return", "funding_returned"),
        ]
        assert (await book_lines(shop.world, olga, ran.run.run_id, None, "asked the bank")).now == 2
        assert await bank_sum(shop, "EUR") - before == 6000
        batch = ntry("100.00", more=details(ref("PO-3", "60.00"), ref("PO-4", "40.00")))
        ran = await compare(shop, camt(stmt(batch)), BANK)
        assert [row.units for row in await verdicts(shop, ran)] == [6000, 4000]
        # The same credits, told by a camt.054 before or after, are known.
        notice = camt(
            stmt(batch, tag="Ntfctn"), message="camt.054.001.08", root="BkToCstmrDbtCdtNtfctn"
        )
        again = await compare(shop, notice, BANK)
        for run in (ran, again, again):
            await book_lines(shop.world, olga, run.run.run_id, None, "asked the bank")
        assert await bank_sum(shop, "EUR") - before == 16000

        # Two equal entries without any reference are two, in this statement and in the next one of
        # the same content.
        plain, before = [ntry("5.00", status="BOOK")] * 2, await bank_sum(shop, "EUR")
        for name, total in (("S8", 1000), ("S9", 2000), ("S8", 2000)):
            ran = await compare(shop, camt(stmt(*plain, name=name)), BANK)
            await book_lines(shop.world, olga, ran.run.run_id, None, "asked the bank")
            assert await bank_sum(shop, "EUR") - before == total, name

        # Equal ones of two accounts, and of two statements in one file, are told apart, also when
        # they are read anew.
        whole = Reading(kind="bank", period=days("2026-11-01", "2026-11-30", "UTC"))
        seven, before = ntry("7.00"), await bank_sum(shop, "EUR")
        of_two = camt(
            stmt(seven, name="A"), stmt(seven, name="B"), stmt(seven, name="A", iban="DE0000000001")
        )
        first, second = (
            camt(stmt(seven, name="C", iban=iban)) for iban in ("DE0000000002", "DE0000000003")
        )
        for content, reading, total in (
            (of_two, BANK, 2100),
            (of_two, BANK, 2100),
            (first, whole, 2800),
            (second, whole, 3500),
        ):
            ran = await compare(shop, content, reading, again=True)
            await book_lines(shop.world, olga, ran.run.run_id, None, "asked the bank")
            assert await bank_sum(shop, "EUR") - before == total
            assert "duplicate" not in await outcomes(shop, ran)

        # c15c, and the returns: another amount is not this payout's; a notice changes nothing.
        ran = await compare(
            shop, bai2([("9,USD", ["16,165,10000,S,0,0,0,REF-1,PO-1,FUNDING/"])]), BANK
        )
        assert await outcomes(shop, ran) == {"missing_here": 1}
        notes = nacha(
            (reference, units - 1, "99R02"),
            (reference, 0, "98C01 123456789"),
            ("RC000000000000", 1, "99R03"),
        )
        done = await take_answers(shop.world, olga, notes)
        assert [one.done for one in done] == ["not_done", "told", "not_done"]
        assert "but the payout is" in done[0].why
        assert "…6789" in done[1].why
        assert "no such payout" in done[2].why
        for content in (
            status_report(payment(reference, "ACSP")),
            nacha((reference, units, "99R02")),
            nacha((reference, units, "99R02")),
        ):
            done = await take_answers(shop.world, olga, content)
        assert [one.done for one in done] == ["known"]
        last = (await payouts(shop))[-1]
        assert (last["state"], last["reason"]) == ("returned", "R02: account closed")

    async def run() -> None:
        async with sandbox_world(server) as made:
            await story(await make_shop(*made))
            proved = await verify(made[0])
            assert proved.difference is None, proved.difference

    asyncio.run(run())
