"""The sandbox's magic inputs: every card number it takes, and what its issuer answers. No file but
this one and `allow_list` holds one.

One table of precedence: the contract's allow-list, then the cards below, then nothing: any other
number is refused at the door. A magic amount means something only on the card that it is documented
with. Cards that do not count across orders get their identity from order and number, so that
network limits never block a test.

Source: rescue contract §16.6 and §17.1; design §6.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final, Literal
from uuid import UUID

from recoup.kernel.frozen import frozen
from recoup.networks.allow_list import APPROVE_CARDS, PHONE_CARD
from recoup.networks.card import luhn, luhn_digit, scheme_of
from recoup.networks.magic_disputes import DISPUTES
from recoup.networks.magic_serials import NEW_EXPIRY, NEW_NUMBER, TOKENS, UPDATES
from recoup.networks.tables import CODES

CardKind = Literal[
    "approve", "decline", "codes", "script", "faults", "counting", "disputes", "world", "payer"
]
Fault = Literal[
    "silent",
    "lost",
    "slow",
    "duplicate",
    "late",
    "outage",
    "unprocessed",
    "hidden",
    "garbage",
    "mute",
]

DECLINE_CARD: Final = "4000300011112220"
CHALLENGE_PHONES: Final = ("+99.2001a", "+99.2001b", "+99.2001a/+99.2001b")

CODE_CARDS: Final[dict[str, str]] = {
    "visa": "4012341000000006", "mastercard": "5555001000000006", "amex": "370000100000001",
    "discover": "6011001000000002", "elo": "6509051000000006", "generic": "6277001000000001",
}  # fmt: skip
FAULT_CARDS: Final[dict[str, str]] = {"visa": "4200000000000000", "mastercard": "5500050000000009"}
DISPUTE_CARDS: Final[dict[str, str]] = {
    "visa": "4000200000000008",
    "mastercard": "5555200000000004",
}
COUNTING_CARDS: Final = ("4242424242424242", "5555555555554444", "378282246310005")
WORLD_ROUTE: Final = "world"  # by which a plugged world's cards, and no others, are sent
# scheme -> (first six digits, length) of the cards of a plugged world; the three digits after them
# name the issuer
WORLD_CARDS: Final[dict[str, tuple[str, int]]] = {
    "visa": ("400088", 16), "mastercard": ("555588", 16), "amex": ("370088", 15),
}  # fmt: skip

# scheme -> (first six digits, length) of the cards of simulated payers; the two digits after them
# name the issuer
PAYER_CARDS: Final[dict[str, tuple[str, int]]] = {
    "visa": ("400077", 16), "mastercard": ("555577", 16), "amex": ("370077", 15),
}  # fmt: skip

# scheme -> (first digits, digits of the code, digits of the serial number)
_SCRIPTS: Final[dict[str, tuple[str, int, int]]] = {
    "visa": ("400010", 2, 5),
    "mastercard": ("555510", 2, 5),
    "amex": ("374510", 3, 3),
    "discover": ("601110", 2, 5),
}
NEVER: Final = 99  # in a script card: no number of declines is followed by an approval

_NUMERIC_FROM, _ALPHANUMERIC_FROM, _ADVICE_FROM = 50_000, 60_000, 70_000
_COUNTING_APPROVES = 77
SLOW_SECONDS: Final = 1.5

# Codes by which an issuer says yes to the whole amount. The other approval codes (account check,
# reversal) do not pay an order; our processor answers them as a decline with that code, and so a
# part that its merchant does not take.
_FULL_APPROVALS: Final = frozenset({"00", "08", "11", "16", "000", "001", "003"})
PARTIAL_CODES: Final = frozenset({"10"})  # half of it
_FULL_APPROVAL: Final = {"amex": "000"}
_DO_NOT_HONOR: Final = {"amex": "100"}
_ASK_CUSTOMER: Final = "1A"
CONFIRMED: Final = "c2FuZGJveC1jb25maXJtZWQ="  # the authentication value of a passed stand-in
_NO_FUNDS: Final = {"amex": "116"}
_EXPIRED: Final = {"amex": "101"}


@frozen
class MagicCard:
    """`counts`: its identity is the number alone, shared by all orders. `code`, `declines`: a
    script card's own."""

    kind: CardKind
    scheme: str
    counts: bool = False
    code: str | None = None
    declines: int = 0


@frozen
class Answer:
    """Answer of the issuer, and what the way does to its message. `code` is field 39."""

    approved: bool
    code: str
    advice: str | None = None
    fault: Fault | None = None


@frozen
class FaultRow:
    """`first_only`: only the order's first send is hit; the others are approved."""

    fault: Fault
    approved: bool
    first_only: bool
    note: str


FAULTS: Final[dict[int, FaultRow]] = {
    80_001: FaultRow("silent", True, False, "no answer before the time-out; it was approved"),
    80_002: FaultRow("silent", False, False, "no answer before the time-out; it was declined"),
    80_003: FaultRow(
        "lost", True, True, "no answer: the first message never arrived; sent again it is approved"
    ),
    80_004: FaultRow("slow", True, False, "approved after 1.5 s"),
    80_005: FaultRow("slow", False, False, "declined after 1.5 s"),
    80_006: FaultRow("duplicate", True, False, "the message arrives twice; approved once"),
    80_007: FaultRow("late", True, False, "arrives only after the time-out, and is approved then"),
    80_008: FaultRow(
        "outage", True, True, "connection refused at the first attempt; approved afterwards"
    ),
    80_009: FaultRow("outage", False, False, "connection refused at every attempt"),
    80_010: FaultRow(
        "unprocessed", True, True, "the first attempt is refused unprocessed; approved afterwards"
    ),
    80_011: FaultRow(
        "hidden", True, False, "no answer; approved, but the first inquiry finds nothing"
    ),
    80_012: FaultRow("garbage", True, False, "an answer that cannot be read; it was approved"),
    80_013: FaultRow(
        "mute",
        True,
        False,
        "no answer, and none to inquiries for two days or until the clock is moved; "
        "it was approved",
    ),
}


@frozen
class MagicInput:
    """Documented sandbox input. `amount` in minor units, None for any; `kind` is response or advice
    for a row of the decline table, else allow_list, script, updater, token, fault, dispute or
    counting; `initiator` is merchant, customer or any."""

    scheme: str
    code: str | None
    card: str
    amount: int | None
    phone: str | None
    kind: str
    initiator: str
    answer: str
    note: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def classify(pan: str, *, with_world: bool = False) -> MagicCard | None:
    """The card that the sandbox sees in a card number; None for every number that it does not take.
    `with_world`: a world is plugged, whose cards are taken too; the sandbox's own issuer does not
    know them."""
    if pan in APPROVE_CARDS:
        return MagicCard("approve", scheme_of(pan))
    if pan == DECLINE_CARD:
        return MagicCard("decline", scheme_of(pan))
    if pan in CODE_CARDS.values():
        return MagicCard("codes", scheme_of(pan))
    if pan in FAULT_CARDS.values():
        return MagicCard("faults", scheme_of(pan))
    if pan in DISPUTE_CARDS.values():
        return MagicCard("disputes", scheme_of(pan))
    if pan in COUNTING_CARDS:
        return MagicCard("counting", scheme_of(pan), counts=True)
    if is_payer_card(pan):
        return MagicCard("payer", scheme_of(pan), counts=True)
    if with_world and is_world_card(pan):
        return MagicCard("world", scheme_of(pan), counts=True)
    return _script(pan)


def is_world_card(pan: str) -> bool:
    """True for a card number that plugged worlds use. Source:
    docs/contributing/world-protocol.md."""
    head, length = WORLD_CARDS.get(scheme_of(pan), ("", 0))
    return len(pan) == length and pan.startswith(head) and luhn(pan)


def is_payer_card(pan: str) -> bool:
    """True for a card of a simulated payer, which the sandbox's issuer answers by its timetable."""
    head, length = PAYER_CARDS.get(scheme_of(pan), ("", 0))
    return len(pan) == length and pan.startswith(head) and luhn(pan)


def payer_card(scheme: str, issuer: int, serial: int) -> str:
    """`issuer` under 100, `serial` under 1,000,000."""
    head, length = PAYER_CARDS[scheme]
    body = f"{head}{issuer:02d}{serial:0{length - 9}d}"
    assert len(body) == length - 1
    return body + luhn_digit(body)


def is_world_bin(bin: str) -> bool:
    """True when a card with these first six digits is a plugged world's."""
    return any(bin == head for head, _ in WORLD_CARDS.values())


def identity_of(order_id: UUID, pan_id: UUID, magic: str | None) -> UUID:
    """The identity that the gate counts by, as the admission makes it: a card with an effect is one
    of its own in each order."""
    if magic is None:
        return pan_id
    return UUID(hashlib.md5(f"{order_id}{pan_id}".encode(), usedforsecurity=False).hexdigest())


def _script(pan: str) -> MagicCard | None:
    for scheme, (head, width, serial) in _SCRIPTS.items():
        match = re.fullmatch(rf"{head}([0-9]{{{width}}})([0-9]{{2}})[0-9]{{{serial + 1}}}", pan)
        if match and luhn(pan):
            return MagicCard("script", scheme, code=match[1], declines=int(match[2]))
    return None


def script_card(scheme: str, code: str, declines: int, serial: int = 1) -> str:
    """The number of a card that declines with `code` so often (99: always) before it approves."""
    head, width, digits = _SCRIPTS[scheme]
    body = f"{head}{code:0>{width}}{declines:02d}{serial:0{digits}d}"
    return body + luhn_digit(body)


def amount_for(code: str, kind: str = "response") -> int:
    """The amount that picks a code on a code card: 50000 + a number, 60000 + base 36, 70000 + an
    advice code."""
    if kind == "advice":
        return _ADVICE_FROM + int(code)
    return _NUMERIC_FROM + int(code) if code.isdecimal() else _ALPHANUMERIC_FROM + int(code, 36)


def answer(
    pan: str,
    *,
    units: int,
    by_customer: bool,
    phone: str | None,
    cvv_given: bool,
    sends_before: int,
    declines_before: int,
    capture: bool = True,
    confirmed: bool = False,
    expired: bool = False,
) -> Answer | None:
    """The issuer's decision about one send; None for a card that the sandbox does not take.

    `sends_before` and `declines_before` are of the same order and card. `capture` False only holds
    the amount; `confirmed`: the customer passed the sandbox's stand-in for 3-D Secure. `expired`:
    the card's last month is over; whatever the card is documented for, it is declined for that.
    """
    card = classify(pan)
    if card is None:
        return None
    if expired:
        return Answer(False, _EXPIRED.get(card.scheme, "54"))
    yes = Answer(True, _FULL_APPROVAL.get(card.scheme, "00"))
    no = Answer(False, _DO_NOT_HONOR.get(card.scheme, "05"))
    if card.kind == "approve":
        contract_row = (
            customer_row(pan, phone, cvv_given) if by_customer and not confirmed else None
        )
        if contract_row == "challenge" and capture:
            return Answer(False, _ASK_CUSTOMER)
        return no if contract_row == "decline" else yes
    if card.kind == "codes":
        return _by_amount(card.scheme, units) or no
    if card.kind == "script":
        return (
            yes
            if card.declines != NEVER and declines_before >= card.declines
            else _coded(card.code or "05")
        )
    if card.kind == "counting":
        return (
            yes
            if units % 100 == _COUNTING_APPROVES
            else Answer(False, _NO_FUNDS.get(card.scheme, "51"))
        )
    if card.kind == "disputes":
        return yes
    if card.kind == "faults":
        row = FAULTS.get(units)
        if row is not None and not (row.first_only and sends_before > 0):
            return Answer(row.approved, (yes if row.approved else no).code, fault=row.fault)
        return yes
    return no


def _coded(code: str, advice: str | None = None) -> Answer:
    return Answer(code in _FULL_APPROVALS, code, advice)


def _by_amount(scheme: str, units: int) -> Answer | None:
    if _NUMERIC_FROM <= units < _NUMERIC_FROM + 1000:
        number = units - _NUMERIC_FROM
        return _coded(f"{number:03d}" if scheme == "amex" or number > 99 else f"{number:02d}")
    if _ALPHANUMERIC_FROM <= units < _ALPHANUMERIC_FROM + 36 * 36:
        high, low = divmod(units - _ALPHANUMERIC_FROM, 36)
        digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        return _coded(digits[high] + digits[low])
    if scheme == "mastercard" and _ADVICE_FROM <= units < _ADVICE_FROM + 100:
        advice = f"{units - _ADVICE_FROM:02d}"
        return _coded("51" if "24" <= advice <= "30" else "05", advice)
    return None


def customer_row(
    pan: str, phone: str | None, cvv_given: bool
) -> Literal["challenge", "decline"] | None:
    """The allow-list's row for a payment with its customer (CIT), where it differs from the card's
    answer."""
    if pan != PHONE_CARD:
        return None
    if phone in CHALLENGE_PHONES:
        return "challenge"
    return None if phone or cvv_given else "decline"


def inputs() -> list[MagicInput]:
    """Every documented input, one for each code of the decline table among them."""
    return [
        *_allow_list(),
        *_table(),
        *_scripts(),
        *_serials(),
        *_faults(),
        *_disputes(),
        *_counting(),
    ]


def _allow_list() -> Iterator[MagicInput]:
    for pan in APPROVE_CARDS:
        note = "managed: at its first attempt; an AUTHORIZATION answers CAPTUREREQUIRED"
        yield MagicInput(
            scheme_of(pan), "00", pan, None, None, "allow_list", "any", "approved", note
        )
    for phone in CHALLENGE_PHONES:
        note = "with or without CVV"
        yield MagicInput(
            "visa", None, PHONE_CARD, None, phone, "allow_list", "customer", "challenge", note
        )
    note = "without phone and CVV; a CVV given to /tokenize serves one attempt"
    yield MagicInput(
        "visa", "05", PHONE_CARD, None, None, "allow_list", "customer", "declined", note
    )
    yield MagicInput(
        "visa", "05", DECLINE_CARD, None, None, "allow_list", "any", "declined", "every attempt"
    )


def _table() -> Iterator[MagicInput]:
    last = {(row.scheme, row.kind, row.code): row for row in CODES}
    for (scheme, kind, code), row in last.items():
        answer = _by_amount(scheme, amount_for(code, kind))
        assert answer is not None
        outcome = "approved" if answer.approved else "declined"
        card, amount = CODE_CARDS[scheme], amount_for(code, kind)
        yield MagicInput(scheme, code, card, amount, None, kind, "any", outcome, row.meaning)


def _scripts() -> Iterator[MagicInput]:
    for scheme, (head, width, serial) in _SCRIPTS.items():
        form = f"{head} + code ({width}) + declines (2) + serial ({serial}) + check digit"
        funds = _NO_FUNDS.get(scheme, "51")
        for declines, outcome in ((1, "approved"), (3, "approved"), (NEVER, "declined")):
            behaviour = (
                "declines always"
                if declines == NEVER
                else f"declines {declines} times, then approves"
            )
            card = script_card(scheme, funds, declines)
            yield MagicInput(
                scheme, funds, card, None, None, "script", "any", outcome, f"{behaviour}; {form}"
            )


def _serials() -> Iterator[MagicInput]:
    for serial, note in UPDATES.items():
        declines = 0 if serial == NEW_EXPIRY else NEVER
        outcome = "approved" if serial in (NEW_NUMBER, NEW_EXPIRY) else "declined"
        card = script_card("visa", "54", declines, serial)
        yield MagicInput("visa", "54", card, None, None, "updater", "merchant", outcome, note)
    for serial, note in TOKENS.items():
        card = script_card("visa", "51", 2, serial)
        text = f"declines 2 times, then approves; {note}"
        yield MagicInput("visa", "51", card, None, None, "token", "merchant", "approved", text)


def _faults() -> Iterator[MagicInput]:
    for scheme, card in FAULT_CARDS.items():
        for amount, row in FAULTS.items():
            outcome = "approved" if row.approved else "declined"
            outcome = "not_sent" if row.fault == "outage" and not row.first_only else outcome
            yield MagicInput(scheme, None, card, amount, None, "fault", "any", outcome, row.note)
        yield MagicInput(
            scheme, "00", card, None, None, "fault", "any", "approved", "any other amount"
        )


def _disputes() -> Iterator[MagicInput]:
    for scheme, card in DISPUTE_CARDS.items():
        for amount, row in DISPUTES.items():
            yield MagicInput(
                scheme, "00", card, amount, None, "dispute", "any", "approved", row.note
            )
        yield MagicInput(
            scheme,
            "00",
            card,
            None,
            None,
            "dispute",
            "any",
            "approved",
            "any other amount; not disputed",
        )


def _counting() -> Iterator[MagicInput]:
    for card in COUNTING_CARDS:
        scheme = scheme_of(card)
        note = "one identity in all orders, so that network limits bind"
        code = _NO_FUNDS.get(scheme, "51")
        yield MagicInput(scheme, code, card, None, None, "counting", "any", "declined", note)
        note = f"{note}; approves where the minor units end in 77"
        yes = _FULL_APPROVAL.get(scheme, "00")
        yield MagicInput(scheme, yes, card, 4577, None, "counting", "any", "approved", note)
