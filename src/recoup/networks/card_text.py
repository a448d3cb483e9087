"""Card numbers in a text: how they are found, and what only resembles one. Pure; the cost is linear
in the text.

A card number has 13 to 19 digits, begins like a card, and its check digit is right. It may be
grouped, with blanks, dashes, other marks or invisible characters between its groups, and be written
in the digits of any script.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from recoup.kernel.problem import Problem
from recoup.networks.allow_list import APPROVE_CARDS
from recoup.networks.card import luhn, scheme_of

# Lengths that issuers use. Diners Club has 14 digits, the others of its scheme at least 16.
_LENGTHS: Final = {
    "visa": (13, 16, 19), "mastercard": (16,), "amex": (15,), "discover": (16, 19), "elo": (16,),
}  # fmt: skip
_DINERS: Final = re.compile(r"3(?:0[0-5]|095|6|8|9)")
_OTHER_ISSUERS: Final = re.compile(r"5[06-8]|6[0-9]")  # Maestro, UnionPay, RuPay, Verve
_GROUPINGS: Final = ((4, 4, 4, 4), (4, 4, 4, 4, 3), (4, 6, 5), (4, 6, 4), (4, 4, 4, 1), (4, 4, 5))
_FIRST_GROUP: Final = re.compile("(?<![0-9])[2-6][0-9]{3}(?![0-9])")  # of each of them
_GROUPS_MAX: Final = max(map(len, _GROUPINGS))
_DIGITS: Final = re.compile("[0-9]+")
# A chain of digits long enough for a card, with at most three marks between two of them.
_CHAIN: Final = re.compile(r"[0-9](?:[^0-9A-Za-z]{0,3}[0-9]){12,40000}")
_MAY: Final = re.compile(r"[0-9](?:[^0-9A-Za-z]{0,3}[0-9]){12}")
_DIGITS_ALONE: Final = bytes(code if chr(code) in "0123456789" else 32 for code in range(256))
_MARK_BYTES: Final = bytes(code for code in range(128) if not chr(code).isalnum())
_UUIDS: Final = re.compile(
    rb'"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"'
)  # values that are no card
_KINDS: Final = bytes.maketrans(b"123456789E-]} \t\n\r\v\f", b"000000000e+" + b"," * 8)
_EXPONENT: Final = re.compile(
    rb"e(?<=[0.]e)\+?0+,"
)  # of kinds; begins with a letter, which is found fast
_MARKS: Final = re.compile(
    r"[\s\-._/*,|+]{1,3}"
)  # between the groups of a card; a colon is an address's
_BLANKS: Final = re.compile(r"[\s\-]{1,3}")
_SPREAD: Final = re.compile(r"[0-9](?:[\s\-]{0,3}[0-9]){12,}")
_DATE: Final = re.compile(
    r"(?<![0-9])(?:(?:19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]|[0-3][0-9]-[01][0-9]-(?:19|20)[0-9]{2})"
    r"(?![0-9])"
)
# Identifiers with letters among their digits: UUIDs, and hashes in hex.
_HEX: Final = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}"
    r"|(?:0[xX])?(?=[0-9]{0,19}[A-Fa-f])[0-9A-Fa-f]{20,})(?![0-9A-Za-z])"
)
_IBAN: Final = re.compile(
    r"(?<![0-9A-Za-z])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![0-9A-Za-z])"
)
E164_DIGITS_MAX: Final = 15
CHAINS_MAX: Final = 100
CHARS_MAX: Final = 32_768  # far more than the ids of the largest order
STRANGER_CHARS_MAX: Final = (
    2_000  # of a caller without a credential: a card and some ids have far fewer
)
FORM_CHARS_MAX: Final = 4_096


class Number(NamedTuple):
    """`start`, `end`: where it stands in the text. `grouped`: written in the groups that stand on a
    card."""

    start: int
    end: int
    digits: str
    grouped: bool


def may_hold_number(text: str) -> bool:
    """A quick look: what it does not find is not there."""
    return len(text) > 12 and (_MAY.search(text) is not None or not text.isascii())


def json_may_hold_number(content: bytes) -> bool:
    """A quick look at a body before its values are walked: what it does not find, no text and no
    number in it holds."""
    if not content.isascii() or b"\\" in content:
        return True
    content = _UUIDS.sub(b'"x"', content)  # their groups may have no letter between them
    chains = _long(content.translate(_DIGITS_ALONE, _MARK_BYTES))
    if not chains:
        return False
    if (
        len(chains) > CHAINS_MAX
        or chains != _long(content.translate(_DIGITS_ALONE))
        or _EXPONENT.search(content.translate(_KINDS))
    ):
        return True  # some have marks between their digits, or a number is written as 4.1e15
    return any(len(chain) < 20 and is_like_card(chain.decode()) for chain in set(chains))


def _long(digits: bytes) -> list[bytes]:
    return [part for part in digits.split() if len(part) > 12]


class TooManyDigits(Problem):
    """More chains of digits than are looked through."""

    def __init__(self, field: str | None = None) -> None:
        super().__init__(
            "invalid",
            "The text has more long numbers than can be checked for card numbers.",
            field=field,
            cure="Shorten your entries.",
        )


class Room:
    """Budget of characters of digit chains to look through, over several texts; `within` a larger
    one."""

    def __init__(self, chars: int = CHARS_MAX, within: "Room | None" = None) -> None:
        self._left, self._within = chars, within

    def take(self, chars: int) -> None:
        """Raises: TooManyDigits."""
        if self._within is not None:
            self._within.take(chars)
        self._left -= chars
        if self._left < 0:
            raise TooManyDigits


def numbers_in(text: str, room: Room | None = None) -> Iterator[Number]:
    """The card numbers in a text, none twice, in its order. `room`: shared by several texts; a text
    has one of its own otherwise. Raises: TooManyDigits when there is none left."""
    plain = _plain(text)
    if _MAY.search(plain) is None:
        return
    room = Room() if room is None else room
    chains = [chain.span() for chain in _CHAIN.finditer(plain)]
    for start, end in chains:
        room.take(end - start)
    without = _IBAN.sub(_without_iban, _HEX.sub(_blanked, plain))
    if without != plain:
        chains = [chain.span() for chain in _CHAIN.finditer(without)]
    for start, end in chains:
        yield from _in_chain(without, start, end)


def masked_numbers(text: str) -> str:
    """The text with each card number in it cut to its first six and last four digits: what others
    send cannot be refused."""
    if not may_hold_number(text):
        return text
    try:
        numbers = list(numbers_in(text, Room()))
    except TooManyDigits:
        return _DIGITS.sub("…", _plain(text))
    for number in reversed(numbers):
        text = f"{text[: number.start]}{number.digits[:6]}…{number.digits[-4:]}{text[number.end :]}"
    return text


def without_card(text: str | None, card: Any) -> str | None:
    """An identifier of a counterpart's about a payment by this card (`bin`, `last4`; None: by
    none): where it is, or holds, the card's number, that is masked. Another number is left as it
    is: ids are long numbers."""
    if text is None or card is None or not card.last4 or card.last4 not in text:
        return text
    between = "{3,9}" if card.bin else "{8,15}"
    own = re.compile(f"{re.escape(card.bin)}[0-9]{between}{re.escape(card.last4)}")
    text = own.sub(lambda match: f"{card.bin}…{card.last4}" if luhn(match[0]) else match[0], text)
    try:
        numbers = list(numbers_in(text))
    except TooManyDigits:
        return _DIGITS.sub("…", _plain(text))
    for number in reversed(numbers):
        if number.digits.startswith(card.bin) and number.digits.endswith(card.last4):
            text = f"{text[: number.start]}{card.bin}…{card.last4}{text[number.end :]}"
    return text


def is_like_card(digits: str) -> bool:
    """True when these digits, with nothing between them, are a card's number."""
    if digits in APPROVE_CARDS:
        return True
    if not luhn(digits):
        return False
    scheme = scheme_of(digits)
    if scheme == "generic":
        return 16 <= len(digits) <= 19 and _OTHER_ISSUERS.match(digits) is not None
    return (
        len(digits) in _LENGTHS[scheme] or len(digits) == 14 and _DINERS.match(digits) is not None
    )


def _plain(text: str) -> str:
    """The text in ASCII, of the same length: digits of any script as ours, letters as `x`, dashes
    as `-`, the rest as blanks."""
    if text.isascii():
        return text
    return text.translate(
        {ord(character): _ascii(character) for character in set(text) if not character.isascii()}
    )


def _ascii(character: str) -> str:
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return str(digit)
    return "x" if character.isalpha() else "-" if unicodedata.category(character) == "Pd" else " "


def _blanked(match: re.Match[str]) -> str:
    return "x" * len(match[0])


def _without_iban(match: re.Match[str]) -> str:
    """Blanks an IBAN whose check digits are right. Source: ISO 13616."""
    text = match[0].replace(" ", "")
    number = "".join(str(int(character, 36)) for character in text[4:] + text[:4])
    return _blanked(match) if int(number) % 97 == 1 else match[0]


def _in_chain(text: str, start: int, end: int) -> Iterator[Number]:
    # Where digits with blanks between them begin that are enough for a card: most groups need no
    # further look.
    long = {match.start() for match in _SPREAD.finditer(text, start, end)}
    if not long and not _FIRST_GROUP.search(text, start, end):
        return
    groups = [match.span() for match in _DIGITS.finditer(text, start, end)]
    at = 0
    while at < len(groups):
        (first, last), number, after = groups[at], None, at + 1
        if _FIRST_GROUP.match(text, first, last):
            number, after = _grouped(text, groups, at)
        if number is None and (first in long or last - first > 12):
            number, after = _spread(text, groups, at)
        if number is not None and not _is_phone(text, number):
            yield number
        at = after


def _grouped(text: str, groups: Sequence[tuple[int, int]], at: int) -> tuple[Number | None, int]:
    """A number in a card's groups, with marks between each two, that begins with this group of
    four."""
    sizes = tuple(end - start for start, end in groups[at : at + _GROUPS_MAX])
    for lengths in _GROUPINGS:
        if sizes[: len(lengths)] != lengths:
            continue
        several = groups[at : at + len(lengths)]
        marks = (
            text[group[1] : other[0]] for group, other in zip(several, several[1:], strict=False)
        )
        digits = "".join(text[start:end] for start, end in several)
        if all(map(_MARKS.fullmatch, marks)) and is_like_card(digits):
            return Number(several[0][0], several[-1][1], digits, True), at + len(lengths)
    return None, at + 1


def _spread(text: str, groups: Sequence[tuple[int, int]], at: int) -> tuple[Number | None, int]:
    """A number in one piece, or one whose digits, apart by blanks and dashes only, are all that
    stands there."""
    start, end = groups[at]
    if 13 <= end - start <= 19 and is_like_card(text[start:end]):
        return Number(start, end, text[start:end], False), at + 1
    if at and _BLANKS.fullmatch(text[groups[at - 1][1] : start]):
        return None, at + 1
    after, length = at + 1, end - start
    while (
        after < len(groups)
        and length <= 19
        and _BLANKS.fullmatch(text[groups[after - 1][1] : groups[after][0]])
    ):
        length += groups[after][1] - groups[after][0]
        after += 1
    if after == at + 1 or not 13 <= length <= 19:
        return None, at + 1
    span = text[start : groups[after - 1][1]]
    digits = re.sub("[^0-9]", "", span)
    if not _DATE.search(span) and is_like_card(digits):
        return Number(start, groups[after - 1][1], digits, False), after
    return None, at + 1


def _is_phone(text: str, number: Number) -> bool:
    return (
        len(number.digits) <= E164_DIGITS_MAX
        and not number.grouped
        and text[number.start - 1 : number.start] == "+"
    )
