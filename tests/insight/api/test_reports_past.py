"""Reports, settlements and balances as of a moment: the bytes that were given when it was that
moment."""

import random
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

import pytest
from tests.door import UNKNOWN, Caller, Door, opened_door
from tests.rescue_shapes import check_refused
from tests.rings import drawn, each, proving
from tests.settling import payouts, person, terms, with_account

from recoup.bank.flows import approve, tell_outcome
from recoup.db.server import ServerAddress
from recoup.desk.flows.persons import erase_person
from recoup.insight.flows.verify import verify
from recoup.kernel.problem import Problem
from recoup.kernel.time import iso
from recoup.networks.allow_list import APPROVE_CARDS
from recoup.networks.magic import DISPUTE_CARDS, script_card
from recoup.networks.magic_disputes import DISPUTES
from recoup.settlement.flows.adjust import adjust
from recoup.settlement.flows.settle import pay_again

REPORTS = ("transactions", "descriptors", "sites", "campaigns", "means")
LISTS = ("/reconciliation", *(f"/reports/{report}" for report in REPORTS))
STEPS = 30 if proving == "properties" else 12


class Moment(NamedTuple):
    """By both clocks, and what was read of each address then."""

    business: datetime
    wall: datetime
    read: dict[str, tuple[int, bytes]]


@pytest.fixture
def world(server: ServerAddress) -> Iterator[Door]:
    with opened_door(server) as door:
        yield door


def z(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def addresses(shop: Caller, begin: datetime) -> list[str]:
    """Everything that is read of a merchant's money, each settlement that there is now included."""
    span = f"from={z(begin)}&to={z(begin + timedelta(days=390))}"
    found = [f"{path}?{span}&{form}" for path in LISTS for form in ("limit=500", "format=csv")]
    found += ["/settlements?pageSize=100", "/balances?"]
    for batch in shop.get("/settlements?pageSize=100").json()["data"]:
        found += [f"/settlements/{batch['id']}?", f"/settlements/{batch['id']}/lines?format=csv"]
    return found


def read(shop: Caller, address: str) -> tuple[int, bytes]:
    answer = shop.get(address)
    return answer.status_code, answer.content


def pay(shop: Caller, rng: random.Random) -> None:
    """What the operator and the bank do with a payout; what is not possible now is refused, which
    is a step too."""
    rows = shop.door.run(payouts(shop.shop))
    if not rows:
        return
    row, what = rng.choice(rows), rng.choice(["approve", "approve", "paid", "returned", "again"])
    who = person(shop.shop, "olga")
    world = shop.shop.world
    acts = {
        "approve": lambda: approve(world, who, row["payout_id"]),
        "paid": lambda: tell_outcome(world, who, row["payout_id"], "paid", None),
        "returned": lambda: tell_outcome(
            world, who, row["payout_id"], "returned", "R03, no account"
        ),
        "again": lambda: pay_again(world, person(shop.shop, "maya"), row["batch_id"]),
    }
    try:
        shop.door.run(acts[what]())
    except Problem as problem:
        if problem.code not in ("wrong_state", "forbidden", "not_found", "invalid"):
            raise


def erase(shop: Caller) -> None:
    sql = "SELECT payer_id FROM order_payer WHERE merchant_id = $1 AND payer_id IS NOT NULL LIMIT 1"
    for row in shop.door.sql(sql, shop.shop.merchant_id):
        shop.door.run(erase_person(shop.shop.world, person(shop.shop, "maya"), row["payer_id"]))


def act(shop: Caller, orders: list[str], rng: random.Random) -> None:
    """Something that moves money, or what is known of it."""
    what = rng.choice(
        [
            "sale",
            "dispute",
            "hold",
            "refund",
            "advance",
            "advance",
            "adjust",
            "pay",
            "pay",
            "settle",
            "erase",
        ]
    )
    if what == "sale":
        card = rng.choice([APPROVE_CARDS[2], script_card("visa", "51", 1)])
        orders.append(
            shop.admit(
                paymentMethod__cardNumber=card, transaction__amount=rng.choice([999, 4590, 12000])
            )
        )
    elif what == "dispute":
        card = DISPUTE_CARDS["visa"]
        orders.append(
            shop.admit(
                paymentMethod__cardNumber=card, transaction__amount=rng.choice(sorted(DISPUTES))
            )
        )
    elif what == "hold":
        hold(shop, orders, rng)
    elif what == "refund" and orders:
        body = {
            "amountToRefund": rng.choice(["1.00", "3.50", "45.90"]),
            "idempotencyKey": str(uuid.uuid4()),
        }
        shop.refund(rng.choice(orders), body)
    elif what == "advance":
        shop.advance(hours=rng.choice([20, 30, 80, 200]))
    elif what == "settle":
        shop.door.run(shop.shop.settle())
    elif what == "adjust":
        units = rng.choice([-700, 250])
        shop.door.run(adjust(shop.shop.world, person(shop.shop, "olga"), units, "USD", "By hand"))
    elif what == "pay":
        pay(shop, rng)
    elif what == "erase":
        erase(shop)


def hold(shop: Caller, orders: list[str], rng: random.Random) -> None:
    """A payment that is authorised, and captured in two parts."""
    body = shop.body(
        isMIT=False,
        expiryDateUtc=None,
        customerIp="203.0.113.24",
        paymentMethod__cardNumber=APPROVE_CARDS[1],
        paymentMethod__verificationValue="123",
        transactionType="AUTHORIZATION",
    )
    order_id = str(shop.post("/evaluate", body).json()["orderId"])
    orders.append(order_id)
    for units, final in ((1000, False), (rng.choice([900, 2000]), True)):
        part = {
            "idempotencyKey": str(uuid.uuid4()),
            "orderId": order_id,
            "amount": units,
            "currency": "USD",
        }
        shop.post("/capture", part | {"finalCapture": final})
        if rng.random() < 0.5:
            shop.advance(hours=1)


@drawn("properties", "seed", range(4), 1)
def test_a_report_made_again_gives_the_bytes_that_it_gave_then(world: Door, seed: int) -> None:
    rng, shop = random.Random(seed), world.shop()
    now = world.run(shop.shop.now())  # of a day what is left decides which payouts there are
    noon = now.replace(hour=23, minute=40) - timedelta(days=40 * (seed % 2))  # as the demo plays
    shop.set(offset_us=(noon - now) // timedelta(microseconds=1))
    world.run(
        terms(
            shop.shop,
            period="day",
            delay_days=0,
            reserve_basis_points=1_000,
            reserve_days=3,
            limits={"USD": 10**9},
            account_delay_days=0,
        )
    )
    world.run(with_account(shop.shop))
    begin = world.run(shop.shop.now()) - timedelta(days=1)
    orders = [shop.completed(), shop.completed(transaction__amount=9900)]
    seen: list[Moment] = []
    for _ in range(STEPS):
        act(shop, orders, rng)
        wall = shop.shop.world.clocks.wall()
        business = world.run(shop.shop.now())
        seen.append(
            Moment(
                business, wall, {address: read(shop, address) for address in addresses(shop, begin)}
            )
        )
    assert len({tuple(moment.read.items()) for moment in seen}) >= STEPS // 3, "much happened"
    for moment in seen:
        for address in addresses(shop, begin):
            code, content = moment.read.get(address, (404, b""))
            for query in (f"asOf={z(moment.business)}", f"asOfRecorded={z(moment.wall)}"):
                then = read(shop, f"{address}&{query}")
                assert then[0] == code, (address, query, then)
                assert code == 404 or then[1] == content, (address, query)
    world.run(shop.shop.close_pages())
    assert (done := world.run(verify(shop.shop.world))).difference is None, done.difference


@each("path", [*LISTS, "/settlements", "/balances"])
@each(
    ("query", "field", "says"),
    [
        ("asOf=2000-01-01T00:00:00Z", "AsOf", "was not there yet"),
        ("asOf=2098-01-01T00:00:00Z", "AsOf", "has not come yet"),
        ("asOfRecorded=2098-01-01T00:00:00Z", "AsOfRecorded", "has not come yet"),
        ("asOfRecorded=2000-01-01T00:00:00Z", "AsOfRecorded", "was not there yet"),
        ("asOf=yesterday", "AsOf", "ISO 8601"),
        ("asOfRecorded=1", "AsOfRecorded", "ISO 8601"),
        ("asOf=2026-01-01T00:00:00Z&asOfRecorded=2026-01-01T00:00:00Z", "AsOfRecorded", "not both"),
    ],
)
def test_a_moment_that_makes_no_sense_is_refused(
    shop: Caller, path: str, query: str, field: str, says: str
) -> None:
    begin = shop.door.run(shop.shop.now()) - timedelta(days=1)
    since = "" if path == "/balances" else f"from={z(begin)}&"
    answer = shop.get(f"{path}?{since}{query}")
    check_refused(answer, 400)
    assert says in " ".join(answer.json()[field]), answer.text


def test_a_settlement_is_not_there_before_it_was_closed_and_never_for_another_merchant(
    shop: Caller, other: Caller
) -> None:
    shop.door.run(terms(shop.shop, period="day", delay_days=0))
    before = shop.door.run(shop.shop.now())
    shop.completed()
    shop.advance(days=2)
    [batch] = shop.get("/settlements").json()["data"]
    now = shop.door.run(shop.shop.now())
    for path in (f"/settlements/{batch['id']}", f"/settlements/{batch['id']}/lines"):
        check_refused(shop.get(f"{path}?asOf={z(before)}"), 404, "not_found")
        assert shop.get(f"{path}?asOf={z(now)}").content == shop.get(path).content
        check_refused(
            other.get(f"{path}?asOf={z(other.door.run(other.shop.now()))}"), 404, "not_found"
        )
    check_refused(shop.get(f"/settlements/{UNKNOWN}?asOf={z(now)}"), 404, "not_found")
    assert shop.get(f"/settlements?asOf={z(before)}").json()["data"] == []


def test_a_period_without_an_end_ends_at_the_moment(shop: Caller) -> None:
    begin = shop.door.run(shop.shop.now()) - timedelta(days=1)
    shop.completed()
    first = shop.door.run(shop.shop.now())
    shop.completed()
    for path in ("/reports/sites", "/reconciliation"):
        then = shop.get(f"{path}?from={z(begin)}&asOf={z(first)}").json()
        assert then["to"] == iso(first)
        assert (
            then["totals"]
            == shop.get(f"{path}?from={z(begin)}&to={z(first)}").json()["totals"]
            != []
        )
    name = shop.get(f"/reports/sites?from={z(begin)}&asOf={z(first)}&format=csv").headers[
        "content-disposition"
    ]
    assert f"-as-of-{first:%Y%m%dT%H%M%SZ}.csv" in name


def test_the_millisecond_that_is_named_is_held_whole(world: Door) -> None:
    """Answers show milliseconds, bookings have microseconds: what a time that was shown names is in
    the reading."""
    shop = world.shop()
    shop.completed()
    sql = (
        "SELECT business_at, recorded_at FROM postings WHERE merchant_id = $1 ORDER BY "
        "recorded_at DESC LIMIT 1"
    )
    [row] = world.sql(sql, shop.shop.merchant_id)
    for query in (f"asOf={iso(row['business_at'])}", f"asOfRecorded={iso(row['recorded_at'])}"):
        assert shop.get(f"/balances?{query}").json() == shop.get("/balances").json(), query
