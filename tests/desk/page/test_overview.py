"""The overview counts what the lists and the ledger hold,
for whatever days stand in its address."""

import asyncio
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import asyncpg
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.declared import sql_of
from tests.people.page.test_portal import visit
from tests.shop import Shop, drop_shop, make_shop, make_world
from tests.staff import As, portal, texts
from tests.worlds import FUNDS_CARD, HARD_CARD
from tests.worlds import Shop as Living

from recoup.db.server import ServerAddress
from recoup.desk.page.overview import DAYS_MAX, PRESETS, _with_rest, read_range
from recoup.desk.page.overview_figures import (
    Group,
    by_reason,
    chart,
    gain_of,
    percent,
    rates_before,
    step_of,
)
from recoup.desk.store import overview as counting
from recoup.desk.store.overview import (
    CODES_OF,
    GROUPS_MAX,
    ORDERS_MAX,
    CodeSums,
    count_placed,
    open_disputes,
    read_overview,
    sum_codes,
    sum_countries,
    sum_fees,
    sum_open,
    sum_placed,
)

DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))


@pytest.fixture(scope="module")
def shop(server: ServerAddress) -> Iterator[Shop]:
    made = asyncio.run(make_shop(server, orders=120))
    yield made
    asyncio.run(drop_shop(server, made))


_SUMS = """
SELECT count(*) AS declined, count(*) FILTER (WHERE h.status IN (6, 7, 8)) AS rescued,
  count(*) FILTER (WHERE h.refunded_units > 0) AS refunded, count(*) FILTER (WHERE h.status = 8) AS
    disputed
FROM order_heads h WHERE h.merchant_id = $1 AND h.placed_at >= $2 AND h.placed_at < $3
"""
_BY_ASSET = """
SELECT asset, sum(units) FILTER (WHERE status IN (6, 7, 8)) AS recovered,
  sum(refunded_units) AS refunded
FROM order_heads WHERE merchant_id = $1 AND placed_at >= $2 AND placed_at < $3 GROUP BY asset
"""


def test_the_counts_are_those_of_the_orders(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        now = datetime.now(UTC)
        span = (now - timedelta(days=5)).replace(hour=0, minute=0, second=0, microsecond=0), now
        connection = await asyncpg.connect(shop.dsn)
        world = await make_world(shop)
        try:
            async with world.db.connection() as theirs:
                found = await read_overview(theirs, shop.merchant_id, span, None, now)
                plan = await _plans(theirs, shop.merchant_id, span)
            expected = await connection.fetchrow(_SUMS, shop.merchant_id, *span)
            money = {
                r["asset"]: (r["recovered"] or 0, r["refunded"])
                for r in await connection.fetch(_BY_ASSET, shop.merchant_id, *span)
            }
        finally:
            await connection.close()
            await world.db.close()
            await world.people.close()
        whole = found.now.whole
        names = expected.keys()
        assert {name: getattr(whole, name) for name in names} == dict(expected)
        assert {r.asset: (r.recovered_units, r.refunded_units) for r in found.now.money} == money
        for groups in (
            found.now.days,
            found.now.sites,
            found.now.money,
            found.now.schemes,
            found.now.countries,
        ):
            assert sum(r.declined for r in groups) == whole.declined > 20
            assert sum(r.rescued for r in groups) == whole.rescued
        assert found.now.days == sorted(found.now.days, key=lambda r: r.day or date.min)
        assert sum(r.orders for r in found.flight) > 0
        assert "Seq Scan" not in plan, plan

    visit(shop, work)


def test_days_before_with_too_many_orders_are_left_out(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> None:
        connection = await asyncpg.connect(shop.dsn)
        first, last, count = await connection.fetchrow(
            "SELECT min(placed_at), max(placed_at), count(*) FROM order_heads"
            " WHERE merchant_id = $1 AND order_type IN ('MIT', 'CIT')",
            shop.merchant_id,
        )
        since = last + timedelta(seconds=1)
        seen = []
        for most in (count, count - 1):
            monkeypatch.setattr(counting, "ORDERS_MAX", most)
            found = await read_overview(
                connection, shop.merchant_id, (since, since + 2 * (since - first)), None, last
            )
            seen.append((found.now.whole.declined, found.before.whole.declined))
        await connection.close()
        assert seen == [(0, count), (0, 0)]

    asyncio.run(work())


async def _plans(
    connection: asyncpg.Connection, merchant_id: UUID, span: tuple[datetime, datetime]
) -> str:
    """Of what is counted."""
    found: list[str] = []
    for counted, args in (
        (count_placed, (merchant_id, *span, None, ORDERS_MAX)),
        (sum_placed, (merchant_id, *span, None, GROUPS_MAX)),
        (sum_codes, (merchant_id, *span, None, CODES_OF, GROUPS_MAX)),
        (sum_countries, (merchant_id, *span, None, CODES_OF, GROUPS_MAX)),
        (sum_fees, (merchant_id, *span, None)),
        (sum_open, (merchant_id, None, span[1], ORDERS_MAX)),
        (open_disputes, (merchant_id,)),
    ):
        async with connection.transaction(readonly=True):
            await connection.execute(
                "SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL enable_seqscan = off"
            )
            found += [row[0] for row in await connection.fetch("EXPLAIN " + sql_of(counted), *args)]
    return "\n".join(found)


def test_days_that_are_typed_without_dashes_are_those_days() -> None:
    today = date(2026, 11, 29)
    spelt = read_range({"from": "2026-11-01", "to": "2026-11-20"}, today)
    assert read_range({"from": "20261101", "to": "20261120"}, today) == spelt
    assert (spelt.first, spelt.last, spelt.unclear) == (date(2026, 11, 1), date(2026, 11, 20), "")
    for wrong in ("01112026", "261101", "11/01/2026"):
        assert "is no day" in read_range({"from": wrong}, today).unclear


def test_the_page_says_rate_denominator_and_links_lists_that_agree(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        page = await client.get("/overview?range=90d")
        told = texts(page)
        found = re.search(r"([\d,]+) rescued of ([\d,]+) declined orders?", told)
        assert found
        rescued, declined = (int(number.replace(",", "")) for number in found.groups())
        assert percent(rescued, declined) in told
        assert 'role="img"' in page.text
        assert "style=" not in page.text
        link = re.findall(r'<a href="(/orders\?[^"]+)">[\d,]+ rescued', page.text)[0]
        listed = await client.get(link.replace("&amp;", "&"))
        assert f"of {declined}" in texts(listed) or f"{declined} orders" in texts(listed)
        code, of = re.findall(
            r'<a href="(/orders\?[^"]*code=51[^"]*)">.*?<td class="num">[\d,]+</td>'
            r'<td class="num">([\d,]+)</td>',
            page.text,
            re.S,
        )[0]
        coded = texts(await client.get(code.replace("&amp;", "&")))
        assert "Decline code: 51 (nmi)" in coded
        assert f"of {of}" in coded or f"{of} orders" in coded
        site = await client.get(f"/overview?range=90d&site={shop.sites[0]}")
        assert 0 < int(re.findall(r"of ([\d,]+) declined", texts(site))[0]) < declined
        for query in (
            "range=never",
            "from=2026-13-45",
            "from=2026-11-20&to=2026-11-01",
            "from=1999-01-01",
            "site=%27%22",
            "from=%00&to=😀",
        ):
            strange = await client.get(f"/overview?{query}")
            assert strange.status_code == 200, query
            assert "Rescue rate" in strange.text
        other = await client.get(f"/overview?site={shop.other_id}")
        assert "All sites" in other.text

    visit(shop, work)


def test_what_is_recovered_is_what_the_ledger_approved(server: ServerAddress) -> None:
    async def story(living: Living, as_: As) -> None:
        for pan in (None, None, FUNDS_CARD, HARD_CARD):
            await living.admit(**({"pan": pan} if pan else {}))
        await living.advance(timedelta(days=8))
        now = await living.now()
        async with living.world.db.connection() as connection:
            found = await read_overview(
                connection, living.merchant_id, (now - timedelta(days=30), now), None, now
            )
        approved = await living.value(
            "SELECT -sum(e.units) FROM entries e JOIN postings p USING (merchant_id, posting_id)"
            " WHERE e.merchant_id = $1 AND p.recipe = 'approve' AND e.account = 'merchant_payable'",
            living.merchant_id,
        )
        counted = found.now
        assert [(r.asset, r.recovered_units) for r in counted.money] == [("USD", approved)]
        assert (counted.whole.declined, counted.whole.rescued, counted.whole.open) == (4, 2, 1)
        assert [(r.name, r.declined) for r in counted.codes] == [("51", 4)]
        client = await as_("clerk")
        page = texts(await client.get("/overview"))
        assert "66.7 % 2 of 3 that ended" in page, "an open order is not lost"
        assert "50.0 % 2 rescued of 4 declined orders. 1 of them still open." in page
        assert "No comparison is under way" in page
        answer = await client.get("/overview.csv")
        assert re.search(r"^day,\d{4}-\d\d-\d\d,4,1,3,2,66\.7,50\.0,", answer.text, re.MULTILINE), (
            answer.text
        )
        assert answer.text.splitlines()[1] == "all,All,4,1,3,2,66.7,50.0,,,,,,,", answer.text

    portal(server, story)


@given(st.sampled_from([*PRESETS, "", "x"]), st.text(max_size=12), st.text(max_size=12), DAYS)
def test_any_address_is_some_days(name: str, first: str, last: str, today: date) -> None:
    chosen = read_range({"range": name, "from": first, "to": last}, today)
    assert chosen.first <= chosen.last
    assert len(chosen.days) <= DAYS_MAX
    assert chosen.span[0] < chosen.span[1]


@given(
    st.lists(
        st.integers(0, 10**7).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))),
        max_size=366,
    )
)
def test_bars_stay_inside_their_chart(counts: list[tuple[int, int]]) -> None:
    days = [
        (date(2026, 1, 1) + timedelta(days=n), declined, rescued, (declined - rescued) // 2)
        for n, (declined, rescued) in enumerate(counts)
    ]
    made = chart(days)
    assert len(made.grid) <= 6
    assert all(made.left <= bar.x and bar.x + bar.width <= made.width + 0.1 for bar in made.bars)
    assert all(0 <= bar.top <= bar.open_from <= bar.split <= bar.base for bar in made.bars)


@given(st.integers(0, 10**9))
def test_a_step_is_round_and_reaches(most: int) -> None:
    assert step_of(most) * 5 >= most


def test_rates_round_half_up() -> None:
    assert [percent(*pair) for pair in ((0, 0), (0, 3), (1, 3), (2, 3), (1, 2000), (3, 3))] == [
        "–",
        "0.0 %",
        "33.3 %",
        "66.7 %",
        "0.1 %",
        "100.0 %",
    ]


def test_the_rest_of_a_list_is_named_in_its_readers_language() -> None:
    most = [Group(str(number), 2, 1) for number in range(GROUPS_MAX)]
    assert _with_rest(most, Group("All", 100, 50), "en")[-1].name == "Others"
    assert _with_rest(most, Group("All", 100, 50), "de")[-1].name == "Übrige"


def test_what_the_engine_added_is_said_once_it_is_known() -> None:
    arms = {"engine": {"orders": 80, "rescued": 0.45}, "holdout": {"orders": 20, "rescued": 0.3}}
    amount = {
        "engine": {"declined": 10_000, "rescued": 4_000},
        "holdout": {"declined": 2_500, "rescued": 700},
    }
    known = {"difference": 0.12, "low": 0.05, "high": 0.19}
    unknown = dict.fromkeys(known)
    looks = [{"on": "2026-11-26", "engine": 80, "holdout": 20} | known]
    now = datetime(2026, 11, 26, tzinfo=UTC)
    gain = gain_of({"arms": arms, "byAmount": {"USD": amount | known}, "looks": looks}, "USD", now)
    assert gain is not None
    assert (gain.units, gain.units_low, gain.units_high, gain.anyway) == (1_200, 500, 1_900, 2_800)
    assert (gain.difference, gain.low, gain.high) == (0.12, 0.05, 0.19)
    early = gain_of({"arms": arms, "byAmount": {"USD": amount | unknown}, "looks": []}, "USD", now)
    assert early is not None
    assert (early.units, early.anyway, early.difference) == (None, None, None)
    nobody = {"engine": arms["engine"], "holdout": {"orders": 0, "rescued": None}}
    assert (
        gain_of({"arms": nobody, "byAmount": {"USD": amount | unknown}, "looks": []}, "USD", now)
        is None
    )
    assert gain_of({"arms": arms, "byAmount": {}, "looks": []}, "USD", now) is None


def test_a_rate_of_few_orders_before_is_none_and_codes_of_one_meaning_are_one_reason() -> None:
    assert rates_before([("few", Group("", 30, 10, 11)), ("some", Group("", 30, 10, 10))]) == {
        "few": "–",
        "some": "50.0 %",
    }
    codes = [
        CodeSums(name=name, source=source, whole=0, declined=declined, rescued=1, open=1)
        for name, source, declined in (
            ("51", "visa", 4),
            ("116", "amex", 3),
            ("202", "nmi", 2),
            ("", "", 5),
        )
    ]
    found = by_reason(codes, date(2026, 11, 26))
    assert {key: (one.declined, one.rescued, one.open) for key, one in found.items()} == {
        "insufficient_funds": (9, 3, 3),
        "": (5, 1, 1),
    }
