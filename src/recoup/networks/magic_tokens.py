"""The sandbox's network tokens: which test cards get one, and how it behaves. Pure.

Script cards and the cards that count get a token; no other test card does. The serial number of a
script card selects its behaviour: 911 none is made; 912 no answer; 913 it is suspended, so that a
charge by it is refused unprocessed; 914 it is deleted, so that a charge by it is declined with 14;
915 it is refreshed: four more years; 916 no cryptogram.
"""

from typing import Final, Literal, NamedTuple

from recoup.networks.card import luhn, luhn_digit, scheme_of
from recoup.networks.magic import COUNTING_CARDS, classify
from recoup.networks.magic_serials import (
    DELETED,
    NO_ANSWER,
    NO_CRYPTOGRAM,
    NO_TOKEN,
    REFRESHED,
    SUSPENDED,
)

State = Literal["active", "suspended", "deleted", "refused", "unknown"]
REQUESTOR: Final = "50110030273"
# first six digits of a script card -> of its token
_HEADS: Final = {"400010": "400019", "555510": "555519", "374510": "374519", "601110": "601119"}
_CARDS: Final = {token: card for card, token in _HEADS.items()}
_SERIAL_DIGITS: Final = {"visa": 5, "mastercard": 5, "discover": 5, "amex": 3}
_COUNTING_HEADS: Final = {"visa": "400018", "mastercard": "555518", "amex": "374518"}


def _with_check(body: str) -> str:
    return body + luhn_digit(body)


_COUNTING: Final = {
    card: _with_check(_COUNTING_HEADS[scheme_of(card)].ljust(len(card) - 2, "0") + "1")
    for card in COUNTING_CARDS
}
_COUNTED: Final = {token: card for card, token in _COUNTING.items()}


class TokenBehaviour(NamedTuple):
    """`made`: how the service answers when it is asked for a token; `now`: how the token stands
    afterwards."""

    made: State
    now: State
    more_years: int = 0
    gives_cryptogram: bool = True


_AS_USUAL: Final = TokenBehaviour("active", "active")
_BY_SERIAL: Final = {
    NO_TOKEN: TokenBehaviour("refused", "refused"),
    NO_ANSWER: TokenBehaviour("unknown", "unknown"),
    SUSPENDED: TokenBehaviour("active", "suspended"),
    DELETED: TokenBehaviour("active", "deleted"),
    REFRESHED: TokenBehaviour("active", "active", more_years=4),
    NO_CRYPTOGRAM: TokenBehaviour("active", "active", gives_cryptogram=False),
}  # fmt: skip


def token_number(number: str) -> str | None:
    """The network token of a test card; None for one that gets none."""
    card = classify(number)
    if card is None or card.kind not in ("script", "counting"):
        return None
    return _COUNTING.get(number) or _with_check(_HEADS[number[:6]] + number[6:-1])


def card_number(token: str) -> str | None:
    """The test card that a network token stands for; None for a number that is no token."""
    if token in _COUNTED:
        return _COUNTED[token]
    head = _CARDS.get(token[:6])
    if head is None or not luhn(token):
        return None
    number = _with_check(head + token[6:-1])
    return number if classify(number) is not None else None


def behaviour_of(number: str) -> TokenBehaviour:
    """The behaviour of a test card's token."""
    card = classify(number)
    if card is None or card.kind not in ("script", "counting"):
        return _BY_SERIAL[NO_TOKEN]
    if card.kind == "counting":
        return _AS_USUAL
    return _BY_SERIAL.get(int(number[-1 - _SERIAL_DIGITS[card.scheme] : -1]), _AS_USUAL)
