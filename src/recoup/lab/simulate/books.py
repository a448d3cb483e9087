"""Three books that know nothing of each other: the merchants', the counterparts', and the engine's ledger.

What a merchant was told (its orders, the refunds it was promised) and what the issuer did must meet, and the ledger
must say the same to the last unit. Fees are computed here a second time, from the contract alone.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final
from uuid import UUID

from recoup.lab.simulate.channels import PAYMENTS, PAYOUTS, TRANSFERS
from recoup.lab.simulate.issuer import REVERSALS, SENDS, Sent
from recoup.lab.simulate.plan import Deal, fee_points
from recoup.lab.simulate.sim import Sim

_STANDS: Final = """
SELECT o.external_id, o.stage, h.refunded_units FROM orders o JOIN order_heads h USING (merchant_id, order_id)
"""
_SUMS: Final = "SELECT merchant_id, asset, sum(units) AS units FROM entries GROUP BY 1, 2"
_PAYABLE: Final = """
SELECT merchant_id, asset, place, sum(units)::bigint AS units FROM entries WHERE account = 'merchant_payable'
GROUP BY 1, 2, 3
"""
_STUCK: Final = """
SELECT kind, count(*) AS number, min(last_error) AS error FROM due_work WHERE kind <> ALL($1::text[]) GROUP BY kind
"""
_PAID_OUT: Final = """
SELECT merchant_id, asset, sum(units)::bigint AS units FROM payouts WHERE state = 'paid' GROUP BY 1, 2
"""


async def keep(sim: Sim) -> None:
    """The counterparts' books into the tables where `verify` reads them."""
    issuer, book = sim.outside.issuer, sim.outside.book
    for schema, table, columns, rows in (
        ("issuer", "sends", SENDS, issuer.new_sends), ("issuer", "reversals", REVERSALS, issuer.new_reversals),
        ("mock_channel", "payments", PAYMENTS, book.new_payments),
        ("mock_channel", "transfers", TRANSFERS, book.new_transfers),
        ("mock_channel", "payouts", PAYOUTS, book.new_payouts),
    ):  # fmt: skip
        if rows:
            await sim.owner.copy_records_to_table(table, schema_name=schema, columns=columns, records=rows)
            rows.clear()


async def each_day(sim: Sim) -> str | None:
    """What must hold at any instant. Answers the first thing that does not."""
    for row in await sim.owner.fetch(_SUMS):
        if row["units"]:
            return f"the book of a merchant in {row['asset']} sums to {row['units']}, not to 0"
    for name, charges in _by_order(sim.outside.issuer.sends.values()).items():
        standing = [c for c in charges if _taken(c) > 0]
        if len(standing) > 1:
            return f"{name} was charged twice and nothing was given back"
        if any(c.refunded > c.units for c in charges):
            return f"{name} was refunded more than it was charged"
    return None


async def at_the_end(sim: Sim) -> str | None:
    """When everything is over: no work is left, and the three books agree about every order and every balance."""
    stuck = await sim.owner.fetch(_STUCK, [])
    if stuck:
        return "work is left: " + ", ".join(f"{r['number']} {r['kind']} ({r['error']})" for r in stuck)
    stands = {r["external_id"]: r for r in await sim.owner.fetch(_STANDS)}
    for wrong in (_orders(sim, stands), await _balances(sim, stands)):
        if wrong:
            return wrong
    return None


def _by_order(charges: Iterable[Sent]) -> dict[str, list[Sent]]:
    found = defaultdict(list)
    for one in charges:
        if one.approved:
            found[one.name].append(one)
    return found


def _taken(charge: Sent) -> int:
    """What the card holder has paid by it and not got back."""
    captured = charge.capture or charge.captured
    return charge.units - charge.refunded if captured and not charge.voided else 0


def _orders(sim: Sim, stands: dict[str, Any]) -> str | None:
    charges = _by_order(sim.outside.issuer.sends.values())
    paid = {p.order_id: p for p in sim.outside.book.payments.values() if p.approved}
    for deal in sim.deals.values():
        row = stands.get(deal.name)
        if row is None:
            return f"{deal.name} was sent and is not there"
        done = row["stage"] == "completed"
        if row["refunded_units"] != deal.refunded:
            return f"{deal.name}: {row['refunded_units']} refunded, the merchant was promised {deal.refunded}"
        if deal.kind == "stable":
            payment = paid.get(_id(deal))
            if done and (payment is None or payment.refunded != deal.refunded):
                return f"{deal.name}: the channel gave back {payment and payment.refunded}, owed is {deal.refunded}"
            continue
        taken = sum(map(_taken, charges.get(deal.name, ())))
        owed = deal.units - deal.refunded if done else 0
        if taken != owed:
            return f"{deal.name} ({row['stage']}): the customer paid {taken} net by the issuer's book, owed is {owed}"
    return None


def _id(deal: Deal) -> UUID:
    assert deal.order_id is not None
    return deal.order_id


def fee_of(deal: Deal) -> int:
    """By the contract: basis points of the amount, half up."""
    fee = (Decimal(deal.units) * fee_points(deal.shop) / 10_000).quantize(Decimal(1), ROUND_HALF_UP)
    return min(deal.units, int(fee))


async def _balances(sim: Sim, stands: dict[str, Any]) -> str | None:
    """What is still owed to each merchant, unit by unit: the difference is exactly 0."""
    owed: Counter[tuple[int, str, str]] = Counter()
    for deal in sim.deals.values():
        if stands[deal.name]["stage"] == "completed":
            place = "wallet" if deal.kind == "stable" else ""
            sent = deal.units - fee_of(deal) if deal.channel == "mock_direct" else 0
            owed[deal.shop, deal.asset, place] += deal.units - fee_of(deal) - deal.refunded - sent
    shops = {shop.scope.merchant_id: shop.number for shop in sim.shops}
    for row in await sim.owner.fetch(_PAID_OUT):
        owed[shops[row["merchant_id"]], row["asset"], "wallet"] -= row["units"]
    found = {(shops[r["merchant_id"]], r["asset"], r["place"]): -r["units"] for r in await sim.owner.fetch(_PAYABLE)}
    for key in sorted(owed.keys() | found.keys()):
        if owed[key] != found.get(key, 0):
            shop, asset, place = key
            return f"merchant {shop} is owed {owed[key]} {asset} {place}, the ledger says {found.get(key, 0)}"
    return None


def stages(rows: Sequence[Any]) -> Iterator[tuple[str, int]]:
    yield from sorted(Counter(r["stage"] for r in rows).items())
