"""Refunds that do not get where they belong: stuck, delayed, or owed for long."""

from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from msgspec.structs import replace

from recoup.db.statement import MERCHANT, Read, columns_of
from recoup.kit.personal import hider
from recoup.orders.store.rows import ModificationState

ROWS_MAX = 200
LONG = timedelta(hours=1)


class WaitingModification(ModificationState):
    """Modification that waits. `why`: of `outcome_unknown` the processor may have forgotten the id:
    nothing is sent again. A refund that waits for the charge is sent or not by what that becomes.
    `hand_actor` said by `hand_note` that it was paid otherwise. `refusals`: how often the processor
    refused it; `tries` counts those since somebody had it sent again. `payer`: never leaves this
    module."""

    modification_id: UUID
    external_id: str
    modification_no: int
    kind: Literal["refund", "reversal", "void"]
    state: Literal["owed", "sent", "stuck"]
    tries: int
    refusals: int
    processor_code: str | None
    hand_note: str | None
    hand_actor: str | None
    why: Literal["stuck", "waits_for_charge", "outcome_unknown", "delayed", "owed_long"]
    payer: dict[str, Any] | None


@MERCHANT.statement(f"""
SELECT {columns_of(ModificationState, "r")}, r.modification_id, o.external_id, r.modification_no,
  r.kind, r.state,
  r.tries, (SELECT count(*) FROM order_log l WHERE l.merchant_id = r.merchant_id
    AND l.order_id = r.order_id
    AND l.fact_id = r.modification_id AND l.happening = r.kind || '_stuck')::int AS refusals,
  r.processor_code, r.hand_note, r.hand_actor,
  CASE WHEN r.state = 'stuck' THEN 'stuck'
    WHEN r.state = 'owed' AND EXISTS (SELECT FROM advances a WHERE a.merchant_id = r.merchant_id
      AND a.order_id = r.order_id AND a.state = 'due') THEN 'waits_for_charge'
    WHEN r.state = 'sent' AND r.unsent < r.tries AND coalesce(r.send_id,
      r.modification_id) < $4 THEN 'outcome_unknown'
    WHEN r.tries >= $2 THEN 'delayed' ELSE 'owed_long' END AS why,
  to_jsonb(p) AS payer
FROM modifications_queue q JOIN modifications r ON r.merchant_id = q.merchant_id
  AND r.modification_id = q.modification_id
JOIN orders o ON o.merchant_id = r.merchant_id AND o.order_id = r.order_id
LEFT JOIN order_payer p ON p.merchant_id = r.merchant_id AND p.order_id = r.order_id
WHERE q.merchant_id = $1 AND r.kind <> 'capture'
  AND (r.state = 'stuck' OR r.tries >= $2 OR r.business_at < $3
    OR r.state = 'sent' AND r.unsent < r.tries AND coalesce(r.send_id, r.modification_id) < $4)
ORDER BY r.state = 'stuck' DESC, r.business_at, r.modification_id LIMIT {ROWS_MAX}
""")
async def _desk(
    db: Read, merchant_id: UUID, delayed_after_tries: int, before: datetime, forgotten_before: UUID
) -> list[WaitingModification]:
    """Waiting modifications, in the clear."""


async def waiting_modifications(
    db: Read,
    merchant_id: UUID,
    now: datetime,
    delayed_after_tries: int,
    forgotten_before: UUID,
    *,
    clear: bool,
) -> list[WaitingModification]:
    """Waiting modifications, those that are stuck first, then the oldest; `now` is business time.
    Unless `clear`, people's words are without what is known of the order's customer."""
    rows = await _desk(db, merchant_id, delayed_after_tries, now - LONG, forgotten_before)
    return [_seen(row, clear=clear) for row in rows]


def _seen(row: WaitingModification, *, clear: bool) -> WaitingModification:
    hide = hider(row.payer, clear=clear)
    return replace(row, message=hide(row.message), hand_note=hide(row.hand_note), payer=None)
