"""A merchant's settings of the risk check: whether it decides, for how many customers, and what a
lost sale costs."""

from typing import Annotated, Final, Literal

from recoup.kernel.frozen import frozen
from recoup.kit.terms import Choice, check
from recoup.terms.rules.arm_terms import PLACES, ShareField, Terms, arm_of, check_shares
from recoup.terms.rules.arms import RiskArm
from recoup.terms.rules.costs import MARGIN

RiskMode = Literal["off", "shadow", "share"]
MODES: Final[tuple[RiskMode, ...]] = ("off", "shadow", "share")
HOLDOUT_MAX: Final = 50


@frozen
class RiskTerms:
    """Percents. `version` 0: nobody has set anything, and the check watches."""

    version: int = 0
    mode: Annotated[
        RiskMode,
        Choice(
            "`off`: no estimate is made. `shadow`: what it would have done is stored. `share`: it "
            "decides for "
            "its share of the customers.",
            values=MODES,
        ),
    ] = "shadow"
    share: Annotated[
        int, ShareField("Percentage of customers for whom the check decides.", high=100)
    ] = 0
    holdout: Annotated[
        int,
        ShareField(
            "Percentage of customers in the comparison group; with `share` at most 100.",
            high=HOLDOUT_MAX,
        ),
    ] = 10
    margin: Annotated[
        int,
        ShareField(
            "What a declined genuine sale costs, as a percentage of its amount.", low=1, high=100
        ),
    ] = MARGIN


def check_risk_terms(terms: RiskTerms) -> RiskTerms:
    """Raises: Problem(invalid) naming the field."""
    check(terms)
    check_shares(terms.share, terms.holdout)
    return terms


def risk_arm(terms: RiskTerms, place: int) -> RiskArm | None:
    """`place`: the customer's among all, below `PLACES`; None where nothing is looked at."""
    assert 0 <= place < PLACES
    mode = terms.mode if terms.mode == "off" else "shadow" if terms.mode == "shadow" else "share"
    return arm_of(Terms(terms.version, mode, terms.share, terms.holdout), place)
