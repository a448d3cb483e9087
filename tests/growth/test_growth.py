"""No statement that a loop or a request runs costs more because there is more history.

What is counted are the blocks that a statement looks into: the same on an idle machine and on a busy one. Ten times and
more of this is in `tests/prove`.
"""

import re

import pytest
from tests.growth.day import grown
from tests.growth.ground import NAMES, Measured, counting_server, measured, played
from tests.growth.history import NOT_HISTORY

FEW, MANY = 1_000, 20_000
MOST, SLACK = 1.5, 16.0  # an index that is one step higher is not a look at history
# What reads more where there is more to read, each bounded otherwise; by how the statement begins.
BOUNDED = {
    "SELECT d.no, count(*)::int AS declined": "the rescue rate of the last weeks, once an hour, within its time limit",
    "SELECT count(*) FROM order_heads h WHERE": "the exact total of a list that is narrowed, within two seconds",
}
# Tables that are as long as the history is.
LONG = ("order_log", "orders", "order_heads", "order_payer", "order_search", "order_refs", "requests", "attempts",
        "refunds", "decisions", "network_sends", "outbox", "feed", "delivery_tries", "postings", "entries", "pages",
        "transmissions", "payers", "vault", "mails", "alerts")  # fmt: skip


@pytest.mark.timeout(600)
def test_a_day_costs_the_same_after_many_orders() -> None:
    with counting_server() as server:
        before = played(server)
        few, many = measured(server, before, FEW), measured(server, before, MANY)
    for whose in (*NAMES, "owner"):
        met = few.days[whose].keys() & many.days[whose].keys()
        assert len(met) >= (4 if whose == "owner" else 45), "most statements were met on both"
        assert not (more := told(few, many, whose)), f"{whose}:\n" + "\n".join(more)
    check_plans(many)


def told(few: Measured, many: Measured, whose: str) -> list[str]:
    found = grown(few.days[whose], many.days[whose], most=MOST, slack=SLACK).items()
    return sorted(
        f"{before.buffers:.0f} -> {after.buffers:.0f} blocks: {sql[:200]}"
        for sql, (before, after) in found
        if not sql.startswith(tuple(BOUNDED))
    )


def check_plans(many: Measured) -> None:
    """Our connections read a whole table only where there is no other way: that is an index that lacks. What publishing
    marks is found by the ids of its subjects or among what is not fed, never by the merchant alone."""
    assert len(many.plans) > 40
    assert not set(LONG) & NOT_HISTORY
    whole = re.compile(rf"Seq Scan on ({'|'.join(LONG)})(_\w+)?\b")
    assert not {sql[:200]: found[0] for sql, plan in many.plans.items() if (found := whole.search(plan))}
    feeding = next(plan for sql, plan in many.plans.items() if sql.startswith("WITH subjects AS MATERIALIZED"))
    looks = re.findall(r"Index (?:Only )?Scan (?:Backward )?using (outbox\w*) on .*\n +Index Cond: (.*)", feeding)
    assert looks
    assert all("subject_id" in condition or "recorded_at" in index for index, condition in looks), looks
