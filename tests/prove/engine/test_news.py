"""What the networks' word is worth: an account updater, and signals that a card was just approved
elsewhere, each as an arm of its own beside the same engine that hears neither, in the worlds that
others wrote. Each at its own number of sends. In four of these worlds no network tells of a
replaced card: there the updater can change nothing.

Again: `pytest tests/prove/engine/test_news.py --timeout=0 -s`; with equal numbers of sends: `recoup
lab compare --world-command "python tests/foreign_worlds/credit.py" --arms no-news,updater,signals
--sends 3`.
"""

import shlex
import sys
from pathlib import Path

import pytest

from recoup_lab.compare.catalogue import CATALOGUE
from recoup_lab.compare.gate import CardSends
from recoup_lab.compare.ground import Ground, survey
from recoup_lab.compare.intervals import difference
from recoup_lab.compare.news import Hears, NewsPlay
from recoup_lab.compare.played import Played
from recoup_lab.compare.seam import Briefing
from recoup_lab.compare.source import program_worlds

WORLDS = Path(__file__).parents[2] / "foreign_worlds"
NAMES = (
    "salaried",
    "credit",
    "odd_jobs",
    "mixture",
    "unseen/weekly",
    "unseen/benefits",
    "unseen/business",
    "unseen/abroad",
)


@pytest.mark.parametrize("name", NAMES)
def test_no_word_of_a_network_loses_money(name: str) -> None:
    command = shlex.join([sys.executable, str(WORLDS / f"{name}.py")])
    with program_worlds(command, 1).open(1) as opened:
        ground = survey(opened.world, 1, opened.oracle, opened.forget)
        without = _played(ground, "no-news")
        for arm in ("updater", "signals"):
            played = _played(ground, arm)
            found = difference(
                [_recovered(ground, played)], [_recovered(ground, without)], [_declined(ground)]
            )
            print(
                f"\n{name}: {arm} {100 * found.value:+.2f} [{100 * found.low:+.2f}, "
                f"{100 * found.high:+.2f}] points of"
                f" the amount; sends {played.mean_sends:.2f} beside {without.mean_sends:.2f}",
                flush=True,
            )
            assert sum(played.excess) == 0
            assert found.value >= 0


def _played(ground: Ground, name: str) -> Played:
    entry = CATALOGUE[name]
    arm = entry.make(Briefing(ground.hello, ground.history, ground.seed))
    return NewsPlay(
        ground,
        name,
        arm,
        lambda _: None,
        None,
        None,
        CardSends.refusal,
        hears=entry.hears or Hears(),
    ).run()


def _declined(ground: Ground) -> list[float]:
    return _by_customer(ground, [float(one.amount) for one in ground.orders])


def _recovered(ground: Ground, played: Played) -> list[float]:
    amounts = zip(ground.orders, played.days, strict=True)
    return _by_customer(
        ground, [0.0 if days is None else float(order.amount) for order, days in amounts]
    )


def _by_customer(ground: Ground, amounts: list[float]) -> list[float]:
    found = [0.0] * (max(ground.customer_of) + 1)
    for customer, amount in zip(ground.customer_of, amounts, strict=True):
        found[customer] += amount
    return found
