"""The refund matrix: state of the charge x kind of refund x race. The test writes what it sees
to refund_matrix.md, and fails when that was another one: docs/money.md summarises it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from tests.refund_states import STATES, State, advanced, advanced_in_flight, draft, in_flight
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.money import Money
from recoup.kernel.policy import Policy
from recoup.kernel.problem import Problem
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.terms.rules.fees import Tariff

PAGE = Path(__file__).parent / "refund_matrix.md"
POLICY = Policy(
    call_timeout=timedelta(seconds=1),
    settled_after=timedelta(seconds=0.2),
    cit_deadline=timedelta(seconds=10),
)
PART = {"amount": "20.00"}
KINDS = {
    "20.00": PART,
    "two pieces of a line": {"items": ({"line": 1, "quantity": 2},)},
    "in full": {"all": True},
}
HEAD = """# Refund outcomes

`tests/refunds/flows/test_refund_matrix.py` writes this page from its observations: an order of
45.90 USD (one line of three pieces at 10.00, one piece at 15.90) in every state of its charge,
refunded in every way, alone and in races. The amounts are those the customer received, by the
issuer's own records. `netted` was deducted from a charge that had not been made, or from the
operator's loss. `owed` came back after it was refunded, and waits for a person. `void` is a voided
authorisation. `charged back` was returned by a dispute. The order with an attempt in flight is
800.01 USD, in four pieces.

Each refusal says why: `wrong_state` names the alternative, `over_remainder` both amounts,
`refund_items` the line.

## One refund, alone

"""
RACES = """
## Races

The same key twice makes one refund. Of two simultaneous refunds of 30.00 (in flight: 500.00) with
different keys, only those that fit into the remaining amount are accepted. The last column shows a
refund of 20.00 against another call at the same moment, with every possible result.

"""


class Cells:
    """What was seen: (state, column) -> words."""

    def __init__(self) -> None:
        self.seen: dict[tuple[str, str], str] = {}

    def table(self, head: str, columns: list[str]) -> str:
        lines = [f"| {head} | " + " | ".join(columns) + " |", "|" + " --- |" * (len(columns) + 1)]
        lines += [
            f"| {s.name} | " + " | ".join(self.seen[s.name, c] for c in columns) + " |"
            for s in STATES
        ]
        return "\n".join(lines) + "\n"


async def ask(shop: Shop, order_id: UUID, **asked: object) -> str:
    """What the caller is told."""
    try:
        await refund(
            shop.world,
            shop.orders,
            shop.scope,
            order_id,
            RefundRequest(**asked),
        )  # type: ignore[arg-type]
    except Problem as problem:
        return (
            f"`{problem.code}`: {problem.cure}"
            if problem.cure
            else f"`{problem.code}`: {problem.message}"
        )
    return "accepted"


async def end_of(shop: Shop, order_id: UUID) -> str:
    """Where order and money stand in the end, by the issuer's book and our rows."""
    row = await shop.order(order_id)
    async with owner(shop.world) as connection:
        by_kind = dict(
            await connection.fetch(
                "SELECT r.kind, sum(r.units)::bigint FROM issuer.reversals r JOIN issuer.sends s "
                "ON s.id = r.charge_id"
                " WHERE s.order_id = $1 AND r.decision = 'approved' AND r.failed_at IS NULL GROUP "
                "BY r.kind",
                order_id,
            )
        )
        netted = await connection.fetchval(
            "SELECT coalesce(sum(units), 0)::bigint FROM modifications WHERE order_id = $1 AND "
            "state = 'netted'",
            order_id,
        )
        owed = await connection.fetchval(
            "SELECT coalesce(sum(units), 0)::bigint FROM modifications WHERE order_id = $1 AND "
            "state = 'stuck'"
            " AND kind = 'refund'",
            order_id,
        )
        disputed = await connection.fetchval(
            "SELECT coalesce(sum(units), 0)::bigint FROM issuer.disputes WHERE order_id = $1 AND "
            "status <> 'won'"
            " AND stage <> 'inquiry'",
            order_id,
        )
        taken = await connection.fetchval(
            "SELECT coalesce(sum(units), 0)::bigint FROM issuer.sends WHERE order_id = $1 AND "
            "decision = 'approved'",
            order_id,
        )
    told = []
    if row["stage"] != "completed":
        told.append(row["stage"])
    elif "capture" in by_kind and not by_kind.get("refund"):
        told.append("captured")
    back = by_kind.get("refund", 0)
    assert back + netted + disputed + owed <= row["units"], "more goes back than was paid"
    if disputed:
        told.append("charged back")
    if row["stage"] == "completed":
        assert back + netted + owed == row["refunded_units"]
    if netted and taken:
        told.append(f"charged {Money(taken, 'USD').text()}")
    if back and row["stage"] == "completed":
        told.append(f"refunded {Money(back, 'USD').text()}")
    elif back:
        told.append("returned to the customer")
    if "void" in by_kind:
        told.append(f"void {Money(by_kind['void'], 'USD').text()}")
    if netted:
        told.append(f"netted {Money(netted, 'USD').text()}")
    if owed:
        told.append(f"owed {Money(owed, 'USD').text()}")
    return ", ".join(dict.fromkeys(told)) or "charged"


async def walk(shop: Shop, state: State, cells: Cells) -> list[Callable[[], Awaitable[None]]]:
    """Prepares one order a cell; answers what looks at the ends, once everything is settled."""
    columns = [*KINDS, "the same key twice", "two at once", "against"]
    ids = dict(
        zip(columns, await asyncio.gather(*(state.prepare(shop) for _ in columns)), strict=True)
    )
    if state.after:
        await shop.advance(state.after)
    if state.prepare not in (in_flight, draft, advanced, advanced_in_flight):
        await shop.run_due()
    later: list[Callable[[], Awaitable[None]]] = []
    for kind, asked in KINDS.items():
        told = await ask(shop, ids[kind], **asked)
        later.append(_ends(shop, cells, state, kind, ids[kind], told))
    again = await asyncio.gather(
        *(ask(shop, ids["the same key twice"], key="k" + state.name, **PART) for _ in "12")
    )
    assert len(set(again)) == 1, again
    later.append(
        _ends(shop, cells, state, "the same key twice", ids["the same key twice"], again[0])
    )
    most = {"amount": state.most}
    two = await asyncio.gather(
        *(ask(shop, ids["two at once"], key=f"{n}{state.name}", **most) for n in "12")
    )
    assert two.count("accepted") <= 1, two
    told = "one accepted, one `over_remainder`" if "accepted" in two else two[0]
    later.append(_ends(shop, cells, state, "two at once", ids["two at once"], told))
    assert state.against
    name, other = state.against
    await asyncio.gather(ask(shop, ids["against"], **PART), other(shop, ids["against"]))
    later.append(_against(shop, cells, state, name, ids["against"]))
    return later


def _ends(
    shop: Shop, cells: Cells, state: State, column: str, order_id: UUID, told: str
) -> Callable[[], Awaitable[None]]:
    async def look() -> None:
        end = await end_of(shop, order_id)
        cells.seen[state.name, column] = (
            end if told == "accepted" else (f"{told}: {end}" if told.startswith("one") else told)
        )

    return look


def _against(
    shop: Shop, cells: Cells, state: State, name: str, order_id: UUID
) -> Callable[[], Awaitable[None]]:
    async def look() -> None:
        end = await end_of(shop, order_id)
        assert end in state.ends, f"{state.name} against {name} ends with {end!r}"
        cells.seen[state.name, "against"] = f"{name}: " + " or ".join(state.ends)

    return look


@pytest.mark.timeout(400)
def test_the_matrix(server: ServerAddress) -> None:
    cells = Cells()

    async def story() -> None:
        async with sandbox_world(server, policy=POLICY) as (world, orders, deliveries):
            for state in STATES:
                shop = await make_shop(world, orders, deliveries, name=state.name)
                await shop.fees(Tariff(290, refund="pro_rata"))
                looks = await walk(shop, state, cells)
                await shop.settle(60)
                if state.prepare is advanced:
                    await shop.advance(timedelta(days=31))
                for look in looks:
                    await look()
            proved = await verify(world)
            assert proved.difference is None, proved.difference

    asyncio.run(story())
    page = (
        HEAD
        + cells.table("the charge is", list(KINDS))
        + RACES
        + cells.table("the charge is", ["the same key twice", "two at once", "against"])
    )
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page:
        PAGE.write_text(page, encoding="utf-8")
        pytest.fail(
            "refund_matrix.md is written anew: look at what has changed, and at docs/money.md"
        )


REFUSED = (
    ({"amount": "0"}, "invalid"),
    ({"amount": "0.00"}, "invalid"),
    ({"amount": "-1.00"}, "invalid"),
    ({"amount": "1e1"}, "invalid"),
    ({"amount": "1.001"}, "invalid"),
    ({"amount": "45.91"}, "over_remainder"),
    ({"amount": "1.00", "currency": "EUR"}, "refund_currency"),
    ({}, "invalid"),
    ({"items": ()}, "refund_items"),
    ({"items": ({"line": 9, "quantity": 1},)}, "refund_items"),
    ({"items": ({"sku": "NO"},)}, "refund_items"),
    ({"items": ({"line": 1, "quantity": 4},)}, "refund_items"),
    ({"items": ({"line": 2, "amount": 1591},)}, "refund_items"),
)


def test_what_cannot_be_refunded_is_refused_with_the_reason(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server, policy=POLICY) as made:
            shop = await make_shop(*made)
            order_id = await STATES[3].prepare(shop)
            told = [
                (asked, (await ask(shop, order_id, **asked)).split("`")[1]) for asked, _ in REFUSED
            ]
            assert told == list(REFUSED)
            assert (await shop.order(order_id))["refunded_units"] == 0

    asyncio.run(story())
