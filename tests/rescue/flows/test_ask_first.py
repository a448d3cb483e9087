"""What is made of processors' answers to a look-up, before a message leaves that may have left
before."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from tests.restoring import forgotten
from tests.rings import each

from recoup.kernel.ids import new_id
from recoup.kernel.time import Clocks
from recoup.processors.gateways.outcome import Outcome
from recoup.rescue.flows.ask_first import _of_lives, _taken

KEY, OTHER = new_id(), new_id()
NOTHING, AWAY = Outcome("not_found"), Outcome("unknown", text="no answer")
OWN_GOES, OTHER_GOES = Outcome("unknown", key=KEY), Outcome("unknown", key=OTHER)
PAID, REFUSED = Outcome("approved", "p-1", key=KEY), Outcome("declined", key=KEY)
# What each of two routes says, whether the own one still knows its keys, and what follows: None, it
# is sent.
CASES: dict[str, tuple[Outcome, Outcome, bool, tuple[str, bool] | None]] = {
    "nobody has it": (NOTHING, NOTHING, False, None),
    "the own route took it": (PAID, NOTHING, False, ("approved", False)),
    "another took it, the own one is away": (AWAY, PAID, True, ("approved", False)),
    "both took it": (PAID, PAID, True, ("unknown", True)),
    "it is under way under its own key": (OWN_GOES, NOTHING, True, None),
    "another charge of the order is under way there": (
        OTHER_GOES,
        NOTHING,
        True,
        ("unknown", True),
    ),
    "the own route does not answer, and knows its keys": (AWAY, NOTHING, True, None),
    "the own route does not answer, and may have forgotten": (
        AWAY,
        NOTHING,
        False,
        ("unknown", True),
    ),
    "another route does not answer": (NOTHING, AWAY, True, ("unknown", True)),
    "it was declined": (REFUSED, NOTHING, True, ("declined", False)),
}


@each("name", CASES)
def test_it_is_sent_only_where_nothing_can_have_been(name: str) -> None:
    own, other, knows, follows = CASES[name]
    clocks = Clocks()
    world: Any = SimpleNamespace(
        clocks=clocks, standing=forgotten(clocks.wall() - timedelta(hours=3), clocks.wall())
    )
    processor: Any = SimpleNamespace(idempotency_window=timedelta(days=1 if knows else 0))
    found = _taken(world, "a", {"a": own, "b": other}, processor, KEY)
    assert (found and (found.state, found.contradicts)) == follows


def test_a_refund_is_looked_for_under_each_of_its_keys() -> None:
    twice = Outcome("approved", "p-2", key=OTHER)
    assert _of_lives([REFUSED, twice, NOTHING]) is twice
    assert _of_lives([NOTHING, AWAY]) is AWAY
    assert _of_lives([REFUSED, NOTHING]) is REFUSED
    assert _of_lives([PAID, PAID]) is PAID, "a void is found under any key"
    assert _of_lives([PAID, twice]).contradicts
