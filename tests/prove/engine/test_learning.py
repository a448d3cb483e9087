"""A million attempts are read, trained from, tried and taken within a minute, in bounded memory.

Again: `pytest tests/prove/engine/test_learning.py --timeout=0 -s`. `PROVE_ATTEMPTS` is how many;
with `PROVE_SHARED=1` seconds on a processor are judged.
"""

import asyncio
import os
import resource
import time

from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.engine.learn.learn import learn
from recoup.kernel.scope import Actor

ATTEMPTS = int(os.environ.get("PROVE_ATTEMPTS", "1000000"))
SECONDS_MAX = 300.0
MEGABYTES_MAX = 2_000
SHARED = os.environ.get("PROVE_SHARED", "") == "1"
PAYMENTS = 0.266  # for each attempt: most are tried three or four times
# Two thirds of the customers are paid on Fridays, the others on the 20th; money lasts a day and a
# half.
_FILL = """
INSERT INTO transmissions (merchant_id, transmit_id, external_id, transaction_id, is_declined,
  is_mit, units, asset,
  code_source, code, bin, last4, payer_id, transacted_at, received_at, facts)
SELECT $1, (lpad(to_hex($3::bigint + n / 5), 12, '0') || '7' || substr(h, 1, 3) || '8' || substr(h,
  5, 15))::uuid,
  'P' || p, 'T' || n, NOT approved, true, 4590, 'USD', 'visa', CASE WHEN approved THEN '00'
    ELSE '51' END,
  (400000 + p % 400)::text, '1234', md5('payer' || p / 4)::uuid, at, at, '{"country": "US"}'
FROM (
  SELECT *, coalesce(bool_or(approved) OVER (PARTITION BY p ORDER BY k
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), false) AS over
  FROM (
    SELECT p, k, p * 5 + k AS n, at, md5('send' || p || '-' || k) AS h,
      hashtextextended('dead' || p, 1) % 100 > -70 AND hashtextextended('no' || p || k,
        1) % 100 > -90
      AND CASE WHEN p / 4 % 3 > 0 THEN extract(isodow FROM at) = 5 OR extract(isodow FROM at) = 6
        AND extract(hour FROM at) < 12 ELSE extract(day FROM at) = 20 END AS approved
    FROM (
      SELECT p, k, timestamptz '2026-03-02 00:00Z' + make_interval(
        hours => (abs(hashtextextended('at' || p, 1)) % (24 * 200) + k * 41
          + abs(hashtextextended('gap' || p || k, 1)) % 20)::int) AS at
      FROM generate_series(1, $2::int) AS p, generate_series(0, 4) AS k) placed) judged) a
WHERE NOT over
"""


async def _fill(shop: Shop) -> None:
    async with owner(shop.world) as connection:
        ms = int(shop.world.clocks.wall().timestamp() * 1000) - 3_600_000
        await connection.execute(
            _FILL, shop.merchant_id, int(ATTEMPTS * PAYMENTS), ms, timeout=1200
        )
        await connection.execute("ANALYZE transmissions")


def test_a_million_attempts_take_minutes_at_most(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            await _fill(shop)
            began, worked = time.monotonic(), time.process_time()
            done = await learn(shop.world, Actor("operator", "test"), months=12)
            took, work = time.monotonic() - began, time.process_time() - worked
            megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(
                f"\n{done.attempts:,} attempts of {done.payers:,} payers in {took:.1f} s "
                f"({work:.1f} s of them"  # noqa: T201
                f" computing), {megabytes:,} MB, {done.trial}"
            )
            assert done.taken
            assert done.attempts >= ATTEMPTS * 0.95
            assert megabytes <= MEGABYTES_MAX
            assert (work if SHARED else took) <= SECONDS_MAX * max(ATTEMPTS, 1_000_000) / 1_000_000

    asyncio.run(story())
