"""Braintree's published GraphQL, and how a request differs from it.

`published.json` holds fields, types and choices of the vendor's `schema.graphql`;
`scripts/make_braintree_facts.py` writes it. Below stand the rules that no type says, of
developer.paypal.com/braintree/docs/reference/general/ validation-errors, read on 26 November 2026.
The words of what a schema refuses are ours: the vendor promises none.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

from recoup_lab.processors.braintree.graphql import Selected, Variable, filled, operation_of

Plain = dict[str, Any]
_FACTS: Final[Plain] = json.loads((Path(__file__).parent / "published.json").read_text())
SOURCE, DAY = _FACTS["source"], _FACTS["day"]
OUTPUTS: Final[Mapping[str, Plain]] = _FACTS["outputs"]
KINDS: Final[Mapping[str, list[str]]] = _FACTS["kinds"]
INPUTS: Final[Mapping[str, Plain]] = _FACTS["inputs"]
ENUMS: Final[Mapping[str, list[str]]] = _FACTS["enums"]

AMOUNT: Final = re.compile(r"-?\d{1,18}(?:\.\d{2,3})?", re.ASCII)
DIGITS_MAX: Final = 10  # before the point; the vendor says that there is a limit, not which
ORDER_ID_MAX: Final = 255
DESCRIPTOR: Final = re.compile(
    r"(?=.{5,22}$)(?:[A-Za-z0-9 .+-]{3}|[A-Za-z0-9 .+-]{7}"
    r"|[A-Za-z0-9 .+-]{12})\*[A-Za-z0-9 .+-]{1,18}"
)
_NO_DECIMALS: Final = frozenset(
    {"JPY", "KRW", "CLP", "VND", "ISK", "UGX", "XAF", "XOF", "XPF", "PYG"}
)
_SCALARS: Final[Mapping[str, re.Pattern[str]]] = {
    "Amount": AMOUNT,
    "ECommerceIndicator": re.compile(r"\d{2}", re.ASCII),
    "ThreeDSecureVersion": re.compile(r"\d+(\.\d+)*", re.ASCII),
}


class Fault(NamedTuple):
    """A fault and its place. `code`: the vendor's `legacyCode`; None for what its schema
    refuses."""

    path: str
    message: str
    code: str | None = None


def faults(document: str, variables: Plain) -> list[Fault]:
    """Raises: ValueError for what is no document."""
    operation = operation_of(document)
    wrong = list(
        _wrong_fields(operation.kind.title(), operation.fields, operation.variables, variables, "")
    )
    for name, type in operation.variables.items():
        wrong += _wrong_value(name, variables.get(name), type)
    extra = [
        Fault(name, f"The variable {name} is not declared.")
        for name in variables
        if name not in operation.variables
    ]
    return wrong + extra


def _bare(type: str) -> str:
    return type.strip("[]!")


def _wrong_fields(
    parent: str,
    fields: tuple[Selected, ...],
    declared: Mapping[str, str],
    variables: Plain,
    path: str,
) -> Iterator[Fault]:
    known = OUTPUTS.get(parent, {} if parent in KINDS else None)
    if known is None:  # a type of which nothing is held
        return
    for field in fields:
        here = f"{path}/{field.name}" if path else field.name
        if field.on is not None:
            if field.on != parent and field.on not in KINDS.get(parent, [field.on]):
                yield Fault(
                    here, f"Fragment cannot be spread here: {parent} can never be {field.on}"
                )
            yield from _wrong_fields(field.on, field.fields, declared, variables, path)
        elif field.name == "__typename":
            continue
        elif field.name not in known:
            yield Fault(here, f"Field '{field.name}' in type '{parent}' is undefined")
        else:
            yield from _wrong_field(known[field.name], field, declared, variables, here)


def _wrong_field(
    type: Any, one: Selected, declared: Mapping[str, str], variables: Plain, here: str
) -> Iterator[Fault]:
    arguments, answer = type if isinstance(type, list) else ({}, type)
    for name, value in one.arguments.items():
        if name not in arguments:
            yield Fault(here, f"Unknown field argument {name}")
        elif isinstance(value, Variable):
            given = declared.get(value.name, "")
            if given.rstrip("!") != arguments[name].rstrip("!") or arguments[name].endswith(
                "!"
            ) > given.endswith("!"):
                yield Fault(
                    here,
                    f"Variable type '{given}' does not match expected type '{arguments[name]}'",
                )
        else:
            yield from _wrong_value(name, filled(value, variables), arguments[name])
    missing = [
        name for name, of in arguments.items() if of.endswith("!") and name not in one.arguments
    ]
    yield from (Fault(here, f"Missing field argument {name}") for name in missing)
    inner = _bare(answer)
    if (inner in OUTPUTS or inner in KINDS) and not one.fields:
        yield Fault(here, f"Sub selection required for type {inner} of field {one.name}")
    yield from _wrong_fields(inner, one.fields, declared, variables, here)


def _wrong_value(path: str, value: Any, type: str) -> Iterator[Fault]:
    bare = _bare(type)
    if value is None:
        if type.endswith("!"):
            yield Fault(
                path, f"Variable '{path}' has an invalid value: null for the non-null type '{type}'"
            )
    elif type.startswith("["):
        for one in value if isinstance(value, list) else [value]:
            yield from _wrong_value(path, one, type.rstrip("!")[1:-1])
    elif bare in INPUTS:
        yield from _wrong_input(path, value, bare)
    elif not _fits(value, bare):
        yield Fault(
            path, f"Variable '{path}' has an invalid value: {json.dumps(value)[:60]} is no {bare}"
        )


def _wrong_input(path: str, value: Any, name: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield Fault(path, f"Variable '{path}' has an invalid value: no object of type '{name}'")
        return
    for field in value:
        if field not in INPUTS[name]:
            message = (
                "The variables input contains a field name '{0}' that is not defined for "
                "input object type '{1}'"
            )
            yield Fault(f"{path}/{field}", message.format(field, name))
    for field, type in INPUTS[name].items():
        yield from _wrong_value(f"{path}/{field}", value.get(field), type)


def _fits(value: Any, type: str) -> bool:
    if type in ENUMS:
        return isinstance(value, str) and (value in ENUMS[type] or not ENUMS[type])
    if type == "Boolean":
        return isinstance(value, bool)
    if type == "Int":
        return isinstance(value, int) and not isinstance(value, bool)
    if type in ("ID", "Amount") and isinstance(value, int) and not isinstance(value, bool):
        return True
    if type == "Date":
        return isinstance(value, str) and _is_day(value)
    return isinstance(value, str) and (
        type not in _SCALARS or _SCALARS[type].fullmatch(value) is not None
    )


def _is_day(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


def differences(parent: str, fields: tuple[Selected, ...], value: Any) -> list[str]:
    """Selected fields whose answer is not what the schema promises."""
    return list(_different(parent, fields, value))


def _different(parent: str, fields: tuple[Selected, ...], value: Any) -> Iterator[str]:
    for field in fields:
        type = OUTPUTS.get(parent, {}).get(field.name) if field.on is None else None
        if type is None or not isinstance(value, dict):
            continue
        answer, found = type[1] if isinstance(type, list) else type, value.get(field.name)
        is_list = answer.startswith("[")
        if found is None:
            yield from [f"{parent} lacks {field.name}"] if answer.endswith("!") else []
        elif isinstance(found, list) is not is_list:
            yield f"{parent}.{field.name} is no {answer}"
        else:
            for each in found if is_list else [found]:
                yield from _different(_bare(answer), field.fields, each)


def refusals(given: Plain, currency: str) -> Iterator[Fault]:
    """Faults for which the gateway itself refuses a transaction, capture or refund in this
    currency."""
    amount = str(given.get("amount", "1.00"))
    decimals = len(amount.partition(".")[2])
    if amount.startswith("-"):
        yield Fault("amount", "Amount cannot be negative.", "81501")
    elif not float(amount):
        yield Fault("amount", "Amount must be greater than zero.", "81531")
    elif len(amount.partition(".")[0]) > DIGITS_MAX:
        yield Fault("amount", "Amount is too large.", "81528")
    elif (
        decimals
        and currency in _NO_DECIMALS
        or decimals == 3
        and currency not in ("BHD", "JOD", "KWD", "OMR", "TND")
    ):
        yield Fault("amount", "Amount is an invalid format.", "81503")
    if len(given.get("orderId") or "") > ORDER_ID_MAX:
        yield Fault("orderId", "Order ID is too long.", "91501")
    name = (given.get("descriptor") or {}).get("name")
    if name is not None and not DESCRIPTOR.fullmatch(name):
        message = (
            "Descriptor name format is invalid: 3, 7 or 12 signs, an asterisk, and at most "
            "22 in all."
        )
        yield Fault("descriptor/name", message, "92201")
