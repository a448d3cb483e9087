"""A policy as a TOML file, as people keep it beside their code: written, read, and where a line of
it stands. Pure."""

import json
import re
import tomllib
from typing import Any, Final

from recoup.kernel.problem import Sentence, invalid
from recoup.policies.rules.terms import PolicyTerms

BYTES_MAX: Final = 64 * 1024
_WORDS: Final = {
    "off": "true: nothing is tried",
    "tries.all": "of one order",
    "when.hours": "the cardholder’s local time",
    "when.gap": "between two attempts of an order at least",
    "when.last": "days after the decline: the last one before the next cycle",
    "amounts.min": "in minor units",
    "amounts.max": "in minor units",
    "codes.never": "declines after which nothing is tried",
    "budget.sends": "in a calendar month",
    "cost.send": "minor units",
    "cost.harm": "percent of the amount, of each attempt",
    "link": "a link to pay by mail: off, last (once no attempt is planned), beside (alongside the "
    "attempts)",
    "engine.arm": "the most that the engine does: off, shadow (it watches), share (it decides for "
    "its share)",
    "engine.share": "percent of customers for whom it decides, at most",
    "engine.explore": "percent of its decisions that are drawn, at most",
}


def written(terms: PolicyTerms, title: str = "") -> str:
    lines, table = [f"# {title}"] if title else [], ""
    for key, value in terms.lines().items():
        head, _, name = key.rpartition(".")
        if head != table:
            lines += ["", f"[{head}]"]
            table = head
        words = _WORDS.get(key)
        lines.append(f"{name} = {_value(value)}" + (f"  # {words}" if words else ""))
    return "\n".join(lines) + "\n"


def parsed(text: str) -> dict[str, Any]:
    """Raises: Problem(invalid) for what is no TOML."""
    if len(text.encode()) > BYTES_MAX:
        raise invalid(Sentence("The file is larger than {0} bytes.", BYTES_MAX), "policy")
    try:
        return tomllib.loads(text)
    except RecursionError:
        message = Sentence("The file is no TOML: {0}.", "nested too deeply")
        raise invalid(message, "policy", "See docs/engine.md.") from None
    except ValueError as error:  # also a number of thousands of digits
        message = Sentence("The file is no TOML: {0}.", str(error)[:120])
        raise invalid(message, "policy", "See docs/engine.md.") from None


def line_number(text: str, key: str) -> int | None:
    """The number of the line where `tries.soft` stands, from 1; None where it is written
    otherwise."""
    head, _, name = key.rpartition(".")
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if head_of := re.match(r"\s*\[\s*([\w.\-]+)\s*\]", line):
            table = head_of[1]
            if table == key:
                return number
        named = re.match(r"\s*([\w.\-]+)\s*=", line)
        if named and ((table, named[1]) == (head, name) or table == "" and named[1] == key):
            return number
    return None


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {number}" for name, number in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)
