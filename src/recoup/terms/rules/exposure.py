"""Limits on what may be advanced at once, and the slots that they are cut into.

Each slot holds a chunk of the merchant's limit: `allotted`, of which `used` stands for what was
advanced and is not collected. Sums over all slots never pass the limit that was in force when each
unit was allotted. Pure.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Annotated, Final, Literal, get_args
from uuid import UUID

from recoup.kernel.frozen import frozen
from recoup.kit.terms import Choice, Percent, Units

SLOTS: Final = 8
Occasion = Literal["unresolved", "declined"]
AdvanceOn = Literal["unresolved", "soft_declines", "both"]
Room = Literal["enough", "no_exposure", "customer_limit"]


@frozen
class Limits:
    """Limits of one merchant in one asset. Units: the asset's smallest; `allowed_loss_basis_points`
    of the order's amount."""

    limit_units: Annotated[
        int,
        Units(
            "Limit of advances not yet collected; 0 switches advances off.",
            option="limit",
        ),
    ] = 0
    order_max_units: Annotated[
        int, Units("Maximum per order. Default: the limit.", option="order-max")
    ] = 0
    customer_max_units: Annotated[
        int,
        Units("Maximum per customer at a time. Default: the limit.", option="customer-max"),
    ] = 0
    chunk_units: Annotated[
        int,
        Units(
            "Size of the portions taken from the operator's limit. Default: an eighth of it.",
            option="chunk",
        ),
    ] = 1
    allowed_loss_basis_points: Annotated[
        int,
        Percent("In addition to the fee, in percent of the amount: 55.5", option="allowed-loss"),
    ] = 0
    advance_on: Annotated[
        AdvanceOn,
        Choice(
            "A customer's payment that had no answer in time, one that was declined softly, or "
            "both.",
            values=get_args(AdvanceOn),
        ),
    ] = "unresolved"
    version: int = 1

    def covers(self, occasion: Occasion) -> bool:
        return self.advance_on == "both" or (self.advance_on == "unresolved") is (
            occasion == "unresolved"
        )


@frozen
class Slot:
    """`reclaim`: so much of `used` does not become free again, because the limit fell while it was
    out. `lost`: written off here since the terms were set; its room was taken off `allotted`."""

    slot: int
    allotted: int = 0
    used: int = 0
    reclaim: int = 0
    lost: int = 0

    @property
    def free(self) -> int:
        return self.allotted - self.used


@frozen
class Grant:
    """The slot that holds it now. `low`: another one like it would not fit there; the treasurer
    should look."""

    slot: int
    low: bool


@frozen
class Wish:
    """Room for one advance. `customers`: all whose limit it counts against. `then` goes on with
    what was granted, or with why not."""

    units: int
    customers: tuple[UUID, ...]
    customer_max_units: int
    then: Callable[[Grant | Room], None]


def give_back(slot: Slot, units: int, lost: int = 0) -> Slot:
    """Collected, netted or written off. `lost`: so much of it was written off, and is not free
    again.

    Raises: ValueError for more than is used.
    """
    if not 0 < units <= slot.used:
        raise ValueError(f"slot {slot.slot} has {slot.used} in use, not {units}")
    gone = min(units, slot.reclaim)
    return replace(
        slot,
        used=slot.used - units,
        allotted=slot.allotted - max(gone, lost),
        reclaim=slot.reclaim - gone,
        lost=slot.lost + lost,
    )


def take(slots: Sequence[Slot], units: int, prefer: int) -> tuple[tuple[Slot, ...], int] | None:
    """The slots afterwards, and the one that holds it; None when all of them together have no room.

    Where no single slot has room, what is free in others is moved there first: the sums stay.
    """
    if units <= 0:
        raise ValueError("an advance is of more than nothing")
    if sum(s.free for s in slots) < units:
        return None
    near = sorted(slots, key=lambda s: (s.slot - prefer) % SLOTS)
    chosen = next((s for s in near if s.free >= units), near[0])
    missing = max(0, units - chosen.free)
    changed = {
        chosen.slot: replace(chosen, allotted=chosen.allotted + missing, used=chosen.used + units)
    }
    for other in near:
        if other.slot != chosen.slot:
            moved = min(other.free, missing)
            missing -= moved
            changed[other.slot] = replace(other, allotted=other.allotted - moved)
    return tuple(changed[s.slot] for s in slots), chosen.slot


def allot(slots: Iterable[Slot], limits: Limits, operator_room: int) -> tuple[Slot, ...]:
    """The treasurer's work: chunks for the slots with the least room, up to the limit less what is
    lost; what is idle goes back.

    `operator_room`: how much the operator's own limit leaves this merchant in all.
    """
    held = {number: Slot(number) for number in range(SLOTS)} | {
        s.slot: replace(s, reclaim=0) for s in slots
    }
    lost = sum(s.lost for s in held.values())
    cap, chunk = max(0, min(limits.limit_units - lost, operator_room)), limits.chunk_units
    used = sum(s.used for s in held.values())
    wanted = min(cap, used + SLOTS * chunk)
    total = sum(s.allotted for s in held.values())
    while total < wanted:
        poorest = min(held.values(), key=lambda s: (s.free, s.slot))
        piece = min(chunk, wanted - total)
        held[poorest.slot] = replace(poorest, allotted=poorest.allotted + piece)
        total += piece
    if total > cap or total - used > 2 * SLOTS * chunk:
        _shrink(held, total - max(used, wanted))
    if (
        used > cap
        # whichever slot comes free first: none of it may be used again before the treasurer has
        # looked
    ):
        held = {number: replace(s, reclaim=s.used) for number, s in held.items()}
    return tuple(held[number] for number in sorted(held))


def _shrink(held: dict[int, Slot], units: int) -> None:
    for slot in sorted(held.values(), key=lambda s: (-s.free, s.slot)):
        less = max(0, min(slot.free, units))
        units -= less
        held[slot.slot] = replace(slot, allotted=slot.allotted - less)
