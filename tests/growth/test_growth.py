"""No statement that a loop or a request runs costs more because there is more history.

What is counted are the blocks that a statement looks into: the same on an idle machine and on a
busy one. Ten times and more of this is in `tests/prove`.
"""

import re

import pytest
from tests.growth.day import Cost, grown, together
from tests.growth.ground import FEW, NAMES, Measured, counting_server, measured, played
from tests.growth.history import NOT_HISTORY

from recoup.db.migrate import schema_sql

pytestmark = pytest.mark.prove("growth")

MANY = 20_000
MOST, SLACK = 1.5, 16.0  # an index that is one step higher is not a look at history
# What reads more where there is more to read, until it has read this many blocks; by how the
# statement begins. None: it ends by its time limit alone.
BOUNDED: dict[str, tuple[int | None, str]] = {
    "SELECT count(*) FROM order_heads h ": (
        None,
        "the exact total of a list that is narrowed: two seconds",
    ),
    "WITH page AS MATERIALIZED (SELECT h.merchant_id": (
        None,
        "a search for what everybody has: 150 ms, then 90 days",
    ),
    "SELECT count(*) FROM (SELECT FROM order_heads": (40_000, "10,001 orders, beside a list"),
    "SELECT n.status, count(*) AS orders FROM (SELECT h.status": (
        40_000,
        "10,001 orders, beside a list",
    ),
    "SELECT f.status, (SELECT count(*) FROM (SELECT": (
        40_000,
        "1,001 orders of each status, beside a list",
    ),
    "WITH page AS MATERIALIZED (SELECT h.*": (1_500, "a page of 50 from each status"),
    "SELECT p.payer_id, p.first_seen_at": (8_000, "a page of 500 customers"),
    "SELECT DISTINCT payer_id FROM order_payer": (8_000, "a page of 500 customers"),
    "SELECT count(*) FROM (SELECT FROM payers": (12_000, "10,001 customers"),
    "SELECT 'token' AS step": (3_000, "the first of each kind, among the first of so many"),
    "SELECT $1 AS step": (3_000, "the first of each kind, among the first of so many"),
    "SELECT $2 AS step": (3_000, "the first of each kind, among the first of so many"),
    "SELECT b.block_id, b.kind, b.reason, b.order_id": (
        8_000,
        "the blocks that stand, at most a page",
    ),
    "SELECT f.id AS view_id": (None, "the names of all files, when a customer is erased"),
    "SELECT count(*) FROM (SELECT FROM settlement_batches": (
        1_000,
        "10,001 settlements, beside a list",
    ),
    "SELECT h.order_id::text AS order_id": (
        2_000,
        "a file of what is searched for: some hundred orders are walked",
    ),
    "SELECT e.endpoint_id, s.* FROM unnest": (4_000, "the last thousand tries of an endpoint"),
    "SELECT x.asset AS asset, x.account": (
        8_000,
        "balances of a moment: what was booked since, 30 seconds more",
    ),
    "SELECT b.merchant_id, b.batch_id, b.asset, b.period_from": (500, "a page of settlements"),
    'COPY "upload_rows"': (
        150,
        "a table's file is made longer by 64 pages at once, now in one day and now in another",
    ),
    "SELECT h.decline_code AS name": (
        300,
        "the declines of the days shown; in a small table they lie closer together, and a page of "
        "heads has room left for updates",
    ),
    "SELECT sighted, seen, paid, usual, risk FROM note_sightings": (
        1_000,
        "fifty sightings of each of five names, fifty orders of the payer, the merchant's hundred "
        "newest",
    ),
    # Overview: the orders of the days that it shows, here those of one busy quarter; 300,000 at
    # most.
    "SELECT * FROM ( SELECT (h.placed_at AT TIME ZONE": (1_000, "the orders of the days shown"),
    "SELECT coalesce(o.facts ->> ": (
        6_000,
        "the orders of the days shown, with a look-up for each",
    ),
    "SELECT e.asset, sum(e.units)::bigint AS units FROM order_heads h": (
        1_000,
        "the fees of the days shown",
    ),
    "SELECT coalesce(sum(count - done) FILTER": (
        1_000,
        "a merchant's files, whose rows have a quota",
    ),
    "SELECT o.merchant_id, o.order_id, o.external_id, o.stage": (
        900,
        "a page of 20 orders, nine look-ups for each",
    ),
}
# Indexes that these days do not come to, and what reads each where its table is full.
READ_BY = {
    "contacts_order": "how often an order's customer was mailed a link",
    "deposit_addresses_watched": "the addresses to which money may still come",
    "order_heads_campaign": "a list of one campaign: tests/desk/store/test_orders_read.py",
    "order_heads_created": "a list by created date: likewise",
    "order_heads_site": "a list of one site: likewise",
    "order_heads_source": "a list of one source: likewise",
    "processor_invoices_subscribed": "the invoices of a subscription",
    "reconciliation_lines_equal": "the equal lines of earlier files, by the temporary table of one",
}
# Tables that are as long as the history is.
LONG = (
    "order_log",
    "orders",
    "order_heads",
    "order_payer",
    "order_search",
    "order_refs",
    "requests",
    "attempts",
    "charges",
    "wire_keys",
    "modifications",
    "decisions",
    "network_sends",
    "outbox",
    "feed",
    "delivery_tries",
    "postings",
    "entries",
    "pages",
    "page_lines",
    "transmissions",
    "payers",
    "vault",
    "mails",
    "alerts",
)


@pytest.mark.timeout(600)
def test_a_day_costs_the_same_after_many_orders() -> None:
    with counting_server() as server:
        before = played(server)
        few, many = measured(server, before, FEW), measured(server, before, MANY)
    for whose in (*NAMES, "owner"):
        met = few.days[whose].keys() & many.days[whose].keys()
        assert len(met) >= (4 if whose == "owner" else 300), "most statements were met on both"
        assert not (more := told(few, many, whose)), f"{whose}:\n" + "\n".join(more)
    check_plans(many)
    assert not many.unread - READ_BY.keys(), "no statement, list or function reads them: drop them"


def test_each_index_that_these_days_do_not_come_to_stands() -> None:
    assert READ_BY.keys() <= set(re.findall(r"CREATE INDEX (\w+)", schema_sql("world")))


def test_a_statement_is_told_where_a_call_and_a_day_of_it_read_more() -> None:
    def found(calls: int, buffers: float) -> int:
        few, many = {1: Cost("q", 6, 100, 1.0, 1)}, {1: Cost("q", calls, buffers, 1.0, 1)}
        return len(grown(few, many, most=MOST, slack=SLACK))

    assert found(6, 150) == 0
    assert found(6, 200) == 1
    assert found(3, 200) == 0, "the same work in fewer calls"
    assert found(12, 200) == 1


def test_several_days_cost_what_the_least_of_them_does_but_not_one_without_work() -> None:
    days = [
        {1: Cost("q", 2, buffers, ms, 1)}
        for buffers, ms in ((100, 9.0), (160, 1.0), (0, 0.0), (100, 2.0))
    ]
    assert together(days) == {1: Cost("q", 2, 100, 1.0, 1, days=4)}


def told(few: Measured, many: Measured, whose: str) -> list[str]:
    found = grown(few.days[whose], many.days[whose], most=MOST, slack=SLACK)
    return sorted(
        f"{before.buffers:.0f} -> {after.buffers:.0f} blocks: {after.sql[:200]}"
        for before, after in found
        if not bounded(after)
    )


def bounded(cost: Cost) -> bool:
    return any(
        cost.sql.startswith(begin) and (most is None or cost.buffers <= most)
        for begin, (most, _) in BOUNDED.items()
    )


def check_plans(many: Measured) -> None:
    """Our connections read a whole table only where there is no other way: that is an index that
    lacks. The events that are fed are found by the ids of their subjects, never by the merchant
    alone."""
    assert len(many.plans) > 40
    assert not set(LONG) & NOT_HISTORY
    whole = re.compile(rf"Seq Scan on ({'|'.join(LONG)})(_(?!queue\b)\w+)?\b")
    assert not {
        sql[:200]: found[0] for sql, plan in many.plans.items() if (found := whole.search(plan))
    }
    assert not [run for run in many.runs if whole.search(run)]
    feeding = next(run for run in many.runs if "DELETE FROM outbox_queue q USING outbox o" in run)
    looks = re.findall(
        r"Index (?:Only )?Scan (?:Backward )?using outbox_(?!queue)\w+ on .*\n\s+Index Cond: (.*)",
        feeding,
    )
    assert looks
    assert all("subject_id" in condition for condition in looks), looks
