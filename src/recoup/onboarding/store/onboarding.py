"""Record of what a merchant has done, read from what it left: the first of each kind, bounded; and
its requests to go live. Wall time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row, Tx
from recoup.onboarding.rules.onboarding import Facts, StepEvidence


# Tokens of /tokenize are UUIDv7, so that they sort by time; those of card numbers in /evaluate are
# derived.
@MERCHANT.statement("""
SELECT 'token' AS step, min(first_token_at) AS at, NULL::uuid AS order_id, NULL::text AS external_id
FROM api_keys WHERE merchant_id = $1 HAVING min(first_token_at) IS NOT NULL
UNION ALL (
  SELECT 'transmit', received_at, NULL, external_id FROM transmissions WHERE merchant_id = $1
  ORDER BY transmit_id LIMIT 1)
UNION ALL (
  SELECT 'tokenize', created_at, NULL, NULL FROM vault
  WHERE merchant_id = $1 AND token_id BETWEEN '01800000-0000-7000-8000-000000000000'
    AND '02ffffff-ffff-7fff-bfff-ffffffffffff' AND substr(token_id::text, 15, 1) = '7'
  ORDER BY token_id LIMIT 1)
UNION ALL (
  SELECT 'cit', h.placed_at, h.order_id, o.external_id
  FROM (VALUES (false), (true)) phone (is_so), (VALUES (6), (7), (8)) paid (status),
    LATERAL (SELECT order_id, placed_at FROM order_heads
      WHERE merchant_id = $1 AND order_type = 'CIT' AND (source = 'callcenter') = phone.is_so
        AND status = paid.status ORDER BY placed_at, order_id LIMIT 1) h
  JOIN orders o ON o.merchant_id = $1 AND o.order_id = h.order_id
  ORDER BY h.placed_at LIMIT 1)
UNION ALL (
  SELECT 'mit', m.placed_at, m.order_id, m.external_id
  FROM generate_series(0, 8) status,
    LATERAL (SELECT h.placed_at, h.order_id, o.external_id FROM (
        SELECT order_id, placed_at FROM order_heads
        WHERE merchant_id = $1 AND order_type = 'MIT' AND (source = 'callcenter') = false
          AND order_heads.status = status.status ORDER BY placed_at, order_id LIMIT 100) h
      JOIN orders o ON o.merchant_id = $1 AND o.order_id = h.order_id AND o.kind = 'mit_managed'
      ORDER BY h.placed_at, h.order_id LIMIT 1) m
  ORDER BY m.placed_at LIMIT 1)
UNION ALL (
  SELECT 'webhook', t.at, o.order_id, o.external_id
  FROM (SELECT n.at, n.subject_id FROM (SELECT at, subject_id, result, sample, try_id
    FROM delivery_tries
      WHERE merchant_id = $1 ORDER BY try_id DESC LIMIT 5000) n
    WHERE n.result = 'delivered' AND n.sample IS NULL ORDER BY n.try_id LIMIT 1) t
  LEFT JOIN orders o ON o.merchant_id = $1 AND o.order_id = t.subject_id)
UNION ALL (
  SELECT 'refund', r.business_at, r.order_id, o.external_id
  FROM (SELECT modification_id, business_at, order_id, kind, state FROM modifications
    WHERE merchant_id = $1
    ORDER BY modification_id LIMIT 5000) r JOIN orders o ON o.merchant_id = $1
      AND o.order_id = r.order_id
  WHERE r.kind = 'refund' AND r.state NOT IN ('refused', 'failed') ORDER BY r.modification_id
    LIMIT 1)
UNION ALL (
  SELECT 'reconciliation', created_at, NULL, NULL FROM reconciliation_reports WHERE merchant_id = $1
  ORDER BY period_to LIMIT 1)
""")
async def _evidence(db: Read, merchant_id: UUID) -> dict[str, StepEvidence]: ...


class _Site(Row):
    name: str
    descriptor: str
    cit_web: bool
    cit_callcenter: bool
    mit: bool


@MERCHANT.statement("""
SELECT name, descriptor, cit_web, cit_callcenter, mit FROM sites WHERE merchant_id = $1
  AND retired_at IS NULL
ORDER BY created_at, site_id
""")
async def _sites(db: Read, merchant_id: UUID) -> list[_Site]: ...


class _Standing(Row):
    cit_web: bool
    cit_callcenter: bool
    mit: bool
    is_active: bool
    has_fees: bool
    has_settlement: bool
    bank_states: frozenset[str]
    country: str | None


@MERCHANT.statement("""
SELECT m.cit_web, m.cit_callcenter, m.mit, m.state = 'active' AS is_active,
  EXISTS (SELECT FROM fee_terms f WHERE f.merchant_id = $1 AND NOT f.ended) AS has_fees,
  EXISTS (SELECT FROM settlement_terms s WHERE s.merchant_id = $1) AS has_settlement,
  (SELECT coalesce(array_agg(DISTINCT b.state), '{}') FROM bank_accounts b
    WHERE b.merchant_id = $1) AS bank_states,
  m.country
FROM merchants m WHERE m.merchant_id = $1
""")
async def _standing(db: Read, merchant_id: UUID) -> _Standing | None: ...


def _kinds(of: _Standing | _Site) -> dict[str, bool]:
    return {"cit_web": of.cit_web, "cit_callcenter": of.cit_callcenter, "mit": of.mit}


async def onboarding_facts(db: Read, merchant_id: UUID) -> Facts | None:
    """The merchant's facts; None for a merchant that does not exist."""
    standing = await _standing(db, merchant_id)
    if standing is None:
        return None
    evidence, sites = await _evidence(db, merchant_id), await _sites(db, merchant_id)
    return Facts(
        evidence,
        standing.has_fees,
        standing.has_settlement,
        standing.bank_states,
        _kinds(standing),
        [(site.name, site.descriptor, _kinds(site)) for site in sites],
        standing.is_active,
        standing.country,
    )


class ApprovedRequest(Row):
    merchant_id: UUID
    request_id: UUID
    kinds: tuple[str, ...]
    partner_id: UUID | None


@MERCHANT.statement("""
SELECT r.merchant_id, r.request_id, r.kinds, m.partner_id
FROM go_live_requests r JOIN merchants m USING (merchant_id)
WHERE r.state = 'approved' AND r.opened_at IS NULL ORDER BY r.merchant_id LIMIT $1
""")
async def waiting_to_open(db: Read, limit: int) -> list[ApprovedRequest]:
    """Approved requests that the live world has not heard of yet."""


class GoLiveRequest(Row):
    """`opened_at`: when the live world had everything of an approved one."""

    request_id: UUID
    state: Literal["asked", "approved", "refused", "withdrawn"]
    kinds: tuple[str, ...]
    note: str
    requested_by: str
    requested_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    opened_at: datetime | None


@MERCHANT.statement("""
SELECT request_id, state, kinds, note, requested_by, requested_at, decided_by, decided_at, opened_at
FROM go_live_requests WHERE merchant_id = $1 ORDER BY request_id DESC LIMIT $2
""")
async def go_live_requests(db: Read, merchant_id: UUID, limit: int) -> list[GoLiveRequest]:
    """Newest first."""


@MERCHANT.statement(
    "UPDATE go_live_requests SET opened_at = $3 WHERE merchant_id = $1 AND request_id = $2"
)
async def note_opened(db: Tx, merchant_id: UUID, request_id: UUID, at: datetime) -> None: ...


@MERCHANT.statement("""
INSERT INTO go_live_requests (merchant_id, request_id, state, kinds, conditions, requested_by,
  requested_at)
VALUES ($1, $2, 'asked', $3, $4, $5, $6)
""")
async def add_request(
    db: Tx,
    merchant_id: UUID,
    request_id: UUID,
    kinds: Sequence[str],
    holding: dict[str, bool],
    actor: str,
    at: datetime,
) -> None:
    """Raises: KeyTaken while another is open."""


@MERCHANT.statement("""
UPDATE go_live_requests SET state = $3, conditions = $4, note = $5, decided_by = $6, decided_at = $7
WHERE merchant_id = $1 AND request_id = $2 AND state = 'asked' RETURNING request_id
""")
async def decide_request(
    db: Tx,
    merchant_id: UUID,
    request_id: UUID,
    state: str,
    holding: dict[str, bool],
    note: str,
    actor: str,
    at: datetime,
) -> bool:
    """Decides a request to go live. True when it was still open."""
