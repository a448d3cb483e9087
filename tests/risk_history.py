"""Payments that the risk check judged in the past, with what became of them: rows without their
orders."""

import json
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import asyncpg
from tests.worlds import Shop, owner

from recoup.kernel.ids import first_id_of


class Judged(NamedTuple):
    """`reported`: days after the payment, None for never. `by`: dispute, warning or code."""

    terms: tuple[str, ...]
    days_ago: float
    reported: float | None = None
    by: str = "dispute"
    paid: bool = True


async def judge(shop: Shop, payments: Iterable[Judged], merchant_id: UUID | None = None) -> None:
    async with owner(shop.world) as connection:
        await connection.execute("SET session_replication_role = replica")  # without their orders
        await _insert(
            connection, merchant_id or shop.merchant_id, shop.world.clocks.wall(), list(payments)
        )


async def _insert(
    connection: asyncpg.Connection, merchant: UUID, now: datetime, payments: list[Judged]
) -> None:
    decisions, attempts, disputes, warnings = [], [], [], []
    for one in payments:
        at, order = now - timedelta(days=one.days_ago), uuid.uuid4()
        decision = UUID(int=first_id_of(at).int | uuid.uuid4().int & ((1 << 80) - 1))
        held = json.dumps({"held": dict.fromkeys(("base", *one.terms), 0)})
        decisions.append((merchant, decision, order, at, held))
        reported = at + timedelta(days=one.reported) if one.reported is not None else None
        code = reported is not None and one.by == "code"
        if one.paid or code:
            state, reason = ("declined", "fraud_suspected") if code else ("approved", None)
            attempts.append((merchant, uuid.uuid4(), order, state, at, reason, reported or at))
        if reported is not None and one.by == "dispute":
            disputes.append((merchant, uuid.uuid4(), order, str(uuid.uuid4()), reported))
        if reported is not None and one.by == "warning":
            warnings.append((merchant, order, uuid.uuid4(), reported))
    await connection.executemany(
        "INSERT INTO decisions (merchant_id, decision_id, order_id, at, verdict, features, plan, "
        "reasons, rules,"
        " alternatives, versions) VALUES ($1, $2, $3, $4, 'attempt_now', $5, '[]', '[]', '[]', "
        "'[]',"
        ' \'{"decider": "risk-1"}\')',
        decisions,
    )
    await connection.executemany(
        "INSERT INTO attempts (merchant_id, attempt_id, order_id, attempt_no, state, ladder, "
        "due_at, units, asset,"
        " initiator, code_reason, closed_at) VALUES ($1, $2, $3, 1, $4, 'soft', $5, 100, 'USD', "
        "'customer', $6, $7)",
        attempts,
    )
    await connection.executemany(
        "INSERT INTO disputes (merchant_id, dispute_id, order_id, dispute_no, attempt_id, route, "
        "case_ref, round_id,"
        " kind, reason_code, stage, state, units, asset, liable, opened_at) VALUES ($1, $2, $3, 1, "
        "$2, 'cards', $4,"
        " $2, 'fraud', '10.4', 'first', 'open', 100, 'USD', 'merchant', $5)",
        disputes,
    )
    await connection.executemany("INSERT INTO fraud_warnings VALUES ($1, $2, $3, $4)", warnings)
