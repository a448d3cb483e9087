"""Lookups of what a chain's processes ask for again and again read what they answer, not whole
tables."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from hashlib import md5, sha256
from typing import Any, Final
from uuid import UUID

from tests.worlds import make_shop, owner, sandbox_world

from recoup.chains import sends_store, store
from recoup.db.server import ServerAddress

COUNT: Final = 20_000
OPEN: Final = 200  # of them are not done
READ_MAX: Final = 2_500
CHAIN, TOKEN, KEY = 8453, b"\x33" * 20, b"\x44" * 20
_TX, _ADDRESS = "sha256(n::text::bytea)", "substring(sha256(n::text::bytea) for 20)"
FILLED: Final = (
    f"""INSERT INTO deposit_addresses (merchant_id, order_id, attempt_id, address, kind, channel,
      terms, due, enough, expires_at, watched_until)
    SELECT $1, md5('o' || n)::uuid, md5('a' || n)::uuid, {_ADDRESS}, 'evm', 'usdc_base', '{{}}', 9,
      9, now(),
      now() + (n % 100 - 50) * interval '1 day' FROM generate_series(1, $2) n""",
    f"""INSERT INTO chain.logs (chain, tx, log_index, kind, address, token, value, block,
      block_hash, block_at, business_at, state, seen_at, followed)
    SELECT {CHAIN}, {_TX}, 0, 'deposit', {_ADDRESS}, '\\x33', 1, n, {_TX}, now(), now(),
      CASE WHEN n > $2 - {OPEN} THEN 'seen' ELSE 'confirmed' END, now(), n <= $2 - {OPEN}
    FROM generate_series(1, $2) n WHERE $1::uuid IS NOT NULL""",
    f"""INSERT INTO chain.sends (send_id, chain, kind, channel, token, terms, merchant_id,
      subject_kind, subject_id, state, hash, wanted_at, reported)
    SELECT md5('s' || n)::uuid, {CHAIN}, 'sweep', 'usdc_base', '\\x33', '{{}}', $1, 'settlement',
      md5('o' || n)::uuid,
      CASE WHEN n > $2 - {OPEN} THEN 'wanted' ELSE 'done' END, {_TX}, now() + n * interval '1 s',
        true
    FROM generate_series(1, $2) n""",
    f"""INSERT INTO chain.transactions (chain, sender, number, hash, raw, fee_per_gas, tip_per_gas,
      gas, signed_at, signed_block, state, paid, block)
    SELECT {CHAIN}, '\\x{KEY.hex()}', n, {_TX}, '', 1, 1, 1, now() - ($2 - n) * interval '1 hour',
      n, 'mined', 1, n
    FROM generate_series(1, $2) n WHERE $1::uuid IS NOT NULL""",
    f"INSERT INTO chain.senders SELECT {CHAIN}, '\\x{KEY.hex()}', 0 WHERE $1::uuid IS NOT NULL AND "
    f"$2 > 0",
    f"""INSERT INTO chain.comparisons SELECT {CHAIN}, {_ADDRESS}, CASE WHEN n % 200 = 0 THEN now()
    END, now(), ''
    FROM generate_series(1, $2) n WHERE $1::uuid IS NOT NULL""",
)


class Explained:
    """A connection that counts the rows which a statement reads."""

    def __init__(self, connection: Any) -> None:
        self._connection, self.read = connection, 0

    async def fetch(self, query: str, *args: object, **_: Any) -> list[Any]:
        (row,) = await self._connection.fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}", *args)
        self.read = sum(_read(json.loads(row[0])[0]["Plan"]))
        return []

    async def fetchrow(self, query: str, *args: object, **more: Any) -> None:
        await self.fetch(query, *args, **more)

    fetchval = fetchrow


def _read(plan: dict[str, Any]) -> Iterator[float]:
    if "Scan" in plan["Node Type"]:
        yield (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    for part in plan.get("Plans", ()):
        yield from _read(part)


def test_no_lookup_reads_a_whole_table(server: ServerAddress) -> None:
    async def whole() -> None:
        async with sandbox_world(server) as opened:
            shop = await make_shop(*opened)
            merchant, now = shop.merchant_id, shop.world.clocks.wall()
            async with owner(shop.world) as connection:
                for sql in FILLED:
                    await connection.execute(sql, merchant, COUNT)
                await connection.execute("ANALYZE")
                txs = [sha256(str(n).encode()).digest() for n in range(1, 100)]
                addresses, before = [tx[:20] for tx in txs], now - timedelta(hours=20)
                order, attempt = UUID(md5(b"o777").hexdigest()), UUID(md5(b"a777").hexdigest())
                calls: list[tuple[Any, Any]] = [
                    (store.watched, ("evm", now, b"\x80", 500)),
                    (store.watched_addresses, ("evm", now, 501)),
                    (store.waiting_merchant, ("evm", now)),
                    (store.waiting_merchant, ("tron", now)),
                    (store.orders_at, ("evm", addresses)),
                    (store.address_of_order, (merchant, order)),
                    (store.address_of_attempt, (attempt,)),
                    (store.is_deposit_address, (addresses[0], "evm")),
                    (store.wanted_comparisons, (CHAIN, 500)),
                    (store.comparisons_of, (CHAIN, addresses)),
                    (store.logs_in, (CHAIN, txs)),
                    (store.logs_at, (addresses,)),
                    (store.open_logs, (CHAIN, -1, b"", 0, b"", 1_000)),
                    (store.confirmed_logs, (CHAIN, COUNT - 2_000, b"", 0, b"", 1_000)),
                    (store.unfollowed, (CHAIN, b"\x80", 2_000)),
                    (sends_store.send_of, (order,)),
                    (sends_store.wanted, (CHAIN, KEY, True, None, 1_000)),
                    (sends_store.strays_of, (merchant, order)),
                    (sends_store.sends_in, (txs,)),
                    (sends_store.unreported, (CHAIN, order, 100)),
                    (sends_store.stuck, (50,)),
                    (sends_store.sent_since, (CHAIN, "usdc_base", before)),
                    (sends_store.open_transactions, (CHAIN, KEY)),
                    (sends_store.closed_transactions, (CHAIN, KEY, COUNT - 5, 1_000)),
                    (sends_store.known_transactions, (CHAIN, txs)),
                    (sends_store.reverted_since, (CHAIN, KEY, before)),
                    (sends_store.sender_of, (CHAIN, KEY)),
                ]
                wrong = []
                for function, args in calls:
                    explained = Explained(connection)
                    with suppress(LookupError):  # it answers nothing
                        await function(explained, *args)
                    if explained.read > READ_MAX:
                        wrong.append(f"{function.__name__}{args[:2]}: {explained.read:.0f} rows")
                assert wrong == []

    asyncio.run(whole())
