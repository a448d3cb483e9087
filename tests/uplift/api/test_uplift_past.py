"""Uplift and cohorts as of a moment: the bytes that were given when it was that moment."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from tests.door import Caller
from tests.insight.api.test_reports_past import z
from tests.rescue_shapes import check_refused
from tests.rings import each
from tests.uplift.flows.compared import with_orders

from recoup.uplift.flows.arms import ArmsChange, set_arms
from recoup.uplift.flows.uplift_report import watch_uplift

ADDRESSES = (
    "/reports/uplift?",
    "/reports/cohorts?",
    "/reports/cohorts?by=site",
    "/reports/cohorts?format=csv",
    "/reports/cohorts?by=site&format=csv",
)


class Moment(NamedTuple):
    """By both clocks, and what was read then."""

    business: datetime
    wall: datetime
    read: list[bytes]


def read(shop: Caller, query: str = "") -> list[bytes]:
    return [
        shop.get(f"{address}&{query}".replace("?&", "?").rstrip("?&")).content
        for address in ADDRESSES
    ]


def now(shop: Caller) -> Moment:
    wall = shop.shop.world.clocks.wall()
    return Moment(shop.door.run(shop.shop.now()), wall, read(shop))


def look(shop: Caller) -> None:
    shop.door.sql("UPDATE uplift_reports SET due_at = due_at - interval '2 days'")
    assert shop.door.run(watch_uplift(shop.door.world, shop.shop.merchant_id)) == 1


def more(shop: Caller) -> None:
    """Orders that were declined a month ago, of which nobody had heard."""
    shop.door.run(with_orders(shop.shop, engine=70, holdout=20, count=40))


def rescued_late(shop: Caller) -> None:
    """What was paid in time is reported once its window has closed."""
    shop.door.sql(
        """
        WITH open AS (
          SELECT l.merchant_id, l.order_id, l.business_at FROM order_log l
          WHERE l.seq = 1 AND NOT EXISTS (SELECT FROM order_log n
            WHERE n.merchant_id = l.merchant_id AND n.order_id = l.order_id AND n.seq = 2)
          ORDER BY l.order_id LIMIT 10
        ), reported AS (
          INSERT INTO order_log (merchant_id, order_id, seq, happening, src, dst, body, actor,
            request_id, business_at,
            recorded_at)
          SELECT merchant_id, order_id, x.*, 'worker', 'r', business_at + interval '2 days', now()
          FROM open CROSS JOIN (VALUES (2, 'started', 'received', 'processing', '{}'::jsonb),
            (3, 'collected', 'processing', 'completed', '{"by": "retry"}')) AS x
        )
        UPDATE order_heads h SET status = 7 FROM open WHERE h.order_id = open.order_id
        """
    )


def other_share(shop: Caller) -> None:
    change = ArmsChange("share", share=60, holdout=40)
    shop.door.run(set_arms(shop.door.world, shop.shop.scope, None, change))


def renamed(shop: Caller) -> None:
    shop.door.sql("UPDATE sites SET name = name || ' anew'")


def returns(shop: Caller) -> None:
    before = shop.get("/reports/uplift").json()["returnOnHarm"]
    assert shop.call("PUT", "/engine/return", json={"onHarm": not before}).status_code == 200


def goes_on(shop: Caller) -> None:
    shop.advance(days=1)


STEPS: tuple[Callable[[Caller], None], ...] = (
    look,
    more,
    goes_on,
    look,
    returns,
    renamed,
    goes_on,
    look,
    rescued_late,
    other_share,
    more,
    goes_on,
    look,
    returns,
    goes_on,
    look,
)


def test_a_report_asked_for_again_gives_the_bytes_that_it_gave_then(shop: Caller) -> None:
    more(shop)
    seen = [now(shop)]
    for step in STEPS:
        step(shop)
        seen.append(now(shop))
    for column in zip(*(moment.read for moment in seen), strict=True):
        assert len(set(column)) >= 4, "much happened"
    for moment in seen:
        for query in (f"asOf={z(moment.business)}", f"asOfRecorded={z(moment.wall)}"):
            assert read(shop, query) == moment.read, query


@each("path", ["/reports/uplift", "/reports/cohorts"])
@each(
    ("query", "field", "says"),
    [
        ("asOf=2000-01-01T00:00:00Z", "AsOf", "was not there yet"),
        ("asOf=2098-01-01T00:00:00Z", "AsOf", "has not come yet"),
        ("asOfRecorded=2098-01-01T00:00:00Z", "AsOfRecorded", "has not come yet"),
        ("asOf=yesterday", "AsOf", "ISO 8601"),
        ("asOf=2026-01-01T00:00:00Z&asOfRecorded=2026-01-01T00:00:00Z", "AsOfRecorded", "not both"),
    ],
)
def test_a_moment_that_makes_no_sense_is_refused(
    shop: Caller, path: str, query: str, field: str, says: str
) -> None:
    answer = shop.get(f"{path}?{query}")
    check_refused(answer, 400)
    assert says in " ".join(answer.json()[field]), answer.text


def test_a_moment_before_the_first_report_has_none(shop: Caller) -> None:
    before = shop.door.run(shop.shop.now()) + timedelta(0)
    more(shop)
    look(shop)
    found = shop.get(f"/reports/uplift?asOf={z(before)}").json()
    assert (found["madeAt"], found["data"]) == (None, None)
    name = shop.get(f"/reports/cohorts?asOf={z(before)}&format=csv").headers["content-disposition"]
    assert f"cohorts-by-week-as-of-{before:%Y%m%dT%H%M%SZ}.csv" in name
