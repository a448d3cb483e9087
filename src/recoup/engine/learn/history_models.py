"""Models of a file's attempts, for the back-test: one that has not seen the last quarter of the
time, and those of each third of what it has seen."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from recoup.backtest.rules.history import Payment, payer_of
from recoup.backtest.rules.model_word import Past
from recoup.engine.learn.attempts import Past as PastRow
from recoup.engine.learn.attempts import attempts_of
from recoup.engine.learn.train import train
from recoup.engine.model import Model
from recoup.kernel.spread import Spread, alone
from recoup.kit.zones import offset_minutes
from recoup.rescue.rules.answer_classes import APPROVED, class_of, key_of

TRIES_MIN: Final = 500  # attempts after the first, that a model is made of
THIRDS: Final = 3
OWN: Final = "own"  # of the first three quarters


def models_of(
    payments: Sequence[Payment],
    past: Past,
    first: datetime,
    until: datetime,
    spread: Spread = alone,
) -> Mapping[str, Model]:
    """Models of what was declined before `until`; empty where there is too little. A third that has
    too little has none."""
    rows, step = _rows(payments, past), (until - first) / THIRDS
    parts = {OWN: (first, until)} | {
        f"third-{number + 1}": (first + number * step, first + (number + 1) * step)
        for number in range(THIRDS)
    }
    within = {
        name: [row for row in rows if begin <= row.at < end] for name, (begin, end) in parts.items()
    }
    enough = {
        name: some
        for name, some in within.items()
        if sum(row.number > 1 for row in some) >= TRIES_MIN
    }
    if OWN not in enough:
        return {}
    return dict(zip(enough, spread(_trained, list(enough.values())), strict=True))


def _trained(rows: Sequence[PastRow]) -> Model:
    return train(attempts_of(rows), "a file")


def _rows(payments: Sequence[Payment], past: Past) -> list[PastRow]:
    rows = []
    for payment in payments:
        for number, attempt in enumerate(payment, start=1):
            if attempt.state not in ("approved", "declined"):
                continue
            reading = past.reading(attempt) if attempt.state == "declined" else None
            zone = offset_minutes(
                attempt.utc_offset, attempt.country if len(attempt.country) == 2 else None
            )
            rows.append(
                PastRow(
                    payer_of(payment),
                    attempt.payment,
                    number,
                    attempt.at,
                    class_of(reading) if reading is not None else APPROVED,
                    key_of(reading) if reading is not None else "00",
                    attempt.bin,
                    *zone,
                    attempt.funding == "credit",
                )
            )
    return rows
