"""What a merchant allows: that a declined payment is collected in parts. Pure.

Off until it is set. A part that was charged is the customer's money until the rest has come; what becomes of it when
the order ends without the rest is the merchant's choice, made beforehand.
"""

from dataclasses import dataclass, replace
from typing import Any, Final, Literal, get_args

from recoup.kernel.problem import invalid
from recoup.kernel.sentence import Sentence

AtExpiry = Literal["refund", "keep"]
AT_EXPIRY: Final[tuple[AtExpiry, ...]] = get_args(AtExpiry)
SHARE_MIN: Final = 10  # percent: a smaller part costs more in sends than it brings
SHARE_MAX: Final = 50
COUNT_MAX: Final = 4


@dataclass(frozen=True, slots=True)
class PartTerms:
    """`least_share`: of the order's amount, in percent, that a part has at least. `count_max`: how often a part is
    tried for one order, approved or not. `at_expiry`: what was collected when the order ends without the rest."""

    enabled: bool = False
    least_share: int = 25
    count_max: int = 2
    at_expiry: AtExpiry = "refund"


OFF: Final = PartTerms()
FIELDS: Final = {
    "least_share": Sentence("Smallest part, of the order"),
    "count_max": Sentence("Parts tried for one order, at most"),
    "at_expiry": Sentence("When the rest never comes"),
}


def changed(before: PartTerms, values: dict[str, Any]) -> PartTerms:
    """Raises: Problem(invalid), naming the field and what it takes."""
    for name, least, most in (("least_share", SHARE_MIN, SHARE_MAX), ("count_max", 1, COUNT_MAX)):
        given = values.get(name)
        if given is not None and (isinstance(given, bool) or not isinstance(given, int) or not least <= given <= most):
            message = Sentence("{0}: a whole number from {1} to {2} is needed.", FIELDS[name], least, most)
            raise invalid(message, name, Sentence("Write it like {0}.", getattr(OFF, name)))
    at_expiry = values.get("at_expiry")
    if at_expiry is not None and at_expiry not in AT_EXPIRY:
        message = Sentence("{0}: one of {1} is needed.", FIELDS["at_expiry"], ", ".join(AT_EXPIRY))
        raise invalid(message, "at_expiry", "Choose what becomes of a part when the rest never comes.")
    return replace(before, **{name: value for name, value in values.items() if value is not None})
