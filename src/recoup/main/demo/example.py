"""An examples file: its lines, and what stands in the places that only the moment of sending can
fill.

`{"$time": "-90s"}`, `{"$hour": "21d"}` and `{"$year": 2}` are dates counted from that moment;
`{"$token": CARD}`, `{"$bin": CARD}` and `{"$last4": CARD}` are of a test card's token. CARD names a
row of the sandbox's magic inputs.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem
from recoup.kernel.time import iso
from recoup.networks import magic
from recoup.networks.allow_list import APPROVE_CARDS
from recoup.networks.magic_methods import id_of

_UNITS: Final = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_NOT_OF_METHODS: Final = ("cardNumber", "token", "verificationValue")
_HOUR: Final = timedelta(hours=1)
VERBS: Final = ("transmit", "evaluate", "refund", "cancel", "charge", "pay", "fail")


@frozen
class Line:
    """A line of the example. `at`: from the file's beginning. `number`: its place in the file, from
    2."""

    number: int
    at: timedelta
    do: str
    order: str
    body: dict[str, Any]


@frozen
class Vaulted:
    """A test card after /tokenize."""

    token: str
    bin: str
    last4: str


def read_example(file: Path) -> list[Line]:
    """Lines in the order of the file. Raises: Problem(invalid) naming the line."""
    lines = []
    with file.open(encoding="utf-8") as opened:
        for number, text in enumerate(opened, 1):
            try:
                raw = json.loads(text)
                if number == 1 and raw["do"] == "about" and raw["format"] == 1:
                    continue
                line = Line(number, parse_span(raw["at"]), raw["do"], raw["order"], raw["body"])
            except (ValueError, KeyError, TypeError):
                line = None
            if line is None or line.do not in VERBS:
                raise Problem(
                    "invalid",
                    f"{file.name}:{number} is not a line of an examples file.",
                    cure="examples/README.md tells the format.",
                )
            lines.append(line)
    return lines


def later(lines: Iterable[Line], by: timedelta) -> list[Line]:
    """The same, begun so much later."""
    return [replace(line, at=line.at + by) for line in lines]


def parse_span(text: str) -> timedelta:
    """`3d6h20m`, `-90s`. Raises: ValueError."""
    sign, plain = (-1, text[1:]) if text.startswith("-") else (1, text)
    parts = re.findall(r"(\d{1,6})([dhms])", plain)
    if not parts or "".join(n + u for n, u in parts) != plain:
        raise ValueError(text)
    return sign * sum((timedelta(**{_UNITS[unit]: int(n)}) for n, unit in parts), timedelta(0))


def card_number(card: Mapping[str, Any]) -> str:
    """The number of a test card. Raises: Problem(invalid) for one that the sandbox does not
    have."""
    try:
        ((kind, value),) = card.items()
        if kind == "script":
            return magic.script_card(*value)
        if kind == "payer":
            return magic.payer_card(*value)
        several: Any = {
            "codes": magic.CODE_CARDS,
            "faults": magic.FAULT_CARDS,
            "counting": magic.COUNTING_CARDS,
            "approve": APPROVE_CARDS,
        }[kind]
        number: str = several[value]
    except (ValueError, KeyError, TypeError, IndexError):
        raise Problem(
            "invalid",
            f"{json.dumps(card)} is not a test card.",
            cure="`recoup sandbox inputs` lists them.",
        ) from None
    return number


def card_key(card: Mapping[str, Any]) -> str:
    return json.dumps(card, sort_keys=True)


def cards_in(value: Any) -> Iterator[dict[str, Any]]:
    """Every CARD that a body asks for."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in ("$token", "$bin", "$last4"):
                yield inner
            else:
                yield from cards_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from cards_in(inner)


def by_methods(value: Any) -> Any:
    """The body with stored methods of the sandbox in place of tokens. Raises: Problem(invalid) for
    a card without."""
    if isinstance(value, list):
        return [by_methods(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and (name := next(iter(value))) in ("$bin", "$last4"):
        number = card_number(value[name])
        return number[:6] if name == "$bin" else number[-4:]
    token = value.get("cardNumber")
    if isinstance(token, dict) and "$token" in token:
        number = card_number(token["$token"])
        rest = {
            name: by_methods(inner) for name, inner in value.items() if name not in _NOT_OF_METHODS
        }
        return rest | {"processor": "sandbox", "id": id_of(number)}
    return {name: by_methods(inner) for name, inner in value.items()}


def fill(value: Any, moment: datetime, vaulted: Mapping[str, Vaulted]) -> Any:
    """The body with every place filled, as of `moment`."""
    if isinstance(value, list):
        return [fill(inner, moment, vaulted) for inner in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((name, argument),) = value.items()
        match name:
            case "$time":
                return iso(moment + parse_span(argument))
            case "$hour":
                return iso(_full_hour(moment + parse_span(argument)))
            case "$year":
                return moment.year + argument
            case "$token":
                return vaulted[card_key(argument)].token
            case "$bin":
                return vaulted[card_key(argument)].bin
            case "$last4":
                return vaulted[card_key(argument)].last4
    return {name: fill(inner, moment, vaulted) for name, inner in value.items()}


def _full_hour(moment: datetime) -> datetime:
    """Full hour at or after the moment."""
    floor = moment.replace(minute=0, second=0, microsecond=0)
    return floor if floor == moment else floor + _HOUR
