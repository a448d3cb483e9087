"""A merchant's settings of the risk check: whether it decides, for how many customers, and what a
lost sale costs."""

from dataclasses import dataclass
from typing import Final, Literal

from recoup.kernel.problem import Sentence, invalid
from recoup.terms.rules.arm_terms import PLACES, Terms, arm_of
from recoup.terms.rules.arms import RiskArm
from recoup.terms.rules.costs import MARGIN

RiskMode = Literal["off", "shadow", "share"]
MODES: Final[tuple[RiskMode, ...]] = ("off", "shadow", "share")
HOLDOUT_MAX: Final = 50


@dataclass(frozen=True, slots=True)
class RiskTerms:
    """Percents. `version` 0: nobody has set anything, and the check watches."""

    version: int = 0
    mode: RiskMode = "shadow"
    share: int = 0
    holdout: int = 10
    margin: int = MARGIN


def check_risk_terms(terms: RiskTerms) -> RiskTerms:
    """Raises: Problem(invalid) naming the field."""
    if terms.mode not in MODES:
        raise invalid(Sentence("The field mode must be one of {0}.", ", ".join(MODES)), "mode")
    for name, lowest, highest in (
        ("share", 0, 100),
        ("holdout", 0, HOLDOUT_MAX),
        ("margin", 1, 100),
    ):
        if not lowest <= getattr(terms, name) <= highest:
            raise invalid(
                Sentence("The field {0} must be from {1} to {2} percent.", name, lowest, highest),
                name,
            )
    if terms.share + terms.holdout > 100:
        cure = Sentence(
            "With a comparison group of {0} % the share is at most {1} %.",
            terms.holdout,
            100 - terms.holdout,
        )
        raise invalid("The share and the comparison group together exceed 100 %.", "share", cure)
    return terms


def risk_arm(terms: RiskTerms, place: int) -> RiskArm | None:
    """`place`: the customer's among all, below `PLACES`; None where nothing is looked at."""
    assert 0 <= place < PLACES
    mode = terms.mode if terms.mode == "off" else "shadow" if terms.mode == "shadow" else "share"
    return arm_of(Terms(terms.version, mode, terms.share, terms.holdout), place)
