"""Room for what is advanced, and room that comes free: taken and given in the transaction of the
orders themselves.

Locks: customers, then slots, after the orders and cards, each in one order. An advance alone takes
one slot by one conditional update; several of one merchant at once share the lock of all its slots.
Chunks of the operator's limit become room in the slots, or go back, by due work `allot`.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from recoup.db.statement import Tx
from recoup.orders.moves.change import Change
from recoup.risk.store.exposure import (
    draw,
    free_slot,
    lock_customers,
    lock_slots,
    lock_terms,
    move_customers,
    take_slot,
    write_slots,
)
from recoup.terms.rules import exposure
from recoup.terms.rules.exposure import SLOTS, Grant, Room, Slot, Wish

Used = dict[tuple[UUID, UUID, str], int]


async def exchange(tx: Tx, changes: Sequence[Change]) -> None:
    """Answers each wish and takes back what is free. Without a wish no statement runs."""
    moving = [c for c in changes if c.wish is not None or c.freed_units]
    if not moving:
        return
    used = await lock_customers(tx, sorted({key for c in moving for key in _customers(c)}))
    before = dict(used)
    groups: dict[tuple[UUID, str], list[Change]] = defaultdict(list)
    for change in moving:
        groups[change.order.merchant_id, change.order.asset].append(change)
    for key in sorted(groups):
        if len(groups[key]) > 1 or not await _alone(tx, key, groups[key][0], used):
            await _together(tx, key, groups[key], used)
    await move_customers(
        tx, {key: units - before[key] for key, units in used.items() if units != before[key]}
    )


async def _alone(tx: Tx, key: tuple[UUID, str], change: Change, used: Used) -> bool:
    """Moves each slot by one statement; False, with nothing locked, when no slot has room by
    itself."""
    order, wish = change.order, change.wish
    if wish is None:
        assert order.advance is not None
        await free_slot(tx, *key, order.advance.slot, change.freed_units, change.lost_units)
        _count(used, change, -change.freed_units)
        return True
    if _passes(used, change, wish):
        wish.then("customer_limit")
        return True
    taken = await take_slot(tx, *key, wish.units, order.order_id.int % SLOTS)
    if taken is None:
        return False
    _count(used, change, wish.units)
    wish.then(Grant(taken.slot, taken.free < wish.units))
    return True


async def _together(tx: Tx, key: tuple[UUID, str], changes: Sequence[Change], used: Used) -> None:
    slots: tuple[Slot, ...] = tuple(await lock_slots(tx, *key))
    for change in (c for c in changes if c.wish is None):
        assert change.order.advance is not None
        number = change.order.advance.slot
        freed, lost = change.freed_units, change.lost_units
        slots = tuple(exposure.give_back(s, freed, lost) if s.slot == number else s for s in slots)
        _count(used, change, -change.freed_units)
    answers: list[tuple[Wish, Grant | Room]] = []
    for change in changes:
        wish = change.wish
        if wish is None:
            continue
        if _passes(used, change, wish):
            answers.append((wish, "customer_limit"))
            continue
        taken = (
            exposure.take(slots, wish.units, change.order.order_id.int % SLOTS) if slots else None
        )
        if taken is None:
            answers.append((wish, "no_exposure"))
            continue
        slots, number = taken
        _count(used, change, wish.units)
        answers.append(
            (wish, Grant(number, next(s.free for s in slots if s.slot == number) < wish.units))
        )
    await write_slots(tx, *key, slots)
    for wish, answer in answers:
        wish.then(answer)


def _passes(used: Used, change: Change, wish: Wish) -> bool:
    return any(used[key] + wish.units > wish.customer_max_units for key in _customers(change))


def _count(used: Used, change: Change, units: int) -> None:
    for key in _customers(change):
        used[key] += units


def _customers(change: Change) -> list[tuple[UUID, UUID, str]]:
    """All whose limit it counts against; each has a row, and the fullest decides."""
    order = change.order
    if change.wish is not None:
        customers = change.wish.customers
    else:
        assert order.advance is not None
        customers = order.advance.customers
    return [(order.merchant_id, customer_id, order.asset) for customer_id in customers]


async def allot(tx: Tx, merchant_id: UUID, asset: str) -> None:
    """Allots units of the limit to slots; does nothing without terms."""
    terms = await lock_terms(tx, merchant_id, asset)
    if terms is None:
        return
    slots = tuple(await lock_slots(tx, merchant_id, asset))
    others = terms.operator_drawn_units - terms.drawn_units
    limits = replace(terms.limits, chunk_units=max(1, terms.limits.chunk_units))
    filled = exposure.allot(slots, limits, terms.operator_limit_units - others)
    await write_slots(tx, merchant_id, asset, [s for s in filled if s not in slots])
    total = sum(s.allotted for s in filled)
    await draw(tx, merchant_id, asset, total, total - terms.drawn_units)
