"""Customers' data as people see it whose role does not need it: one mask for each kind, and one
place that masks rows.

A merchant gives each role one of three kinds of access: `shown`, always in the clear; `reveal`,
masked until they ask to see one order's or customer's, which is logged; `masked`, never. Pure.
Source: decision 0037.
"""

import html
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import quote, quote_plus

from recoup.kernel.frozen import frozen
from recoup.kernel.problem import invalid
from recoup.kit.lists.folding import fold

DOTS: Final = "•••"
SHOWN: Final = "shown"
MASKED: Final = "masked"
PII_ACCESS: Final = (SHOWN, "reveal", MASKED)
USUAL: Final[Mapping[str, str]] = {
    "owner": "shown", "operations": "reveal", "developer": "masked", "analyst": "masked",
}  # fmt: skip
# What a row of a person is made of, and how each kind is masked.
NAMES: Final = frozenset({"first_name", "last_name", "name", "customer"})
ACCOUNTS: Final = frozenset({"external_id", "payer_external_id"})
WORDS_MIN: Final = 3  # shorter words of an address stand in too much else
NAME_MIN: Final = 2
TAIL: Final = 7  # digits by which a telephone number is known, however it is written
_DIGITS: Final = re.compile(r"\D")
_SOME: Final = r"[\s().\-/]{0,3}"  # between digits
# Scripts whose words are not apart (Chinese, Japanese, Korean, Thai, Lao, Burmese, Khmer), or take
# others' letters at their ends (Arabic, Hebrew).
_JOINED: Final = re.compile(
    "[\u0590-\u06ff\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u30ff"
    "\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]"
)
T = TypeVar("T")


def pii_access_of(role: str, chosen: Mapping[str, str]) -> str:
    """Access that `role` has, as the merchant chose, else as usual; a role that nobody knows sees
    nothing."""
    access = chosen.get(role, USUAL.get(role, "masked"))
    return access if access in PII_ACCESS else "masked"


def check_pii_access(role: str, pii_access: str) -> None:
    """Raises: Problem(invalid)."""
    if role not in USUAL or pii_access not in PII_ACCESS:
        raise invalid("There is no such choice.", "sight", "Choose one of those on the page.")


def name(text: str | None) -> str:
    """`Jane Doe` as `J••• D•••`: as many words, not how long they are."""
    return " ".join(word[:1] + DOTS for word in (text or "").split())


def email(text: str | None) -> str:
    return f"{text[:1]}{DOTS}@{DOTS}" if text else ""


def phone(text: str | None) -> str:
    """Its last two digits, when there are enough to hide."""
    digits = [letter for letter in text or "" if letter.isdigit()]
    return (DOTS + "".join(digits[-2:]) if len(digits) >= 6 else DOTS) if text else ""


def ip(text: str | None) -> str:
    return DOTS if text else ""


def account(text: str | None) -> str:
    """The merchant's own id of somebody: it may be their e-mail address."""
    return DOTS + text[-2:] if text and len(text) >= 8 and "@" not in text else DOTS if text else ""


def address(fields: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The country stays: it says nothing of a person."""
    if fields is None:
        return None
    return {
        key: value if "country" in key.lower() else DOTS if value else value
        for key, value in fields.items()
    }


MASKS: Final[Mapping[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(NAMES, name), **dict.fromkeys(ACCOUNTS, account), "email": email,
    "phone": phone, "ip": ip, "billing": address, "shipping": address,
}  # fmt: skip


def person(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of payers or order_payer: ids and dates stay."""
    masked = {key: MASKS[key](value) if key in MASKS else value for key, value in row.items()}
    if row.get("newest"):
        masked["newest"] = person(row["newest"])
    return masked


@frozen
class Redactor:
    """Takes what is known of somebody out of whatever else is shown beside them: bodies, notes,
    facts, metadata."""

    known: re.Pattern[str] | None

    def names(self, text: str) -> bool:
        """True when somebody who is known stands in the text."""
        return self.known is not None and self.known.search(text) is not None

    def value(self, value: T) -> T:
        """The same shape; every text in it without them. Ids, numbers and dates stay."""
        if self.known is None:
            return value
        masked_value: Any = value
        if isinstance(masked_value, str):
            masked_value = self.known.sub(DOTS, masked_value)
        elif isinstance(masked_value, Mapping):
            masked_value = {key: self.value(member) for key, member in masked_value.items()}
        elif isinstance(masked_value, list | tuple):
            masked_value = type(masked_value)(self.value(member) for member in masked_value)
        return masked_value  # type: ignore[no-any-return]


def redactor(rows: Iterable[Mapping[str, Any] | None]) -> Redactor:
    """Redactor of everything that these rows of a person say, longest first, and each part of their
    name; as people write it and as machines do."""
    words: set[str] = set()
    values: set[str] = set()
    for row in rows:
        for key, value in (row or {}).items():
            if key in NAMES and value:
                words.add(str(value))
                values |= set(str(value).split())
            elif key in ACCOUNTS or key in ("email", "phone", "ip"):
                words.add(str(value or ""))
                values |= {str(value)} if key == "phone" and value else set()
            elif key in ("billing", "shipping"):
                words |= {
                    str(word)
                    for part, word in (value or {}).items()
                    if "country" not in part.lower() and word
                }
    words = {word.strip() for word in words | values}
    kept = {
        word for word in words if len(word) >= WORDS_MIN or word in values and len(word) >= NAME_MIN
    }
    patterns = [
        _pattern(text)
        for text in sorted(
            {spelling for word in kept for spelling in _spellings(word)}, key=len, reverse=True
        )
    ]
    patterns += [
        _SOME.join(digits[-TAIL:])
        for word in values
        if len(digits := _DIGITS.sub("", word)) >= TAIL
    ]
    return Redactor(re.compile("|".join(patterns), re.IGNORECASE) if patterns else None)


def _spellings(value: str) -> set[str]:
    """Spellings of a value, also in either form of Unicode, without accents (which drops case: not
    of two letters), and as JSON, addresses and HTML have it."""
    forms = {value, unicodedata.normalize("NFC", value), unicodedata.normalize("NFD", value)}
    if len(value) >= WORDS_MIN:
        forms.add(fold(value) or value)
    return forms | {
        json.dumps(value)[1:-1],
        quote(value, safe=""),
        quote_plus(value),
        html.escape(value),
    }


def _pattern(value: str) -> str:
    """A whole word. Where words are not apart, or grow together, it may stand inside of another; of
    two letters in a script with capitals only the name itself is meant."""
    before, after = (
        "" if _JOINED.match(end) else edge
        for end, edge in ((value[0], r"(?<!\w)"), (value[-1], r"(?!\w)"))
    )
    text = re.escape(value)
    return before + (f"(?-i:{text})" if len(value) < WORDS_MIN else text) + after


def notes(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Masks fields whose values may be anything."""
    return dict.fromkeys(fields, DOTS)


def is_erased(payer: Mapping[str, Any] | None) -> bool:
    """True when nothing is known of an order's customer any more: what to take out of texts is not
    known either."""
    return payer is not None and not any(payer.get(key) for key in MASKS)


def hidden(value: Any) -> Any:
    """A text of which nobody knows who stands in it."""
    return DOTS if isinstance(value, str) and value else value


def hider(payer: Mapping[str, Any] | None, *, clear: bool) -> Callable[[Any], Any]:
    """Makes a function that shows a text of an order without its `payer`; `clear`: with them."""
    return hidden if not clear and is_erased(payer) else redactor([] if clear else [payer]).value
