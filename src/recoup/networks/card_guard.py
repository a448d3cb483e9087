"""Card numbers where they must not be kept: in what a caller sends besides the card itself. Pure.

In names, messages, notes, metadata and other texts a card number is refused. Identifiers are often
long numbers: they are refused where they are grouped like a card, or hold the payment's own card;
those that only look like one are handed back, to be compared with the cards that are held.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from recoup.kernel.cached import cached
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.networks.card_text import (
    CHARS_MAX,
    FORM_CHARS_MAX,
    Room,
    TooManyDigits,
    may_hold_number,
    numbers_in,
)

# A field's name -> the names inside it, None for a value of any kind; as the bodies' shapes have
# them.
Names = Mapping[str, Any]
NUMBERS_MAX: Final = 1_000
LEVELS_MAX: Final = 40
NAME_MAX: Final = 128  # characters of a name that say what it is
_IDENTIFIERS: Final = frozenset({
    "id", "ids", "mid", "key", "keys", "ref", "reference", "references", "number", "numbers",
    "phone", "sku", "url", "token", "fingerprint", "signature", "xid", "arn", "rrn", "customer",
    "account", "iban", "hash", "address",
})  # fmt: skip
_WORDS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[\W_]+")
_CARDS: Final = frozenset({("paymentmethod", "cardnumber"), ("creditcard", "number")})
# Taken and never read: nothing of them is kept.
_UNREAD: Final = frozenset({"devicedetails", "additionalfields", "extradata", "authorizationtoken"})
_DIGITS: Final = re.compile("[^0-9]+")
UUID_LENGTH: Final = 36
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


@dataclass(slots=True)
class Guarded:
    """`refused`: the paths of fields that hold a card number. `numbers`: (path, digits) of
    identifiers that look like one. `cards`: the payment's own."""

    refused: list[str] = field(default_factory=list)
    room: Room = field(default_factory=Room)
    numbers: list[tuple[str, str]] = field(default_factory=list)
    cards: set[str] = field(default_factory=set)


@cached(4096)
def is_identifier(name: str) -> bool:
    """True when a field of this name holds an id, and no words."""
    words = [word.lower() for word in _WORDS.split(name[:NAME_MAX]) if word]
    return (
        bool(words) and words[-1] in _IDENTIFIERS and words[:1] not in (["billing"], ["shipping"])
    )


def guard(value: Any, names: Names | None = None, chars: int = CHARS_MAX) -> Guarded:
    """Finds what must not be kept of a body. `names`: the fields that are read, others are not
    looked at; without them all are. `chars`: how many characters of digit chains are looked
    through. Values inside a field that holds anything are words, whatever they are called.

    Raises: Problem(invalid) for a body of more digits than are looked through.
    """
    guarded = Guarded(room=Room(chars))
    try:
        _walk(value, names, (), guarded, free=False)
    except TooManyDigits:
        raise invalid(
            "The body has too many long numbers.",
            "Body",
            "Leave out what is not part of the payment.",
        ) from None
    if guarded.cards:
        own = [(path, digits) for path, digits in guarded.numbers if digits in guarded.cards]
        guarded.refused += [path for path, _ in own]
    return guarded


def check_words(words: Mapping[str, str]) -> None:
    """Checks the words of forms and commands, each by its name. Raises: Problem(invalid) naming the
    field, never the number."""
    check_texts([(name, text, is_identifier(name)) for name, text in words.items()])


def check_texts(texts: Iterable[tuple[str, str, bool]]) -> None:
    """Texts of one form: the field's name, what it says, whether it is an identifier. What all of
    them may cost is bounded, however many they are. Raises: Problem(invalid) naming the field,
    never the number."""
    room = Room(FORM_CHARS_MAX)
    for name, text, identifier in texts:
        if len(text) == UUID_LENGTH and _UUID.fullmatch(text):
            continue
        try:
            holds = holds_number(text, room, identifier=identifier)
        except TooManyDigits:
            raise TooManyDigits(name) from None
        if holds:
            raise refused([name])


def holds_number(text: str, room: Room | None = None, *, identifier: bool = False) -> bool:
    """True when a text holds a card number; for an identifier, when it is written as on a card.
    Raises: TooManyDigits when there is no `room` left, as `numbers_in`."""
    return may_hold_number(text) and any(
        number.grouped or not identifier for number in numbers_in(text, room)
    )


def refused(names: list[str]) -> Problem:
    """The number itself is never shown."""
    fields: dict[str, list[str]] = {}
    for name in names:
        last = name.rpartition(".")[2] or name
        message = Sentence("The field {0} holds a card number, which must not be kept there.", last)
        fields[name] = [message]
    return Problem(
        "invalid",
        fields[names[0]][0],
        field=names[0],
        fields=fields,
        cure="Leave it out; the last four digits are enough.",
        reason="card_data",
    )


def _walk(
    value: Any, names: Names | None, path: tuple[str, ...], guarded: Guarded, *, free: bool
) -> None:
    if isinstance(value, dict):
        if len(path) < LEVELS_MAX:
            _walk_object(value, names, path, guarded, free=free)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            inner = isinstance(part, dict) and not free
            _walk(
                part,
                names,
                (*path[:-1], f"{path[-1]}[{index}]") if path and inner else path,
                guarded,
                free=free,
            )
    elif isinstance(value, str) or isinstance(value, int) and value > 10**12:
        _look(str(value), path, guarded, free=free)
    elif isinstance(value, float) and value > 10**12 and value.is_integer():
        _look(str(int(value)), path, guarded, free=free)


def _walk_object(
    value: dict[str, Any],
    names: Names | None,
    path: tuple[str, ...],
    guarded: Guarded,
    *,
    free: bool,
) -> None:
    for name, inner in value.items():
        if len(name) > 12 and (names is None or name not in names) and _in_name(name, guarded):
            _refuse(guarded, path)
            continue
        if isinstance(inner, str) and len(inner) < 13 or inner is None or isinstance(inner, bool):
            continue  # nothing that could be a card
        plain = _plain(name)
        if free:
            _walk(inner, None, path, guarded, free=True)
        elif names is not None and (name not in names or plain in _UNREAD):
            continue
        elif path and (_plain(path[-1]), plain) in _CARDS and isinstance(inner, str | int):
            guarded.cards.add(_DIGITS.sub("", str(inner)))
        else:
            below = names[name] if names is not None else None
            within = (
                isinstance(inner, dict | list)
                and below is None
                and (names is not None or plain == "metadata")
            )
            _walk(
                inner,
                below,
                (*path, name or '""'),
                guarded,
                free=within and not is_identifier(name),
            )


def _in_name(name: str, guarded: Guarded) -> bool:
    return may_hold_number(name) and any(True for _ in numbers_in(name, guarded.room))


def _look(text: str, path: tuple[str, ...], guarded: Guarded, *, free: bool) -> None:
    if len(text) == UUID_LENGTH and _UUID.fullmatch(text) or not may_hold_number(text):
        return
    identifier = bool(path) and not free and is_identifier(path[-1].partition("[")[0])
    for number in numbers_in(text, guarded.room):
        if number.grouped or not identifier:
            _refuse(guarded, path)
            return
        guarded.numbers.append((_named(path), number.digits))
        if len(guarded.numbers) > NUMBERS_MAX:
            _refuse(guarded, path)


def _refuse(guarded: Guarded, path: tuple[str, ...]) -> None:
    name = _named(path)
    if name not in guarded.refused[-50:]:
        guarded.refused.append(name)


def _named(path: tuple[str, ...]) -> str:
    return ".".join(path) or "Body"


@cached(4096)
def _plain(name: str) -> str:
    return re.sub(r"[\W_]+|(?<![0-9])[0-9]+(?=\])", "", name[:NAME_MAX]).lower()
