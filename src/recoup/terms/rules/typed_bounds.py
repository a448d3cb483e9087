"""Most that the engine may explore, in each currency, as a person types it: `500 USD; 450 EUR`.
Pure."""

import re
from collections.abc import Mapping
from typing import Final

from recoup.kernel.money import EXPONENTS, shown
from recoup.kernel.problem import invalid
from recoup.kit import typed_amounts
from recoup.terms.rules.arm_terms import CURRENCIES_MAX

_BOUND: Final = re.compile(r"(\S+)\s+([A-Za-z0-9]{2,8})")
_BOUND_CHARS_MAX: Final = 60


def bounds_of(typed: str) -> dict[str, int]:
    """Units by currency; nothing written is no bound. Raises: Problem(invalid)."""
    parts = [part.strip() for part in typed.split(";") if part.strip()]
    bounds: dict[str, int] = {}
    for part in parts[: CURRENCIES_MAX + 1]:
        match = _BOUND.fullmatch(part[:_BOUND_CHARS_MAX])
        if match is None or match[2].upper() not in EXPONENTS:
            raise invalid(
                "Exploration up to: enter amounts with their currencies.",
                "explore_max",
                "Write it like 500 USD; 450 EUR, or leave it empty.",
            )
        bounds[match[2].upper()] = typed_amounts.units(match[1], match[2].upper(), "explore_max")
    return bounds


def text_of(bounds: Mapping[str, int] | None) -> str:
    return "; ".join(
        f"{shown(units, asset)} {asset}" for asset, units in sorted((bounds or {}).items())
    )
