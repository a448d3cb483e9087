"""A model from attempts: its shape from some payers, as many as there are until enough are; the counts from all."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

import msgspec
import numpy as np

from recoup.features.engine.bins import RESTS
from recoup.features.engine.learn.attempts import Attempts, Column, chosen
from recoup.features.engine.learn.coefficients import Coefficients, named
from recoup.features.engine.learn.features import features_of
from recoup.features.engine.learn.fit import fit
from recoup.features.engine.learn.regress import PAYER_MAX, TRIES_LEAST, regressed
from recoup.features.engine.model import FORMAT, Learned, Model, Regression, checked
from recoup.rules.rescue.answer_classes import APPROVED

SHAPE_MAX: Final = 60_000  # attempts that the coefficients are fitted to
REGRESSED_MAX: Final = 150_000  # the same, of the regression
ISSUERS_MAX: Final = 5_000
KEYS_MAX: Final = 500
RESTS_HOURS: Final = (0.0, 1.0, 3.0, 6.0, 12.0, 20.0)
SOON_LEAST: Final = 50  # tries of which a share says something
NEARLY: Final = 0.8


def train(data: Attempts, made_from: str, issuers: Column | None = None) -> Model:
    """The same attempts give the same model. `made_from` says where they came from; `issuers`: a mask of those that may
    have a line of their own."""
    lines = _lines(data) if issuers is None else issuers & _lines(data)
    plain = _by_causes(data, made_from, lines)
    found = _regression(data, lines, plain["holds_by_code"])
    if found is not None:
        plain["regression"] = msgspec.to_builtins(found[0])
        plain["rest_again"] = max(plain["rest"], found[1])
    return checked(msgspec.convert(_rounded(plain), Learned))


def _by_causes(data: Attempts, made_from: str, lines: Column) -> dict[str, Any]:
    c = fit(features_of(_some(data, SHAPE_MAX), ~lines))
    known = np.argsort(-np.bincount(data.key, minlength=len(data.keys)), kind="stable")[:KEYS_MAX]
    return named(c) | {
        "format": FORMAT,
        "made_from": made_from,
        "data_from": _day(data, np.min),
        "data_until": _day(data, np.max),
        "attempts": len(data),
        "payers": data.payers,
        "issuers": _issuers(data, c, lines),
        "holds_by_code": {data.keys[n]: c.holds_by_code[n].tolist() for n in known.tolist()},
        "rest": rest_of(data),
    }


def rest_of(data: Attempts) -> float:
    """Hours after a failure from which on tries have been seen to do nearly as well as later ones. No history tries so
    soon at random: of what nobody tried a model knows nothing, and would pick just that."""
    rows = np.lexsort((data.tries, data.at, data.order))
    order, at, answer = data.order[rows], data.at[rows], data.answer[rows]
    again = np.r_[False, order[1:] == order[:-1]] & np.isin(np.r_[APPROVED, answer[:-1]], RESTS)
    gap, won = (at - np.r_[0.0, at[:-1]])[again], answer[again] == APPROVED
    late = won[gap >= RESTS_HOURS[-1]]
    for begins, ends in pairwise(RESTS_HOURS):
        soon = won[(gap >= begins) & (gap < ends)]
        if min(len(soon), len(late)) >= SOON_LEAST and soon.mean() >= NEARLY * late.mean():
            return begins
    return RESTS_HOURS[-1]


def _regression(data: Attempts, lines: Column, known: Collection[str]) -> tuple[Regression, float] | None:
    """None where tries are too few."""
    people = np.bincount(data.payer) <= PAYER_MAX
    some = data if people.all() else chosen(data, people[data.payer])
    if np.count_nonzero(some.tries) < TRIES_LEAST:
        return None
    return regressed(_some(some, REGRESSED_MAX), lines, known)


def _some(data: Attempts, most: int) -> Attempts:
    taken = _spread(data, most)
    return data if taken.all() else chosen(data, taken[data.payer])


def _spread(data: Attempts, most: int) -> Column:
    """A mask of payers, spread evenly, whose attempts are about `most`."""
    step = max(1.0, len(data) / most)
    taken = np.zeros(data.payers, bool)
    taken[(np.arange(int(data.payers / step)) * step).astype(int)] = True
    return taken


def _lines(data: Attempts) -> Column:
    """Where there are too many issuers, the ones with the most attempts: each line is a thousand bytes."""
    counts = np.bincount(data.issuer, minlength=len(data.issuers))
    lines = np.zeros(len(counts), bool)
    lines[np.argsort(-counts, kind="stable")[:ISSUERS_MAX]] = True
    return lines


def _issuers(data: Attempts, c: Coefficients, lines: Column) -> dict[str, Any]:
    counts = np.bincount(data.issuer, minlength=len(data.issuers))
    return {
        issuer: {
            "attempts": int(counts[n]),
            "refusal": float(c.issuer_refusal[n]),
            "hours": c.issuer_hours[n].tolist(),
            "weekdays": c.issuer_weekdays[n].tolist(),
            "generic": float(c.generic[n]),
            "holds": c.issuer_holds[n].tolist(),
        }
        for n, issuer in enumerate(data.issuers)
        if lines[n]
    }


def _day(data: Attempts, of: Any) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=float(of(data.at)))).date().isoformat()


def _rounded(value: Any) -> Any:
    """Six digits: more is noise, and what is printed is what is computed with."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, list | tuple) else value
