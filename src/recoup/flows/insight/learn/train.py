"""A model from attempts: the shape of money and refusals from some payers, what issuers are like from all attempts."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import numpy as np

from recoup.flows.insight.learn.attempts import Attempts, chosen
from recoup.flows.insight.learn.fit import Coefficients, fit, named
from recoup.rules.rescue.engine.model import FORMAT, Learned, Model, checked

SHAPE_MAX: Final = 60_000  # attempts that the coefficients are fitted to


def train(data: Attempts, made_from: str) -> Model:
    """The same attempts give the same model. `made_from` says where they came from."""
    c = fit(_some(data))
    plain: dict[str, Any] = named(c) | {
        "format": FORMAT, "made_from": made_from, "data_from": _day(data, np.min), "data_until": _day(data, np.max),
        "attempts": len(data), "payers": int(data.payer.max()) + 1, "issuers": _issuers(data, c),
        "holds_by_code": {key: c.holds_by_code[n].tolist() for n, key in enumerate(data.keys)},
    }  # fmt: skip
    return checked(msgspec.convert(_rounded(plain), Learned))


def _some(data: Attempts) -> Attempts:
    """Whole payers, spread evenly, until `SHAPE_MAX` is reached; the latest attempts tell most."""
    if len(data) <= SHAPE_MAX:
        return data
    payers = int(data.payer.max()) + 1
    step = len(data) / SHAPE_MAX
    taken = np.zeros(payers, bool)
    taken[(np.arange(int(payers / step)) * step).astype(int)] = True
    return chosen(data, taken[data.payer])


def _issuers(data: Attempts, c: Coefficients) -> dict[str, Any]:
    counts = np.bincount(data.issuer, minlength=len(data.issuers))
    return {
        issuer: {
            "attempts": int(counts[n]), "refusal": float(c.issuer_refusal[n]), "hours": c.issuer_hours[n].tolist(),
            "weekdays": c.issuer_weekdays[n].tolist(), "generic": float(c.generic[n]),
            "holds": c.issuer_holds[n].tolist(),
        }
        for n, issuer in enumerate(data.issuers)
    }  # fmt: skip


def _day(data: Attempts, of: Any) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=float(of(data.at)))).date().isoformat()


def _rounded(value: Any) -> Any:
    """Six digits: more is noise, and what is printed is what is computed with."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, list | tuple) else value
