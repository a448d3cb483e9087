"""Options of a verb that shows terms and changes them, made of the terms' fields."""

from collections.abc import Callable, Mapping
from functools import update_wrapper
from typing import Any

import click

from recoup.kernel.money import EXPONENTS, from_text, to_text
from recoup.kernel.problem import invalid
from recoup.kit.terms import Amounts, Choice, Field, Whole, fields_of


def term_options(kind: type) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Passes `typed` on: what was typed, by field (`read`)."""
    fields = fields_of(kind)

    def declare(command: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            given = {name: options.pop(name) for name in fields}
            typed = {name: text for name, text in given.items() if text not in (None, ())}
            return command(*args, typed=typed, **options)

        verb = update_wrapper(call, command)
        for name, field in reversed(list(fields.items())):
            option = f"--{field.option or name.replace('_', '-')}"
            many = isinstance(field, Amounts)
            verb = click.option(option, name, type=_kind(field), multiple=many, help=field.help)(
                verb
            )
        return verb

    return declare


def _kind(field: Field) -> Any:
    if isinstance(field, Choice):
        return click.Choice(field.values)
    return int if isinstance(field, Whole) else None


def read(kind: type, typed: Mapping[str, Any]) -> dict[str, Any]:
    """A change of the terms, as it was typed. Raises: Problem(invalid)."""
    fields = fields_of(kind)
    return {name: _read(fields[name], text) for name, text in typed.items()}


def _read(field: Field, typed: Any) -> Any:
    return dict(map(_amount, typed)) if isinstance(field, Amounts) else typed


def _amount(text: str) -> tuple[str, int]:
    asset, _, amount = text.partition("=")
    if asset.upper() not in EXPONENTS:
        raise invalid(f"{text!r} has no currency.", None, "Write it like USD=25.00.")
    return asset.upper(), from_text(amount, asset.upper(), asset).units


def shown(terms: Any) -> dict[str, Any]:
    """Terms as the command shows them: amounts are text."""
    fields = fields_of(type(terms))
    return {name: _shown(field, getattr(terms, name)) for name, field in fields.items()}


def _shown(field: Field, value: Any) -> Any:
    if isinstance(field, Amounts):
        return {asset: to_text(units, EXPONENTS[asset]) for asset, units in value.items()}
    return value
