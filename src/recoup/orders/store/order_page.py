"""Page of a single order with everything that is known about it, as of one instant: a single
statement. Also what its past is read from, and what people write beside it."""

import dataclasses
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from msgspec.structs import asdict, replace

from recoup.db.statement import MERCHANT, Read, Row, Tx
from recoup.kernel.facet import facets_sql
from recoup.kit import personal
from recoup.merchants.store.merchants import Site
from recoup.orders.rules.as_of import Line
from recoup.orders.rules.disputed import Dispute
from recoup.orders.rules.snapshot import Attempt, Challenge
from recoup.orders.store.order_page_rows import (
    PageAdvance,
    PageBatch,
    PageBlock,
    PageCampaign,
    PageCard,
    PageDecision,
    PageDue,
    PageEvent,
    PageModification,
    PageNote,
    PageOrder,
    PagePayer,
    PagePosting,
    PageRequest,
    PageWords,
)
from recoup.orders.store.rows import LogLine, OrderHead

R = TypeVar("R", bound=Row)

# Of a partner's endpoint merchants see the host: the rest of its address may be a key, and its
# answers are the partner's own.
_HOST: Final = "(?i)^(?:([a-z]+://)(?:[^/?#]*@)?([^/?#]*))?.*$"
TRIES_READ: Final = (
    500  # of deliveries, of each event the newest first: an event may be sent again and again
)
# One JSON per order and kind. Decisions are found by the lines that carry them: they have no index
# by order. What they knew of issuers and of the card's sends over all merchants is not shown.
_READ: Final = r"""
WITH tried AS MATERIALIZED (
  SELECT merchant_id, try_id, endpoint_id, subject_id, seq, event_id, try_no, at, status, error,
    latency_ms, answer,
    result, sample, resent
  FROM (SELECT *, row_number() OVER (PARTITION BY seq ORDER BY try_id DESC) AS place
    FROM delivery_tries
    WHERE merchant_id = $1 AND subject_id = $2) y
  ORDER BY place, try_id DESC LIMIT $4
)
SELECT o.order_id,
  to_jsonb(o) - 'token_id' - 'card_id' - 'pan_id' - 'cards_before' || jsonb_build_object('units',
    h.units) AS "order",
  to_jsonb(h) AS head,
  to_jsonb(t) AS site,
  (SELECT to_jsonb(k) FROM campaigns k WHERE k.merchant_id = o.merchant_id
    AND k.campaign_id = o.campaign_id)
    AS campaign,
  to_jsonb(p) AS payer,
  (SELECT jsonb_build_object('scheme', v.scheme, 'bin', v.bin, 'last4', v.last4, 'exp_month',
    v.exp_month,
      'exp_year', v.exp_year, 'route', (SELECT s.route FROM stored_methods s
        WHERE s.merchant_id = v.merchant_id AND s.method_id = v.token_id))
    FROM vault v WHERE v.merchant_id = o.merchant_id AND v.token_id = o.token_id) AS card,
  coalesce((SELECT jsonb_agg(to_jsonb(a) ORDER BY a.attempt_no) FROM attempts a
    WHERE a.merchant_id = o.merchant_id AND a.order_id = o.order_id), '[]') AS attempts,
  coalesce((SELECT jsonb_agg(to_jsonb(r) - 'input_mac' ORDER BY r.modification_no)
    FROM modifications r
    WHERE r.merchant_id = o.merchant_id AND r.order_id = o.order_id), '[]') AS modifications,
  coalesce((SELECT jsonb_agg(to_jsonb(q) - 'merchant_id' - 'input_mac' || jsonb_build_object(
      'act', coalesce(q.items #>> '{0,act}', 'refund'),
      'items', CASE WHEN q.items #> '{0,act}' IS NULL THEN q.items ELSE '[]' END)
      ORDER BY q.requested_at, q.request_id)
    FROM refund_requests q WHERE q.merchant_id = o.merchant_id
      AND q.order_id = o.order_id), '[]') AS requests,
  coalesce((SELECT jsonb_agg(to_jsonb(d) - 'answer_id' ORDER BY d.dispute_no) FROM disputes d
    WHERE d.merchant_id = o.merchant_id AND d.order_id = o.order_id), '[]') AS disputes,
  (SELECT to_jsonb(c) FROM challenges c WHERE c.merchant_id = o.merchant_id
    AND c.order_id = o.order_id
    AND c.state IN ('presented', 'tried') LIMIT 1) AS challenge,
  (SELECT to_jsonb(x) - 'payer_id' - 'pan_id' - 'slot' FROM advances x
    WHERE x.merchant_id = o.merchant_id AND x.order_id = o.order_id) AS advance,
  coalesce((SELECT jsonb_agg(to_jsonb(l) - 'prev_seq' ORDER BY l.seq) FROM order_log l
    WHERE l.merchant_id = o.merchant_id AND l.order_id = o.order_id), '[]') AS log,
  coalesce((SELECT jsonb_agg(jsonb_build_object('seq', w.seq, 'text', w.text) ORDER BY w.seq)
    FROM order_words w
    WHERE w.merchant_id = o.merchant_id AND w.order_id = o.order_id), '[]') AS words,
  coalesce((SELECT jsonb_agg(to_jsonb(d) #- '{features,facts,issuer_answers}' #-
    '{features,facts,sends_left}'
      #- '{features,facts,free_at}' #- '{features,tallies}' ORDER BY d.decision_id) FROM decisions d
    WHERE d.merchant_id = o.merchant_id AND d.decision_id IN (
      SELECT l.decision_id FROM order_log l WHERE l.merchant_id = o.merchant_id
        AND l.order_id = o.order_id
      UNION SELECT a.decision_id FROM attempts a WHERE a.merchant_id = o.merchant_id
        AND a.order_id = o.order_id
      UNION SELECT (l.body ->> 'risk')::uuid FROM order_log l
        WHERE l.merchant_id = o.merchant_id AND l.order_id = o.order_id AND l.happening = 'planned'
    )), '[]') AS decisions,
  coalesce((SELECT jsonb_agg(to_jsonb(g) || jsonb_build_object('page_no', s.page_no,
      'position', s.position, 'entries',
      (SELECT coalesce(jsonb_agg(to_jsonb(e) - 'merchant_id' - 'posting_id'
        ORDER BY e.line_no), '[]') FROM entries e
        WHERE e.merchant_id = g.merchant_id AND e.posting_id = g.posting_id)) ORDER BY g.posting_id)
    FROM postings g LEFT JOIN page_lines s USING (merchant_id, posting_id)
    WHERE g.merchant_id = o.merchant_id
      AND g.order_id = o.order_id), '[]') AS postings,
  coalesce((SELECT jsonb_agg(to_jsonb(b) || jsonb_build_object('fed', q.seq IS NULL, 'tries',
      (SELECT coalesce(jsonb_agg(to_jsonb(y) || jsonb_build_object('url',
        CASE WHEN n.merchant_id = y.merchant_id THEN n.url
          ELSE regexp_replace(n.url, $3, '\1\2') END, 'answer',
        CASE WHEN n.merchant_id = y.merchant_id THEN y.answer ELSE '' END, 'mine',
        coalesce(n.merchant_id = y.merchant_id AND n.state <> 'deleted', false))
          ORDER BY y.at), '[]')
        FROM tried y LEFT JOIN endpoints n ON n.endpoint_id = y.endpoint_id WHERE y.seq = b.seq),
      'waits', (SELECT coalesce(jsonb_agg(jsonb_build_object('url', CASE
        WHEN n.merchant_id = b.merchant_id THEN n.url
          ELSE regexp_replace(n.url, $3, '\1\2') END, 'at', greatest(l.due_at, n.probe_at),
          'tries', CASE WHEN l.next_seq = b.seq THEN l.tries
            ELSE 0 END, 'behind', l.next_seq < b.seq)
          ORDER BY n.endpoint_id), '[]')
        FROM endpoints n JOIN lanes l ON l.merchant_id = b.merchant_id
          AND l.endpoint_id = n.endpoint_id
          AND l.lane_id IN (b.subject_id, b.event_id) AND l.due_at IS NOT NULL
        WHERE n.state = 'active' AND (n.merchant_id = b.merchant_id
            OR n.partner_id IN (SELECT p.partner_id FROM heard_by_partners p
              WHERE p.merchant_id = b.merchant_id))
          AND (l.next_seq = b.seq OR q.seq IS NULL AND b.seq >= coalesce(l.live_seq, l.next_seq)
            AND b.event = ANY(n.events)
            AND (n.format = 'stablecoin') = (b.subject_kind IN ('stable_order', 'subscription')))))
      ORDER BY b.seq)
    FROM outbox b LEFT JOIN outbox_queue q ON q.merchant_id = b.merchant_id
      AND q.subject_id = b.subject_id AND q.seq = b.seq
    WHERE b.merchant_id = o.merchant_id AND b.subject_id = o.order_id),
      '[]') AS events,
  coalesce((SELECT jsonb_agg(DISTINCT taken.event) FROM endpoints n,
    unnest(n.events) AS taken(event)
    WHERE n.state = 'active' AND (n.format = 'stablecoin') = (o.kind = 'stable')
      AND (n.merchant_id = o.merchant_id
      OR n.partner_id IN (SELECT b.partner_id FROM heard_by_partners b
        WHERE b.merchant_id = o.merchant_id))), '[]')
    AS heard,
  coalesce((SELECT jsonb_agg(to_jsonb(n) - 'merchant_id' - 'order_id' ORDER BY n.note_id)
    FROM order_notes n
    WHERE n.merchant_id = o.merchant_id AND n.order_id = o.order_id), '[]') AS notes,
  coalesce((SELECT jsonb_agg(to_jsonb(b) - 'merchant_id' - 'subject_id' ORDER BY b.kind)
    FROM blocks b
    WHERE b.merchant_id = o.merchant_id AND b.lifted_at IS NULL AND (b.kind = 'card'
      AND b.subject_id = o.pan_id
      OR b.kind = 'customer' AND b.subject_id = p.payer_id)), '[]') AS blocks,
  coalesce((SELECT jsonb_agg(DISTINCT jsonb_build_object('batch_id', i.batch_id, 'period_to',
    i.period_to))
    FROM postings g JOIN settlement_lines s ON s.merchant_id = g.merchant_id
      AND s.posting_id = g.posting_id
    JOIN settlement_batches i ON i.merchant_id = s.merchant_id AND i.batch_id = s.batch_id
    WHERE g.merchant_id = o.merchant_id AND g.order_id = o.order_id), '[]') AS batches,
  {facets} AS facets,
  coalesce((SELECT jsonb_object_agg(w.kind, w.due_at) FROM due_work w
    WHERE w.merchant_id = o.merchant_id AND w.subject_id = o.order_id
      AND w.kind IN ('admit', 'retry', 'expire',
      'release', 'inquire')), '{}') AS due,
  (SELECT y.external_id FROM payers y WHERE y.merchant_id = p.merchant_id
    AND y.payer_id = p.payer_id)
    AS external_payer
FROM current_orders o
JOIN order_heads h ON h.merchant_id = o.merchant_id AND h.order_id = o.order_id
JOIN sites t ON t.merchant_id = o.merchant_id AND t.site_id = o.site_id
LEFT JOIN order_payer p ON p.merchant_id = o.merchant_id AND p.order_id = o.order_id
WHERE o.merchant_id = $1 AND o.order_id = $2
"""


class _Parts(Row, frozen=True):
    order_id: UUID
    order: PageOrder
    head: OrderHead
    site: Site
    campaign: PageCampaign | None
    payer: PagePayer | None
    card: PageCard | None
    attempts: list[Attempt]
    modifications: list[PageModification]
    requests: list[PageRequest]
    disputes: list[Dispute]
    challenge: Challenge | None
    advance: PageAdvance | None
    log: list[LogLine]
    words: list[PageWords]
    decisions: list[PageDecision]
    postings: list[PagePosting]
    events: list[PageEvent]
    heard: list[str]
    notes: list[PageNote]
    blocks: list[PageBlock]
    batches: list[PageBatch]
    facets: dict[str, Any] | None
    due: PageDue


class _Read(_Parts, frozen=True):
    external_payer: str | None


class OrderPage(_Parts, frozen=True):
    """`order` never changes, `head` is how it stands. `challenge` is its open challenge. Lists are
    oldest first: `words` are what people typed for lines of the `log`, `heard` names what some
    endpoint takes, `notes` are people's, `batches` the settlements that have entries of it,
    `blocks` those that stand for its customer and card. `masked`: its customer's data is;
    `clear_until`: it is not for this reader, who revealed it, until then."""

    masked: bool = False
    clear_until: datetime | None = None

    @property
    def sent_text(self) -> str | None:
        """The amount of a stablecoin order in its sender's own scale."""
        return self.order.amount_text if self.order.kind == "stable" else None

    @property
    def tries_cut(self) -> bool:
        """True when there may be more deliveries than were read."""
        return sum(len(event.tries) for event in self.events) >= TRIES_READ


@MERCHANT.statement(lambda: _READ.replace("{facets}", facets_sql()))
async def _read(db: Read, merchant_id: UUID, order_id: UUID, host: str, tries: int) -> _Read | None:
    """Reads the order; None for a foreign or unknown id."""


async def read_order(
    db: Read, merchant_id: UUID, order_id: UUID, *, clear: bool
) -> OrderPage | None:
    """Reads the order; None when this merchant has no such order. Unless `clear`, its customer's
    data is masked wherever it stands."""
    row = await _read(db, merchant_id, order_id, _HOST, TRIES_READ)
    if row is None:
        return None
    parts = asdict(row)
    external_payer = parts.pop("external_payer")
    page = OrderPage(**parts)
    return page if clear else _masked(page, external_payer)


def _masked(page: OrderPage, external_payer: str | None) -> OrderPage:
    """Texts of people, processors and receivers lose what is known of the customer. Metadata is the
    merchant's own: nobody knows who stands in it."""
    payer = asdict(page.payer) if page.payer is not None else None
    hide = personal.redactor((payer, {"external_id": external_payer})).value
    typed = (
        personal.hidden if personal.is_erased(payer) else hide
    )  # by people, who may name anybody
    events = [
        replace(event, body=hide(event.body), tries=_without(event.tries, _OF_TRIES, hide))
        for event in page.events
    ]
    metadata = dict.fromkeys(page.order.metadata, personal.DOTS)
    return replace(
        page,
        order=dataclasses.replace(page.order, metadata=metadata, facts=hide(page.order.facts)),
        payer=PagePayer(**personal.person(payer)) if payer else None,
        log=_without(page.log, ("body",), hide),
        events=events,
        modifications=_without(page.modifications, ("message", "hand_note"), typed),
        requests=_without(page.requests, ("message", "reason"), typed),
        notes=_without(page.notes, ("text",), typed),
        words=_without(page.words, ("text",), typed),
        masked=True,
    )


_OF_TRIES: Final = ("error", "answer", "url")


def _without(rows: Iterable[R], texts: tuple[str, ...], hide: Callable[[Any], Any]) -> list[R]:
    """The rows with these of their texts hidden."""
    return [replace(row, **{name: hide(getattr(row, name)) for name in texts}) for row in rows]


@MERCHANT.statement("""
SELECT seq, happening, src, dst, body, fact_id, decision_id, business_at, recorded_at FROM order_log
WHERE merchant_id = $1 AND order_id = $2 ORDER BY seq
""")
async def order_lines(db: Read, merchant_id: UUID, order_id: UUID) -> list[Line]:
    """Oldest first; of a foreign or unknown id none."""


class AccountBalance(Row, frozen=True):
    """`units`: debit positive, in the asset's smallest unit."""

    account: str
    units: int


@MERCHANT.statement("""
SELECT e.account, sum(e.units)::bigint AS units FROM postings g
JOIN entries e ON e.merchant_id = g.merchant_id AND e.posting_id = g.posting_id
WHERE g.merchant_id = $1 AND g.order_id = $2 AND g.recorded_at <= $3
GROUP BY e.account ORDER BY e.account
""")
async def order_balances(
    db: Read, merchant_id: UUID, order_id: UUID, recorded_until: datetime
) -> list[AccountBalance]:
    """The order's balances booked by then, by account."""


@MERCHANT.statement(
    "SELECT FROM order_states WHERE merchant_id = $1 AND order_id = $2 FOR NO KEY UPDATE"
)
async def lock_order_notes(db: Tx, merchant_id: UUID, order_id: UUID) -> None:
    """Notes of one order are written one after the other."""


# Only of the merchant's own order, and only so many; a note that is known changes nothing. Under
# the order's lock.
@MERCHANT.statement("""
WITH own AS MATERIALIZED (
  SELECT o.order_id FROM orders o WHERE o.merchant_id = $1 AND o.order_id = $3
    AND (SELECT count(*) FROM order_notes n WHERE n.merchant_id = $1 AND n.order_id = $3) < $8
)
INSERT INTO order_notes (merchant_id, note_id, order_id, text, actor, business_at, recorded_at)
SELECT $1, $2, order_id, $4, $5, $6, $7 FROM own
ON CONFLICT (merchant_id, note_id) DO NOTHING RETURNING true
""")
async def _insert_order_note(
    db: Tx,
    merchant_id: UUID,
    note_id: UUID,
    order_id: UUID,
    text: str,
    actor: str,
    business_at: datetime,
    recorded_at: datetime,
    notes_max: int,
) -> bool: ...


@MERCHANT.statement("""
SELECT true FROM order_notes
WHERE merchant_id = $1 AND note_id = $2 AND order_id = $3 AND text = $4
""")
async def _has_order_note(
    db: Read, merchant_id: UUID, note_id: UUID, order_id: UUID, text: str
) -> bool: ...


async def insert_order_note(
    db: Tx,
    merchant_id: UUID,
    note_id: UUID,
    order_id: UUID,
    text: str,
    actor: str,
    business_at: datetime,
    recorded_at: datetime,
    notes_max: int,
) -> bool:
    """Inserts a note, under the order's lock. True when it stands there, now or from before; False
    when the order has as many as it may, or there is none."""
    note = merchant_id, note_id, order_id, text
    return await _insert_order_note(
        db, *note, actor, business_at, recorded_at, notes_max
    ) or await _has_order_note(db, *note)
