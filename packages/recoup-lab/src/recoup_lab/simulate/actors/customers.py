"""Customers on the hosted page, which wants a code or another card. They answer, fail, say no or
never come; one at the checkout at once, one with a managed payment's link within some days."""

from collections.abc import Iterable
from typing import Final

from recoup.kernel.problem import Problem
from recoup.networks.magic import NEVER, script_card
from recoup.rescue.flows.challenge import ChallengeAnswer, answer, refuse, show
from recoup_lab.simulate.clock import start_stopwatch
from recoup_lab.simulate.dice import dice
from recoup_lab.simulate.engine import Engine
from recoup_lab.simulate.sim import TICKS, Deal, Deed, Do, Sim

ANSWERS, FAILS, SAYS_NO = 0.5, 0.2, 0.1  # the rest never comes
MENDED: Final = frozenset({"54", "82"})  # what a card says that its holder can mend
TWICE: Final = 0.1  # the page's button pressed again
_GOOD, _BAD = script_card("visa", "05", 0), script_card("visa", "05", NEVER)


async def answers(sim: Sim, tick: int) -> Iterable[Deed]:
    """Answers of customers, who see an open challenge when they open the page."""
    deeds: list[Deed] = []
    for deal in sim.by_tick[tick]:
        if deal.kind not in ("customer", "managed") or deal.card[0] not in MENDED:
            continue
        roll = dice(sim.plan.seed, "page", deal.name)
        fate, again, after = roll.random(), roll.random() < TWICE, roll.randrange(1, 9 * TICKS)
        what = "answers" if fate < ANSWERS else "fails" if fate < ANSWERS + FAILS else "says no"
        if fate < ANSWERS + FAILS + SAYS_NO:
            deed = Deed(f"customer {what}", deal.name, _on_the_page(sim, deal, what))
            (deeds if deal.kind == "customer" else sim.later[tick + after]).extend(
                [deed] * (2 if again else 1)
            )
    return deeds


def _on_the_page(sim: Sim, deal: Deal, what: str) -> Do:
    async def do(engine: Engine) -> None:
        world, orders = engine.world, engine.orders
        assert deal.order_id is not None
        start_stopwatch()
        try:
            page = await show(world, sim.shops[deal.shop].scope.merchant_id, deal.order_id)
        except Problem as problem:
            if problem.code != "not_found":
                raise
            return  # there was no challenge
        if page.state != "asked":
            return
        sim.counts[f"asked for the {page.asks}"] += 1
        if what == "says no":
            await refuse(world, orders, page, "simulate")
        elif what == "answers" and page.asks == "code":
            await answer(world, orders, engine.vault, page, ChallengeAnswer(code="123"), "simulate")
        else:
            card = ChallengeAnswer(
                pan=_GOOD if what == "answers" else _BAD, exp_month=9, exp_year=2031
            )
            await answer(world, orders, engine.vault, page, card, "simulate")

    return do
