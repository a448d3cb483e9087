"""What is drawn among the offers, and the probabilities that are stored of it."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.rescue.rules.explore import LEAST_PROBABILITY, NEARLY_AS_GOOD, Offer, drawn, weighed

_NAMES = ("within-36h", "within-96h", "within-168h", "within-336h", "later")
_ROUNDED = 5e-7  # as a decision stores a probability
_DRAWS = 20_000

_tries = st.lists(st.floats(-0.2, 1.0), min_size=0, max_size=len(_NAMES))
_shares = st.floats(0.0, 0.2)


def offers_of(prices: list[float], *, stops: bool) -> list[Offer]:
    """The engine's own first; `stops`: it would send nothing more."""
    tries = [Offer(_NAMES[i], float(i), 0.1, price) for i, price in enumerate(prices)]
    if stops or not tries:
        return [Offer("stop", None, 0.0, 0.0), *tries]
    own = max(range(len(tries)), key=lambda i: tries[i].price)
    return [tries[own], *(one for one in tries if one != tries[own]), Offer("stop", None, 0.0, 0.0)]


@given(_tries, _shares, st.booleans())
def test_probabilities_are_those_that_are_promised(
    prices: list[float], share: float, stops: bool
) -> None:
    found = weighed(offers_of(prices, stops=stops), share)
    own, others = found[0], found[1:]
    assert sum(one.probability for one in found) == pytest.approx(1.0, abs=1e-12)
    assert own.probability >= 1.0 - share - 1e-12
    assert all(one.probability == 0.0 or one.probability >= LEAST_PROBABILITY for one in found)
    assert all(one.probability == 0.0 for one in others if one.at is None), (
        "stopping is never drawn"
    )
    drawn_ones = [one for one in others if one.probability > 0.0]
    assert len({one.probability for one in drawn_ones}) <= 1
    if own.at is None:
        assert len(drawn_ones) <= 1
        best = max((one.price for one in others), default=0.0)
        assert all(one.price == best for one in drawn_ones)
    else:
        assert all(one.price >= NEARLY_AS_GOOD * own.price and one.price > 0 for one in drawn_ones)


@given(_tries, _shares, st.booleans(), st.floats(0.0, 1.0, exclude_max=True))
def test_no_draw_takes_what_has_no_probability(
    prices: list[float], share: float, stops: bool, draw: float
) -> None:
    found = weighed(offers_of(prices, stops=stops), share)
    assert drawn(found, draw).probability > 0.0


@each("seed", range(6))
def test_the_share_of_draws_that_takes_an_offer_is_its_stored_probability(seed: int) -> None:
    chance = random.Random(seed)
    prices = [chance.uniform(-0.05, 0.4) for _ in range(chance.randint(1, len(_NAMES)))]
    found = weighed(offers_of(prices, stops=seed % 3 == 0), chance.choice((0.05, 0.1, 0.2)))
    taken = Counter(drawn(found, (number + 0.5) / _DRAWS).name for number in range(_DRAWS))
    seeded = Counter(drawn(found, chance.random()).name for _ in range(_DRAWS))
    for one in found:
        stored = round(one.probability, 6)
        assert stored == pytest.approx(one.probability, abs=_ROUNDED)
        # Draws that lie evenly miss a probability by one at each end of its stretch; random ones by
        # chance.
        assert taken[one.name] / _DRAWS == pytest.approx(stored, abs=2 / _DRAWS)
        spread = (one.probability * (1 - one.probability) / _DRAWS) ** 0.5
        assert seeded[one.name] / _DRAWS == pytest.approx(stored, abs=5 * spread + _ROUNDED)
