"""A policy as the fields of a form: texts by line, read by the one reader. Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final

from recoup.kernel.money import EXPONENTS, shown
from recoup.kernel.problem import Problem
from recoup.kit import typed_amounts
from recoup.policies.rules.diff import value_text
from recoup.policies.rules.terms import ATTRIBUTES, PolicyTerms

_AMOUNT: Final = re.compile(r"(\S+)\s+([A-Za-z]{3})")
_LISTS: Final = frozenset({"when.hours", "when.days", "codes.never", "routes.only"})
_AMOUNTS: Final = frozenset({"amounts.min", "amounts.max"})
_WHOLE: Final = re.compile(r"-?[0-9]{1,12}")


def texts_of(terms: PolicyTerms) -> dict[str, str]:
    """The texts of every line; empty where it is not set."""
    lines = terms.lines()
    return {line: _text(line, lines[line]) if line in lines else "" for line in ATTRIBUTES}


def plain_of(texts: Mapping[str, str]) -> dict[str, Any]:
    """The plain lines for `read_policy`, by their keys; what is empty is not set, what is not
    understood is left to its complaint."""
    return {
        line: _value(line, text.strip())
        for line, text in texts.items()
        if line in ATTRIBUTES and text.strip()
    }


def _text(line: str, value: Any) -> str:
    if line in _AMOUNTS:
        return "; ".join(
            f"{shown(units, asset)} {asset}" if asset in EXPONENTS else asset
            for asset, units in value.items()
        )
    return value_text(value)


def _value(line: str, text: str) -> Any:
    if line == "off":
        return text == "true"
    if line in _LISTS:
        return [part.strip() for part in text.split(",") if part.strip()]
    if line in _AMOUNTS:
        return _amounts(text)
    if line == "cost.harm":
        number = text.removesuffix("%").strip().replace(",", ".")
        return float(number) if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,2})?", number) else text
    if line in ("when.hours", "when.gap", "link", "engine.arm"):
        return text
    return int(text) if _WHOLE.fullmatch(text) else text


def _amounts(text: str) -> Any:
    """`500 USD; 90.50 EUR` as units by currency; the text where that is none."""
    amounts = {}
    for part in text.split(";"):
        match = _AMOUNT.fullmatch(part.strip())
        if match is None or match[2].upper() not in EXPONENTS:
            return text
        try:
            amounts[match[2].upper()] = typed_amounts.units(match[1], match[2].upper(), "policy")
        except Problem:
            return text
    return amounts
