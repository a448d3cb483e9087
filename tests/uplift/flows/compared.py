"""Many orders of both arms at once, made by the database itself: 31 days old, with a window of 20
days."""

from tests.worlds import Shop, owner

from recoup.uplift.flows.arms import ArmsChange, set_arms

_ORDERS = """
WITH made AS (
  SELECT gen_random_uuid() AS order_id, $2 AS arm, now() - interval '31 days' + n * interval
    '1 second' AS placed_at,
    n % 100 < $4 AS rescued, n
  FROM generate_series(1, $3) AS n
), log AS (
  INSERT INTO order_log (merchant_id, order_id, seq, happening, src, dst, body, actor, request_id,
    business_at,
    recorded_at)
  SELECT $1, m.order_id, l.seq, l.happening, l.src, l.dst, l.body, 'worker', 'r',
    m.placed_at + l.after,
    m.placed_at + l.after
  FROM made m CROSS JOIN (VALUES
    (1, 'received', 'new', 'received', '{}'::jsonb, interval '0', false),
    (2, 'started', 'received', 'processing', '{}', interval '1 minute', true),
    (3, 'collected', 'processing', 'completed', '{"by": "retry"}', interval '5 days', true)
  ) AS l (seq, happening, src, dst, body, after, only_rescued)
  WHERE m.rescued OR NOT l.only_rescued
), ord AS (
  INSERT INTO orders (merchant_id, order_id, door, kind, external_id, generation,
    site_id, descriptor,
    asset, units, amount_text, placed_at, expires_at, facts, arm, arm_version, pan_id)
  SELECT $1, order_id, 'rescue', 'mit_managed', arm || '-' || n, 1, $5, 'BRIGHTLEAF*TEA', 'USD',
    4590, '45.90', placed_at,
    placed_at + interval '20 days', '{}', arm, $6, gen_random_uuid()
  FROM made
), state AS (
  INSERT INTO order_states (merchant_id, order_id, stage, version)
  SELECT $1, order_id, CASE WHEN rescued THEN 'completed' ELSE 'received' END,
    CASE WHEN rescued THEN 3 ELSE 1 END FROM made
), payer AS (
  INSERT INTO order_payer (merchant_id, order_id, first_name, last_name, email, phone, ip, payer_id)
  SELECT $1, order_id, '', '', '', '', '', gen_random_uuid() FROM made
)
INSERT INTO order_heads (merchant_id, order_id, placed_at, status, order_type, source, door,
  site_id, asset, units,
  attempts, expires_at)
SELECT $1, order_id, placed_at, CASE WHEN rescued THEN 7
  ELSE 2 END, 'MIT', 'ecommerce', 'rescue', $5, 'USD', 4590, 3,
  placed_at + interval '20 days'
FROM made
"""


async def with_orders(shop: Shop, *, engine: int, holdout: int, count: int = 400) -> None:
    """Percent of `count` orders of each arm that were rescued on the fifth day, each with its own
    payer and card."""
    terms = await set_arms(shop.world, shop.scope, None, ArmsChange("share", share=50, holdout=50))
    async with owner(shop.world) as connection:
        for arm, rescued in (("engine", engine), ("holdout", holdout)):
            await connection.execute(
                _ORDERS, shop.merchant_id, arm, count, rescued, shop.site_id, terms.version
            )
