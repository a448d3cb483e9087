"""What a page of orders does not spend: counts that are left out, amounts read from the index
alone, look-ups that stay quick when their plan does not know the values; and a connection that is
as it was when the time was over."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Self

import asyncpg
import pytest
from tests import patient_reads
from tests.desk.store.order_plans import explain
from tests.desk.store.test_orders_read import FILTERS, Shop, run, wanted
from tests.desk.store.test_orders_read import shop as shop
from tests.rings import each

from recoup.desk.store import order_counts as counting
from recoup.desk.store import order_search as searching
from recoup.desk.store.order_counts import count_orders, count_statuses
from recoup.desk.store.order_filter import OrderFilter
from recoup.desk.store.orders import list_orders
from recoup.kit.lists import bounded as bounding
from recoup.kit.lists.bounded import Count, bounded

NOTHING = Count(0, False)
LONG_MS = 30_000


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said here does not depend on how busy the machine is:
    LONG_MS is still beside a list."""
    monkeypatch.setattr(counting, "COUNT_TIMEOUT_MS", LONG_MS + 1)


async def _counts(
    connection: asyncpg.Connection, narrowed: OrderFilter
) -> tuple[Count, dict[int, Count]]:
    return (
        await count_orders(connection, narrowed, timeout_ms=LONG_MS),
        await count_statuses(connection, narrowed, timeout_ms=LONG_MS),
    )


@pytest.mark.parametrize(
    "case", ["one status", "not refunded", "refunded", "attention", "amount", "descriptor"]
)
def test_a_shop_with_few_orders_is_counted_whatever_it_costs(
    shop: Shop, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "CHEAP", 0.0)

    async def work(connection: asyncpg.Connection) -> None:
        total, by_status = await _counts(connection, wanted(shop, case))
        assert total == await count_orders(connection, wanted(shop, case), timeout_ms=LONG_MS * 2)
        rows = await connection.fetch(
            f"SELECT status, count(*) AS n FROM order_heads WHERE merchant_id = $1 AND"
            f" {'true' if case == 'one status' else FILTERS[case][1]} GROUP BY 1",
            shop.merchant_id,
        )
        found = {row["status"]: row["n"] for row in rows}
        most = 10_000 if case in ("refunded", "attention") else 1_000
        assert by_status == {
            s: Count(min(found.get(s, 0), most), found.get(s, 0) <= most) for s in range(9)
        }

    run(shop, work)


def test_of_many_orders_beside_a_list_only_what_is_cheap_is_counted(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "FEW", 1_000)

    async def work(connection: asyncpg.Connection) -> None:
        cheap, dear = wanted(shop, "one status"), wanted(shop, "amount in each scale")
        total, by_status = await _counts(connection, cheap)
        assert total == await count_orders(connection, cheap, timeout_ms=LONG_MS * 2) != NOTHING
        assert set(by_status) == set(range(9))
        monkeypatch.setattr(counting, "CHEAP", 20.0)
        assert await _counts(connection, dear) == (NOTHING, {})
        assert (await count_orders(connection, dear, timeout_ms=LONG_MS * 2)).value > 0, (
            "not beside a list it is"
        )

    run(shop, work)


def test_what_needs_attention_is_counted_beside_any_list(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "FEW", 0)
    monkeypatch.setattr(counting, "CHEAP", 0.0)

    async def work(connection: asyncpg.Connection) -> None:
        total, by_status = await _counts(connection, wanted(shop, "attention"))
        assert total == Count(sum(one.value for one in by_status.values()), True) != NOTHING

    run(shop, work)


def test_what_each_page_counts_is_one_statement_that_reads_its_index_and_stops(shop: Shop) -> None:
    async def work(connection: asyncpg.Connection) -> None:
        said: list[str] = []
        with connection.query_logger(lambda record: said.append(record.query)):
            found = await count_orders(
                connection, wanted(shop, "attention"), cap=101, timeout_ms=LONG_MS * 2
            )
            await asyncio.sleep(0)  # the logger is told soon
        assert found == Count(100, False)
        (sql,) = said
        rows = await connection.fetch(f"EXPLAIN (ANALYZE, BUFFERS) {sql}", shop.merchant_id)
        plan = "\n".join(row[0] for row in rows)
        assert "Index Only Scan using order_heads_attention" in plan, plan
        assert "Heap Fetches: 0" in plan, plan
        assert "rows=101 " in plan, "the index of what needs somebody is not read to its end"

    run(shop, work)


def test_beside_a_list_what_is_dear_is_not_begun(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "FEW", 1_000)
    monkeypatch.setattr(counting, "CHEAP", 0.0)

    async def work(connection: asyncpg.Connection) -> None:
        said: list[str] = []
        with connection.query_logger(lambda record: said.append(record.query)):
            assert await _counts(connection, wanted(shop, "descriptor")) == (NOTHING, {})
        read = [sql for sql in said if "order_heads" in sql]
        assert len(read) == 4
        assert all(sql.startswith("EXPLAIN (FORMAT JSON) ") for sql in read), read

    run(shop, work)


@each(
    ("said", "index"),
    [
        ({"reasons": ("expired",)}, "order_heads_reason"),
        ({"code": "R1"}, "order_heads_code"),
        ({"scheme": "amex"}, "order_heads_scheme"),
        ({"bin": "411111"}, "order_heads_bin"),
        ({"reasons": ("expired",), "statuses": (2,)}, "order_heads_reason"),
        ({"code": "R1", "code_source": "nmi", "statuses": (7,)}, "order_heads_code"),
    ],
)
def test_what_orders_ended_by_and_came_in_with_has_an_index_in_the_lists_order(
    shop: Shop, said: dict[str, Any], index: str
) -> None:
    async def work(connection: asyncpg.Connection) -> None:
        plan = await explain(connection, OrderFilter(shop.merchant_id, **said))
        assert f"using {index} " in plan, plan
        assert "Sort  (" not in plan, "the index has the list's order"
        assert "Seq Scan" not in plan

    run(shop, work)


AMOUNTS: dict[str, dict[str, Any]] = {
    "amount": {},
    "status": {"statuses": (7,)},
    "currency": {"asset": "USD"},
    "channel": {"channels": ("mit",)},
    "call centre": {"channels": ("cit_callcenter",)},
}


@pytest.mark.parametrize("case", AMOUNTS)
def test_a_list_of_amounts_is_picked_from_the_index_alone(shop: Shop, case: str) -> None:
    async def work(connection: asyncpg.Connection) -> None:
        plan = await explain(
            connection,
            OrderFilter(shop.merchant_id, units_from=40_000, units_to=42_000, **AMOUNTS[case]),
        )
        assert "Index Only Scan using order_heads_units" in plan, plan
        assert "Seq Scan" not in plan

    run(shop, work)


@pytest.mark.parametrize(
    ("sql", "values", "index", "bound"),
    [
        (
            searching._EMAIL,
            "'buyer777@', 'buyer777@z'",
            "order_payer_email",
            "lower(email) ~<=~ $3",
        ),
        (searching._DESCRIPTOR, "'rare*tea'", "order_heads_descriptor", "lower(descriptor) >= $2"),
    ],
)
def test_a_search_looks_up_its_words_without_reading_on(
    shop: Shop, sql: str, values: str, index: str, bound: str
) -> None:
    """One plan serves all values: it must go by the index with none of them known."""

    async def work(connection: asyncpg.Connection) -> None:
        assert (
            await connection.fetchval("SELECT current_setting('plan_cache_mode')")
            == "force_generic_plan"
        )
        await connection.execute(f"PREPARE looked AS {sql}")
        said = await connection.fetch(f"EXPLAIN EXECUTE looked('{shop.merchant_id}', {values})")
        plan = "\n".join(row[0] for row in said)
        assert index in plan, plan
        conditions = next(line for line in plan.splitlines() if "Index Cond" in line)
        assert bound in conditions.replace("(lower(email))", "lower(email)").replace(
            "::text", ""
        ), plan

    run(shop, work)


@each(
    ("typed", "sight", "count"),
    [
        ("buyer777@", "shown", 1),
        ("buyer777@", "masked", 0),
        ("Buyer777@example.test", "masked", 1),
        ("buyer777@example.tes", "masked", 0),
        ("buyer_77@", "shown", 0),
        ("brightleaf*tea", "shown", 50),
        ("brightleaf*te", "shown", 0),
        ("zzz*tea", "shown", 0),
    ],
)
def test_addresses_by_their_beginning_and_descriptors_as_a_whole(
    shop: Shop, typed: str, sight: str, count: int
) -> None:
    async def work(connection: asyncpg.Connection) -> None:
        page = await list_orders(connection, OrderFilter(shop.merchant_id, text=typed, sight=sight))
        assert len(page.rows) == count

    run(shop, work)


class Cut:
    """A transaction whose COMMIT takes too long: the server is left inside it."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def __aenter__(self) -> Self:
        await self._connection.execute("BEGIN")
        return self

    async def __aexit__(self, *_: object) -> None:
        raise asyncpg.QueryCanceledError


BOUNDED: dict[str, Callable[[asyncpg.Connection, OrderFilter], Awaitable[Any]]] = {
    "count": lambda connection, narrowed: count_orders(connection, narrowed, timeout_ms=LONG_MS),
    "statuses": lambda connection, narrowed: count_statuses(
        connection, narrowed, timeout_ms=LONG_MS
    ),
}


@pytest.mark.parametrize("what", BOUNDED)
def test_a_count_cut_off_at_its_last_line_leaves_the_connection_usable(
    shop: Shop, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(connection: asyncpg.Connection) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(asyncpg.Connection, "transaction", lambda self, **_: Cut(self))
            assert await BOUNDED[what](connection, wanted(shop, "amount")) in (NOTHING, {})
        assert not connection.is_in_transaction()
        assert (await list_orders(connection, wanted(shop, "amount"))).rows

    run(shop, work)


def test_a_transaction_of_the_callers_is_not_ended(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounding, "bound_statement", patient_reads.real)

    async def work(connection: asyncpg.Connection) -> None:
        async with connection.transaction():
            with pytest.raises(asyncpg.QueryCanceledError):
                async with bounded(connection, 20):
                    await connection.execute("SELECT pg_sleep(1)")
            assert connection.is_in_transaction()
            assert await connection.fetchval("SELECT 1") == 1

    run(shop, work)
