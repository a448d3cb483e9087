"""`recoup verify` finds what is wrong with batches, payouts, reserves and adjustments, and names
it."""

import asyncio
from collections.abc import Iterator

import pytest
from tests.databases import drop
from tests.insight.flows.test_verify import planted
from tests.rings import drawn
from tests.settling import DAY, give_back, payouts, person, sold, terms, with_account
from tests.worlds import make_shop, sandbox_world

from recoup.bank.flows import approve
from recoup.db.server import ServerAddress
from recoup.settlement.flows.adjust import adjust

_LINE = "(SELECT posting_id FROM settlement_lines WHERE kind = '{}' ORDER BY posting_id LIMIT 1)"
_BATCH = "(SELECT batch_id FROM settlement_batches ORDER BY period_to LIMIT 1)"
_LAST = "(SELECT batch_id FROM settlement_batches ORDER BY period_to DESC LIMIT 1)"
_PAYOUT = "(SELECT payout_id FROM bank_payouts WHERE state = '{}' ORDER BY payout_id LIMIT 1)"
_NO_CHECK = "ALTER TABLE settlement_batches DROP CONSTRAINT settlement_batches_check"
# name -> what is planted, and words of the message that names it
CORRUPTIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "a line dropped": (
        (f"DELETE FROM settlement_lines WHERE posting_id = {_LINE.format('amount')}",),
        ("number of lines",),
    ),
    "a line's units": (
        (
            (
                "UPDATE settlement_lines SET units = units + 1 "
                f"WHERE posting_id = {_LINE.format('fee')}"
            ),
        ),
        ("of batch",),
    ),
    "two lines that make up for each other": (
        (
            f"UPDATE settlement_lines SET units = units + 5 WHERE posting_id = "
            f"{_LINE.format('amount')}",
            "UPDATE settlement_lines SET units = units - 5 WHERE posting_id ="
            " (SELECT max(posting_id::text)::uuid FROM settlement_lines WHERE kind = 'amount' AND "
            "batch_id ="
            " (SELECT batch_id FROM settlement_lines ORDER BY posting_id LIMIT 1))",
        ),
        ("units of settlement line",),
    ),
    "a line of another kind": (
        (f"UPDATE settlement_lines SET kind = 'refund' WHERE posting_id = {_LINE.format('fee')}",),
        ("of batch",),
    ),
    "a line in another batch": (
        (
            f"UPDATE settlement_lines SET batch_id ="
            f" (SELECT batch_id FROM settlement_batches ORDER BY period_to DESC LIMIT 1)"
            f" WHERE posting_id = {_LINE.format('amount')}",
        ),
        ("number of lines",),
    ),
    "an entry of an order left out": (
        (
            f"UPDATE settlement_batches SET lines = lines - 1, amount_units = amount_units - 4590, "
            f"payout_units ="
            f" payout_units - 4590 WHERE batch_id = {_BATCH}",
            f"DELETE FROM settlement_lines WHERE posting_id = {_LINE.format('amount')}",
        ),
        ("of batch",),
    ),
    "a payout higher than its lines": (
        (
            _NO_CHECK,
            f"UPDATE settlement_batches SET payout_units = payout_units + 1 WHERE batch_id "
            f"= {_BATCH}",
        ),
        ("payout",),
    ),
    "an amount moved from one column to another": (
        (
            f"UPDATE settlement_batches SET amount_units = amount_units + 1, fee_units = "
            f"fee_units - 1 WHERE batch_id ="
            f" {_BATCH}",
        ),
        ("amounts of batch",),
    ),
    "another root": (
        (f"UPDATE settlement_batches SET root = sha256(root) WHERE batch_id = {_BATCH}",),
        ("root of batch",),
    ),
    "another reserve": (
        (f"UPDATE settlement_batches SET held_units = held_units + 1 WHERE batch_id = {_BATCH}",),
        ("reserve held",),
    ),
    "a reserve that nothing releases": (
        ("DELETE FROM due_work WHERE kind = 'reserve'",),
        ("release of the reserve", "due"),
    ),
    "periods that overlap": (
        (
            "UPDATE settlement_batches SET period_from = period_from - interval '20 days' WHERE "
            "batch_id ="
            " (SELECT batch_id FROM settlement_batches ORDER BY period_to DESC LIMIT 1)",
        ),
        ("begin of the period",),
    ),
    "a settlement that nothing makes": (
        ("DELETE FROM due_work WHERE kind = 'settlement'",),
        ("due work settlement",),
    ),
    "a payout of other units": (
        (f"UPDATE bank_payouts SET units = units + 1 WHERE payout_id = {_PAYOUT.format('paid')}",),
        ("units of bank payout",),
    ),
    "a payout twice": (
        (
            "DROP INDEX bank_payouts_one",
            "INSERT INTO bank_payouts SELECT (jsonb_populate_record(p, "
            "jsonb_build_object('payout_id', gen_random_uuid(),"
            f" 'payout_no', 2))).* FROM bank_payouts p WHERE payout_id = {_PAYOUT.format('paid')}",
        ),
        ("bank payout",),
    ),
    "no payout": (
        (f"DELETE FROM bank_payouts WHERE payout_id = {_PAYOUT.format('created')}",),
        ("payout of batch",),
    ),
    "paid without a posting": (
        (
            f"UPDATE bank_payouts SET state = 'paid', account_id = (SELECT account_id FROM "
            f"bank_accounts LIMIT 1) WHERE"
            f" payout_id = {_PAYOUT.format('created')}",
        ),
        ("postings of bank payout", "paid_out"),
    ),
    "a return without a posting": (
        (f"UPDATE bank_payouts SET state = 'returned' WHERE payout_id = {_PAYOUT.format('paid')}",),
        ("postings of bank payout", "payout_bounced"),
    ),
    "one person alone": (
        (
            f"UPDATE bank_payouts SET approved_by = requested_by WHERE payout_id = "
            f"{_PAYOUT.format('paid')}",
        ),
        ("second person",),
    ),
    "an approval that nobody gave": (
        (f"UPDATE bank_payouts SET approved_by = NULL WHERE payout_id = {_PAYOUT.format('paid')}",),
        ("approval of bank payout",),
    ),
    "a payout to an account that was not active": (
        ("UPDATE bank_accounts SET active_at = active_at + interval '40 days'",),
        ("account of bank payout",),
    ),
    "a payout to nowhere": (
        (
            f"UPDATE bank_payouts SET account_id = gen_random_uuid() WHERE payout_id = "
            f"{_PAYOUT.format('paid')}",
        ),
        ("account of bank payout", "none"),
    ),
    "an account that one person made and approved": (
        ("UPDATE bank_accounts SET approved_by = added_by",),
        ("second person of bank account",),
    ),
    "an adjustment that one person made and booked": (
        ("UPDATE adjustments SET decided_by = made_by",),
        ("second person of adjustment",),
    ),
    "an entry that waits longer than it was booked to": (
        (
            "UPDATE entries SET available_at = available_at + interval '1 minute' WHERE account = "
            "'merchant_payable' AND"
            " posting_id = (SELECT max(posting_id::text)::uuid "
            "FROM postings WHERE recipe = 'approve')",
        ),
        ("begin of entry",),
    ),
    "a reserve that comes back earlier": (
        (
            "UPDATE entries SET available_at = available_at - interval '1 hour' WHERE account = "
            "'merchant_payable' AND"
            " posting_id IN (SELECT posting_id FROM postings WHERE recipe = 'reserve_held')",
        ),
        ("begin of entry",),
    ),
    "a settled period that begins again": (
        ("UPDATE settlement_clocks SET period_from = period_from - interval '3 days'",),
        ("first period",),
    ),
    "a reserve that comes back at another time": (
        (
            f"UPDATE settlement_batches SET release_at = release_at + interval '1 hour' WHERE "
            f"batch_id = {_BATCH}",
        ),
        ("release of batch",),
    ),
    "a reserve that nobody agreed to hold so long": (
        (
            f"UPDATE settlement_batches SET release_at = release_at + interval '7 days' WHERE "
            f"batch_id = {_BATCH}",
            f"UPDATE due_work SET due_at = due_at + interval '7 days' WHERE kind = 'reserve' AND "
            f"subject_id = {_BATCH}",
        ),
        ("release of batch",),
    ),
    "a period that begins later than it was told": (
        (
            f"UPDATE settlement_batches SET period_from = period_from + interval '1 minute' WHERE "
            f"batch_id = {_BATCH}",
        ),
        ("begin of batch",),
    ),
    "a batch that looked from another page on": (
        (f"UPDATE settlement_batches SET page_from = page_from + 1 WHERE batch_id = {_LAST}",),
        ("first page of",),
    ),
    "a batch that leaves pages out of the next one": (
        (f"UPDATE settlement_batches SET open_from = open_from + 1 WHERE batch_id = {_LAST}",),
        ("first page after",),
    ),
    "another account behind the mask": (
        ("UPDATE bank_accounts SET masked = replace(masked, '6789', '6780')",),
        ("mask of bank account",),
    ),
    "sealed numbers that were changed": (
        ("UPDATE bank_accounts SET sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1)",),
        ("sealed numbers of bank account",),
    ),
    "sealed deposits that were changed": (
        ("UPDATE bank_accounts SET deposits = sealed",),
        ("sealed deposits of bank account",),
    ),
    "another hash of the bank's file": (
        ("UPDATE bank_payouts SET file_hash = sha256(file_hash) WHERE file IS NOT NULL",),
        ("hash of the file",),
    ),
    "a bank file that was changed": (
        (
            "UPDATE bank_payouts SET file = set_byte(file, 40, get_byte(file, 40) # 1) WHERE file "
            "IS NOT NULL",
        ),
        ("file of bank payout", "does not open"),
    ),
    "a bank file gone": (
        (
            "UPDATE bank_payouts SET file = NULL, file_name = NULL, file_hash = NULL WHERE file IS "
            "NOT NULL",
        ),
        ("file of bank payout",),
    ),
    "a bank file of another name": (
        ("UPDATE bank_payouts SET file_name = 'x.ach' WHERE file IS NOT NULL",),
        ("file of bank payout",),
    ),
    "another reference": (
        (
            f"UPDATE bank_payouts SET reference = 'RC00000000000A' WHERE payout_id = "
            f"{_PAYOUT.format('created')}",
        ),
        ("reference of bank payout",),
    ),
    "sent at another time": (
        (
            (
                "UPDATE bank_payouts SET sent_at = sent_at - interval '1 minute' "
                "WHERE sent_at IS NOT NULL"
            ),
        ),
        ("time of sending",),
    ),
    "sent by nobody": (
        (f"UPDATE bank_payouts SET sent_at = now() WHERE payout_id = {_PAYOUT.format('created')}",),
        ("time of sending",),
    ),
    "paid without an end": (
        (f"UPDATE bank_payouts SET ended_at = NULL WHERE payout_id = {_PAYOUT.format('paid')}",),
        ("end of bank payout",),
    ),
    "an event lost": (
        (
            "DELETE FROM feed WHERE event = 'payout.updated'",
            "DELETE FROM outbox WHERE event = 'payout.updated'",
        ),
        ("events of bank payout",),
    ),
    "an adjustment of other units": (
        ("UPDATE adjustments SET units = units + 1",),
        ("balance of adjustments",),
    ),
    "an adjustment without a row": (("DELETE FROM adjustments",), ("balance of adjustments",)),
    "a batch without a row": (
        (f"DELETE FROM settlement_batches WHERE batch_id = {_BATCH}",),
        ("units of bank payout", "none"),
    ),
}


@pytest.fixture(scope="module")
def template(server: ServerAddress) -> Iterator[str]:
    """Four settlements: paid, carried, one with an adjustment, one whose payout waits."""

    async def story() -> str:
        async with sandbox_world(server, keep=True) as made:
            shop = await make_shop(*made, fee_basis_points=290)
            await with_account(shop)
            await terms(
                shop,
                period="day",
                delay_days=0,
                reserve_basis_points=500,
                reserve_days=30,
                limits={"USD": 500},
            )
            await shop.advance(4 * DAY)
            first, *_ = await sold(shop, 3)
            await shop.advance(DAY)
            await approve(shop.world, person(shop, "olga"), (await payouts(shop))[0]["payout_id"])
            await give_back(shop, first, "20.00")
            await shop.advance(2 * DAY)
            await adjust(shop.world, person(shop, "olga"), 300, "USD", "Goodwill")
            await sold(shop, 2)
            await shop.advance(DAY)
            await shop.close_pages()
            return str(shop.world.database)

    name = asyncio.run(story())
    yield name
    asyncio.run(drop(server, name))


def test_a_world_with_settlements_is_proved(server: ServerAddress, template: str) -> None:
    found = planted(server, template, "SELECT 1")
    assert found.difference is None, found.difference
    assert found.checked["batches"] == 3
    assert found.checked["settled"] > 10


@drawn("corruptions", "name", CORRUPTIONS, 6)
def test_what_is_wrong_is_found_and_named(server: ServerAddress, template: str, name: str) -> None:
    sql, words = CORRUPTIONS[name]
    found = planted(server, template, *sql)
    assert found.difference is not None
    told = " ".join(str(part) for part in found.difference)
    assert all(word in told for word in words), told
