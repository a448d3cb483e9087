"""The training of the sandbox's default model (`recoup/main/demo/default_model.json`) from the shop's past, by what
`recoup learn` trains with. `scripts/make_default_model.py` calls it."""

from datetime import UTC, datetime
from typing import Final

from recoup.rules.network.card import issuer_digits
from recoup.rules.rescue.engine.model import Model
from recoup_lab.compare.arms.learned import trained_on
from recoup_lab.shop.months import months_of

MADE_FROM: Final = "simulated attempts (the sandbox's default)"
BEGUN: Final = datetime(2026, 9, 1, tzinfo=UTC)
ORDERS: Final = 6_000  # for so many declined renewals there are customers


def trained() -> Model:
    """Trains the file's model in a few seconds. Needs numpy. Attempts at random times show what waiting is worth."""
    months = months_of(BEGUN, 88, ORDERS, (), (), drawn_share=1.0)
    return trained_on(months.history(), MADE_FROM, lambda card: issuer_digits(months.pan(card)))
