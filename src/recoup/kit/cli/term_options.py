"""Options of a verb that shows terms and changes them, made of the terms' fields."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import click

from recoup.kernel.money import EXPONENTS, from_text, to_text
from recoup.kernel.problem import invalid
from recoup.kit.terms import Amounts, Choice, Field, Percent, Units, Whole, fields_of

Verb = TypeVar("Verb", bound=Callable[..., Any])
_PERCENT: Final = re.compile(r"([0-9]{1,5})(?:\.([0-9]{1,2})0*)?")


def term_options(kind: type) -> Callable[[Verb], Verb]:
    """Adds an option for each field, by its name; `read` reads them."""

    def declare(verb: Verb) -> Verb:
        for name, field in reversed(list(fields_of(kind).items())):
            option, many = f"--{option_of(name, field)}", isinstance(field, Amounts)
            add = click.option(option, name, type=_kind(field), multiple=many, help=field.help)
            verb = add(verb)
        return verb

    return declare


def option_of(name: str, field: Field) -> str:
    """An option of amounts is given once for each."""
    option = field.option or name.replace("_", "-")
    return option.removesuffix("s") if isinstance(field, Amounts) else option


def _kind(field: Field) -> Any:
    match field:
        case Choice():
            return click.Choice([value.replace("_", "-") for value in field.values])
        case Whole() if not isinstance(field, Percent):
            return int
    return None


def read(kind: type, typed: Mapping[str, Any], asset: str = "") -> dict[str, Any]:
    """The change of the terms that was typed; an option that was not given is left out.

    Raises: Problem(invalid) naming the option.
    """
    return {
        name: _read(field, typed[name], option_of(name, field), asset)
        for name, field in fields_of(kind).items()
        if typed[name] not in (None, ())
    }


def _read(field: Field, typed: Any, option: str, asset: str) -> Any:
    match field:
        case Amounts():
            return dict(map(_amount, typed))
        case Percent():
            return basis_points(typed, option)
        case Units():
            return from_text(typed, asset, option).units
        case Choice():
            return typed.replace("-", "_")
    return typed


def _amount(text: str) -> tuple[str, int]:
    asset, _, amount = text.partition("=")
    if asset.upper() not in EXPONENTS:
        raise invalid(f"{text!r} has no currency.", None, "Write it like USD=25.00.")
    return asset.upper(), from_text(amount, asset.upper(), asset).units


def basis_points(text: str, field: str) -> int:
    """`2.9` is 290. Raises: Problem(invalid) for anything finer than a hundredth of a percent."""
    match = _PERCENT.fullmatch(text)
    if match is None:
        raise invalid(
            f"The field {field} is no percentage with at most 2 decimal places.",
            field,
            "Write it like 2.9 or 0.25; a hundredth of a percent is the least.",
        )
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))


def shown(terms: Any, asset: str = "") -> dict[str, Any]:
    """Terms as the command shows them, by option; amounts are text."""
    return {
        (field.option or name).replace("-", "_"): _shown(field, getattr(terms, name), asset)
        for name, field in fields_of(type(terms)).items()
    }


def _shown(field: Field, value: Any, asset: str) -> Any:
    match field:
        case Amounts():
            return {each: to_text(units, EXPONENTS[each]) for each, units in value.items()}
        case Units():
            return f"{to_text(value, EXPONENTS[asset])} {asset}"
        case Percent():
            return f"{to_text(value, 2)} %"
        case Choice():
            return value.replace("_", "-")
    return value
