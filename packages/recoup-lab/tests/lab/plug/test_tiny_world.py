"""The example of docs/contributing/world-protocol.md: it speaks the protocol, and counts as its
caller does."""

import shlex
import sys
from datetime import timedelta
from pathlib import Path

from lab.plug.small_world import charge, play

from recoup_lab.plug.program import Program

TINY = Path(__file__).resolve().parents[5] / "examples/world/tiny_world.py"


def tiny() -> str:
    return shlex.join([sys.executable, str(TINY)])


def test_the_example_speaks_the_protocol() -> None:
    hashes = []
    for _ in range(2):
        with Program(tiny()) as world:
            hello = world.hello()
            assert (hello.world, hello.orders) == ("tiny", 400)
            hashes.append(play(world))
    assert hashes[0] == hashes[1], "the same play, the same answers"


def test_the_example_counts_as_its_caller_does() -> None:
    with Program(tiny()) as world:
        until = world.hello().until
        orders, more = world.orders(until, 1_000)
        assert len(orders) == 400
        assert not more
        paid: dict[str, int] = {}
        sends, amounts = 0, {order.order_id: order.amount for order in orders}
        for hours in range(9, 9 + 6 * 24, 24):
            left = [order for order in orders if order.order_id not in paid]
            at = until + timedelta(hours=hours)
            answers = world.charge(
                "a", [charge(order, f"{order.order_id}-{hours}", at) for order in left]
            )
            sends += len(left)
            paid |= {
                order.order_id: order.amount
                for order, answer in zip(left, answers, strict=True)
                if answer.state == "approved"
            }
        again = world.charge(
            "a", [charge(orders[0], f"{orders[0].order_id}-9", until + timedelta(hours=9))]
        )
        assert again[0].state, "the same id gets the first answer, though others came later"
        early = world.charge("a", [charge(orders[0], "new", until + timedelta(hours=8))])
        assert early[0].error
        score, other = world.end("a"), world.end("b")
    assert (score.orders, score.recovered, score.attempts, score.breaches) == (
        400,
        len(paid),
        sends,
        0,
    )
    assert score.amount_share == sum(paid.values()) / sum(amounts.values())
    assert 0.8 < len(paid) / 400 < 0.98
    assert 0 < score.net_share < score.amount_share
    assert (other.recovered, other.attempts) == (0, 0), "another arm is another copy"


def test_the_example_tells_the_hour_by_its_history() -> None:
    with Program(tiny()) as world:
        rows, after = world.history(None, 1_000)
        drawn = [row for row in rows if row.propensity]
        while after:
            more, after = world.history(after, 1_000)
            drawn += [row for row in more if row.propensity]
    assert len(drawn) == 2_000
    good_hours = [row.approved for row in drawn if 8 <= row.at.hour < 12]
    assert sum(good_hours) / len(good_hours) > 4 * sum(
        r.approved for r in drawn if r.at.hour >= 12
    ) / len(drawn)
