"""A partner's report as of a moment: the bytes that were given when it was that moment."""

import csv
import io
import random
from datetime import datetime, timedelta
from typing import NamedTuple

import pytest
from tests.door import UNKNOWN, Caller, Door
from tests.insight.api.test_reports_past import act, z
from tests.partner import Partner, developer, make_one
from tests.rescue_shapes import check_refused
from tests.rings import each

from recoup.kernel.time import business_at, iso

DAY_US = 86_400 * 10**6


class Moment(NamedTuple):
    """By both clocks, and what was read of each address then."""

    business: datetime
    wall: datetime
    read: dict[str, tuple[int, bytes]]


class Office:
    """A partner whose merchants have one clock."""

    def __init__(self, door: Door, offset_us: int = 0) -> None:
        self.door, self.partner, self.offset_us = door, make_one(door), offset_us
        self.callers: list[Caller] = []
        self.orders: list[list[str]] = []
        self.began = door.world.clocks.wall() + timedelta(microseconds=offset_us)
        for _ in range(2):
            self.join()

    def join(self) -> None:
        caller = developer(self.door, self.partner.merchant(name="Brightleaf"))
        caller.set(offset_us=self.offset_us)
        self.callers.append(caller)
        self.orders.append([caller.admit()])

    def go_on(self) -> None:
        """The clocks may have come to differ."""
        sql = "SELECT max(offset_us) FROM merchants WHERE merchant_id = ANY($1::uuid[])"
        self.offset_us = self.door.sql(sql, [one.shop.merchant_id for one in self.callers])[0][0]
        for one in self.callers:
            one.set(offset_us=self.offset_us)

    def rename(self, which: int, name: str) -> None:
        mid = self.callers[which].shop.merchant_id
        answer = self.partner.call("PATCH", f"/partner/merchants/{mid}", json={"name": name})
        assert answer.status_code == 200

    def now(self) -> Moment:
        wall = self.door.world.clocks.wall()
        span = f"from={self.began:%Y-%m-%d}&to={self.began + timedelta(days=80):%Y-%m-%d}"
        addresses = [
            f"/partner/report?{span}&{form}" for form in ("limit=100", "limit=2", "format=csv")
        ]
        addresses += [f"{addresses[0]}&mid={one.shop.merchant_id}" for one in self.callers]
        return Moment(
            business_at(wall, self.offset_us),
            wall,
            {one: read(self.partner, one) for one in addresses},
        )


def read(partner: Partner, address: str) -> tuple[int, bytes]:
    answer = partner.get(address)
    return answer.status_code, answer.content


@pytest.mark.parametrize("set_back", [False, True])
def test_a_report_made_again_gives_the_bytes_that_it_gave_then(door: Door, set_back: bool) -> None:
    rng, at = random.Random(5), Office(door, -60 * DAY_US if set_back else 0)
    for one, orders in zip(at.callers, at.orders, strict=True):
        orders.append(one.completed())
    at.go_on()
    seen: list[Moment] = []
    for step in range(24):
        if step % 4 == 1:
            at.rename(rng.randrange(2), f"Tea {step}")
        elif (
            step % 8 == 4 and set_back
        ):  # elsewhere a new merchant's clock begins behind the others
            at.join()
        else:
            which = rng.randrange(2)
            act(at.callers[which], at.orders[which], rng)
            at.go_on()
        at.partner.sign_in()
        seen.append(at.now())
    assert len({tuple(sorted(moment.read.items())) for moment in seen}) > len(seen) // 2, (
        "much happened"
    )
    for moment in seen:
        for address, then in moment.read.items():
            for query in (f"asOf={z(moment.business)}", f"asOfRecorded={z(moment.wall)}"):
                assert read(at.partner, f"{address}&{query}") == then, (address, query)


def test_an_order_counts_with_what_it_came_in_with(door: Door) -> None:
    """Although a part of it alone was collected."""
    at = Office(door)
    order_id = at.callers[0].admit(transaction__amount=9000)
    before = at.now()
    door.sql("UPDATE order_heads SET units = 500 WHERE order_id = $1", order_id)
    assert at.now().read == before.read


@each(
    ("query", "field", "says"),
    [
        ("asOf=2010-01-01T00:00:00Z", "AsOf", "was not there yet"),
        ("asOf=2098-01-01T00:00:00Z", "AsOf", "has not come yet"),
        ("asOfRecorded=2098-01-01T00:00:00Z", "AsOfRecorded", "has not come yet"),
        ("asOfRecorded=2010-01-01T00:00:00Z", "AsOfRecorded", "was not there yet"),
        ("asOf=yesterday", "AsOf", "ISO 8601"),
        ("asOf=2026-01-01T00:00:00Z&asOfRecorded=2026-01-01T00:00:00Z", "AsOfRecorded", "not both"),
    ],
)
def test_a_moment_that_makes_no_sense_is_refused(
    door: Door, query: str, field: str, says: str
) -> None:
    at = Office(door)
    for mid in ("", f"&mid={at.callers[0].shop.merchant_id}"):
        answer = at.partner.get(f"/partner/report?{query}{mid}")
        check_refused(answer, 400)
        assert says in " ".join(answer.json()[field]), answer.text


def test_a_moment_has_come_when_the_clocks_of_all_its_merchants_have_shown_it(door: Door) -> None:
    at = Office(door)
    ahead, behind = at.callers
    ahead.advance(days=2)
    at.partner.sign_in()
    moment = z(door.run(ahead.shop.now()) - timedelta(days=1))
    check_refused(at.partner.get(f"/partner/report?asOf={moment}"), 400)
    check_refused(
        at.partner.get(f"/partner/report?asOf={moment}&mid={behind.shop.merchant_id}"), 400
    )
    assert (
        at.partner.get(f"/partner/report?asOf={moment}&mid={ahead.shop.merchant_id}").status_code
        == 200
    )
    check_refused(at.partner.get(f"/partner/report?asOf={moment}&mid={UNKNOWN}"), 404, "not_found")


def test_the_last_day_and_the_name_of_the_file_are_those_of_the_moment(door: Door) -> None:
    at = Office(door)
    moment = door.world.clocks.wall()
    for one in at.callers:
        one.advance(days=3)
    at.partner.sign_in()
    assert at.partner.get(f"/partner/report?asOf={z(moment)}").json()["to"] == f"{moment:%Y-%m-%d}"
    answer = at.partner.get(f"/partner/report?asOf={iso(moment)}&format=csv")
    assert f"-as-of-{moment:%Y%m%dT%H%M%SZ}.csv" in answer.headers["content-disposition"]
    assert {line["merchant"] for line in csv.DictReader(io.StringIO(answer.text))} == {"Brightleaf"}
