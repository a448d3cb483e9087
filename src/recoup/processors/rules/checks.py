"""Facts that a processor gives of an attempt beside its codes: results of checks, its own risk and
advice, whose fault it is. Pure.

Of approvals and declines alike. What it left out is None, and nothing is filled from another field.
"""

from typing import Final, Literal

from recoup.kernel.frozen import frozen
from recoup.processors.rules.answers import Fault

RiskLevel = Literal["low", "elevated", "high"]


@frozen
class Checks:
    """`avs`, `cvv`, `cavv`: results of the address, of the card's code and of 3-D Secure;
    `category`: how the processor classes its answer; `advice`: the processor's own, never the
    network's; all as it says them. `risk` in its words, `risk_score` as its number, `risk_level`
    where its words are one of ours. `fault`: whose a refusal is. `further`: what it says of a
    decline in more codes of its own, as they are stored; they are read with its code. `hold_until`:
    when it lets an authorisation go, in wall time."""

    avs: str | None = None
    cvv: str | None = None
    cavv: str | None = None
    risk: str | None = None
    risk_score: int | None = None
    risk_level: RiskLevel | None = None
    category: str | None = None
    auth_code: str | None = None
    advice: str | None = None
    fault: Fault | None = None
    further: tuple[str, ...] = ()
    hold_until: str | None = None


NONE: Final = Checks()


def risk_level_of(word: str | None) -> RiskLevel | None:
    """The level of a processor's word for a risk; None for one that is not known."""
    return _LEVELS.get((word or "").strip().lower().replace("_", " "))


_LEVELS: Final[dict[str, RiskLevel]] = {
    "low": "low", "normal": "low", "approve": "low",
    "elevated": "elevated", "medium": "elevated", "review": "elevated",
    "high": "high", "highest": "high", "decline": "high",
}  # fmt: skip
