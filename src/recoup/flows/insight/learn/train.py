"""A model from attempts: its shape from some payers, as many as there are until enough are; the counts from all."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import numpy as np

from recoup.flows.insight.learn.attempts import Attempts, Column, chosen, features_of
from recoup.flows.insight.learn.coefficients import Coefficients, named
from recoup.flows.insight.learn.fit import fit
from recoup.rules.rescue.engine.model import FORMAT, Learned, Model, checked

SHAPE_MAX: Final = 60_000  # attempts that the coefficients are fitted to
ISSUERS_MAX: Final = 5_000
KEYS_MAX: Final = 500


def train(data: Attempts, made_from: str, issuers: Column | None = None) -> Model:
    """The same attempts give the same model. `made_from` says where they came from; `issuers`: a mask of those that may
    have a line of their own."""
    lines = _lines(data) if issuers is None else issuers & _lines(data)
    c = fit(features_of(_some(data), ~lines))
    known = np.argsort(-np.bincount(data.key, minlength=len(data.keys)), kind="stable")[:KEYS_MAX]
    plain: dict[str, Any] = named(c) | {
        "format": FORMAT,
        "made_from": made_from,
        "data_from": _day(data, np.min),
        "data_until": _day(data, np.max),
        "attempts": len(data),
        "payers": data.payers,
        "issuers": _issuers(data, c, lines),
        "holds_by_code": {data.keys[n]: c.holds_by_code[n].tolist() for n in known.tolist()},
    }
    return checked(msgspec.convert(_rounded(plain), Learned))


def _some(data: Attempts) -> Attempts:
    """Whole payers, spread evenly, until `SHAPE_MAX` is reached."""
    if len(data) <= SHAPE_MAX:
        return data
    payers = data.payers
    step = len(data) / SHAPE_MAX
    taken = np.zeros(payers, bool)
    taken[(np.arange(int(payers / step)) * step).astype(int)] = True
    return chosen(data, taken[data.payer])


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
