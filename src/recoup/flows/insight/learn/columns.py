"""Tries of the past as the regression sees them: bins of its columns, by the functions that score, each try by a model
that has not seen its payer.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from recoup.flows.insight.learn.attempts import Attempts, Column
from recoup.flows.insight.learn.past_facts import ROWS_BEFORE, facts_at
from recoup.kernel.stop import stoppable
from recoup.rules.rescue.engine.belief import ground_of, trail
from recoup.rules.rescue.engine.bins import APPROVED
from recoup.rules.rescue.engine.chances import local_day
from recoup.rules.rescue.engine.columns import (
    before_tries,
    of_day,
    of_hour,
    of_parts,
    of_time,
    staying,
    weekday_of,
)
from recoup.rules.rescue.engine.model import Model
from recoup.rules.rescue.engine.regression import (
    COLUMNS,
    ISSUER,
    ISSUER_HOUR,
    ISSUER_LAST,
    ISSUER_WEEKDAY,
)

ISSUER_PARTS: Final = ((0, ISSUER_LAST), (ISSUER_LAST, ISSUER_HOUR), (ISSUER_HOUR, ISSUER_WEEKDAY),
                       (ISSUER_WEEKDAY, ISSUER))  # fmt: skip


class Tries(NamedTuple):
    """`bins`: tries × columns, in the order of `COLUMNS`; `places`: tries × parts of an issuer's row, a place in that
    row. `order`: numbered from 0; `klass`, `key`: of its first decline."""

    bins: Column
    places: Column
    issuer: Column
    key: Column
    order: Column
    klass: Column
    approved: Column

    def __len__(self) -> int:
        return len(self.order)


def tries_of(data: Attempts, payers: Column, models: Sequence[Model]) -> Tries:
    """Of those payers; the n-th payer's chances are those of the n-th model, counted around."""
    bins, places, rest = list[tuple[int, ...]](), list[tuple[int, ...]](), list[tuple[int, ...]]()
    starts = np.searchsorted(data.payer, payers).tolist()
    ends = np.searchsorted(data.payer, payers, side="right").tolist()
    for payer, start, end in stoppable(zip(payers.tolist(), starts, ends, strict=True), 100):
        for own in _orders(data, start, end):
            for number, (columns, issuers) in enumerate(_of_order(data, start, own, models[payer % len(models)]), 1):
                row = own[number]
                bins.append(columns)
                places.append(issuers)
                first = own[0]
                of_order = data.issuer[row], data.key[first], data.order[row], data.answer[first]
                rest.append((*map(int, of_order), int(data.answer[row] == APPROVED)))
    issuer, key, order, klass, approved = np.array(rest, np.int64).reshape(-1, 5).T
    return Tries(
        np.array(bins, np.int64).reshape(-1, len(COLUMNS)),
        np.array(places, np.int64).reshape(-1, len(ISSUER_PARTS)),
        issuer,
        key,
        np.unique(order, return_inverse=True)[1],
        klass,
        approved,
    )


def _orders(data: Attempts, start: int, end: int) -> Iterator[list[int]]:
    """Rows of each order that was tried again, from its payment on."""
    by_order = defaultdict[int, list[int]](list)
    for row, order in enumerate(data.order[start:end].tolist(), start):
        by_order[order].append(row)
    for own in by_order.values():
        if len(own) > 1 and data.tries[own[0]] == 0:
            yield own


def _of_order(
    data: Attempts, start: int, own: list[int], model: Model
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Of each of its tries, by what was known before it."""
    mine = set(own)
    facts = facts_at(data, own, [row for row in range(max(start, own[-1] - ROWS_BEFORE), own[-1]) if row not in mine])
    ground = ground_of(model, facts, 0)
    for at, situation, parts in before_tries(ground, facts, trail(ground, facts)):
        day = local_day(ground, at)
        columns = (
            *staying(situation),
            *of_day(situation, day),
            *of_hour(situation, int((at + ground.offset) % 24)),
            *of_time(situation, at),
            *of_parts(*parts),
        )
        yield (
            columns,
            (0, ISSUER_LAST + situation.last, ISSUER_HOUR + int(at % 24) // 3, ISSUER_WEEKDAY + weekday_of(day)),
        )
