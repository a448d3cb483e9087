"""The issuer's cases: cardholders who take their money back, and the notices about them.

A notice is the whole state of a case, so the same state is always the same notice.
"""

from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

import asyncpg

from recoup.kernel.frozen import frozen
from recoup.kernel.money import EXPONENTS
from recoup.kernel.time import iso
from recoup.processors.gateways.port import DisputeAnswer
from recoup.processors.gateways.sandbox.book import Decided

Notice = dict[str, Any]
ANSWER_WITHIN: Final = timedelta(days=14)
FEE_WHOLE: Final = 15  # of the currency, for each case that becomes a dispute
STAGES: Final = ("inquiry", "first", "pre_arbitration")
_REASONS: Final[dict[tuple[str, str], str]] = {
    ("visa", "fraud"): "10.4", ("visa", "service"): "13.1", ("visa", "processing"): "12.6.1",
    ("mastercard", "fraud"): "4837", ("mastercard", "service"): "4853",
    ("mastercard", "processing"): "4834",
    ("amex", "fraud"): "F29", ("amex", "service"): "C08", ("amex", "processing"): "P08",
    ("discover", "fraud"): "UA02", ("discover", "service"): "RG", ("discover", "processing"): "DP",
}  # fmt: skip


@frozen
class DisputeRequest:
    """`units` None: what was not refunded. `at` is the merchant's business time. The newest case of
    an earlier stage goes on; else it is a new one, which with `case_no` is made once."""

    charge_id: UUID
    kind: Literal["fraud", "service", "processing"]
    at: datetime
    stage: str = "first"
    units: int | None = None
    case_no: int | None = None


_CHARGE = "SELECT * FROM issuer.sends WHERE id = $1 AND decision = 'approved' FOR UPDATE"
_BEFORE = """
SELECT coalesce(sum(units) FILTER (WHERE kind = 'refund'
  AND failed_at IS NULL), 0)::bigint AS refunded,
       coalesce(bool_or(kind = 'void'), false) AS voided,
       coalesce(sum(units) FILTER (WHERE kind = 'capture'), 0)::bigint AS captured
FROM issuer.reversals WHERE charge_id = $1 AND decision = 'approved'
"""
_CASES = "SELECT * FROM issuer.disputes WHERE charge_id = $1 ORDER BY case_no"
_OPEN = """
INSERT INTO issuer.disputes (case_id, charge_id, merchant_id, order_id, case_no, stage, status,
  reason_code, units,
                             currency, fee, opened_at, respond_by)
VALUES ($1, $2, $3, $4, $5, $6, 'open', $7, $8, $9, $10, $11, $12) RETURNING *
"""
_GO_ON = """
UPDATE issuer.disputes SET stage = $2, status = 'open', respond_by = $3, units = coalesce($4,
  units), fee = $5
WHERE case_id = $1 RETURNING *
"""


async def dispute(connection: asyncpg.Connection, request: DisputeRequest) -> Notice | None:
    async with connection.transaction():
        charge = await connection.fetchrow(_CHARGE, request.charge_id)
        if charge is None:
            return None
        before = await connection.fetchrow(_BEFORE, request.charge_id)
        taken = charge["units"] if charge["capture"] else before["captured"]
        if not taken or charge["capture"] and before["voided"]:
            return None
        cases = await connection.fetch(_CASES, request.charge_id)
        made = next((c for c in cases if c["case_no"] == request.case_no), None)
        if made is not None:
            return _notice(made)
        stage = STAGES.index(request.stage)
        earlier = next((c for c in reversed(cases) if STAGES.index(c["stage"]) < stage), None)
        held = sum(c["units"] for c in cases if _takes_money(c) and c is not earlier)
        fee = 0 if request.stage != "first" else FEE_WHOLE * 10 ** EXPONENTS[charge["currency"]]
        until = request.at + ANSWER_WITHIN
        if earlier is not None:
            if request.units is not None and held + request.units > taken:
                return None
            return _notice(
                await connection.fetchrow(
                    _GO_ON, earlier["case_id"], request.stage, until, request.units, fee
                )
            )
        units = request.units or taken - held - before["refunded"]
        last = cases[-1] if cases else None
        if (
            units <= 0
            and last is not None
            and (last["stage"], last["status"]) == (request.stage, "open")
        ):
            return _notice(
                last
            )  # the cardholder asks again for what they have: the same notice again
        if units <= 0 or held + units > taken:
            return None
        case_id = f"case_{charge['id'].hex}_{len(cases) + 1}"
        reason = _REASONS.get((charge["scheme"], request.kind), request.kind.upper())
        return _notice(
            await connection.fetchrow(
                _OPEN,
                case_id,
                charge["id"],
                charge["merchant_id"],
                charge["order_id"],
                len(cases) + 1,
                request.stage,
                reason,
                units,
                charge["currency"],
                fee,
                request.at,
                until,
            )
        )


async def decide(
    connection: asyncpg.Connection, charge_id: UUID, won: bool, case: str | None = None
) -> Notice | None:
    """The charge's newest open case, or the one named; decided before in the same way, its notice
    is sent again."""
    status = "won" if won else "lost"
    row = await connection.fetchrow(
        "UPDATE issuer.disputes SET status = $2::text WHERE case_id = (SELECT case_id FROM "
        "issuer.disputes"
        " WHERE charge_id = $1 AND status = 'open' AND ($2 = 'won' OR stage <> 'inquiry')"
        " AND ($3::text IS NULL OR case_id = $3) ORDER BY case_no DESC LIMIT 1 FOR UPDATE) "
        "RETURNING *",
        charge_id,
        status,
        case,
    )
    if row is None:
        cases = [
            c for c in await connection.fetch(_CASES, charge_id) if case in (None, c["case_id"])
        ]
        row = cases[-1] if cases and cases[-1]["status"] == status else None
    return _notice(row) if row else None


async def hear(connection: asyncpg.Connection, answer: DisputeAnswer) -> Decided:
    """An answer arrives: taken while the case is open, once for its id. What is accepted is
    lost."""
    async with connection.transaction():
        case = await connection.fetchrow(
            "SELECT * FROM issuer.disputes WHERE case_id = $1 AND charge_id = $2 FOR UPDATE",
            answer.case_ref,
            answer.charge_id,
        )
        answered = await connection.fetchrow(
            "SELECT decision, why FROM issuer.answers WHERE id = $1", answer.id
        )
        if answered is not None:
            return Decided(answered["decision"], None, None, answered["why"])
        why = _refusal(case, answer.sent_at)
        decision = "declined" if why else "approved"
        await connection.execute(
            "INSERT INTO issuer.answers VALUES ($1, $2, $3, $4, $5, $6, $7)",
            answer.id,
            answer.case_ref,
            answer.answer,
            answer.evidence,
            answer.sent_at,
            decision,
            why,
        )
        await connection.executemany(
            "INSERT INTO issuer.answer_files VALUES ($1, $2, $3, $4, $5)",
            [
                (answer.id, n, file.name, file.media_type, file.content)
                for n, file in enumerate(answer.files, 1)
            ],
        )
        if not why and answer.answer == "accept":
            await connection.execute(
                "UPDATE issuer.disputes SET status = 'lost' WHERE case_id = $1", case["case_id"]
            )
        return Decided(decision, None, None, why)


def _refusal(case: asyncpg.Record | None, sent_at: datetime) -> str | None:
    if case is None:
        return "no_such_case"
    if case["status"] != "open":
        return "case_closed"
    return "too_late" if sent_at >= case["respond_by"] else None


def _takes_money(case: asyncpg.Record) -> bool:
    return bool(case["stage"] != "inquiry" and case["status"] != "won")


def _notice(case: asyncpg.Record) -> Notice:
    return {
        "noticeId": f"{case['case_id']}_{case['stage']}_{case['status']}",
        "caseId": case["case_id"],
        "merchantId": str(case["merchant_id"]),
        "chargeId": str(case["charge_id"]),
        "stage": case["stage"],
        "status": case["status"],
        "amount": case["units"],
        "currency": case["currency"],
        "reasonCode": case["reason_code"],
        "respondBy": iso(case["respond_by"]),
        "fee": case["fee"],
    }
