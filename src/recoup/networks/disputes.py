"""Disputes: what a processor's notice does to a case, how much a charge has left to be disputed,
who bears it. Pure.

A notice says how a case stands: its stage, and whether it is open, won or lost. Notices come
doubled, late and out of order, so each is read as a statement about the case and compared with what
is known; the same notice again changes nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from recoup.kernel.frozen import frozen

Stage = Literal["inquiry", "first", "pre_arbitration", "arbitration"]
NoticeStage = Literal["inquiry", "first", "pre_arbitration", "arbitration", "present"]
Status = Literal["open", "answered", "won", "lost"]
Party = Literal["operator", "merchant"]
STAGES: Final[tuple[Stage, ...]] = ("inquiry", "first", "pre_arbitration", "arbitration")
AT_ITS_STAGE: Final = "present"
UNDECIDED: Final = frozenset({"open", "answered"})
WARN_BEFORE: Final = timedelta(days=3)

# Why a notice is kept on the desk instead of being applied.
REFUSALS: Final = {
    "unknown_charge": "No charge of this merchant has this id.",
    "archived": "The order of this charge was archived. Put its file back.",
    "not_charged": "The charge was not approved, or only held: nothing can be taken back of it.",
    "other_charge": "This case is about another charge.",
    "other_currency": "The charge is in another currency.",
    "amount_above_charge": "More than the charge has left beside its other cases.",
    "amount_changed": "The case is about another amount.",
    "contradiction": "The case was decided otherwise at this stage.",
    "inquiry_lost": "An inquiry is not lost: it ends, or becomes a dispute.",
}
# It may only be early, or its order comes back.
WAITS_FOR_ITS_CHARGE: Final = frozenset({"unknown_charge", "archived", "not_charged"})

# What is done to a case, in the order given.
Deed = Literal["inquire", "open", "again", "go_on", "answer", "win", "lose", "close_inquiry"]


class DisputeNotice(NamedTuple):
    """A notice's view of its case. `stage` `present`: the one at which the case is known,
    `first` of one that is not. `status` `answered`: the
    processor has our answer, and its deadline runs no more."""

    stage: NoticeStage
    status: Status
    units: int
    asset: str


class Case(NamedTuple):
    stage: Stage
    state: str
    units: int


class Refused(NamedTuple):
    reason: str

    @property
    def words(self) -> str:
        return REFUSALS[self.reason]


def follow(
    case: Case | None, notice: DisputeNotice, *, charge_asset: str, charge_left: int
) -> tuple[Deed, ...] | Refused:
    """The deeds that follow from the notice; none for one that is known or overtaken.
    `charge_left`: what the case's charge has left beside the charge's other cases."""
    if notice.asset != charge_asset:
        return Refused("other_currency")
    if notice.units > charge_left:
        return Refused("amount_above_charge")
    at_inquiry = (
        notice.stage == "inquiry"
        or notice.stage == AT_ITS_STAGE
        and case is not None
        and case.stage == "inquiry"
    )
    if (
        at_inquiry and notice.status == "lost"
    ):  # money may be gone, and what took it was not heard of
        return Refused("inquiry_lost")
    if case is None:
        return ("inquire" if notice.stage == "inquiry" else "open", *_ends(notice))
    before = STAGES.index(case.stage)
    now = before if notice.stage == "present" else STAGES.index(notice.stage)
    if now < before:
        return ()
    if now > before:
        return _next_stage(case, notice)
    if notice.units != case.units:
        return Refused("amount_changed")
    return _same_stage(case, notice)


def _ends(notice: DisputeNotice, case: Case | None = None) -> tuple[Deed, ...]:
    if notice.status == "open":
        return ()
    if notice.status == "answered":
        return ("answer",)
    stage = case.stage if notice.stage == "present" and case is not None else notice.stage
    if stage == "inquiry":
        return ("close_inquiry",)
    return ("win",) if notice.status == "won" else ("lose",)


def _next_stage(case: Case, notice: DisputeNotice) -> tuple[Deed, ...] | Refused:
    """The money is taken again when it was given back, and stays taken otherwise."""
    if case.stage == "inquiry":
        return ("open", *_ends(notice))
    if case.state == "won":
        return ("again", *_ends(notice))
    if notice.units != case.units:
        return Refused("amount_changed")
    return ("go_on", *_ends(notice))


def _same_stage(case: Case, notice: DisputeNotice) -> tuple[Deed, ...] | Refused:
    """Follows a notice at the case's own stage: what we gave up or let pass is lost until the
    processor says otherwise; what it decided stays decided."""
    if notice.status == "open" or notice.status == case.state:
        return ()
    if notice.status == "answered":
        return _ends(notice) if case.state == "open" else ()
    if notice.status == "won":
        return Refused("contradiction") if case.state == "lost" else _ends(notice, case)
    if case.state == "won":
        return () if case.stage == "inquiry" else Refused("contradiction")
    return _ends(notice, case) if case.state in UNDECIDED else ()


def takes_money(stage: str, state: str) -> bool:
    """True when a case holds its amount: an inquiry only asks, and what is won comes back."""
    return stage != "inquiry" and state != "won"


@frozen
class Terms:
    """A merchant's contract on disputes. `asset` '' holds for every currency; `fee_units` of
    `asset` a case."""

    asset: str = ""
    valid_from: datetime | None = None
    service_borne_by: Party = "operator"
    fee_units: int = 0
    fee_borne_by: Party = "operator"
    block_cards: bool = True


STANDARD: Final = Terms()


def terms_at(terms: Sequence[Terms], at: datetime, asset: str) -> Terms:
    """The terms valid then: those of the currency before those of all."""
    for wanted in (asset, ""):
        valid = [
            t for t in terms if t.asset == wanted and (t.valid_from is None or t.valid_from <= at)
        ]
        if valid:
            return max(valid, key=_since)
    return STANDARD


def _since(terms: Terms) -> float:
    return terms.valid_from.timestamp() if terms.valid_from else float("-inf")


def liable(kind: str, terms: Terms) -> Party:
    """A fraud dispute, or one about how it was charged, is always the operator's. Source: contract
    §17.1 C12."""
    return terms.service_borne_by if kind == "service" else "operator"


def fee_for_merchant(terms: Terms, asset: str) -> int:
    return terms.fee_units if terms.fee_borne_by == "merchant" and terms.asset == asset else 0


def left_of(charge_units: int, others: Iterable[tuple[str, str, int]]) -> int:
    """The units that can still be disputed. `others`: stage, state and units of the charge's other
    cases."""
    return charge_units - sum(units for stage, state, units in others if takes_money(stage, state))
