"""The training of the models that come with Recoup, by what `recoup learn` trains with: for
installations without attempts of their own from the laboratory's worlds, for the demo from its
shop's past. `scripts/make_models.py` calls it."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec
import numpy as np

from recoup.engine.learn.prior import SIMULATED
from recoup.engine.learn.train import train
from recoup.engine.model import Model, checked
from recoup.networks.card import issuer_digits
from recoup_lab.compare.arms.learned import issuer_of, past_of, trained_on
from recoup_lab.compare.ground import history_of
from recoup_lab.shop.months import Months, months_of
from recoup_lab.world.parameter_file import read, shipped
from recoup_lab.world.port import HistoryRow
from recoup_lab.world.world import build

BEGUN: Final = datetime(2026, 9, 1, tzinfo=UTC)
ORDERS: Final = 6_000  # for so many declined renewals the shop has customers
SEED: Final = 11
# Where banks are others than here, nothing came of tries within a day of a failure, nor of further
# ones soon after it.
REST: Final = 20.0
REST_AGAIN: Final = 28.0


def trained() -> Model:
    """Trains the file's model in some twenty seconds: no issuer has a line, since all of them are
    made up."""
    data = past_of([*_histories()], issuer_of)
    learned = train(data, SIMULATED, np.zeros(len(data.issuers), bool)).learned
    rest, again = max(REST, learned.rest), max(REST_AGAIN, learned.rest_again)
    return checked(msgspec.structs.replace(learned, rest=rest, rest_again=again))


def of_the_shop() -> Model:
    """The same of the demo. Attempts at random times show what waiting is worth."""
    shop = _shop()
    return trained_on(shop.history(), SIMULATED, lambda card: issuer_digits(shop.pan(card)))


def _shop() -> Months:
    return months_of(BEGUN, 88, ORDERS, (), (), drawn_share=1.0)


def _histories() -> Iterator[HistoryRow]:
    yield from _named("shop", _shop().history())
    for name, path in shipped().items():
        yield from _named(name, history_of(build(read(path, seed=SEED))))


def _named(world: str, rows: Sequence[HistoryRow]) -> Iterator[HistoryRow]:
    for row in rows:
        yield msgspec.structs.replace(
            row, customer_id=f"{world}/{row.customer_id}", order_id=f"{world}/{row.order_id}"
        )
