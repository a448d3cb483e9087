"""Checks of bank details, whether they can be right by their public check digits, and how they are
shown.

Source: IBAN: ISO 13616 (length by country, remainder 1 by 97). Routing numbers: ABA (weights 3, 7,
1; first digits).
"""

import json
import tomllib
from importlib.resources import files
from typing import Final, Literal
from uuid import UUID

from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Sentence, invalid
from recoup.kernel.texts import is_digits

HOLDER_MAX: Final = 70
TRIES_MAX: Final = 3
US_CURRENCY: Final = "USD"
_LENGTHS: Final[dict[str, int]] = tomllib.loads(
    (files(__package__) / "iban_lengths.toml").read_text("utf-8")
)
_ROUTING_HEADS: Final = (range(13), range(21, 33), range(61, 73), range(80, 81))
_COPIED: Final = str.maketrans(
    "", "", " -.\t\u00a0\u2009\u202f"
)  # what is between the digits of a copied number


@frozen
class BankAccount:
    """`scheme` us: `routing` and `account`; iban: `account` alone, without blanks, in capitals."""

    scheme: Literal["us", "iban"]
    holder: str
    account: str
    routing: str = ""

    @property
    def masked(self) -> str:
        """The details that anybody may see."""
        if self.scheme == "iban":
            return f"{self.account[:4]} •••• {self.account[-4:]}"
        return f"{self.routing} •••• {self.account[-4:]}"

    @property
    def numbers(self) -> bytes:
        """The numbers that are sealed of it."""
        return json.dumps({"routing": self.routing, "account": self.account}).encode()


def opened_account(scheme: Literal["us", "iban"], holder: str, numbers: bytes) -> BankAccount:
    """The account of `BankAccount.numbers`. Raises: ValueError, KeyError, TypeError for what is no
    such thing."""
    plain = json.loads(numbers)
    return BankAccount(scheme, holder, plain["account"], plain["routing"])


def account_context(account_id: UUID) -> str:
    """The context that an account's numbers are sealed for: nothing else opens them."""
    return f"bank-account:{account_id}"


def deposits_context(account_id: UUID) -> str:
    return f"bank-deposits:{account_id}"


def read_account(
    holder: str, *, iban: str = "", routing: str = "", account: str = ""
) -> BankAccount:
    """Reads either an IBAN, or a US routing and account number.

    Raises: Problem(invalid) with the field and what is wrong with it; the number itself is never
    repeated.
    """
    holder = " ".join(holder.split())
    if not 2 <= len(holder) <= HOLDER_MAX or not holder.isprintable():
        raise invalid(
            Sentence("The holder's name has 2 to {0} characters.", HOLDER_MAX),
            "holder",
            "Write it as the bank knows it.",
        )
    iban, routing, account = (text.translate(_COPIED).upper() for text in (iban, routing, account))
    if iban and (routing or account):
        message = "Give an IBAN, or a routing and an account number, not both."
        raise invalid(message, "iban", "Copy it from the bank's documents.")
    if iban:
        _check_iban(iban)
        return BankAccount("iban", holder, iban)
    check_routing(routing)
    if not is_digits(account, 4, 17):
        raise invalid(
            "The account number has 4 to 17 digits.",
            "account",
            "Copy it from a cheque or the bank's papers, without blanks.",
        )
    return BankAccount("us", holder, account, routing)


def check_currency(account: BankAccount, asset: str) -> None:
    """Raises: Problem(invalid)."""
    if account.scheme == "us" and asset != US_CURRENCY:
        message = Sentence("An account with a routing number takes {0} only.", US_CURRENCY)
        raise invalid(message, "currency", Sentence("Give an IBAN for {0}.", asset))


def _check_iban(iban: str) -> None:
    length = _LENGTHS.get(iban[:2])
    if length is None:
        raise invalid(
            "The IBAN begins with a country that has none.", "iban", "Check its first two letters."
        )
    if len(iban) != length:
        raise invalid(
            Sentence(
                "An IBAN of {0} has {1} characters, this one {2}.", iban[:2], length, len(iban)
            ),
            "iban",
            "Copy it again from the bank's papers.",
        )
    if not (iban.isascii() and iban.isalnum() and iban[2:4].isdigit()):
        raise invalid(
            "An IBAN has letters and digits only.",
            "iban",
            "Leave out everything else; blanks may stay.",
        )
    if int("".join(str(int(c, 36)) for c in iban[4:] + iban[:4])) % 97 != 1:
        raise invalid(
            "The IBAN's check digits do not fit: a digit is wrong or two are exchanged.",
            "iban",
            "Copy it from the bank's own page.",
        )


def check_routing(routing: str, field: str = "routing") -> None:
    """Raises: Problem(invalid)."""
    if not is_digits(routing, 9):
        raise invalid(
            "The routing number has nine digits.",
            field,
            "Copy the nine digits from a cheque or the bank's papers.",
        )
    weighted = sum(
        int(digit) * weight for digit, weight in zip(routing, (3, 7, 1) * 3, strict=True)
    )
    known = any(int(routing[:2]) in heads for heads in _ROUTING_HEADS)
    if weighted % 10 or not known or routing == "0" * 9:
        raise invalid(
            "The routing number's check digit does not fit.",
            field,
            "Copy it from the bank's own page; wire and ACH numbers may differ.",
        )
