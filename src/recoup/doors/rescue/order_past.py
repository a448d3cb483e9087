"""GET /orders/{id}?asOf=…: the order as it stood then. Source: decision 0073."""

from typing import Any, Final
from uuid import UUID

from msgspec.structs import replace

from recoup.core.kit.feature import facets_then
from recoup.doors.rescue.query import Query
from recoup.doors.rescue.resource import FIND_ORDER, Call
from recoup.doors.rescue.shapes.order_past import AsOf, AsOfBalance
from recoup.kernel.problem import Problem
from recoup.kernel.time import iso
from recoup.rules.order.as_of import Cut, Line, Past, attempts_then, disputes_then, past
from recoup.rules.order.faces import face
from recoup.rules.order.lifecycle import Stage
from recoup.store.orders.order_page import order_balances, order_lines
from recoup.store.orders.wire_orders import RefundStep, WholeOrder, WireRefund
from recoup.store.statement import Read

NAMES: Final = ("asOf", "asOfRecorded", "asOfVersion")
VERSION_MAX: Final = 1_000_000


async def read_cut(call: Call) -> Cut | None:
    """None: as it stands now. Raises: Problem(invalid), all complaints at once."""
    query = Query(call.query)
    if not any(query.one(name) for name in NAMES) and not query.errors:
        return None
    cut = Cut(query.instant("asOf"), query.instant("asOfRecorded"), query.number("asOfVersion", None, 1, VERSION_MAX))
    given = [name for name in NAMES if query.one(name)]
    if len(given) > 1:
        query.complain(given[1], text=f"Send {given[0]} or {given[1]}, not both.")
    wall = call.services.world.clocks.wall()
    if cut.recorded is not None and cut.recorded > wall:
        query.complain("asOfRecorded", text=f"That has not come yet: it is {iso(wall)} in real time.")
    if cut.business is not None and "AsOf" not in query.errors:
        settings = await call.services.merchants.get(call.scope.merchant_id)
        now = settings.merchant.business(wall)
        if cut.business > now:
            query.complain("asOf", text=f"That has not come yet: the merchant's clock shows {iso(now)}.")
    query.raise_if_any()
    return cut


async def as_it_stood(db: Read, merchant_id: UUID, row: WholeOrder, cut: Cut) -> tuple[WholeOrder, AsOf, int]:
    """Third: what had been collected in parts. Raises: Problem(invalid) for an instant before the order."""
    lines = await order_lines(db, merchant_id, row.order_id)
    if not lines:
        raise Problem("not_found", "There is no such order.", cure=FIND_ORDER)
    attempts, refunds, disputes = row.attempts or [], row.refunds or [], row.disputes or []
    found = past(lines, cut, attempts, refunds, disputes, expires_at=row.expires_at)
    last = found.line
    balances = await order_balances(db, merchant_id, row.order_id, last.recorded_at)
    kept = [line for line in lines if line.seq <= last.seq]
    decided = next((line.decision_id for line in reversed(kept) if line.decision_id is not None), None)
    shown = AsOf(
        version=last.seq,
        at=iso(last.business_at),
        recorded_at=iso(last.recorded_at),
        decision_id=decided,
        balances=[AsOfBalance(account=one.account, amount=one.units) for one in balances],
    )
    return _then(row, found, kept), shown, found.state.collected_units


def _then(row: WholeOrder, found: Past, kept: list[Line]) -> WholeOrder:
    state, until = found.state, found.line.business_at
    disputed = state.disputed_units > 0
    units = row.units if found.units is None else found.units
    shown = face(state.stage, row.kind, units, state.refunded_units, disputed)
    changes: dict[str, Any] = {
        "stage": state.stage.value,
        "status": shown.status,
        "units": units,
        "refunded_units": state.refunded_units,
        "disputed": disputed,
        "reason": state.reason,
        "created_at": found.created_at,
        "expires_at": found.expires_at,
        "next_attempt_at": found.next_attempt_at,
        "do_not_retry": found.do_not_retry,
        "metadata": row.metadata if found.notes_known else {},
        "attempts": attempts_then(found, row.attempts or ()),
        "refunds": [
            _refund(one, found, kept) for one in row.refunds or () if one.modification_id in found.modifications
        ],
        "disputes": disputes_then(found, row.disputes or ()) if state.stage is Stage.COMPLETED else [],
        "facets": facets_then(row.facets or {}, until),
        "challenged": False,
    }
    return replace(row, **changes)


def _refund(row: WireRefund, found: Past, kept: list[Line]) -> WireRefund:
    state = found.modifications[row.modification_id]
    life = [RefundStep(one.happening, one.business_at) for one in kept if one.fact_id == row.modification_id]
    return replace(row, state=state, life=life, reference=row.reference if state in ("done", "failed") else None)
