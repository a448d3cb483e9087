"""Kinds of orders that are taken: switched for the merchant, for each site and each campaign. Pure.

An order is taken when its kind is on at every level that it goes through. Whoever switches on must
stand at least as high as whoever switched off: what the operator closed, a merchant does not open.
Source: seed 004 (multiprofile).
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from recoup.kernel.problem import Problem, Sentence, invalid, joined

KINDS: Final = {"cit_web": "CIT (web)", "cit_callcenter": "CIT (call centre)", "mit": "MIT"}
WHY_CHARS_MAX: Final = 256
_RANKS: Final = {
    "operator": 2,
    "partner": 1,
}  # by the kind of actor; everybody else acts for the merchant
_WHO: Final = (
    "the merchant, its partner or the operator",
    "its partner or the operator",
    "the operator",
)


class Off(NamedTuple):
    """Place where a kind is off. `actor`: who did it, None for what was made so or is not known."""

    level: str
    subject_id: UUID
    name: str
    actor: str | None = None


def check_taken(order_kind: str, merchant: Any, site: Any, campaign: Any | None) -> None:
    """Raises: Problem(kind_switched_off) naming every level at which it is off."""
    switch = "mit" if order_kind.startswith("mit") else order_kind
    if offs := where_off(switch, merchant, site, campaign):
        raise refused(switch, offs)


def where_off(switch: str, merchant: Any, site: Any, campaign: Any | None) -> tuple[Off, ...]:
    """Every level at which the kind is off, the merchant first."""
    levels = []
    if not getattr(merchant, switch):
        levels.append(Off("merchant", merchant.merchant_id, merchant.name))
    if not getattr(site, switch):
        levels.append(Off("site", site.site_id, site.name))
    if campaign is not None and not getattr(campaign, switch):
        levels.append(Off("campaign", campaign.campaign_id, campaign.name))
    return tuple(levels)


def rank_of(actor: str | None, level: str) -> int:
    """Rank of who switched off. A merchant's switch that was off from the start waits for the
    operator."""
    if actor is None:
        return 2 if level == "merchant" else 0
    return _RANKS.get(actor.partition(":")[0], 0)


def refused(switch: str, offs: Sequence[Off]) -> Problem:
    """Problem that names what is off, at which level, and who can switch it on."""
    places = [_place(off) for off in offs]
    where = (
        Sentence("{0} and {1}", joined(places[:-1], ", "), places[-1])
        if len(places) > 1
        else places[0]
    )
    cure = joined(
        Sentence(
            "{0}{1}: {2} can switch it on.",
            place[:1].upper(),
            place[1:],
            _WHO[rank_of(off.actor, off.level)],
        )
        for place, off in zip(places, offs, strict=True)
    )
    return Problem(
        "kind_switched_off",
        Sentence("{0} orders are switched off for {1}.", KINDS[switch], where),
        cure=cure,
        switch=switch,
        offs=tuple(offs),
    )


def check_may_open(switch: str, off: Off, actor: str) -> None:
    """Raises: Problem(forbidden) where somebody higher switched it off."""
    needed = rank_of(off.actor, off.level)
    if rank_of(actor, "site") < needed:
        who = "the operator" if needed == 2 else "its partner or the operator"
        by = "its partner" if needed == 1 else "the operator"
        raise Problem(
            "forbidden",
            Sentence("{0} was switched off for {1} by {2}.", KINDS[switch], _place(off), by),
            cure=Sentence("Ask {0} to switch it on; nothing was changed.", who),
        )


def check_kind(text: str) -> str:
    """Raises: Problem(invalid) for what is no kind."""
    if text not in KINDS:
        raise invalid(Sentence("The field Kind must be one of {0}.", ", ".join(KINDS)), "Kind")
    return text


def check_why(text: str) -> str:
    """Raises: Problem(invalid)."""
    text = text.strip()
    if len(text) > WHY_CHARS_MAX or not text.isprintable():
        message = Sentence(
            "The field Why must be at most {0} characters long, on one line.", WHY_CHARS_MAX
        )
        raise invalid(message, "Why", "Say it shorter.")
    return text


def _place(off: Off) -> str:
    if off.level == "merchant":
        return "this merchant"
    return (
        Sentence("the site {0}", off.name)
        if off.level == "site"
        else Sentence("the campaign {0}", off.name)
    )
