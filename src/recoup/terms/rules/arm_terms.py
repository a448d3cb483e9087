"""Choice of the decider, the engine or the fixed schedule: a merchant's settings, and what retry
policies leave of them. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Final, Literal, NamedTuple

from recoup.kernel.frozen import frozen
from recoup.kernel.money import EXPONENTS
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kit.terms import Choice, Whole, check
from recoup.policies.rules.in_force import InForce
from recoup.policies.rules.terms import ARMS, ScopeKind

Arm = Literal["engine", "ladder", "holdout", "shadow"]
Mode = Literal["inherit", "off", "shadow", "share"]
MODES: Final[tuple[Mode, ...]] = ("inherit", "off", "shadow", "share")
HOLDOUT_MAX: Final = 50
EXPLORE_MAX: Final = 20
CURRENCIES_MAX: Final = 30
WHY_CHARS_MAX: Final = 256
PLACES: Final = 10_000
_PERCENT: Final = PLACES // 100


class ShareField(Whole):
    """A whole percentage."""

    def refusal(self, name: str) -> Problem:
        message = Sentence(
            "The field {0} must be from {1} to {2} percent.", name, self.low, self.high
        )
        return invalid(message, name)


def check_shares(share: int, holdout: int) -> None:
    """Raises: Problem(invalid) for more than all customers."""
    if share + holdout > 100:
        cure = Sentence(
            "With a comparison group of {0} % the share is at most {1} %.", holdout, 100 - holdout
        )
        raise invalid("The share and the comparison group together exceed 100 %.", "share", cure)


@frozen
class Terms:
    """A line of a merchant's settings; percents. `explore_max`: by currency, the units above which
    nothing is drawn; where it is empty, no amount is too high, else none of a currency that it does
    not name is drawn."""

    version: int
    mode: Annotated[
        Mode,
        Choice(
            "`off`: the fixed schedule. `shadow`: the fixed schedule; the engine's own decision is "
            "stored "
            "beside it. `share`: the engine, for its share of the customers. `inherit`, only for "
            "sites: the "
            "site follows the merchant.",
            values=MODES,
        ),
    ] = "off"
    share: Annotated[
        int, ShareField("Percentage of customers for whom the engine decides.", high=100)
    ] = 0
    holdout: Annotated[
        int,
        ShareField(
            "Percentage of customers in the comparison group; with `share` at most 100.",
            high=HOLDOUT_MAX,
        ),
    ] = 0
    explore: Annotated[
        int,
        ShareField("Percentage of its decisions made at random, to explore.", high=EXPLORE_MAX),
    ] = 0
    explore_max: Mapping[str, int] | None = None

    def explored(self, units: int, currency: str) -> float:
        """The share of such an order's decisions that are drawn."""
        bounds = self.explore_max or {}
        return 0.0 if bounds and units > bounds.get(currency, 0) else self.explore / 100

    def to_dict(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "share": self.share,
            "holdout": self.holdout,
            "explore": self.explore,
        }


@frozen
class Known:
    """Inputs, beside its evidence, of deciding an order with an arm. `stopped`: somebody has
    stopped the engine. `share`: what retry policies left of the share when the order came in; None:
    all of it."""

    terms: Terms
    stopped: bool = False
    share: int | None = None

    def to_dict(self) -> dict[str, Any]:
        return self.terms.to_dict() | ({} if self.share is None else {"share": self.share})


def check_terms(terms: Terms) -> Terms:
    """Raises: Problem(invalid) naming the field."""
    check(terms)
    check_shares(terms.share, terms.holdout)
    bounds = terms.explore_max or {}
    unknown = next((asset for asset in bounds if asset not in EXPONENTS), None)
    if unknown is not None:
        raise invalid(
            Sentence("The currency {0} is not an ISO 4217 code like USD.", repr(unknown[:8])),
            "exploreMax",
        )
    if len(bounds) > CURRENCIES_MAX or any(units < 0 for units in bounds.values()):
        message = Sentence(
            "The field exploreMax names at most {0} currencies, each with an amount.",
            CURRENCIES_MAX,
        )
        raise invalid(message, "exploreMax")
    return terms


def place_of(digest: bytes) -> int:
    """A customer's place, from 0 up to PLACES."""
    return int.from_bytes(digest[:8], "big") % PLACES


def arm_of(terms: Terms, place: int) -> Arm | None:
    if terms.mode == "shadow":
        return "shadow"
    if terms.mode != "share":
        return None
    if place < terms.holdout * _PERCENT:
        return "holdout"
    return "engine" if place >= PLACES - terms.share * _PERCENT else "ladder"


def engine_decides(within: InForce, place: int) -> bool:
    """True when retry policies leave a customer to the engine that decides for all others."""
    return arm_of(narrowed(Terms(0, "share", 100), within), place) == "engine"


def narrowed(terms: Terms, within: InForce | None) -> Terms:
    """Settings for a new order, as far as retry policies leave them."""
    if within is None or terms.mode == "inherit":
        return terms
    mode = min(terms.mode, within.arm, key=ARMS.index)
    share = (
        terms.share if mode != "share" or within.share is None else min(terms.share, within.share)
    )
    return replace(terms, mode=mode, share=share)


class Left(NamedTuple):
    """Settings that retry policies leave of the settings `of`."""

    terms: Terms
    of: Terms

    def assigned(self, place: int) -> dict[str, Any]:
        """Arm that a new order keeps; its share where less than all of it is left."""
        share = (
            self.terms.share
            if self.terms.mode == "share" and self.terms.share < self.of.share
            else None
        )
        return {
            "arm": arm_of(self.terms, place),
            "arm_version": self.of.version,
            "arm_share": share,
        }


class Cut(NamedTuple):
    """Settings `of`, cut by retry policies. `by`: whose, the widest first."""

    terms: Terms
    of: Terms
    by: tuple[ScopeKind, ...]


def cut(terms: Terms, within: InForce | None) -> Cut | None:
    """The cut by retry policies; None: they leave all of it."""
    left = narrowed(terms, within)
    if within is None or left == terms:
        return None
    line = "mode" if left.mode != terms.mode else "share"
    alone = [(part.scope, narrowed(terms, InForce((part,)))) for part in within.parts]
    return Cut(
        left,
        terms,
        tuple(scope for scope, own in alone if getattr(own, line) != getattr(terms, line)),
    )
