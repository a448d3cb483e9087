"""Three books that know nothing of each other: the merchants', the counterparts', and the engine's
ledger.

A merchant's answers (its orders, the refunds it was promised) and what the issuer did must meet,
and the ledger must say the same to the last unit. Fees are computed here a second time, from the
contract alone.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

from recoup_lab.simulate.actors.cardholders import REASONS
from recoup_lab.simulate.channels import PAYMENTS, PAYOUTS, TRANSFERS
from recoup_lab.simulate.contracts import contract_of, fee_of, fee_returned
from recoup_lab.simulate.issuer import REVERSALS, SENDS
from recoup_lab.simulate.sim import Deal, Sim

_STANDS: Final = """
SELECT o.external_id, o.stage, h.refunded_units, EXISTS (SELECT FROM order_log l
  WHERE l.merchant_id = o.merchant_id
  AND l.order_id = o.order_id AND l.happening = 'uncollected') AS uncollected
FROM current_orders o JOIN order_heads h USING (merchant_id, order_id)
"""
_SUMS: Final = "SELECT merchant_id, asset, sum(units) AS units FROM entries GROUP BY 1, 2"
# Entries are never changed: what was sealed into earlier pages has been summed before.
_NEW_SUMS: Final = """
SELECT p.merchant_id, e.asset, sum(e.units) AS units
FROM unnest($1::uuid[], $2::bigint[]) AS k (merchant_id, page_no)
JOIN page_lines p ON p.merchant_id = k.merchant_id AND p.page_no > k.page_no
JOIN entries e ON e.merchant_id = p.merchant_id AND e.posting_id = p.posting_id
GROUP BY 1, 2
"""
_PAGES: Final = "SELECT merchant_id, page_no FROM closers"
# What is the merchant's, wherever on its way to the merchant it stands.
_OWED: Final = """
SELECT merchant_id, asset, place, sum(units)::bigint AS units FROM entries
WHERE account IN ('merchant_payable', 'reserve', 'settlement_due') GROUP BY 1, 2, 3
"""
_OPEN: Final = """
SELECT account, asset, sum(units)::bigint AS units FROM entries
WHERE account IN ('customer_due', 'refund_due') GROUP BY 1, 2 HAVING sum(units) <> 0
"""
_STUCK: Final = """
SELECT kind, count(*) AS number, min(last_error) AS error FROM due_work
  WHERE kind <> ALL($1::text[]) GROUP BY kind
"""
# Work that failed by an error of ours, not because a counterpart was away.
_FAILED: Final = (
    "SELECT kind, last_error FROM due_work WHERE last_error ~ '^[A-Za-z]+(Error|Exception)' LIMIT 1"
)
_PAID_OUT: Final = """
SELECT merchant_id, asset, sum(units)::bigint AS units FROM payouts WHERE state = 'paid'
  GROUP BY 1, 2
"""
_BANK: Final = "SELECT merchant_id, payout_id, state FROM bank_payouts"
_CASE: Final = """
INSERT INTO issuer.disputes (case_id, charge_id, merchant_id, order_id, case_no, stage, status,
  reason_code, units,
  currency, fee, opened_at, respond_by)
VALUES ($1, $2, $3, $4, 1, 'first', $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (case_id) DO UPDATE SET status = excluded.status
"""


async def keep(sim: Sim) -> None:
    """The counterparts' books into the tables where `verify` reads them."""
    issuer, book = sim.outside.issuer, sim.outside.book
    for schema, table, columns, rows in (
        ("issuer", "sends", SENDS, issuer.new_sends),
        ("issuer", "reversals", REVERSALS, issuer.new_reversals),
        ("mock_channel", "payments", PAYMENTS, book.new_payments),
        ("mock_channel", "transfers", TRANSFERS, book.new_transfers),
        ("mock_channel", "payouts", PAYOUTS, book.new_payouts),
    ):
        if rows:
            await sim.owner.copy_records_to_table(
                table, schema_name=schema, columns=columns, records=rows
            )
            rows.clear()
    statuses = {name: case.status for name, case in issuer.cases.items()}
    cases = [
        (sim.deals[name], issuer.cases[name])
        for name, status in statuses.items()
        if sim.kept.get(name) != status
    ]
    await sim.owner.executemany(
        _CASE,
        [
            (
                c.case_id,
                c.charge_id,
                sim.shops[c.shop].scope.merchant_id,
                d.order_id,
                c.status,
                REASONS[c.kind],
                c.units,
                d.asset,
                c.fee,
                c.opened_at,
                c.respond_by,
            )
            for d, c in cases
        ],
    )
    sim.kept = statuses


async def each_day(sim: Sim) -> str | None:
    """Checks what must hold at any instant, of what came since the last check. Answers the first
    thing that does not."""
    wrong = _sums(await sim.owner.fetch(_NEW_SUMS, list(sim.pages), list(sim.pages.values())))
    if wrong:
        return wrong
    sim.pages = dict(await sim.owner.fetch(_PAGES))
    failed = await sim.owner.fetchrow(_FAILED)
    if failed is not None:
        return f"due {failed['kind']} failed: {failed['last_error']}"
    issuer = sim.outside.issuer
    for name in sorted(issuer.touched):
        charges = issuer.approved[name]
        standing = [c for c in charges if c.taken > 0]
        if len(standing) > 1:
            return f"{name} was charged twice and nothing was given back"
        if any(c.refunded > c.units for c in charges):
            return f"{name} was refunded more than it was charged"
    issuer.touched.clear()
    return None


async def at_the_end(sim: Sim, for_ever: Sequence[str]) -> str | None:
    """Checks the end: no work is left, and the books agree about every order and every balance."""
    wrong = _sums(await sim.owner.fetch(_SUMS))
    if wrong:
        return wrong
    stuck = await sim.owner.fetch(_STUCK, for_ever)
    if stuck:
        return "work is left: " + ", ".join(
            f"{r['number']} {r['kind']} ({r['error']})" for r in stuck
        )
    still = await sim.owner.fetch(_OPEN)
    if still:
        return "money is still due: " + ", ".join(
            f"{r['units']} {r['asset']} {r['account']}" for r in still
        )
    stands = {r["external_id"]: r for r in await sim.owner.fetch(_STANDS)}
    return _orders(sim, stands) or await _balances(sim, stands)


def _sums(rows: Iterable[Any]) -> str | None:
    for row in rows:
        if row["units"]:
            return f"the book of a merchant in {row['asset']} sums to {row['units']}, not to 0"
    return None


def _orders(sim: Sim, stands: dict[str, Any]) -> str | None:
    """Checks what each customer paid net, by the counterparts' books, against the merchants'
    answers."""
    charges = sim.outside.issuer.approved
    paid = {p.order_id: p for p in sim.outside.book.payments.values() if p.approved}
    for deal in sim.deals.values():
        row = stands.get(deal.name)
        if row is None:
            return f"{deal.name} was sent and is not there"
        done = row["stage"] == "completed"
        disputed = (
            deal.name in sim.outside.issuer.cases
        )  # then a refund that was promised may come too late
        if row["refunded_units"] > deal.refunded or (
            row["refunded_units"] < deal.refunded and not disputed
        ):
            return (
                f"{deal.name}: {row['refunded_units']} refunded, the merchant was promised "
                f"{deal.refunded}"
            )
        if deal.kind == "stable":
            payment = paid.get(deal.order_id) if deal.order_id else None
            if done and (payment is None or payment.refunded != deal.refunded):
                return (
                    f"{deal.name}: the channel gave back {payment and payment.refunded}, owed "
                    f"is {deal.refunded}"
                )
            continue
        taken = sum(charge.taken for charge in charges.get(deal.name, ()))
        owed = deal.units - row["refunded_units"] if done and not row["uncollected"] else 0
        if taken != owed:
            return (
                f"{deal.name} ({row['stage']}): the customer paid {taken} net by the issuer's "
                f"book, owed is {owed}"
            )
    return None


async def _balances(sim: Sim, stands: dict[str, Any]) -> str | None:
    """Checks each merchant's amount due by its contract against ledger and bank, to the unit: the
    difference is exactly 0."""
    owed: Counter[tuple[int, str, str]] = Counter()
    for deal in sim.deals.values():
        if stands[deal.name]["stage"] == "completed":
            place = "wallet" if deal.kind == "stable" else ""
            owed[deal.shop, deal.asset, place] += _share(
                sim, deal, stands[deal.name]["refunded_units"]
            )
    shops = {shop.scope.merchant_id: shop.number for shop in sim.shops}
    for (shop, asset), units in sim.adjusted.items():
        owed[shop, asset, ""] += units
    for row in await sim.owner.fetch(_PAID_OUT):
        owed[shops[row["merchant_id"]], row["asset"], "wallet"] -= row["units"]
    found = Counter(
        {
            (shops[r["merchant_id"]], r["asset"], r["place"]): -r["units"]
            for r in await sim.owner.fetch(_OWED)
        }
    )
    for row in await sim.owner.fetch(_BANK):
        transfer = sim.outside.bank.paid.get(row["payout_id"])
        if (transfer is not None) != (row["state"] == "paid"):
            return (
                f"payout {row['payout_id']} is {row['state']}; paid by the bank: "
                f"{transfer is not None}"
            )
        if transfer is not None:
            found[shops[row["merchant_id"]], transfer.asset, ""] += transfer.units
    for key in sorted(owed.keys() | found.keys()):
        if owed[key] != found[key]:
            shop, asset, place = key
            return (
                f"merchant {shop} is owed {owed[key]} {asset} {place}, ledger and bank say "
                f"{found[key]}"
            )
    return None


def _share(sim: Sim, deal: Deal, refunded: int) -> int:
    """The merchant's part of an order, by its contract."""
    contract, fee = contract_of(deal.shop), fee_of(deal.shop, deal.units, deal.asset)
    share = deal.units - fee - refunded + fee_returned(deal.shop, deal.units, deal.asset, refunded)
    if deal.channel == "mock_direct":
        return share - (deal.units - fee)
    case = sim.outside.issuer.cases.get(deal.name)
    if case is not None and case.booked and case.believed != "won":
        share -= case.units if contract.liable and case.kind == "service" else 0
        share -= contract.dispute_fee if contract.liable else 0
    return share
