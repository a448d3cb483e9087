"""The benchmarks by name, and a run of them."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from recoup.kernel.problem import Problem
from recoup_lab.bench.charge import charge
from recoup_lab.bench.customer import cit
from recoup_lab.bench.day import day_list, day_managed, day_refund, day_sync
from recoup_lab.bench.days21 import days21
from recoup_lab.bench.decision import decision
from recoup_lab.bench.figure import Figure, Size
from recoup_lab.bench.ground import Ground
from recoup_lab.bench.idle import idle
from recoup_lab.bench.intake import evaluate, tokenize, transmit
from recoup_lab.bench.postings import postings, postings_sets
from recoup_lab.bench.reads import get_order, list_orders
from recoup_lab.bench.retry import retry
from recoup_lab.bench.second_process import second_process
from recoup_lab.bench.webhooks import webhooks

Bench = Callable[[Ground, Size], Awaitable[Figure]]
BENCHES: Final[dict[str, Bench]] = {
    "transmit": transmit, "evaluate": evaluate, "tokenize": tokenize, "cit": cit, "charge": charge,
    "get_order": get_order,
    "list_orders": list_orders, "retry": retry, "webhooks": webhooks, "postings": postings,
    "postings_sets": postings_sets, "second_process": second_process, "days21": days21, "idle": idle,
    "day_managed": day_managed, "day_sync": day_sync, "day_refund": day_refund, "day_list": day_list,
    "decision": decision,
}  # fmt: skip


def chosen(name: str | None) -> Sequence[str]:
    """Raises: Problem(invalid) that says which exist."""
    if name is None:
        return tuple(BENCHES)
    if name not in BENCHES:
        raise Problem("invalid", f"There is no benchmark {name!r}.", cure=f"There are: {', '.join(BENCHES)}.")
    return (name,)


async def run(
    ground: Ground, names: Sequence[str], size: Size, tell: Callable[[str], None] = lambda name: None
) -> list[Figure]:
    """One after another. `tell` hears each name before it begins."""
    figures = []
    for name in names:
        tell(name)
        await ground.clear()
        figures.append(await BENCHES[name](ground, size))
    return figures
