"""Everything a flow needs to know of orders that it has locked: by one statement, and another on
their cards."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final
from uuid import UUID

import msgspec

from recoup.cards.store.joined_cards import SAME_CARDS
from recoup.db.statement import HUB, MERCHANT, Read, Row
from recoup.kernel.facet import facets_sql
from recoup.orders.rules.lifecycle import Stage
from recoup.orders.rules.snapshot import LockedOrder
from recoup.orders.store.own_tries import OwnTries, own_tries_of
from recoup.orders.store.prints import blocks_of_prints, facets_of_prints, kept_of_prints
from recoup.policies.store.policies_part import POLICIES

Key = tuple[UUID, UUID]
Json = object  # as it came; None: nothing

# The newest of a card's sends: more than any window lets pass, and few enough to be read under the
# order's lock.
SENDS_READ: Final = 1_000
CLAIMS_READ: Final = 500
# One JSON per order: small, and one round trip however many attempts or sends there are. What
# orders have in common comes as text, so that each text is read once. Each part with what needs it,
# see `_needed_parts`: one that no order needs is left out, for each costs the server a start and an
# end, in the log one for each of its months.
_PARTS: Final[tuple[tuple[str, frozenset[str], str], ...]] = (
    ("merchant", frozenset(), "(to_jsonb(m) - 'webhook_key' - 'stablecoin_webhook_key')::text"),
    (
        "card",
        frozenset(),
        """
  to_jsonb(v) || coalesce((SELECT jsonb_build_object('stored',
      to_jsonb(s) || jsonb_build_object('is_closed', s.closed_at IS NOT NULL)) FROM stored_methods s
    WHERE v.kek_id IS NULL AND s.merchant_id = v.merchant_id AND s.method_id = v.token_id),
      '{}')""",
    ),
    (
        "attempts",
        frozenset(),
        """
  (SELECT jsonb_agg(to_jsonb(a) ORDER BY a.attempt_no) FROM attempts a
    WHERE a.merchant_id = o.merchant_id AND a.order_id = o.order_id)""",
    ),
    (
        "modifications",
        frozenset(),
        """
  (SELECT jsonb_agg(to_jsonb(r) ORDER BY r.modification_no) FROM modifications r
    WHERE r.merchant_id = o.merchant_id AND r.order_id = o.order_id)""",
    ),
    (
        "challenges",
        frozenset(),
        """
  (SELECT jsonb_agg(to_jsonb(c) ORDER BY c.challenge_no) FROM challenges c
    WHERE c.merchant_id = o.merchant_id AND c.order_id = o.order_id)""",
    ),
    (
        "settlements",
        frozenset({"stable"}),
        """
  CASE WHEN o.kind = 'stable' THEN (SELECT jsonb_agg(to_jsonb(s)) FROM settlements s
    WHERE s.merchant_id = o.merchant_id AND s.order_id = o.order_id) END""",
    ),
    (
        "advance",
        frozenset({"completed"}),
        """
  CASE WHEN o.stage = 'completed' THEN (SELECT to_jsonb(x) FROM advances x
    WHERE x.merchant_id = o.merchant_id AND x.order_id = o.order_id) END""",
    ),
    (
        "limits",
        frozenset({"customer"}),
        """
  CASE WHEN m.cit_unresolved = 'advance' AND o.stage = 'processing'
    AND o.kind IN ('cit_web', 'cit_callcenter') THEN (
    SELECT to_jsonb(x) || jsonb_build_object('payer_id', p.payer_id, 'email', p.email, 'phone',
      p.phone, 'bounds', (
      SELECT jsonb_build_object('version', b.version, 'made_on', b.made_on, 'until', b.until,
        'tables', b.tables)
      FROM advance_bounds b WHERE b.merchant_id = o.merchant_id AND b.asset = o.asset
        ORDER BY b.version DESC LIMIT 1))
    FROM exposure_limits x LEFT JOIN order_payer p ON p.merchant_id = o.merchant_id
      AND p.order_id = o.order_id
    WHERE x.merchant_id = o.merchant_id AND x.asset = o.asset AND x.limit_units > 0
    ) END""",
    ),
    (
        "fee_terms",
        frozenset(),
        """
  (SELECT jsonb_agg(to_jsonb(f))::text FROM fee_terms f
    WHERE f.merchant_id = o.merchant_id AND (f.site_id IS NULL OR f.site_id = o.site_id)
      AND (f.currency IS NULL OR f.currency = o.asset))""",
    ),
    (
        "notices",
        frozenset(),
        """
  (SELECT jsonb_object_agg(n.notice, n.enabled) FROM notice_settings n
    WHERE n.merchant_id = o.merchant_id)""",
    ),
    (
        "approval",
        frozenset({"completed"}),
        """
  CASE WHEN o.stage = 'completed' THEN (SELECT l.body FROM order_log l
    WHERE l.merchant_id = o.merchant_id AND l.order_id = o.order_id AND l.order_id BETWEEN $3 AND $4
      AND l.dst = 'completed' AND l.src <> 'completed') END""",
    ),
    (
        "held",
        frozenset({"held"}),
        """
  CASE WHEN o.stage = 'held' THEN (SELECT l.body FROM order_log l
    WHERE l.merchant_id = o.merchant_id AND l.order_id = o.order_id AND l.order_id BETWEEN $3 AND $4
      AND l.happening = 'held' ORDER BY l.seq DESC LIMIT 1) END""",
    ),
    (
        "disputes",
        frozenset({"ended"}),
        """
  CASE WHEN o.stage IN ('completed', 'declined', 'cancelled', 'expired') AND o.kind <> 'stable' THEN
    (SELECT jsonb_agg(to_jsonb(d) ORDER BY d.dispute_no) FROM disputes d
      WHERE d.merchant_id = o.merchant_id AND d.order_id = o.order_id) END""",
    ),
    (
        "dispute_terms",
        frozenset({"cards", "charged"}),
        """
  CASE WHEN o.stage IN ('authorised', 'completed', 'declined', 'cancelled', 'expired')
      OR o.kind = 'mit_managed' AND o.stage IN ('processing', 'held', 'problem') THEN
    (SELECT jsonb_agg(to_jsonb(t)) FROM dispute_terms t
      WHERE t.merchant_id = o.merchant_id AND t.asset IN ('', o.asset) AND (
        o.stage NOT IN ('processing', 'held', 'problem')
        OR EXISTS (SELECT FROM attempts a
          WHERE a.merchant_id = o.merchant_id AND a.order_id = o.order_id
            AND a.state = 'approved'))) END""",
    ),
    (
        "blocked",
        frozenset({"cards", "open"}),
        """
  CASE WHEN o.stage IN ('received', 'processing', 'challenged') THEN (
    SELECT jsonb_agg(jsonb_build_object('merchant_id', b.merchant_id, 'acceptor_id', NULL, 'until',
      NULL, 'reason', b.kind))
    FROM blocks b WHERE b.merchant_id = o.merchant_id AND b.lifted_at IS NULL AND (
      b.kind = 'card' AND b.subject_id = o.pan_id
      OR b.kind = 'customer' AND b.subject_id = (SELECT p.payer_id FROM order_payer p
        WHERE p.merchant_id = o.merchant_id AND p.order_id = o.order_id))
    ) END""",
    ),
    (
        "kept_ids",
        frozenset({"cards"}),
        """
  (SELECT jsonb_build_object('approvals', c.approvals, 'first_network_id', c.first_network_id,
      'latest_network_id', c.latest_network_id)
    FROM card_results c WHERE c.merchant_id = o.merchant_id AND c.pan_id = o.pan_id)""",
    ),
    (
        "arm",
        frozenset({"arm"}),
        """
  CASE WHEN o.arm IS NOT NULL THEN jsonb_build_object(
    'terms', (SELECT to_jsonb(s) FROM arm_settings s
      WHERE s.merchant_id = o.merchant_id AND s.version = o.arm_version),
    'share', o.arm_share,
    'stopped', EXISTS (SELECT FROM engine_stops e
      WHERE e.ended_at IS NULL AND (e.merchant_id IS NULL OR e.merchant_id = o.merchant_id))
    ) END""",
    ),
    ("policies", frozenset({"retried"}), POLICIES),
    # Rows are looked up one by one, by their keys: what is behind OFFSET or LIMIT is not joined in
    # sets.
    (
        "other_card",
        frozenset({"managed"}),
        """
  CASE WHEN o.kind = 'mit_managed' AND o.stage IN ('received', 'processing', 'held') THEN (
    SELECT jsonb_build_object('token_id', w.token_id, 'pan_id', w.pan_id, 'magic', w.magic,
      'exp_month', w.exp_month, 'exp_year', w.exp_year)
    FROM notice_settings n
    CROSS JOIN LATERAL (SELECT p.payer_id FROM order_payer p
      WHERE p.merchant_id = n.merchant_id AND p.order_id = o.order_id OFFSET 0) p
    CROSS JOIN LATERAL (SELECT y.payer_id FROM payers y
      WHERE y.merchant_id = n.merchant_id AND y.payer_id = p.payer_id AND y.external_id <> ''
        OFFSET 0) y
    CROSS JOIN LATERAL (SELECT q.order_id FROM order_payer q
      WHERE q.merchant_id = n.merchant_id AND q.payer_id = y.payer_id AND q.order_id <> o.order_id
      ORDER BY q.order_id DESC LIMIT 50) q
    CROSS JOIN LATERAL (SELECT x.order_id, x.token_id, x.pan_id FROM current_orders x
      WHERE x.merchant_id = n.merchant_id AND x.order_id = q.order_id
        AND x.stage = 'completed' AND x.kind IN ('mit_managed', 'mit_sync')
        AND x.pan_id <> o.pan_id AND NOT x.card_id = ANY (o.cards_before) OFFSET 0) x
    CROSS JOIN LATERAL (SELECT w.* FROM vault w
      WHERE w.merchant_id = n.merchant_id AND w.token_id = x.token_id
        AND NOT w.pan_id = ANY (o.cards_before)
      OFFSET 0) w
    WHERE n.merchant_id = o.merchant_id AND n.notice = 'other_card' AND n.enabled
      AND (SELECT true FROM attempts a WHERE a.merchant_id = n.merchant_id
        AND a.order_id = x.order_id
        AND a.state = 'approved' AND a.initiator = 'merchant' LIMIT 1)
      AND (SELECT true FROM attempts a WHERE a.merchant_id = n.merchant_id
        AND a.order_id = x.order_id
        AND a.typed #>> '{card,pan_id}' = x.pan_id::text LIMIT 1) IS NULL
      AND (SELECT true FROM order_payer z
        CROSS JOIN LATERAL (SELECT e.order_id, e.stage FROM current_orders e
          WHERE e.merchant_id = n.merchant_id
          AND e.order_id = z.order_id AND e.pan_id = x.pan_id OFFSET 0) e
        WHERE z.merchant_id = n.merchant_id AND z.payer_id = y.payer_id AND (e.stage = 'declined'
          OR (SELECT true FROM disputes d WHERE d.merchant_id = n.merchant_id
            AND d.order_id = e.order_id LIMIT 1)
          OR (SELECT true FROM fraud_warnings w
            WHERE w.merchant_id = n.merchant_id AND w.order_id = e.order_id LIMIT 1))
              LIMIT 1) IS NULL
      AND (w.kek_id IS NOT NULL OR (SELECT true FROM stored_methods s
        WHERE s.merchant_id = n.merchant_id
        AND s.method_id = w.token_id AND s.closed_at IS NULL AND s.reference <> '' LIMIT 1))
    ORDER BY x.order_id DESC LIMIT 1
  ) END""",
    ),
    (
        "known",
        frozenset({"arm"}),
        """
  CASE WHEN o.arm IS NOT NULL THEN jsonb_build_object('looks', (
    SELECT (SELECT jsonb_build_object('at', l.at, 'answers', l.answers, 'tries', l.tries,
      'orders', l.orders)
      FROM payer_looks l WHERE l.merchant_id = p.merchant_id AND l.payer_id = p.payer_id)
    FROM order_payer p WHERE p.merchant_id = o.merchant_id AND p.order_id = o.order_id
  ), 'issuer_answers', (SELECT i.answers FROM issuers i WHERE i.issuer_digits = v.issuer_digits),
  'links', CASE WHEN o.arm = 'engine' AND EXISTS (SELECT FROM notice_settings n
      WHERE n.merchant_id = o.merchant_id AND n.notice = 'payment_link_early' AND n.enabled) THEN (
    SELECT jsonb_build_array(count(*), count(*) FILTER (WHERE c.paid)) FROM (
      SELECT l.contacted_at, max(l.contacted_at) OVER () AS newest,
        EXISTS (SELECT FROM attempts a WHERE a.merchant_id = l.merchant_id
          AND a.order_id = l.order_id
          AND a.ladder = 'challenge' AND a.state = 'approved') AS paid
      FROM (SELECT merchant_id, order_id, contacted_at FROM contacts
        WHERE merchant_id = o.merchant_id ORDER BY contacted_at DESC LIMIT 500) l
    ) c WHERE c.contacted_at < c.newest - interval '7 days'
  ) END) END""",
    ),
    (
        "off_since",
        frozenset(),
        "(SELECT to_jsonb(s.stopped_at) FROM sending_stops s WHERE s.ended_at IS NULL)",
    ),
)
# The merchant is named by an array so that it is looked up after the order: looked up before, a
# plan made while there were few orders goes through all orders of the merchant. The first line of
# WHERE is true; to the planner it leaves one key, see `write_changes`. So is the second: by its
# bounds the log's months are passed by that hold none.
_FROM: Final = """
FROM unnest($1::uuid[], $2::uuid[]) AS k (merchant_id, order_id)
JOIN current_orders o USING (merchant_id, order_id)
JOIN merchants m ON m.merchant_id = ANY (ARRAY[o.merchant_id])
LEFT JOIN vault v ON v.merchant_id = o.merchant_id AND v.token_id = o.token_id
WHERE k.order_id = ANY (ARRAY[k.order_id])
  AND k.order_id BETWEEN $3::uuid AND $4::uuid
"""
_BY_STAGE: Final[dict[str, tuple[str, ...]]] = {
    "received": ("open",), "processing": ("open",), "challenged": ("open",), "held": ("held",),
    **dict.fromkeys(("authorised", "declined", "cancelled", "expired"), ("ended", "charged")),
    "completed": ("completed", "ended", "charged"),
}  # fmt: skip

_OPEN: Final = frozenset({"received", "processing", "held", "challenged", "problem"})


class OrderEvidence(Row, frozen=True):
    """Evidence on an order, for `order_of` to read: each part as JSON, in the order of `_PARTS`,
    None where it is not needed or there is nothing. `merchant`, `fee_terms` and `policies` are
    texts, since orders have them in common. `off_since`: since when all sending is off.

    Then what its card's home knows: the newest sends, blocks, how many more orders of the merchant
    are under way with this card, and those of them whose processor charges by itself, and what else
    is known to be this card.
    """

    offset_us: int
    merchant: str
    card: Json
    attempts: Json
    modifications: Json
    challenges: Json
    settlements: Json
    advance: Json
    limits: Json
    fee_terms: str | None
    notices: Json
    approval: Json
    held: Json
    disputes: Json
    dispute_terms: Json
    blocked: Json
    kept_ids: Json
    arm: Json
    policies: str | None
    other_card: Json
    known: Json
    off_since: str | None
    facets: dict[str, Json] | None
    sends: Json = None
    blocks: Json = None
    others_open: int = 0
    own_tries: tuple[OwnTries, ...] = ()
    same_cards: tuple[UUID, ...] = ()


async def read_evidence(
    db: Read,
    locked: Mapping[Key, LockedOrder],
    since: datetime,
    *,
    with_sends: bool,
    with_tokens: bool = False,
) -> dict[Key, OrderEvidence]:
    """Reads evidence by (merchant_id, order_id), as the locked rows are. `since` (wall time) bounds
    the card's sends, shifted by the merchant's clock; with_sends only under the card's lock, and
    with it the contract on disputes. `with_tokens`: somebody makes network tokens."""
    if not locked:
        return {}
    orders = [key[1] for key in locked]
    needed = _needed_parts(locked.values(), with_sends=with_sends)
    statement = _statement(needed | {"tokens"} if with_tokens else needed)
    rows = await db.fetch(statement, [key[0] for key in locked], orders, min(orders), max(orders))
    evidence = {(row[0], row[1]): OrderEvidence(*row[2:]) for row in rows}
    cards = [
        key
        for key in evidence
        if locked[key].card_id and (with_sends or locked[key].arm is not None)
    ]
    return (
        evidence | await _with_cards(db, cards, evidence, locked, since, with_sends=with_sends)
        if cards
        else evidence
    )


async def _with_cards(
    db: Read,
    keys: Sequence[Key],
    evidence: Mapping[Key, OrderEvidence],
    locked: Mapping[Key, LockedOrder],
    since: datetime,
    *,
    with_sends: bool,
) -> dict[Key, OrderEvidence]:
    cards = await _of_cards(
        db,
        [key[0] for key in keys],
        [key[1] for key in keys],
        [card_id for key in keys if (card_id := locked[key].card_id)],
        [since + timedelta(microseconds=evidence[key].offset_us) for key in keys],
        [locked[key].arm is not None for key in keys],
        with_sends=with_sends,
    )
    others = [
        (card.merchant_id, card.order_id, other) for card in cards for other in card.others or ()
    ]
    still_open = await _open_orders(db, *map(list, zip(*others, strict=True))) if others else {}
    beside = await _beside(db, cards) if with_sends else {}
    joined = [
        (card.merchant_id, card.order_id, card_print)
        for card in cards
        for card_print in card.prints or ()
    ]
    by_merchant = (
        await blocks_of_prints(db, *map(list, zip(*joined, strict=True))) if joined else {}
    )
    kept = await kept_of_prints(db, *map(list, zip(*joined, strict=True))) if joined else {}
    facets = (
        await facets_of_prints(db, joined, {key: evidence[key].facets for key in keys})
        if joined
        else {}
    )
    return {
        (card.merchant_id, card.order_id): msgspec.structs.replace(
            evidence[card.merchant_id, card.order_id],
            sends=card.sends,
            blocks=[*(card.blocks or ()), *by_merchant.get(card.order_id, ())],
            others_open=still_open.get(card.order_id, 0),
            own_tries=beside.get((card.merchant_id, card.order_id), ()),
            same_cards=card.prints or (),
            kept_ids=kept.get(card.order_id, evidence[card.merchant_id, card.order_id].kept_ids),
            facets=facets.get(card.order_id, evidence[card.merchant_id, card.order_id].facets),
        )
        for card in cards
    }


class _OfOrder(Row, frozen=True):
    merchant_id: UUID
    order_id: UUID


async def _beside(db: Read, cards: Sequence["_CardEvidence"]) -> dict[Key, tuple[OwnTries, ...]]:
    """The merchant's other orders of the same card for each order, by the payments that came in."""
    mine = {
        (card.merchant_id, card.order_id): {
            send.order_id
            for send in msgspec.convert(card.sends or [], list[_OfOrder])
            if send.merchant_id == card.merchant_id and send.order_id != card.order_id
        }
        for card in cards
    }
    named = [(merchant_id, other) for (merchant_id, _), others in mine.items() for other in others]
    if not named:
        return {}
    tries = await own_tries_of(db, [key[0] for key in named], [key[1] for key in named])
    return {
        key: tuple(
            own_try
            for own_try in tries
            if own_try.merchant_id == key[0] and own_try.order_id in others
        )
        for key, others in mine.items()
    }


class _CardEvidence(Row, frozen=True):
    """`others`: more orders of the same merchant that the card was sent for. What an issuer said of
    a number that the network has replaced since (that it is wrong, closed or over) forbids no send
    of the new one; the send counts."""

    merchant_id: UUID
    order_id: UUID
    sends: Json
    blocks: list[Json] | None
    others: tuple[UUID, ...] | None
    prints: tuple[UUID, ...] | None


@HUB.statement(f"""
SELECT k.merchant_id, k.order_id, CASE WHEN $6 THEN (
    SELECT jsonb_agg(CASE WHEN c.card_id <> k.card_id AND s.scheme_code IN ('14', '15', '46', '54')
        AND EXISTS (SELECT FROM cards r WHERE r.card_id = c.card_id AND r.replaced_by IS NOT NULL)
      THEN to_jsonb(s) || '{{"visa_category": null, "klass": null}}' ELSE to_jsonb(s) END
        ORDER BY s.at)
    FROM unnest(same.cards) AS c (card_id) CROSS JOIN LATERAL (
      (SELECT * FROM network_sends WHERE card_id = c.card_id AND NOT claimed AND state <> 'not_sent'
        AND (at > k.since OR lasting)
        ORDER BY at DESC LIMIT {SENDS_READ})
      UNION ALL (SELECT * FROM network_sends
        WHERE card_id = c.card_id AND claimed AND merchant_id = k.merchant_id
          AND state <> 'not_sent'
          AND (at > k.since OR lasting OR send_id = k.order_id)
        ORDER BY at DESC LIMIT {CLAIMS_READ})) s) END AS sends,
  CASE WHEN $6 THEN (SELECT jsonb_agg(to_jsonb(b)) FROM card_blocks b
    WHERE b.card_id = ANY(same.cards)) END AS blocks,
  CASE WHEN k.armed THEN ARRAY(
    SELECT DISTINCT n.order_id FROM unnest(same.cards) AS c (card_id) CROSS JOIN LATERAL (
      (SELECT order_id, merchant_id FROM network_sends WHERE card_id = c.card_id AND NOT claimed
        ORDER BY at DESC LIMIT 100)
      UNION ALL (SELECT order_id, merchant_id FROM network_sends
        WHERE card_id = c.card_id AND claimed AND NOT imported AND merchant_id = k.merchant_id
        ORDER BY at DESC LIMIT 100)) n
    WHERE n.merchant_id = k.merchant_id AND n.order_id <> k.order_id) END AS others,
  CASE WHEN $6 AND cardinality(same.cards) > 1 THEN same.cards END AS prints
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::boolean[])
  AS k (merchant_id, order_id, card_id, since, armed)
CROSS JOIN LATERAL {SAME_CARDS.format("k.card_id")} same
""")
async def _of_cards(
    db: Read,
    merchants: Sequence[UUID],
    orders: Sequence[UUID],
    cards: Sequence[UUID],
    since: Sequence[datetime],
    armed: Sequence[bool],
    *,
    with_sends: bool,
) -> list[_CardEvidence]: ...


@MERCHANT.statement("""
SELECT k.order_id, count(*) FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS k (merchant_id,
  order_id, other_id)
CROSS JOIN LATERAL (SELECT x.stage FROM current_orders x
  WHERE x.merchant_id = k.merchant_id AND x.order_id = k.other_id OFFSET 0) x
WHERE x.stage IN ('received', 'processing', 'held', 'problem', 'challenged') GROUP BY 1
""")
async def _open_orders(
    db: Read, merchants: Sequence[UUID], orders: Sequence[UUID], others: Sequence[UUID]
) -> dict[UUID, int]:
    """Number of other open orders for each order."""


def _needed_parts(orders: Iterable[LockedOrder], *, with_sends: bool) -> frozenset[str]:
    """Parts of the evidence that these orders need."""
    needed = {"cards"} if with_sends else set()
    for order in orders:
        needed.update(_BY_STAGE.get(order.stage, ()))
        if order.arm is not None:
            needed.add("arm")
        if order.kind == "mit_managed" and order.stage in (
            Stage.RECEIVED,
            Stage.PROCESSING,
            Stage.HELD,
        ):
            needed.add("managed")
        if order.kind == "mit_managed" and order.stage in _OPEN:
            needed |= {"managed_open", "charged"}
        if order.kind in ("mit_managed", "mit_sync") and order.stage in _OPEN:
            needed.add("retried")
        if order.kind == "stable":
            needed.add("stable")
        elif order.stage is Stage.PROCESSING and order.kind.startswith("cit"):
            needed.add("customer")
    return frozenset(needed)


@lru_cache(maxsize=256)
def _statement(needed: frozenset[str]) -> str:
    """The whole row whatever is needed: what is left out is NULL."""
    parts = (
        f"{sql.strip() if by <= needed else 'NULL::jsonb'} AS {name}" for name, by, sql in _PARTS
    )
    facets = facets_sql(lambda facet: facet.needs <= needed)
    return (
        "SELECT o.merchant_id, o.order_id, m.offset_us,\n  "
        + ",\n  ".join((*parts, f"{facets} AS facets"))
        + _FROM
    )
