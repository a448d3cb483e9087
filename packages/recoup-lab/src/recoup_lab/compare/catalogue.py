"""The arms by name: what makes each, how it is held to a budget, which options it understands."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from recoup.kernel.problem import Problem
from recoup_lab.compare.arms.engine import EngineArm
from recoup_lab.compare.arms.engine import first_price as engine_price
from recoup_lab.compare.arms.oracle import OracleArm, first_price
from recoup_lab.compare.arms.retry_2 import Retry2
from recoup_lab.compare.arms.schedules import SCHEDULES, Schedule
from recoup_lab.compare.arms.slots import Slots
from recoup_lab.compare.arms.updated import UpdatedEngine
from recoup_lab.compare.news import Hears
from recoup_lab.compare.seam import Arm, Briefing

RETRY_2: Final = "retry-2"
Option = Literal["policy", "explore", "holdout"]


@dataclass(frozen=True, slots=True)
class Entry:
    """`knob`: see budgets. `cut`: a shorter length leaves its first sends as they are.
    `comparator`: what others are measured against. `first_price`: where the search for a mean
    number of sends begins; without it at the cost of a send. `work`: a rough share of the time, to
    spread arms over processes. `hears`: see news; None: updates of cards, as the world reports
    them. `by_default`: played when no names are given."""

    make: Callable[[Briefing], Arm]
    knob: Literal["length", "price"] = "length"
    cut: bool = True
    comparator: bool = True
    needs_oracle: bool = False
    first_price: Callable[[Briefing, float], float] | None = None
    uses: frozenset[Option] = frozenset()
    work: int = 5
    hears: Hears | None = None
    by_default: bool = True


def _fixed(schedule: Schedule) -> Callable[[Briefing], Arm]:
    return lambda _: schedule


CATALOGUE: Final[Mapping[str, Entry]] = {
    **{
        name: Entry(_fixed(schedule), work=min(12, len(schedule.offsets)) + 3)
        for name, schedule in SCHEDULES.items()
    },
    RETRY_2: Entry(lambda _: Retry2(), work=12),
    "slots": Entry(Slots, cut=False, work=40),
    "engine": Entry(
        EngineArm,
        knob="price",
        comparator=False,
        first_price=engine_price,
        uses=frozenset({"explore", "holdout"}),
        work=120,
    ),
    "no-news": Entry(
        EngineArm,
        knob="price",
        comparator=False,
        first_price=engine_price,
        work=120,
        hears=Hears(),
        by_default=False,
    ),
    "updater": Entry(
        UpdatedEngine,
        knob="price",
        comparator=False,
        first_price=engine_price,
        work=120,
        hears=Hears(updates=True),
        by_default=False,
    ),
    "signals": Entry(
        EngineArm,
        knob="price",
        comparator=False,
        first_price=engine_price,
        work=120,
        hears=Hears(approvals=True),
        by_default=False,
    ),
    "oracle": Entry(
        OracleArm,
        knob="price",
        comparator=False,
        needs_oracle=True,
        first_price=first_price,
        work=60,
    ),
}


def chosen(
    names: Sequence[str] | None, *, oracle: bool, options: Sequence[Option]
) -> tuple[str, ...]:
    """Arms to be played, in the catalogue's order; without names all that can be played. `oracle`:
    whether the world tells one. `options`: those that were given, each of which an arm has to
    understand. Raises: Problem(invalid)."""
    known = ", ".join(CATALOGUE)
    for name in names or ():
        if name not in CATALOGUE:
            raise Problem(
                "invalid",
                f"There is no arm {name!r}.",
                field="--arms",
                cure=f"Choose from {known}.",
            )
        if CATALOGUE[name].needs_oracle and not oracle:
            raise Problem(
                "invalid",
                f"The arm {name!r} reads the world's parameters, which a program keeps.",
                field="--arms",
                cure="Leave it out, or play a world in this process.",
            )
    found = tuple(
        name
        for name, entry in CATALOGUE.items()
        if (name in names if names else entry.by_default and (oracle or not entry.needs_oracle))
    )
    for option in options:
        if not any(option in CATALOGUE[name].uses for name in found):
            able = ", ".join(name for name, entry in CATALOGUE.items() if option in entry.uses)
            cure = (
                f"Leave it out, or add one of these to --arms: {able}." if able else "Leave it out."
            )
            raise Problem(
                "invalid",
                f"None of the chosen arms uses --{option}.",
                field=f"--{option}",
                cure=cure,
            )
    return found
