"""Cells that name things, as they may be kept: ids, labels, parts of a card. No card number gets
through."""

import re
from collections.abc import Iterable
from typing import Final

from recoup.kernel.cached import cached
from recoup.kit.files.table import plain
from recoup.networks.card import luhn, luhn_digit, scheme_of
from recoup.networks.card_text import (
    CHARS_MAX,
    Room,
    TooManyDigits,
    is_like_card,
    may_hold_number,
    numbers_in,
)

_LARGE: Final = re.compile(r"([1-9])[.,]([0-9]{11,18})[eE]\+?(1[2-8])")
# An id that is a card's number in groups, which texts of other kinds are not asked for: times and
# lists are like it.
_GROUPED: Final = re.compile(r"[0-9]{4}(?:[:;,|~]?[0-9]){9,15}")
_ONE_RUN: Final = re.compile(r"[A-Za-z_]*([0-9]{13,40})")
_MOMENT: Final = re.compile(
    r"(?:(?:19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]"
    r"|[0-3]?[0-9][/.\-][0-3]?[0-9][/.\-](?:19|20)[0-9]{2})"
    r"[ T][0-2]?[0-9]:[0-5][0-9](?::[0-5][0-9])?(?:\.[0-9]{1,6})?(?: ?(?:Z"
    r"|[A-Za-z]{2,5}|[+-][0-9]{2}:?[0-9]{2}))?"
)
_MASKED: Final = re.compile(r"([0-9]{1,8})?[ *xX.•·…\-]{2,15}([0-9]{2,4})")
# A method that is named after a card network is a card, however its provider goes on: `mc`,
# `visa_applepay`.
_NETWORKS: Final = re.compile(
    r"(?:visa|v_?pay|mastercard|mc|americanexpress|amex|discover"
    r"|dinersclub|diners|jcb|maestro(?:uk)?|solo|unionpay|cup"
    r"|elo|hipercard|hiper|cartesbancaires|cartebancaire|bcmc"
    r"|dankort|electron|rupay|mir|troy|mada|verve|interac)+"
    r"(?:credit|debit|prepaid|commercial|corporate|business"
    r"|consumer|super|premium|platinum|gold|classic|standard"
    r"|signature|infinite|world|elite|cards?|applepay|googlepay"
    r"|paywithgoogle|androidpay|samsungpay|clicktopay)*"
)
_CARDS: Final = frozenset(
    {"card", "cards", "creditcard", "debitcard", "prepaidcard", "creditordebitcard", "cc"}
)
_SCHEMES: Final = {
    "visa": "visa", "mc": "mastercard", "master": "mastercard", "mastercard": "mastercard",
    "maestro": "mastercard", "amex": "amex", "americanexpress": "amex", "discover": "discover",
    "diners": "discover", "dinersclub": "discover", "jcb": "discover", "elo": "elo",
}  # fmt: skip
# Ranges of simulated worlds: no card of anybody's. Source: world protocol.
_WORLD: Final = re.compile(r"(?:400088|555588)[0-9]{10}|370088[0-9]{9}")


def with_card(cells: Iterable[str]) -> str:
    """The first of them in which a card number stands, or more long numbers than can be looked
    through."""
    long = [text for text in cells if len(text) > 12]
    if not long or not may_hold_number("x".join(long)):  # most rows are done with one look
        return ""
    room, text = Room(CHARS_MAX), ""
    try:
        for text in long:
            if _holds_card(text, room):
                return text
    except TooManyDigits:
        return text
    return ""


def _holds_card(text: str, room: Room) -> bool:
    if (run := _ONE_RUN.fullmatch(text)) is not None:
        return is_like_card(run[1])
    if (large := _LARGE.fullmatch(text)) is not None and len(large[2]) >= int(large[3]) - 1:
        known = f"{large[1]}{large[2]}"[
            : int(large[3])
        ]  # all but the check digit, which follows from them
        return is_like_card(known + luhn_digit(known))
    return (
        may_hold_number(text)
        and not _MOMENT.fullmatch(text)
        and any(True for _ in numbers_in(text, room))
    )


def is_grouped_card(text: str) -> bool:
    """True when an id, without the marks between its digits, is a card number."""
    return (
        len(text) < 40
        and _GROUPED.fullmatch(text) is not None
        and is_like_card(re.sub(r"\D", "", text))
    )


@cached(4_096)
def card_parts(first: str, last: str, number: str, *, world: bool) -> tuple[str, str]:
    """(first six or eight digits, last four), empty where they are not told. `number`: masked, or
    of a `world`."""
    first, last = (
        re.sub(r"\D", "", first.removesuffix(".0")),
        re.sub(r"\D", "", last.removesuffix(".0")),
    )
    if world and is_world_number(number):
        return number[:8] if len(number) == 16 else number[:6], number[-4:]
    if (masked := _MASKED.fullmatch(number.strip())) is not None:
        first, last = first or masked[1] or "", last or masked[2]
    return first[:8] if 6 <= len(first) <= 8 else "", last.zfill(4) if 1 <= len(last) <= 4 else ""


def is_world_number(number: str) -> bool:
    return _WORLD.fullmatch(number) is not None and luhn(number)


@cached(4_096)
def scheme_named(brand: str, bin_: str) -> str:
    """visa, mastercard, amex, discover or elo; empty where nothing says so."""
    word = re.sub("[^a-z]+", "", brand.lower())
    scheme = _SCHEMES.get(word) or next(
        (scheme for name, scheme in _SCHEMES.items() if len(name) > 3 and name in word), ""
    )
    if scheme or not bin_:
        return scheme
    scheme = scheme_of(bin_)
    return "" if scheme == "generic" else scheme


@cached(4_096)
def is_card(method: str, cards: frozenset[str]) -> bool:
    """True when a way to pay is a card, or a wallet of cards; where none is named, it is. `cards`:
    as its source names them."""
    word = plain(method)
    return not word or word in _CARDS or word in cards or _NETWORKS.fullmatch(word) is not None


@cached(4_096)
def method_shown(method: str) -> str:
    """A way to pay as it may be shown: anybody may have written it."""
    word = re.sub(r"[^a-z0-9]+", "_", method.strip().lower())[:40].strip("_")
    return "other" if not word or re.search(r"[0-9]{5}", word) else word


@cached(4_096)
def funding_named(text: str, debit: str) -> str:
    word = text.strip().lower()
    funding = next((funding for funding in ("prepaid", "credit", "debit") if funding in word), "")
    return funding or ("debit" if debit.strip().lower() in ("yes", "true", "1", "y") else "")


@cached(4_096)
def country_named(text: str) -> str:
    """Two letters; other names are not kept."""
    word = text.strip().upper()
    return word if len(word) == 2 and word.isascii() and word.isalpha() else ""
