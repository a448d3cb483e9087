"""Attempts of the past as columns, payer by payer and in order of time: what training reads."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import numpy as np

from recoup.engine.bins import TRIES

Column = np.ndarray[Any, Any]
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Past(NamedTuple):
    """An attempt of the past. `number` 1 is the payment itself; `answer` is a class of
    `rescue.rules.answer_classes`, `key` its code with its advice; `offset_minutes` as the engine
    will be asked with."""

    payer: str
    order: str
    number: int
    at: datetime
    answer: int
    key: str
    issuer: str
    offset_minutes: int
    zone_known: bool
    credit: bool = False


@dataclass(frozen=True, slots=True)
class Attempts:
    """Columns of one length, by payer and time; a payer's attempts stay together. `at`: hours since
    1970; `tries`: how many of the order came before; `offset`: hours; `owner`: of the payer's
    merchant. Payers and orders are numbered from 0."""

    payer: Column
    order: Column
    at: Column
    tries: Column
    answer: Column
    key: Column
    issuer: Column
    offset: Column
    zone: Column
    credit: Column
    owner: Column
    keys: tuple[str, ...]
    issuers: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.payer)

    @property
    def payers(self) -> int:
        return int(self.payer[-1]) + 1 if len(self) else 0


def attempts_of(rows: Iterable[Past]) -> Attempts:
    """Sorted by payer and time; all of one owner."""
    past = sorted(rows, key=lambda row: (row.payer, row.at, row.order, row.number))
    payers, orders, keys, issuers = (
        dict[str, int](),
        dict[str, int](),
        dict[str, int](),
        dict[str, int](),
    )
    return Attempts(
        np.array([payers.setdefault(row.payer, len(payers)) for row in past], np.int64),
        np.array([orders.setdefault(row.order, len(orders)) for row in past], np.int64),
        np.array([(row.at - _EPOCH).total_seconds() for row in past]) / 3600.0,
        np.minimum(np.array([row.number - 1 for row in past], np.int64), TRIES - 1),
        np.array([row.answer for row in past], np.int64),
        np.array([keys.setdefault(row.key, len(keys)) for row in past], np.int64),
        np.array([issuers.setdefault(row.issuer, len(issuers)) for row in past], np.int64),
        np.array([row.offset_minutes for row in past]) / 60.0,
        np.array([row.zone_known for row in past], np.int64),
        np.array([row.credit for row in past], np.int64),
        np.zeros(len(past), np.int64),
        tuple(keys),
        tuple(issuers),
    )


def chosen(attempts: Attempts, rows: Column) -> Attempts:
    """Picks those rows alone (a mask); payers and orders are numbered anew."""
    columns = {name: getattr(attempts, name) for name in Attempts.__slots__}
    kept = {
        name: column[rows] for name, column in columns.items() if isinstance(column, np.ndarray)
    }
    for name in ("payer", "order"):
        kept[name] = np.unique(kept[name], return_inverse=True)[1]
    return Attempts(**kept, keys=attempts.keys, issuers=attempts.issuers)
