"""Actors of a simulated month: one file each, in the order in which they act at an instant.

An actor is a function (sim, tick) that answers the deeds of this instant; it may put others on
`sim.later`.
"""

from collections.abc import Awaitable, Callable, Iterable

from recoup_lab.simulate.actors.callers import calls
from recoup_lab.simulate.actors.cardholders import disputes
from recoup_lab.simulate.actors.customers import answers
from recoup_lab.simulate.actors.intake import arrivals
from recoup_lab.simulate.actors.news import news
from recoup_lab.simulate.actors.operators import approvals
from recoup_lab.simulate.actors.payers import payments
from recoup_lab.simulate.actors.refunds import refunds
from recoup_lab.simulate.actors.takers import payouts
from recoup_lab.simulate.sim import Deed, Sim

Actor = Callable[[Sim, int], Awaitable[Iterable[Deed]]]
ACTORS: tuple[Actor, ...] = (
    news,
    disputes,
    refunds,
    arrivals,
    answers,
    calls,
    payments,
    approvals,
    payouts,
)
