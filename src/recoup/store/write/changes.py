"""One statement that writes everything a transaction changes about its locked orders: log, stage, heads, attempts,
refunds, sends, ledger, outbox, due work, decisions and the gate's answers. Only moves import it.

Each part is a JSON array of rows, or arrays of columns (the ledger); an empty part is left out. Foreign keys are
checked at the end of the statement, so that a log line and the order that points at it go together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg

# True of every row, but the planner takes it to leave one of the hundred that it supposes in a JSON. So rows are always
# looked up by their keys: a plan made while the table was small reads all of it, and a connection keeps its plan while
# the table grows.
_FEW: Final = "i.merchant_id = ANY (ARRAY[i.merchant_id])"
# What is done with the rows of each kind; $N stands for their JSON, or for their columns as arrays.
_PARTS: Final[dict[str, str]] = {
    "order_log": """
log AS (
  INSERT INTO order_log (merchant_id, order_id, seq, happening, src, dst, fact_kind, fact_id, body, actor, request_id,
    business_at, recorded_at, decision_id)
  SELECT merchant_id, order_id, seq, happening, src, dst, fact_kind, fact_id, body, actor, request_id, business_at,
    recorded_at, decision_id
  FROM jsonb_populate_recordset(NULL::order_log, $N)
)
""",
    "order_words": """
said AS (
  INSERT INTO order_words (merchant_id, order_id, seq, text)
  SELECT merchant_id, order_id, seq, text FROM jsonb_populate_recordset(NULL::order_words, $N)
)
""",
    "orders": f"""
ord AS (
  UPDATE orders o SET stage = i.stage, version = i.version, token_id = coalesce(i.token_id, o.token_id),
    card_id = coalesce(i.card_id, o.card_id), pan_id = coalesce(i.pan_id, o.pan_id),
    expires_at = coalesce(i.expires_at, o.expires_at), cards_before = coalesce(i.cards_before, o.cards_before),
    do_not_retry = coalesce(i.do_not_retry, o.do_not_retry), metadata = coalesce(i.metadata, o.metadata)
  FROM jsonb_to_recordset($N) AS i (merchant_id uuid, order_id uuid, stage text, version int, token_id uuid,
    card_id uuid, pan_id uuid, expires_at timestamptz, cards_before uuid[], do_not_retry boolean, metadata jsonb)
  WHERE o.merchant_id = i.merchant_id AND o.order_id = i.order_id AND {_FEW}
)
""",
    "order_heads": f"""
head AS (
  UPDATE order_heads h SET created_at = i.created_at, status = i.status, refunded_units = i.refunded_units,
    disputed = i.disputed, attempts = i.attempts, next_attempt_at = i.next_attempt_at, reason = i.reason,
    attention = i.attention, expires_at = coalesce(i.expires_at, h.expires_at)
  FROM jsonb_populate_recordset(NULL::order_heads, $N) AS i
  WHERE h.merchant_id = i.merchant_id AND h.order_id = i.order_id AND {_FEW}
)
""",
    "new_heads": """
new_head AS (
  INSERT INTO order_heads (merchant_id, order_id, placed_at, created_at, status, order_type, source, door, site_id,
    asset, units, refunded_units, disputed, attempts, expires_at, next_attempt_at, reason, attention, descriptor,
    campaign_id, decline_code, decline_source, card_scheme, card_bin)
  SELECT merchant_id, order_id, placed_at, created_at, status, order_type, source, door, site_id, asset, units,
    refunded_units, disputed, attempts, expires_at, next_attempt_at, reason, attention, descriptor, campaign_id,
    decline_code, decline_source, card_scheme, card_bin
  FROM jsonb_populate_recordset(NULL::order_heads, $N)
)
""",
    "attempts": """
tried AS (
  INSERT INTO attempts AS a (merchant_id, attempt_id, order_id, attempt_no, state, ladder, due_at, route, units, asset,
    initiator, sent_at, send_before, call_timeout_ms, sends, not_found, if_late, reference, network_transaction_id,
    scheme_code, advice_code, processor_code, klass, code_reason, latency_ms, closed_at, decision_id, card_last4,
    when_due)
  SELECT merchant_id, attempt_id, order_id, attempt_no, state, ladder, due_at, route, units, asset, initiator, sent_at,
    send_before, call_timeout_ms, sends, not_found, if_late, reference, network_transaction_id, scheme_code,
    advice_code, processor_code, klass, code_reason, latency_ms, closed_at, decision_id, card_last4,
    when_due
  FROM jsonb_populate_recordset(NULL::attempts, $N)
  ON CONFLICT (merchant_id, attempt_id) DO UPDATE SET state = EXCLUDED.state, due_at = EXCLUDED.due_at,
    units = EXCLUDED.units,
    route = EXCLUDED.route, sent_at = EXCLUDED.sent_at, send_before = EXCLUDED.send_before,
    call_timeout_ms = EXCLUDED.call_timeout_ms, sends = EXCLUDED.sends, not_found = EXCLUDED.not_found,
    if_late = EXCLUDED.if_late, reference = EXCLUDED.reference,
    network_transaction_id = EXCLUDED.network_transaction_id, scheme_code = EXCLUDED.scheme_code,
    advice_code = EXCLUDED.advice_code, processor_code = EXCLUDED.processor_code, klass = EXCLUDED.klass,
    code_reason = EXCLUDED.code_reason, latency_ms = EXCLUDED.latency_ms, closed_at = EXCLUDED.closed_at,
    decision_id = EXCLUDED.decision_id, card_last4 = EXCLUDED.card_last4, when_due = EXCLUDED.when_due
)
""",
    "refunds": """
refunded AS (
  INSERT INTO refunds AS r (merchant_id, refund_id, order_id, refund_no, kind, attempt_id, state, units, asset, message,
    items, input_mac, tries, send_before, not_found, reference, processor_code, business_at, actor, send_id, hand_note,
    hand_actor, approved_by, unsent)
  SELECT merchant_id, refund_id, order_id, refund_no, kind, attempt_id, state, units, asset, message, items, input_mac,
    tries, send_before, not_found, reference, processor_code, business_at, actor, send_id, hand_note, hand_actor,
    approved_by, unsent
  FROM jsonb_populate_recordset(NULL::refunds, $N)
  ON CONFLICT (merchant_id, refund_id) DO UPDATE SET state = EXCLUDED.state, tries = EXCLUDED.tries,
    send_before = EXCLUDED.send_before, not_found = EXCLUDED.not_found, reference = EXCLUDED.reference,
    processor_code = EXCLUDED.processor_code, send_id = EXCLUDED.send_id, hand_note = EXCLUDED.hand_note,
    hand_actor = EXCLUDED.hand_actor, unsent = EXCLUDED.unsent
)
""",
    "refund_requests": """
requested AS (
  INSERT INTO refund_requests AS q (merchant_id, request_id, order_id, state, units, asset, message, items, input_mac,
    asked_by, asked_role, asked_at, expires_at, decided_by, decided_at, reason)
  SELECT merchant_id, request_id, order_id, state, units, asset, message, items, input_mac, asked_by, asked_role,
    asked_at, expires_at, decided_by, decided_at, reason
  FROM jsonb_populate_recordset(NULL::refund_requests, $N)
  ON CONFLICT (merchant_id, request_id) DO UPDATE SET state = EXCLUDED.state, decided_by = EXCLUDED.decided_by,
    decided_at = EXCLUDED.decided_at, reason = EXCLUDED.reason
)
""",
    "challenges": """
challenged AS (
  INSERT INTO challenges AS c (merchant_id, challenge_id, order_id, challenge_no, state, asks, tries, expires_at)
  SELECT merchant_id, challenge_id, order_id, challenge_no, state, asks, tries, expires_at
  FROM jsonb_populate_recordset(NULL::challenges, $N)
  ON CONFLICT (merchant_id, challenge_id) DO UPDATE SET state = EXCLUDED.state, asks = EXCLUDED.asks,
    tries = EXCLUDED.tries, expires_at = EXCLUDED.expires_at
)
""",
    "settlements": """
settled AS (
  INSERT INTO settlements AS s (merchant_id, settlement_id, order_id, attempt_id, state, units, fee_units, asset,
    to_address, tx_hash, tries, send_before, business_at)
  SELECT merchant_id, settlement_id, order_id, attempt_id, state, units, fee_units, asset, to_address, tx_hash, tries,
    send_before, business_at
  FROM jsonb_populate_recordset(NULL::settlements, $N)
  ON CONFLICT (merchant_id, settlement_id) DO UPDATE SET state = EXCLUDED.state, tx_hash = EXCLUDED.tx_hash,
    tries = EXCLUDED.tries, send_before = EXCLUDED.send_before
)
""",
    "advances": """
advanced AS (
  INSERT INTO advances AS a (merchant_id, order_id, payer_id, pan_id, asset, slot, units, due_units, state, policy,
    started_at, until, customers)
  SELECT merchant_id, order_id, payer_id, pan_id, asset, slot, units, due_units, state, policy, started_at, until,
    customers
  FROM jsonb_populate_recordset(NULL::advances, $N)
  ON CONFLICT (merchant_id, order_id) DO UPDATE SET due_units = EXCLUDED.due_units, state = EXCLUDED.state
)
""",
    "disputes": """
disputed AS (
  INSERT INTO disputes AS d (merchant_id, dispute_id, order_id, dispute_no, attempt_id, route, case_ref, round_id, kind,
    reason_code, stage, state, units, asset, liable, fee_units, opened_at, respond_by, warned, closed_at, answer,
    answer_id, answer_state, answer_tries, answer_before, answer_code)
  SELECT merchant_id, dispute_id, order_id, dispute_no, attempt_id, route, case_ref, round_id, kind, reason_code, stage,
    state, units, asset, liable, fee_units, opened_at, respond_by, warned, closed_at, answer, answer_id, answer_state,
    answer_tries, answer_before, answer_code
  FROM jsonb_populate_recordset(NULL::disputes, $N)
  ON CONFLICT (merchant_id, dispute_id) DO UPDATE SET round_id = EXCLUDED.round_id, stage = EXCLUDED.stage,
    reason_code = EXCLUDED.reason_code, state = EXCLUDED.state, units = EXCLUDED.units,
    respond_by = EXCLUDED.respond_by, warned = EXCLUDED.warned, closed_at = EXCLUDED.closed_at,
    answer = EXCLUDED.answer, answer_id = EXCLUDED.answer_id, answer_state = EXCLUDED.answer_state,
    answer_tries = EXCLUDED.answer_tries, answer_before = EXCLUDED.answer_before, answer_code = EXCLUDED.answer_code
)
""",
    "dispute_notices": """
noticed AS (
  INSERT INTO dispute_notices AS n (merchant_id, route, notice_id, state, why, content, content_hash, received_at)
  SELECT merchant_id, route, notice_id, state, why, content, content_hash, received_at
  FROM jsonb_populate_recordset(NULL::dispute_notices, $N)
  ON CONFLICT (merchant_id, route, notice_id) DO UPDATE SET state = EXCLUDED.state, why = EXCLUDED.why,
    tries = n.tries + 1 WHERE n.state = 'unmatched' AND n.content_hash = EXCLUDED.content_hash
)
""",
    "card_blocks": """
blocked AS (
  INSERT INTO card_blocks (card_id, block_id, acceptor_id, merchant_id, reason, until, actor, at)
  SELECT card_id, block_id, acceptor_id, merchant_id, reason, until, actor, at
  FROM jsonb_populate_recordset(NULL::card_blocks, $N)
  ON CONFLICT (card_id, block_id) DO UPDATE SET until = EXCLUDED.until
)
""",
    "network_sends": """
sent AS (
  INSERT INTO network_sends AS s (card_id, send_id, acceptor_id, scheme, initiator, units, currency, merchant_id,
    order_id, at, state, declined, scheme_code, advice_code, visa_category, klass, lasting, claimed)
  SELECT card_id, send_id, acceptor_id, scheme, initiator, units, currency, merchant_id, order_id, at, state, declined,
    scheme_code, advice_code, visa_category, klass, lasting, claimed
  FROM jsonb_populate_recordset(NULL::network_sends, $N)
  ON CONFLICT (card_id, send_id) DO UPDATE SET state = EXCLUDED.state, at = greatest(s.at, EXCLUDED.at),
    declined = EXCLUDED.declined, scheme_code = EXCLUDED.scheme_code, advice_code = EXCLUDED.advice_code,
    visa_category = EXCLUDED.visa_category, klass = EXCLUDED.klass, lasting = EXCLUDED.lasting
)
""",
    "postings": """
posted AS (
  INSERT INTO postings (merchant_id, posting_id, source_kind, source_id, recipe, order_id, content_hash, business_at,
    recorded_at)
  SELECT * FROM unnest($N)
)
""",
    "entries": """
entered AS (
  INSERT INTO entries (merchant_id, posting_id, line_no, account, asset, place, units, available_at)
  SELECT * FROM unnest($N)
)
""",
    "mails": """
mailed AS (
  INSERT INTO mails (merchant_id, mail_id, order_id, notice, about, state, units, tries, why, business_at, created_at)
  SELECT merchant_id, mail_id, order_id, notice, about, state, units, tries, why, business_at, created_at
  FROM jsonb_populate_recordset(NULL::mails, $N)
)
""",
    "alerts": """
alerted AS (
  INSERT INTO alerts (merchant_id, alert_id, kind, about, step, facts, user_id, created_at)
  SELECT merchant_id, alert_id, kind, about, step, facts, user_id, created_at
  FROM jsonb_populate_recordset(NULL::alerts, $N)
  ON CONFLICT (merchant_id, kind, about, step) DO NOTHING
)
""",
    "outbox": """
told AS (
  INSERT INTO outbox (merchant_id, subject_id, seq, subject_kind, event_id, event, body, business_at, recorded_at)
  SELECT merchant_id, subject_id, seq, subject_kind, event_id, event, body, business_at, recorded_at
  FROM jsonb_populate_recordset(NULL::outbox, $N)
)
""",
    "due_work": """
due AS (
  INSERT INTO due_work (merchant_id, kind, subject_id, due_at, wall)
  SELECT merchant_id, kind, subject_id, due_at, wall FROM jsonb_populate_recordset(NULL::due_work, $N)
  ON CONFLICT (merchant_id, kind, subject_id) DO UPDATE SET due_at = EXCLUDED.due_at, wall = EXCLUDED.wall, tries = 0,
    lease_until = NULL
)
""",
    "due_done": f"""
done AS (
  DELETE FROM due_work d USING jsonb_to_recordset($N) AS i (merchant_id uuid, kind text, subject_id uuid)
  WHERE d.merchant_id = i.merchant_id AND d.kind = i.kind AND d.subject_id = i.subject_id AND {_FEW}
)
""",
    "decisions": """
decided AS (
  INSERT INTO decisions (merchant_id, decision_id, order_id, at, verdict, features, plan, reasons, rules, alternatives,
    versions, taken, arm)
  SELECT merchant_id, decision_id, order_id, at, verdict, features, plan, reasons, rules, alternatives, versions, taken,
    arm
  FROM jsonb_populate_recordset(NULL::decisions, $N)
)
""",
    "requests": """
gate AS (
  INSERT INTO requests (merchant_id, operation, key, input_mac, subject_id, state, answer, created_at)
  SELECT merchant_id, operation, key, input_mac, subject_id, state, answer, created_at
  FROM jsonb_populate_recordset(NULL::requests, $N)
)
""",
    "codes_used": f"""
used AS (
  DELETE FROM cvv_once c USING jsonb_to_recordset($N) AS i (merchant_id uuid, token_id uuid)
  WHERE c.merchant_id = i.merchant_id AND c.token_id = i.token_id AND {_FEW}
)
""",
}


# The ledger's rows come in large sets: as binary arrays they cost the server two thirds of what JSON costs it.
_ARRAYS: Final[dict[str, tuple[str, ...]]] = {
    "postings": ("uuid", "uuid", "text", "uuid", "text", "uuid", "bytea", "timestamptz", "timestamptz"),
    "entries": ("uuid", "uuid", "smallint", "text", "text", "text", "bigint", "timestamptz"),
}


class PostingRow(NamedTuple):
    """In the order of the insert's columns."""

    merchant_id: UUID
    posting_id: UUID
    source_kind: str
    source_id: UUID
    recipe: str
    order_id: UUID | None
    content_hash: bytes
    business_at: datetime
    recorded_at: datetime


class EntryRow(NamedTuple):
    """In the order of the insert's columns."""

    merchant_id: UUID
    posting_id: UUID
    line_no: int
    account: str
    asset: str
    place: str
    units: int
    available_at: datetime


@dataclass(slots=True)
class Rows:
    """The rows of one write, by table. Keys are column names; UUIDs and datetimes go as they are."""

    order_log: list[dict[str, Any]] = field(default_factory=list)
    order_words: list[dict[str, Any]] = field(default_factory=list)
    orders: list[dict[str, Any]] = field(default_factory=list)
    order_heads: list[dict[str, Any]] = field(default_factory=list)
    new_heads: list[dict[str, Any]] = field(default_factory=list)  # of orders that this transaction admits
    attempts: list[dict[str, Any]] = field(default_factory=list)
    refunds: list[dict[str, Any]] = field(default_factory=list)
    refund_requests: list[dict[str, Any]] = field(default_factory=list)
    challenges: list[dict[str, Any]] = field(default_factory=list)
    settlements: list[dict[str, Any]] = field(default_factory=list)
    advances: list[dict[str, Any]] = field(default_factory=list)
    disputes: list[dict[str, Any]] = field(default_factory=list)
    dispute_notices: list[dict[str, Any]] = field(default_factory=list)
    card_blocks: list[dict[str, Any]] = field(default_factory=list)
    network_sends: list[dict[str, Any]] = field(default_factory=list)
    postings: list[PostingRow] = field(default_factory=list)
    entries: list[EntryRow] = field(default_factory=list)
    mails: list[dict[str, Any]] = field(default_factory=list)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    outbox: list[dict[str, Any]] = field(default_factory=list)
    due_work: list[dict[str, Any]] = field(default_factory=list)
    due_done: list[dict[str, Any]] = field(default_factory=list)
    decisions: list[dict[str, Any]] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)  # new keys; a known one raises UniqueViolationError

    codes_used: list[dict[str, Any]] = field(default_factory=list)  # card codes, gone with the first send

    def extend(self, other: "Rows") -> None:
        for name, part in zip(_PARTS, _every_part(other), strict=True):
            if part:
                getattr(self, name).extend(part)


_every_part = attrgetter(*_PARTS)


@lru_cache(maxsize=256)
def _statement(names: tuple[str, ...]) -> str:
    """One statement for these kinds of rows. Kinds that have none are left out: each costs a start and an end."""
    parts, used = [], 0
    for name in names:
        kinds = _ARRAYS.get(name, ())
        given = ", ".join(f"${used + n}::{kind}[]" for n, kind in enumerate(kinds, 1)) or f"${used + 1}"
        parts.append(_PARTS[name].strip().replace("$N", given))
        used += len(kinds) or 1
    return f"WITH {', '.join(parts)}\nSELECT 1"


async def write(connection: asyncpg.Connection, rows: Rows) -> None:
    """Writes all of it or, by raising, nothing. The caller holds the locks of the orders and cards concerned."""
    given = {name: part for name in _PARTS if (part := getattr(rows, name))}
    if given:
        args: list[Sequence[Any]] = []
        for name, part in given.items():
            args.extend(zip(*part, strict=True) if name in _ARRAYS else (part,))
        await connection.execute(_statement(tuple(given)), *args)
