"""What one order of an ordinary day costs the database, the worker's part too: the same after
500,000 orders as after 5,000. `recoup bench day_sync day_refund day_managed` measures the rates of
the same calls on a fresh database.

Blocks are counted, for they do not depend on what else the machine does; milliseconds are printed
beside them. `PROVE_ORDERS=50000` stops earlier.

Again: `pytest tests/prove/scale/test_ordinary_day.py --timeout=0 -s`
"""

import asyncio
import os
from collections.abc import Callable

from tests.door import Caller, opened_door
from tests.growth.day import AT_ONCE, Cost, Statements, forget_old, work
from tests.growth.ground import Played, caller_of, counting_server, fill, played
from tests.receiver import receiving

from recoup.db.roles import APP, READ
from recoup.db.server import ServerAddress

FEW, MANY = 5_000, int(os.environ.get("PROVE_ORDERS", "500000"))
EACH = 60  # calls of a kind
MOST = 1.5
Costs = dict[str, tuple[float, float]]  # of one call and what follows from it: blocks, milliseconds


def _sync(caller: Caller) -> None:
    caller.admit(**AT_ONCE)


def _managed(caller: Caller) -> None:
    caller.admit()


def _refunding(caller: Caller) -> Callable[[Caller], None]:
    """Each of another order."""
    paid = [caller.admit(**AT_ONCE) for _ in range(EACH)]
    work(caller.door)

    def refund(caller: Caller) -> None:
        assert caller.refund(paid.pop(), {"amountToRefund": 1.00}).status_code == 200

    return refund


def costs_after(server: ServerAddress, before: Played, orders: int) -> Costs:
    with opened_door(server, template=before.database) as door, receiving(door) as receiver:
        door.run(fill(door, before, orders, receiver.url()))
        caller = caller_of(door, before.shops[0])
        for act in (_sync, _managed):
            act(caller)  # connections make their plans
        asyncio.run(forget_old(door.world.dsn))  # it was forgotten day by day
        work(door)
        statements = Statements(server.dsn("postgres"), door.world.database)
        found: Costs = {}
        for name, prepared in (
            ("sync", lambda _: _sync),
            ("managed", lambda _: _managed),
            ("refund", _refunding),
        ):
            act = prepared(caller)
            every: dict[int, Cost] = {}
            with statements.counted(every, APP, READ):
                for _ in range(EACH):
                    act(caller)
                work(door)
            for cost in sorted(every.values(), key=lambda c: -c.calls * c.buffers)[:3]:
                print(
                    f"{name} after {orders}: {cost.calls} x {cost.buffers:.0f} blocks: "
                    f"{cost.sql[:100]}"
                )  # noqa: T201
            found[name] = (
                sum(c.calls * c.buffers for c in every.values()) / EACH,
                sum(c.calls * c.ms for c in every.values()) / EACH,
            )
        return found


def test_an_order_costs_the_same_after_half_a_million() -> None:
    with counting_server() as server:
        before = played(server)
        few, many = costs_after(server, before, FEW), costs_after(server, before, MANY)
    for name, (blocks, ms) in many.items():
        print(
            f"{name}: {few[name][0]:.0f} blocks {few[name][1]:.2f} ms after {FEW} orders, "
            f"{blocks:.0f} blocks {ms:.2f} ms after {MANY}"
        )
    dearer = {
        name: (few[name], cost) for name, cost in many.items() if cost[0] > few[name][0] * MOST
    }
    assert not dearer, dearer
