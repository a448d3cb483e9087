"""A decline to be simulated in the sandbox: which codes there are, and which card answers as
somebody wants."""

from collections.abc import Mapping
from functools import cache
from typing import Final

from recoup.kernel.texts import is_digits
from recoup.networks.magic import NEVER, script_card
from recoup.networks.tables import CODES

# scheme -> digits of its codes: those of the cards that follow a script
SCHEMES: Final[Mapping[str, int]] = {"visa": 2, "mastercard": 2, "amex": 3, "discover": 2}
_SAME: Final = {"discover": "generic"}  # whose own table holds too little
# what the issuer says to our tries -> how often it declines first
ANSWERS: Final[Mapping[str, int]] = {
    "approves": 0,
    "declines_once": 1,
    "declines_thrice": 3,
    "declines": NEVER,
}
KINDS: Final = ("mit_managed", "mit_sync", "cit_web", "cit_callcenter")


@cache
def codes_of(scheme: str) -> Mapping[str, str]:
    """Decline code -> what it means, of those that a script card can say. Raises: KeyError for an
    unknown scheme."""
    width, table = SCHEMES[scheme], _SAME.get(scheme, scheme)
    return {
        row.code: row.meaning
        for row in CODES
        if (row.scheme, row.kind) == (table, "response")
        and row.klass != "approved"
        and is_digits(row.code, width)
    }


def card_for(scheme: str, code: str, answer: str) -> str:
    """The test card whose issuer answers so, with that code where it declines. Raises: KeyError for
    an unknown one."""
    return script_card(scheme, code, ANSWERS[answer])
