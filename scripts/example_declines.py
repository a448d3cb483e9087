"""Why the example payments were declined, in the published mix, and what each card does afterwards.

The mix is the mean of published figures, scaled to 400: lack of money 44, no reason 22, expired 10,
fraud 10, closed 10, technical 4, wrong data 5, card limits 5. About half of all are won back inside
their time.
"""

from collections.abc import Iterator
from random import Random
from typing import Final, NamedTuple

ALWAYS: Final = 99  # a script card that never approves


class Category(NamedTuple):
    """`codes`: gateway -> (code, text) that its merchant saw; `scheme`: the network's code for the
    same, and Amex's."""

    name: str
    codes: dict[str, tuple[tuple[str, str], ...]]
    scheme: str
    amex: str


class Life(NamedTuple):
    """`kind`: which test card. `declines`: how often it says no. `turns`: the hard code that it
    says instead.

    `waits`: no try of it is ever approved, and none ends the order. `units`: the amount that the
    answer hangs on.
    """

    kind: str
    declines: int = ALWAYS
    turns: str | None = None
    waits: bool = False
    scheme: str | None = None
    units: int | None = None
    expires: str | None = None

    def card_code(self, scheme: str, category: Category) -> str:
        if self.turns:
            return "200" if scheme == "amex" else self.turns
        return category.amex if scheme == "amex" else category.scheme


CATEGORIES: Final = (
    Category(
        "funds",
        {
            "nmi": (("202", "Insufficient funds"),),
            "stripe": (("insufficient_funds", "Your card has insufficient funds."),),
            "adyen": (("51", "51 : Insufficient funds"),),
        },
        "51",
        "116",
    ),
    Category(
        "generic",
        {
            "nmi": (("201", "Do not honor"), ("200", "Transaction was declined by processor")),
            "stripe": (
                ("generic_decline", "Your card was declined."),
                ("do_not_honor", "Your card was declined."),
            ),
            "adyen": (("2", "Refused"), ("05", "05 : Do not honor")),
        },
        "05",
        "100",
    ),
    Category(
        "expired",
        {
            "nmi": (("223", "Expired card"), ("263", "Update cardholder data available")),
            "stripe": (("expired_card", "Your card has expired."),),
            "adyen": (("6", "Expired Card"),),
        },
        "54",
        "101",
    ),
    Category(
        "fraud",
        {
            "nmi": (("253", "Fraudulent card"),),
            "stripe": (("fraudulent", "Your card was declined."),),
            "adyen": (("59", "59 : Suspected fraud"),),
        },
        "59",
        "100",
    ),
    Category(
        "closed",
        {
            "nmi": (
                ("251", "Lost card"),
                ("252", "Stolen card"),
                ("262", "Stop this recurring program"),
                ("221", "No such issuer"),
            ),
            "stripe": (
                ("stolen_card", "Your card has been declined."),
                ("lost_card", "Your card has been declined."),
                ("transaction_not_allowed", "Your card does not support this type of purchase."),
            ),
            "adyen": (
                ("5", "Blocked Card"),
                ("R1", "R1 : Revocation of authorization"),
                ("57", "57 : Not permitted"),
            ),
        },
        "41",
        "200",
    ),
    Category(
        "technical",
        {
            "nmi": (("421", "Communication error with issuer"), ("420", "Communication error")),
            "stripe": (
                ("processing_error", "An error occurred while processing your card."),
                ("issuer_not_available", "Your card was declined."),
            ),
            "adyen": (("9", "Issuer Unavailable"), ("4", "Acquirer Error")),
        },
        "91",
        "911",
    ),
    Category(
        "data",
        {
            "nmi": (("225", "Invalid card security code"),),
            "stripe": (("incorrect_zip", "Your postal code is incorrect."),),
            "adyen": (("N7", "N7 : CVC declined"), ("82", "82 : CVC declined")),
        },
        "82",
        "122",
    ),
    Category(
        "limits",
        {
            "nmi": (("203", "Over limit"),),
            "stripe": (("card_velocity_exceeded", "Your card was declined."),),
            "adyen": (
                ("61", "61 : Withdrawal amount exceeded"),
                ("65", "65 : Withdrawal count exceeded"),
            ),
        },
        "61",
        "121",
    ),
)

# category -> ((how many, the life), ...)
_LIVES: Final[dict[str, tuple[tuple[int, Life], ...]]] = {
    "funds": (
        (70, Life("script", 0)),
        (46, Life("script", 1)),
        (18, Life("script", 2)),
        (6, Life("script", 3)),
        (6, Life("script", turns="41")),
        (11, Life("script", waits=True)),
        (1, Life("codes", scheme="visa", units=50_051)),
        (1, Life("codes", scheme="mastercard", units=70_026)),
        (1, Life("codes", scheme="amex", units=50_116)),
    ),
    "generic": (
        (28, Life("script", 0)),
        (20, Life("script", 1)),
        (7, Life("script", 2)),
        (5, Life("script", turns="14")),
        (16, Life("script", waits=True)),
        (2, Life("codes", scheme="visa", units=50_005)),
        (2, Life("codes", scheme="mastercard", units=70_003)),
    ),
    "expired": ((36, Life("script")),),
    "fraud": ((36, Life("script")),),
    "closed": ((36, Life("script")),),
    "technical": (
        (7, Life("script", 0)),
        (2, Life("script", 1)),
        (1, Life("script")),
        (1, Life("faults", units=80_001, scheme="visa")),
        (1, Life("faults", units=80_004, scheme="visa")),
        (1, Life("faults", units=80_006, scheme="mastercard")),
        (1, Life("faults", units=80_010, scheme="visa")),
        (1, Life("faults", units=80_012, scheme="mastercard")),
    ),
    "data": ((18, Life("script")),),
    "limits": ((10, Life("script", 0)), (3, Life("script", 1)), (5, Life("script"))),
}


def lives(category: Category) -> Iterator[Life]:
    for number, life in _LIVES[category.name]:
        yield from [life] * number


def code_of(category: Category, source: str, random: Random) -> tuple[str, str]:
    """What the merchant's gateway answered: (code, text)."""
    return random.choice(category.codes[source])
