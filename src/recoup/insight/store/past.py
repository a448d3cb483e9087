"""Attempts of the past as training reads them: a merchant at a time, a bounded number of rows at a
time."""

from collections.abc import AsyncIterator
from datetime import date, datetime
from typing import Any, Final, Literal
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row, columns_of

ORDERS_MAX: Final = 4_000
TRANSMISSIONS_MAX: Final = 10_000
# Hours since 1970, by the merchant's clock.
_HOURS: Final = "(extract(epoch FROM {}) / 3600)::float8"


class Learner(Row, frozen=True):
    """`owner`: the merchant's partner, else the merchant."""

    merchant_id: UUID
    region: str
    owner: UUID
    offset_us: int


@MERCHANT.statement("""
SELECT merchant_id, region, coalesce(partner_id, merchant_id) AS owner, offset_us FROM merchants
  ORDER BY merchant_id
""")
async def merchants_to_learn(db: Read) -> list[Learner]:
    """All of them, by their ids."""


class _PastPayment(Row):
    """`at`: hours since 1970, when it was answered, `on` the day."""

    payer_id: UUID | None
    scheme: str
    source: str | None
    code: str | None
    text: str | None
    advice: str | None
    credit: bool
    at: float
    on: date


class PastOrder(_PastPayment):
    """A past order with the payment that came in."""

    order_id: UUID
    issuer: str
    zone_facts: dict[str, Any]


class PastAttempt(Row, frozen=True):
    """A past attempt. `at`: hours since 1970, when it was sent, `on` the day."""

    order_id: UUID
    state: Literal["approved", "declined"]
    code: str | None
    advice_code: str | None
    at: float
    on: date


async def past_orders(
    db: Read, merchant_id: UUID, after: UUID
) -> AsyncIterator[tuple[list[PastOrder], list[PastAttempt]]]:
    """Orders with the payment that came in, and their answered attempts, from the order id `after`
    on."""
    while orders := await _orders(db, merchant_id, after, ORDERS_MAX):
        last = orders[-1].order_id
        yield orders, await _attempts(db, merchant_id, after, last)
        after = last


@MERCHANT.statement(f"""
SELECT d.payer_id, d.scheme, d.source, d.code, d.text, d.advice, d.credit,
  {_HOURS.format("d.declined_at")} AS at,
  (d.declined_at AT TIME ZONE 'UTC')::date AS on, d.order_id, d.issuer, d.zone_facts
FROM (
  SELECT o.order_id, p.payer_id, coalesce(v.scheme, 'generic') AS scheme,
    coalesce(nullif(v.issuer_digits, ''), v.bin, '') AS issuer,
    o.facts -> 'decline' ->> 'source' AS source, o.facts -> 'decline' ->> 'code' AS code,
    o.facts -> 'decline' ->> 'text' AS text, o.facts -> 'decline' ->> 'advice' AS advice,
    coalesce(o.facts ->> 'funding' = 'credit', false) AS credit,
    jsonb_build_object('zone', o.facts -> 'zone') || CASE WHEN o.facts ? 'utc_offset'
      THEN jsonb_build_object('utc_offset', o.facts -> 'utc_offset') ELSE '{{}}' END AS zone_facts,
    least((o.facts -> 'decline' ->> 'at')::timestamptz, o.placed_at) AS declined_at
  FROM orders o
  LEFT JOIN order_payer p ON p.merchant_id = o.merchant_id AND p.order_id = o.order_id
  LEFT JOIN vault v ON v.merchant_id = o.merchant_id AND v.token_id = o.token_id
  WHERE o.merchant_id = $1 AND o.order_id > $2 AND o.kind <> 'stable' AND o.facts ? 'decline'
  ORDER BY o.order_id LIMIT $3
) d ORDER BY d.order_id
""")
async def _orders(db: Read, merchant_id: UUID, after: UUID, limit: int) -> list[PastOrder]:
    """Past orders by their ids."""


@MERCHANT.statement(f"""
SELECT a.order_id, a.state, coalesce(nullif(a.scheme_code, ''), a.processor_code) AS code,
  a.advice_code,
  {_HOURS.format("a.sent_at")} AS at, (a.sent_at AT TIME ZONE 'UTC')::date AS on
FROM attempts a JOIN orders o ON o.merchant_id = a.merchant_id AND o.order_id = a.order_id
WHERE a.merchant_id = $1 AND a.order_id > $2 AND a.order_id <= $3
  AND a.state IN ('approved', 'declined')
  AND a.sent_at IS NOT NULL AND (a.units = o.units OR o.kind <> 'mit_managed')
ORDER BY a.order_id, a.attempt_no
""")
async def _attempts(db: Read, merchant_id: UUID, after: UUID, last: UUID) -> list[PastAttempt]:
    """Attempts of the orders behind `after` up to `last`; a part of an amount says nothing of all
    of it."""


class PastPayment(_PastPayment):
    """An answered payment that the merchant made by itself. `order_id`: the order that it was sent
    to us as, or that it is a copy of."""

    external_id: str
    bin: str
    country: str | None
    utc_offset: int | None
    approved: bool
    order_id: UUID | None


async def past_transmissions(
    db: Read, merchant_id: UUID, after: UUID
) -> AsyncIterator[list[PastPayment]]:
    """The merchant's own payments."""
    while last := await _last_transmission(db, merchant_id, after, TRANSMISSIONS_MAX):
        yield await _transmissions(db, merchant_id, after, TRANSMISSIONS_MAX)
        after = last


# A copy of the payment that an order came in with is no other payment. Copies of one payment are
# one. None happened after it was told: a date that lies ahead, by mistake or not, is the moment at
# which it came.
@MERCHANT.statement(f"""
SELECT t.payer_id, '' AS scheme, t.code_source AS source, t.code, NULL::text AS text,
  NULL::text AS advice, t.credit,
  {_HOURS.format("t.happened_at")} AS at, (t.happened_at AT TIME ZONE 'UTC')::date AS on,
    t.external_id, t.bin,
  t.country, NULL::int AS utc_offset, NOT t.is_declined AS approved, o.order_id
FROM (
  SELECT transmit_id, external_id, payer_id, coalesce(bin, '') AS bin, code_source, code,
    transaction_id,
    coalesce((outcome ->> 'is_declined')::boolean, is_declined) AS is_declined,
      facts ->> 'country' AS country,
    coalesce(lower(facts ->> 'funding') = 'credit', false) AS credit,
    least(transacted_at, received_at + (SELECT m.offset_us FROM merchants m
      WHERE m.merchant_id = $1)
      * interval '1 microsecond') AS happened_at
  FROM transmissions WHERE merchant_id = $1 AND transmit_id > $2 ORDER BY transmit_id LIMIT $3
) t
LEFT JOIN LATERAL (
  SELECT f.order_id FROM order_refs f
  WHERE f.merchant_id = $1 AND f.door = 'rescue' AND f.external_id = t.external_id
  ORDER BY f.generation DESC LIMIT 1
) f ON true
LEFT JOIN orders o ON o.merchant_id = $1 AND o.order_id = f.order_id
WHERE o.order_id IS NULL OR NOT t.is_declined
  OR t.transaction_id IS DISTINCT FROM o.transaction_id AND abs(extract(epoch FROM t.happened_at
    - least((o.facts -> 'decline' ->> 'at')::timestamptz, o.placed_at))) > 60
ORDER BY t.transmit_id
""")
async def _transmissions(db: Read, merchant_id: UUID, after: UUID, looks: int) -> list[PastPayment]:
    """Payments from so many transmissions behind `after`."""


@MERCHANT.statement("""
SELECT max(transmit_id::text)::uuid FROM (
  SELECT transmit_id FROM transmissions WHERE merchant_id = $1 AND transmit_id > $2
    ORDER BY transmit_id LIMIT $3) t
""")
async def _last_transmission(db: Read, merchant_id: UUID, after: UUID, looks: int) -> UUID | None:
    """The last of so many transmissions behind `after`."""


IMPORTED_MAX: Final = 10_000


class PastImported(PastPayment, frozen=True):
    """An attempt out of a file."""

    provider: str
    ref: str


async def past_imported(
    db: Read, merchant_id: UUID, since: datetime
) -> AsyncIterator[list[PastImported]]:
    """Attempts that the merchant imported and that happened since then, by provider and id."""
    provider = ref = ""
    while rows := await _imported(db, merchant_id, since, provider, ref, IMPORTED_MAX):
        yield rows
        provider, ref = rows[-1].provider, rows[-1].ref


# None happened later than by the merchant's clock.
@MERCHANT.statement(f"""
SELECT {columns_of(PastPayment, "t").replace("t.order_id", "o.order_id")}, t.provider, t.ref FROM (
  SELECT provider, ref, payment AS external_id, payer_id, bin, scheme, funding = 'credit' AS credit,
    country,
    utc_offset, state = 'approved' AS approved,
    CASE WHEN scheme_code <> '' THEN 'network' ELSE nullif(source, '') END AS source,
    nullif(coalesce(nullif(scheme_code, ''), processor_code), '') AS code, nullif(advice_code,
      '') AS advice,
    nullif(phrase, '') AS text, {_HOURS.format("at")} AS at, (at AT TIME ZONE 'UTC')::date AS on
  FROM imported_attempts
  WHERE merchant_id = $1 AND at >= $2 AND (provider, ref) > ($3, $4)
    AND state IN ('approved', 'declined')
  ORDER BY provider, ref LIMIT $5
) t
LEFT JOIN LATERAL (
  SELECT f.order_id FROM order_refs f
  WHERE f.merchant_id = $1 AND f.door = 'rescue' AND f.external_id = t.external_id
    ORDER BY f.generation DESC LIMIT 1
) o ON true
ORDER BY t.provider, t.ref
""")
async def _imported(
    db: Read, merchant_id: UUID, since: datetime, provider: str, ref: str, limit: int
) -> list[PastImported]:
    """Imported attempts behind that place, so many."""
