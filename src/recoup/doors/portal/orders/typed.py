"""Filters typed into the search box, `status:paid amount:>50 site:"Shop one"`, beside the words to look for."""

import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol

from recoup.kernel.ids import parse_tail

_TOKEN: Final = re.compile(r'(?<!\S)([A-Za-z][A-Za-z0-9_-]{1,19}):("[^"]*"|\S+)')
# as typed -> the address's parameter
NAMES: Final[dict[str, str]] = {
    "status": "status", "state": "status", "type": "type", "site": "site", "campaign": "campaign", "id": "id",
    "order": "id", "external": "external", "reference": "external", "ref": "external", "placed": "placed",
    "created": "created", "amount": "amount", "currency": "currency", "descriptor": "descriptor",
    "last4": "last4", "card": "last4",
    "channel": "channel", "attempts": "attempts", "expires": "expires", "attention": "attention",
    "refund": "refunded", "refunded": "refunded", "zone": "zone", "sort": "sort", "reason": "reason", "code": "code",
    "decline": "code", "brand": "brand", "scheme": "brand", "issuer": "issuer", "bin": "issuer",
}  # fmt: skip
UNCLEAR_MAX: Final = 5  # are looked into
_REFERENCES: Final = ("reference", "ref")
_IS: Final = {"attention": "attention", "refunded": "refunded"}


class Split(NamedTuple):
    """`text`: the words that are left. `values`: by parameter. `unclear`: filters that could not be read; `better`: as
    they were typed, with what may be meant."""

    text: str
    values: dict[str, list[Any]]
    unclear: list[str]
    better: list[tuple[str, str]]


class Near(Protocol):
    """The filter closest to an unknown name, and the values closest to an unreadable one."""

    def name(self, typed: str) -> str | None: ...
    def values(self, parameter: str, typed: str) -> list[str]: ...


def split_typed(typed: str, read: Callable[[str, str], Any], near: Near) -> Split:
    """`read` answers None for a value that it cannot read. A colon after another word is text, unless it is a slip in
    the name of a filter that takes this value."""
    values: dict[str, list[Any]] = {}
    unclear: list[str] = []
    better: list[tuple[str, str]] = []

    def take(found: re.Match[str]) -> str:
        name, value = found[1].lower(), found[2].strip('"')
        if name in ("is", "has") and value.lower() in (*_IS, "refund"):
            name, value = _IS.get(value.lower(), "refunded"), "1"
        if name not in NAMES or not value:
            meant = near.name(name) if value else None
            if meant is None or read(NAMES[meant], value) is None:
                return found[0]
            unclear.append(found[0])
            better.append((found[0], f"{meant}:{found[2]}"))
            return ""
        if name in _REFERENCES and parse_tail(value) is not None:
            return value  # a reference number of ours, which the search finds as it does any id
        got = read(NAMES[name], value)
        if got is None:
            unclear.append(found[0])
            better.extend(
                (found[0], f'{found[1]}:"{one}"' if " " in one else f"{found[1]}:{one}")
                for one in (near.values(NAMES[name], value) if len(better) < UNCLEAR_MAX else ())
            )
        else:
            values.setdefault(NAMES[name], []).append(got)
        return ""

    text = " ".join(_TOKEN.sub(take, typed).split())
    return Split(text, values, unclear, better)
