"""Calls on one order: GET, PATCH, POST …/cancel. Source: contract §9, §11, §17.1 (U4, C9)."""

from dataclasses import replace
from typing import Any, Final, TypeVar
from uuid import UUID

from msgspec import UNSET, UnsetType, convert
from msgspec.structs import replace as with_fields

from recoup.db.coalesce import Together
from recoup.db.statement import Read
from recoup.desk.api.order_past_shapes import AsOf, AsOfBalance, OrderAt
from recoup.desk.api.orders_shapes import (
    AmendBody,
    AmendedOrder,
    AttemptShown,
    CancelBody,
    ChecksShown,
    CompellingEvidence,
    DisputeShown,
    EarlierPayment,
    Item,
    MissingShown,
    Order,
    OrderDetail,
    RefundedItem,
    RefundShown,
    RefundStep,
)
from recoup.disputes.flows.compelling import compelling_of
from recoup.kernel.facet import facets_then
from recoup.kernel.ids import tail
from recoup.kernel.money import symbol
from recoup.kernel.problem import Problem
from recoup.kernel.time import iso
from recoup.keys.api.v1_resource import FIND_ORDER, Api, Call
from recoup.kit.api import examples
from recoup.kit.api.body import read_body
from recoup.kit.api.query import Query
from recoup.kit.api.wire import Nothing, iso_or_null
from recoup.kit.world import World
from recoup.networks.compelling_evidence import Compelling
from recoup.networks.dispute_reasons import reason_of
from recoup.networks.reasons import REASONS
from recoup.orders.rules.as_of import Cut, Line, Past, attempts_then, disputes_then, past
from recoup.orders.rules.disputed import Dispute
from recoup.orders.rules.faces import STATUS_NAMES, face
from recoup.orders.rules.lifecycle import Stage
from recoup.orders.rules.snapshot import collected_in_parts, is_hold, second_answers
from recoup.orders.store.archived import not_found
from recoup.orders.store.order_page import order_balances, order_lines
from recoup.orders.store.wire_orders import RefundStep as PastRefundStep
from recoup.orders.store.wire_orders import (
    WholeOrder,
    WireAttempt,
    WireOrder,
    WireRefund,
    whole_orders,
)
from recoup.processors.rules.checks import NONE, Checks
from recoup.rescue.api.declined_shapes import Subscription, ThreeDSecure
from recoup.rescue.api.places import order_fields
from recoup.rescue.flows.amend import Amended, amend
from recoup.rescue.flows.cancel import cancel as cancel_order
from recoup.rescue.flows.locked import Orders
from recoup.rescue.rules.intake_warnings import in_sentences

DetailT = TypeVar("DetailT", bound=OrderDetail)


class OrderReads(Together[WholeOrder]):
    """A door's reads of single orders."""

    def __init__(self, world: World) -> None:
        super().__init__(world.db.reader, whole_orders)


NAMES: Final = ("asOf", "asOfRecorded", "asOfVersion")
VERSION_MAX: Final = 1_000_000


async def read_cut(call: Call) -> Cut | None:
    """Reads the cut; None: as it stands now. Raises: Problem(invalid), all complaints at once."""
    if not call.query:
        return None
    query = Query(call.query)
    if not any(query.one(name) for name in NAMES) and not query.errors:
        return None
    cut = Cut(
        query.instant("asOf"),
        query.instant("asOfRecorded"),
        query.number("asOfVersion", None, 1, VERSION_MAX),
    )
    given = [name for name in NAMES if query.one(name)]
    if len(given) > 1:
        query.complain(given[1], text=f"Send {given[0]} or {given[1]}, not both.")
    wall = call.services.world.clocks.wall()
    if cut.recorded is not None and cut.recorded > wall:
        query.complain(
            "asOfRecorded", text=f"That has not come yet: it is {iso(wall)} in real time."
        )
    if cut.business is not None and "AsOf" not in query.errors:
        settings = await call.services.merchants.get(call.scope.merchant_id)
        now = settings.merchant.business(wall)
        if cut.business > now:
            query.complain(
                "asOf", text=f"That has not come yet: the merchant's clock shows {iso(now)}."
            )
    query.raise_if_any()
    return cut


async def as_it_stood(
    db: Read, merchant_id: UUID, row: WholeOrder, cut: Cut
) -> tuple[WholeOrder, AsOf, int]:
    """Third: what had been collected in parts. Raises: Problem(invalid) for an instant before the
    order."""
    lines = await order_lines(db, merchant_id, row.order_id)
    if not lines:
        raise Problem("not_found", "There is no such order.", cure=FIND_ORDER)
    attempts, refunds, disputes = row.attempts or [], row.refunds or [], row.disputes or []
    then = past(lines, cut, attempts, refunds, disputes, expires_at=row.expires_at)
    last = then.line
    balances = await order_balances(db, merchant_id, row.order_id, last.recorded_at)
    kept = [line for line in lines if line.seq <= last.seq]
    decided = next(
        (line.decision_id for line in reversed(kept) if line.decision_id is not None), None
    )
    shown = AsOf(
        version=last.seq,
        at=iso(last.business_at),
        recorded_at=iso(last.recorded_at),
        decision_id=decided,
        balances=[
            AsOfBalance(account=balance.account, amount=balance.units) for balance in balances
        ],
    )
    return _then(row, then, kept), shown, then.state.collected_units


def _then(row: WholeOrder, then: Past, kept: list[Line]) -> WholeOrder:
    state, until = then.state, then.line.business_at
    disputed = state.disputed_units > 0
    units = row.units if then.units is None else then.units
    shown = face(state.stage, row.kind, units, state.refunded_units, disputed)
    changes: dict[str, Any] = {
        "stage": state.stage.value,
        "status": shown.status,
        "units": units,
        "refunded_units": state.refunded_units,
        "disputed": disputed,
        "reason": state.reason,
        "created_at": then.created_at,
        "expires_at": then.expires_at,
        "next_attempt_at": then.next_attempt_at,
        "do_not_retry": then.do_not_retry,
        "metadata": row.metadata if then.notes_known else {},
        "attempts": attempts_then(then, row.attempts or ()),
        "refunds": [
            _past_refund(refund, then, kept)
            for refund in row.refunds or ()
            if refund.modification_id in then.modifications
        ],
        "disputes": disputes_then(then, row.disputes or ())
        if state.stage is Stage.COMPLETED
        else [],
        "facets": facets_then(row.facets or {}, until),
        "challenged": False,
    }
    return with_fields(row, **changes)


def _past_refund(row: WireRefund, then: Past, kept: list[Line]) -> WireRefund:
    state = then.modifications[row.modification_id]
    life = [
        PastRefundStep(line.happening, line.business_at)
        for line in kept
        if line.fact_id == row.modification_id
    ]
    return replace(
        row,
        state=state,
        life=life,
        reference=row.reference if state in ("done", "failed") else None,
    )


# Else PENDING.
_REFUND_STATUS: Final = {
    "done": "COMPLETED",
    "netted": "COMPLETED",
    "refused": "FAILED",
    "failed": "FAILED",
}


api: Final = Api(group="Orders", scope="orders")


@api(
    "GET /v1/orders/{id}",
    verb="orders show",
    query=OrderAt,
    problems=("not_found",),
    examples=examples.ORDER,
)
async def get_order(call: Call) -> OrderDetail:
    """One order. With its lines, refunds, attempts and disputes. With `asOf`, `asOfRecorded` or
    `asOfVersion` as it stood then."""
    order_id, cut = call.object_id(), await read_cut(call)
    return await _detail(OrderDetail, call, order_id, cut)


async def _detail(
    shape: type[DetailT], call: Call, order_id: UUID, cut: Cut | None = None, **more: Any
) -> DetailT:
    merchant_id = call.scope.merchant_id
    shown: AsOf | UnsetType = UNSET
    row = await call.services.get(OrderReads).get(merchant_id, order_id)
    if row is None:
        raise await not_found(call.services.world.db.reader, merchant_id, order_id, FIND_ORDER)
    seconds = second_answers(row.attempts or ())
    collected = collected_in_parts(
        Stage(row.stage), row.kind, is_hold(row.facts), row.attempts or ()
    )
    if cut is not None:
        row, shown, collected = await as_it_stood(
            call.services.world.db.reader, merchant_id, row, cut
        )
    return shape.of(
        row,
        **members(row),
        **more,
        as_of=shown,
        attempt_count=row.facts.get("attempt_count"),
        is_recurring=row.facts.get("is_recurring"),
        subscription=convert(row.facts.get("subscription"), Subscription | None),
        three_d_secure=convert(row.facts.get("three_d_secure"), ThreeDSecure | None),
        collected_amount=collected,
        items=[
            Item(
                line=number,
                **{name: line.get(name) for name in ("sku", "name", "amount", "quantity")},
            )
            for number, line in enumerate(row.items or (), 1)
        ],
        refunds=[_refund(refund) for refund in row.refunds or ()],
        disputes=[
            await _dispute(call, dispute, row.scheme, shown is not UNSET)
            for dispute in row.disputes or ()
        ],
        attempts=[
            _attempt(attempt, seconds.get(attempt.attempt_no)) for attempt in row.attempts or ()
        ],
        **{field.name: field.of(row) for field in order_fields()},
        challenge_url=call.services.challenge_url(call.scope.merchant_id, order_id)
        if row.challenged
        else None,
    )


def shown(row: WireOrder) -> Order:
    return Order.of(row, **members(row))


def members(row: WireOrder) -> dict[str, Any]:
    """Members that a list shows of an order, and its page too, where it is not said of it by the
    same name."""
    order_id, first, last = row.order_id, row.first_name or "", row.last_name or ""
    placed = iso(row.placed_at)
    return {
        "id": order_id,
        "reference_number": tail(order_id),
        "status_name": STATUS_NAMES[row.status].upper(),
        "order_placed_date": placed,
        "placed_date": placed,
        "expiry_date": iso_or_null(row.expires_at),
        "billing_address": row.billing or {},
        "shipping_address": row.shipping,
        "first_name": first,
        "last_name": last,
        "email": row.email or "",
        "phone": row.phone or "",
        "currency_code": row.asset,
        "currency_symbol": symbol(row.asset),
        "campaign_id": row.campaign_id or UNSET,
        "customer": f"{first} {last}".strip(),
        "is_mit": row.order_type == "MIT",
        "order_source": row.source,
        "refunded_amount": row.refunded_units,
    }


def _refund(row: WireRefund) -> RefundShown:
    return RefundShown.of(
        row,
        id=row.modification_id,
        number=row.modification_no,
        status=_REFUND_STATUS.get(row.state, "PENDING"),
        created_date=iso(row.business_at),
        items=[RefundedItem(line=p.line, quantity=p.quantity, amount=p.units) for p in row.items],
        history=[RefundStep(happening=step.happening, at=iso(step.at)) for step in row.life or ()],
    )


async def _dispute(call: Call, row: Dispute, scheme: str | None, is_past: bool) -> DisputeShown:
    db = call.services.world.db.reader
    compelling = None if is_past else await compelling_of(db, call.scope.merchant_id, row, scheme)
    return DisputeShown.of(
        row,
        id=row.dispute_id,
        number=row.dispute_no,
        status=row.state.upper(),
        reason=reason_of(scheme or "generic", row.reason_code).meaning,
        borne_by=row.liable,
        created_date=iso(row.opened_at),
        compelling_evidence=_compelling(compelling) if compelling is not None else None,
    )


def _compelling(evidence: Compelling) -> CompellingEvidence:
    used = [EarlierPayment.of(prior) for prior in evidence.priors]
    return CompellingEvidence(
        matches=[*evidence.elements],
        payments=used
        + [EarlierPayment.of(payment, reason=why) for payment, why in evidence.others],
        missing=MissingShown.of(evidence.missing) if evidence.missing is not None else None,
    )


def _attempt(row: WireAttempt, second_answer_of: int | None) -> AttemptShown:
    """A code in words, where it is one."""
    text, cure = REASONS[row.code_reason] if row.code_reason else (None, None)
    status = "SENT" if row.state == "open" else row.state.upper()
    sent_by: dict[str, Any] = {f"by_{kind}": True for kind in row.credential().values()}
    return AttemptShown.of(
        row,
        id=row.attempt_id,
        number=row.attempt_no,
        status=status,
        response_code=row.scheme_code or row.processor_code,
        response_text=text or row.said,
        cure=cure,
        checks=_checks(row.checks)
        if row.checks is not None and replace(row.checks, fault=None, further=()) != NONE
        else None,
        fault=row.checks.fault if row.checks is not None and row.state == "not_sent" else None,
        second_answer_of=second_answer_of,
        **sent_by,
    )


def _checks(said: Checks) -> ChecksShown:
    return ChecksShown.of(
        said,
        avs_result_code=said.avs,
        cvv_result_code=said.cvv,
        cavv_result_code=said.cavv,
        processor_advice=said.advice and said.advice.rpartition(":")[2],
    )


# changed, called off
# ------------------------------------------------------------------------------------------


@api(
    "PATCH /v1/orders/{id}",
    body=AmendBody,
    problems=("not_found", "wrong_state", "conflict"),
    examples=examples.AMEND,
)
async def patch_order(call: Call) -> AmendedOrder:
    """Change an open order. Changes the card, the expiry (within the limits of /evaluate) or the
    metadata, and stops or resumes attempts. A new card is tried soon, even if the old one was not
    worth retrying; the card networks' limits apply."""
    order_id, (body, complaints) = call.object_id(), read_body(call.body, AmendBody)
    amendment = Amended(
        body.card_token, body.expiry_date_utc, body.metadata or {}, body.do_not_retry
    )
    if amendment == Amended() and not complaints:
        complaints.add(
            "Body", text="Send cardToken, expiryDateUtc, metadata or doNotRetry: what shall change."
        )
    complaints.raise_if_any()
    warnings = await amend(
        call.services.world, call.services.get(Orders), call.scope, order_id, amendment
    )
    properties = {"warning": " ".join(in_sentences(warnings))} if warnings else UNSET
    return await _detail(AmendedOrder, call, order_id, custom_properties=properties)


@api(
    "POST /v1/orders/{id}/cancel",
    body=CancelBody,
    problems=("not_found", "wrong_state"),
    body_optional=True,
    lenient=True,
)
async def cancel(call: Call) -> Nothing:
    """Cancel an order. Possible while the order is open. Cancelling a cancelled order gives the
    same response, `{}`."""
    await cancel_order(
        call.services.world, call.services.get(Orders), call.scope, call.object_id(), door="rescue"
    )
    return Nothing()
