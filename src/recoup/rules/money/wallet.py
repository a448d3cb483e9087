"""What a custodial wallet holds: nothing leaves it that is not there."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from recoup.kernel.money import shown
from recoup.kernel.problem import Problem
from recoup.kernel.sentence import Sentence


@dataclass(slots=True)
class Wallet:
    """One merchant's balance in one asset, read under its lock; `units` leaves out direct money on its way. The refunds
    of one transaction take from the same object."""

    asset: str
    units: int

    def refund(self, units: int, like: str | None = None) -> None:
        """Takes a refund out. Raises: as `check`, and nothing is taken."""
        self.check(units, like)
        self.units -= units

    def check(self, units: int, like: str | None = None) -> None:
        """That a refund could leave now. `like`: the amount as the order's sender wrote it.

        Raises: Problem(wrong_state) with the detail insufficient_balance.
        """
        if units > self.units:
            there = shown(max(0, self.units), self.asset, like)
            message = Sentence(
                "The wallet holds {0} {1}, and this refund takes {2} from it.",
                there,
                self.asset,
                shown(units, self.asset, like),
            )
            cure = "Wait for more payments."
            if self.units > 0:
                cure = Sentence("Refund at most {0}, or wait for more payments.", there)
            raise Problem("wrong_state", message, field="AmountToRefund", cure=cure, detail="insufficient_balance")


PHONE_DIGITS: Final = 8  # the last ones: with or without the country's code and a leading zero it is one number
_DIGITS: Final = re.compile(r"\d")
_DOTS_DO_NOT_COUNT: Final = ("gmail.com", "googlemail.com")


def email_counted(email: str) -> str:
    """Empty where it is no address. Lower case, full-width letters as plain ones, without what stands after a `+`,
    without the dots that Google Mail does not read."""
    local, at, domain = unicodedata.normalize("NFKC", email).strip().casefold().rpartition("@")
    local, domain = local.partition("+")[0] or local, domain.rstrip(".")
    if domain in _DOTS_DO_NOT_COUNT:
        local, domain = local.replace(".", ""), _DOTS_DO_NOT_COUNT[0]
    return f"{local}@{domain}" if at and local and domain else ""


def phone_counted(phone: str) -> str:
    """Empty where it is no number: too short, or a filler such as 000000000."""
    digits = "".join(str(unicodedata.digit(one)) for one in _DIGITS.findall(phone))
    tail = digits[-PHONE_DIGITS:]
    return tail if len(tail) == PHONE_DIGITS and len(set(tail)) > 1 and tail not in "01234567890123456789" else ""
