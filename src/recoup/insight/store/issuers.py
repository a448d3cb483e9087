"""Answers of issuers, over merchants: of MERCHANTS_MIN owners or more, none of whom has more than
half of it all, and in steps of 1, 2, 5, 10 and so on: nobody tells by their own what the others'
payments became. And a merchant's own attempts on cards of one issuer. Bounded in rows."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from recoup.db.statement import DIRECTORY, MERCHANT, Read, Row, Tx
from recoup.insight.rules.explained import IssuerTries
from recoup.rescue.rules.facts import MERCHANTS_MIN

ISSUERS_MAX: Final = 50_000


# A partner's merchants have one owner: the owner of five merchants is still one.
@MERCHANT.statement(f"""
WITH owned AS MATERIALIZED (
  SELECT a.issuer_digits, sum(a.approved) AS approved, sum(a.funds) AS funds, sum(a.soft) AS soft,
    sum(a.technical) AS technical, sum(a.over_limit) AS over_limit, sum(a.hard) AS hard,
    sum(a.approved + a.funds + a.soft + a.technical + a.over_limit + a.hard) AS answers
  FROM issuer_answers a JOIN merchants m USING (merchant_id)
  GROUP BY a.issuer_digits, coalesce(m.partner_id, m.merchant_id)
), several AS MATERIALIZED (
  SELECT issuer_digits, count(*) AS owners, sum(answers) AS answers,
    ARRAY[sum(approved), sum(funds), sum(soft), sum(technical), sum(over_limit),
      sum(hard)] AS by_class
  FROM owned GROUP BY issuer_digits HAVING count(*) >= {MERCHANTS_MIN}
    AND 2 * max(answers) <= sum(answers)
)
INSERT INTO issuers AS i (issuer_digits, merchants, answers, counted_at)
SELECT issuer_digits, owners, ARRAY(
    SELECT CASE WHEN u.n = 0 THEN 0 WHEN u.n >= 5 * t.ten THEN 5 * t.ten
      WHEN u.n >= 2 * t.ten THEN 2 * t.ten
      ELSE t.ten END::bigint
    FROM unnest(by_class) WITH ORDINALITY u (n, no)
    CROSS JOIN LATERAL (SELECT power(10::numeric, floor(log(greatest(u.n, 1)))) AS ten) t
      ORDER BY u.no), $1
FROM several ORDER BY several.answers DESC, issuer_digits LIMIT {ISSUERS_MAX}
ON CONFLICT (issuer_digits) DO UPDATE SET merchants = EXCLUDED.merchants,
  answers = EXCLUDED.answers,
  counted_at = EXCLUDED.counted_at
WHERE i.answers <> EXCLUDED.answers OR i.merchants <> EXCLUDED.merchants
""")
async def count_issuers(db: Tx, wall: datetime) -> None:
    """Anew, those with the most attempts. It costs by merchants and issuers, not by attempts."""


class OwnerAnswers(Row):
    """What an issuer answered to an owner's merchants in one cell."""

    issuer_digits: str
    owner: UUID
    approved: int
    funds: int
    soft: int
    technical: int
    over_limit: int
    hard: int


@MERCHANT.statement("""
SELECT a.issuer_digits, coalesce(m.partner_id, m.merchant_id) AS owner,
  sum(a.approved)::bigint AS approved, sum(a.funds)::bigint AS funds, sum(a.soft)::bigint AS soft,
  sum(a.technical)::bigint AS technical, sum(a.over_limit)::bigint AS over_limit,
  sum(a.hard)::bigint AS hard
FROM issuer_answers a JOIN merchants m USING (merchant_id) GROUP BY 1, 2
""")
async def owners_answers(db: Read) -> list[OwnerAnswers]: ...


@DIRECTORY.statement("""
INSERT INTO issuers AS i (issuer_digits, merchants, answers, counted_at)
SELECT issuer_digits, merchants, answers, counted_at
FROM jsonb_populate_recordset(NULL::issuers, $1)
ON CONFLICT (issuer_digits) DO UPDATE SET merchants = EXCLUDED.merchants,
  answers = EXCLUDED.answers, counted_at = EXCLUDED.counted_at
WHERE i.answers <> EXCLUDED.answers OR i.merchants <> EXCLUDED.merchants
""")
async def save_issuers(db: Tx, rows: list[dict[str, Any]]) -> None:
    """Rows that `rules/shared_issuers` has made of several cells'."""


ORDERS_MAX: Final = 200  # the newest


@MERCHANT.statement(f"""
SELECT count(*)::int AS tries, count(*) FILTER (WHERE a.state = 'approved')::int AS approved
FROM (
  SELECT order_id FROM order_heads
  WHERE merchant_id = $1 AND card_bin = $2 AND card_bin <> '' AND placed_at < $3
  ORDER BY placed_at DESC, order_id DESC LIMIT {ORDERS_MAX}
) h
JOIN attempts a ON a.merchant_id = $1 AND a.order_id = h.order_id
WHERE a.state IN ('approved', 'declined') AND a.closed_at < $3
""")
async def issuer_tries(db: Read, merchant_id: UUID, digits: str, before: datetime) -> IssuerTries:
    """`digits`: the first six of the card. `before`: business time."""
