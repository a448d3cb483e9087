"""Facts that a card number carries by itself: scheme, brand, check digit. Prefixes are public
issuer ranges."""

from datetime import datetime, timedelta
from typing import Final

from recoup.kernel.texts import is_digits

# The most telling first: Elo's ranges lie inside those of the others. (low, high) of equal length,
# scheme, brand.
_RANGES: Final[tuple[tuple[str, str, str, str], ...]] = (
    *(
        (low, high, "elo", "Elo")
        for low, high in (
            ("401178", "401179"), ("431274", "431274"), ("438935", "438935"), ("451416", "451416"),
            ("457393", "457393"), ("457631", "457632"), ("504175", "504175"), ("506699", "506778"),
            ("509000", "509999"), ("627780", "627780"), ("636297", "636297"), ("636368", "636368"),
            ("650031", "650033"), ("650035", "650051"), ("650405", "650439"), ("650485", "650538"),
            ("650541", "650598"), ("650700", "650718"), ("650720", "650727"), ("650901", "650978"),
            ("651652", "651679"), ("655000", "655019"), ("655021", "655058"),
        )
    ),
    ("4", "4", "visa", "Visa"),
    ("51", "55", "mastercard", "Mastercard"),
    ("2221", "2720", "mastercard", "Mastercard"),
    ("50", "50", "mastercard", "Maestro"),
    ("56", "58", "mastercard", "Maestro"),
    ("63", "63", "mastercard", "Maestro"),
    ("67", "67", "mastercard", "Maestro"),
    ("34", "34", "amex", "American Express"),
    ("37", "37", "amex", "American Express"),
    ("6011", "6011", "discover", "Discover"),
    ("622126", "622925", "discover", "Discover"),
    ("644", "659", "discover", "Discover"),
    ("300", "305", "discover", "Diners Club"),
    ("3095", "3095", "discover", "Diners Club"),
    ("36", "36", "discover", "Diners Club"),
    ("38", "39", "discover", "Diners Club"),
    ("3528", "3589", "discover", "JCB"),
)  # fmt: skip
_BY_DIGIT: Final = {
    digit: [bounds for bounds in _RANGES if bounds[0][0] <= digit <= bounds[1][0]]
    for digit in "0123456789"
}
_VALUES: Final = bytes.maketrans(b"0123456789", bytes(range(10)))
_DOUBLED: Final = bytes.maketrans(bytes(range(10)), bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))


def _range(number: str) -> tuple[str, str]:
    for low, high, scheme, brand in _BY_DIGIT.get(number[:1], ()):
        head = number[: len(low)]
        if len(head) == len(low) and low <= head <= high:
            return scheme, brand
    return "generic", "Card"


def scheme_of(pan_or_bin: str) -> str:
    """visa, mastercard (with Maestro), amex, discover (with Diners and JCB), elo, or generic for
    every other number."""
    return _range(pan_or_bin)[0]


def brand(pan_or_bin: str) -> str:
    """The name on the card, as the portal shows it."""
    return _range(pan_or_bin)[1]


def luhn(pan: str) -> bool:
    """True when the check digit of 12 to 19 digits is right."""
    if not is_digits(pan, 12, 19):
        return False
    return _luhn_sum(pan) % 10 == 0


def luhn_digit(head: str) -> str:
    """The check digit that makes `head` a valid number."""
    return str(-_luhn_sum(head + "0") % 10)


def _luhn_sum(digits: str) -> int:
    values = digits.encode().translate(_VALUES)
    return sum(values[::-2]) + sum(values[-2::-2].translate(_DOUBLED))


def issuer_digits(pan: str) -> str:
    """The issuer's digits, as many as may be kept in the clear beside the last four: eight of
    sixteen and more."""
    return pan[:8] if len(pan) >= 16 else pan[:6]


def last4(pan: str) -> str:
    return pan[-4:]


def is_expired(month: int, year: int, at: datetime) -> bool:
    """True when a card's last month (1 to 12, four digits of year) is over everywhere on earth.
    `at` is in UTC."""
    last_place = at - timedelta(hours=12)
    return (year, month) < (last_place.year, last_place.month)
