"""Acts on many orders: one thing done to them, because somebody has looked at how many they are and
what they sum up to.

Due work `bulk`: some orders at a time, each by the flow of a single one, whose own keys make doing
it twice harmless.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID, uuid5

import structlog

from recoup.audit.moves import note
from recoup.db.pool import retrying
from recoup.desk.moves import end_act, take_act
from recoup.desk.store.bulk_acts import (
    SELECTED_MAX,
    BulkAct,
    NewAct,
    WaitingRow,
    answer_act,
    ask_act_stop,
    find_act,
    lock_act,
    selected_orders,
    waiting_of,
)
from recoup.desk.store.order_filter import OrderFilter
from recoup.kernel.frozen import frozen
from recoup.kernel.kept_sentence import keep
from recoup.kernel.problem import Problem, Sentence, figure, in_words, joined
from recoup.kernel.scope import Actor, Scope
from recoup.kit.world import World
from recoup.orders.store.due_work import Due, hand_back
from recoup.people.flows.order_notes import checked_note, note_order
from recoup.people.flows.standing import role_who_may
from recoup.rescue.flows.cancel import cancel
from recoup.rescue.flows.locked import Orders
from recoup.stablecoin.flows.expire import last_look
from recoup.webhooks.flows.replay import redeliver_last

log = structlog.get_logger()
AT_ONCE: Final = 64
SIDE_BY_SIDE: Final = 16
SLICE_SECONDS: Final = 5.0  # then a free worker goes on
TRIES_MAX: Final = 5
_NOT_NOW: Final = frozenset({"unavailable", "too_many_requests"})
_Next = tuple[BulkAct, list[WaitingRow]]
_DONE: Final = {"cancel": "Cancelled", "note": "Note added"}


@frozen
class Act:
    """`action`: cancel, redeliver or note, with its text. `said`: the list in words."""

    action: str
    note: str = ""
    said: tuple[str, ...] = ()


async def take_all(
    world: World, scope: Scope, act_id: UUID, act: Act, order_filter: OrderFilter, expected: int
) -> None:
    """Everything that the list has now, if it is as many as somebody was shown. `act_id` is the
    form's own: the same form again begins nothing more.

    Raises: Problem(conflict) when they are more or fewer; Problem(invalid) for a note that is none,
    and for too many.
    """
    text = checked_note(act.note) if act.action == "note" else ""
    wall = world.clocks.wall()
    new = NewAct(
        scope.merchant_id,
        act_id,
        act.action,
        text,
        "working",
        list(map(keep, act.said)),
        expected,
        scope.actor.text(),
        scope.request_id,
        wall,
    )

    async def once() -> None:
        async with world.db.transaction() as tx:
            if await find_act(tx, scope.merchant_id, act_id) is not None:
                return
            order_ids = await selected_orders(tx, order_filter)
            if len(order_ids) > SELECTED_MAX:
                raise too_many()
            if len(order_ids) != expected or not order_ids:
                message = Sentence(
                    "The list has changed: {0} orders match now, {1} were shown.",
                    figure(len(order_ids)),
                    figure(expected),
                )
                raise Problem("conflict", message, cure="Check again, then repeat.")
            if await take_act(tx, new, order_ids):
                await note(
                    tx, scope, wall, "bulk.begun", act_id, {"what": act.action, "orders": expected}
                )

    await retrying(once)


def too_many() -> Problem:
    return Problem(
        "invalid",
        Sentence("More than {0} orders match; nothing was done.", figure(SELECTED_MAX)),
        cure="Narrow the list, for example by days, and proceed in parts.",
    )


async def stop_act(world: World, merchant_id: UUID, act_id: UUID) -> None:
    """Orders that were begun are finished; the rest is left. Does nothing when it is finished."""
    await ask_act_stop(world.db.alone, merchant_id, act_id, world.clocks.wall())


async def act_on(
    world: World, orders: Orders, scope: Scope, act: Act, act_id: UUID, order_id: UUID
) -> str:
    """Acts on one order; the same again is harmless. Answers what was done. Raises: Problem."""
    own = uuid5(act_id, str(order_id))
    if act.action == "note":
        await note_order(world, scope, order_id, own, act.note)
    elif act.action == "redeliver":
        return Sentence("Sent again: {0}", await redeliver_last(world, scope, order_id, own.hex))
    else:
        await last_look(world, orders, (scope.merchant_id, order_id))
        await cancel(world, orders, scope, order_id)
    return _DONE[act.action]


async def work_bulk(world: World, orders: Orders, due: Due) -> None:
    """Raises: Problem(unavailable) when some could not be done now; they are tried again later."""
    key, until = (due.merchant_id, due.subject_id), world.clocks.monotonic() + SLICE_SECONDS
    answers: list[dict[str, Any]] = []
    while True:
        step = await _step(world, key, answers)
        if step is None:
            return
        row, waiting = step
        if world.clocks.monotonic() >= until:
            await hand_back(world.db.alone, due)
            return
        last_try = due.tries >= TRIES_MAX
        answers, trouble = await _some(
            world, orders, row, [order.order_id for order in waiting], last_try=last_try
        )
        for order, answer in zip(waiting, answers, strict=True):
            answer["row_no"] = order.row_no
        answers = [answer for answer in answers if answer["state"] != "waiting"]
        if trouble is not None:
            await _step(world, key, answers)
            raise trouble


async def _step(
    world: World, key: tuple[UUID, UUID], answers: Sequence[dict[str, Any]]
) -> _Next | None:
    """Keeps the answers; the orders that come next. None: there are none, and it has ended."""

    async def once() -> _Next | None:
        async with world.db.transaction() as tx:
            row = await lock_act(tx, *key)
            if row is None or row.finished_at is not None:
                return None
            if answers:
                await answer_act(tx, *key, answers)
            waiting = await waiting_of(tx, *key, AT_ONCE)
            if waiting and row.stop_requested_at is None:
                return row, waiting
            await end_act(tx, key, "stopped" if waiting else "completed", world.clocks.wall())
            return None

    return await retrying(once)


async def _some(
    world: World, orders: Orders, row: BulkAct, order_ids: Sequence[UUID], *, last_try: bool
) -> tuple[list[dict[str, Any]], Exception | None]:
    """An answer for each, in their order; `waiting` for what could not be done now, and why."""
    actor = Actor.of(row.actor)
    role = await role_who_may(world, UUID(actor.id), row.merchant_id, "cancel")
    scope = Scope(row.merchant_id, actor, row.request_id, role)
    act = Act(row.action, row.note)
    room = asyncio.Semaphore(SIDE_BY_SIDE)
    trouble: list[Exception] = []

    async def answered(order_id: UUID) -> dict[str, Any]:
        try:
            async with room:
                return {
                    "state": "done",
                    "answer": await act_on(world, orders, scope, act, row.act_id, order_id),
                }
        except Problem as problem:
            if problem.code in _NOT_NOW and not last_try:
                trouble.append(problem)
                return {"state": "waiting"}
            return {
                "state": "refused",
                "answer": joined(filter(None, (problem.message, problem.cure))),
            }
        except Exception as error:  # noqa: BLE001 - whatever it was, the other orders go on
            log.warning("bulk row failed", order=str(order_id), error=in_words(error)[:200])
            if not last_try:
                trouble.append(error)
                return {"state": "waiting"}
            return {
                "state": "refused",
                "answer": "Something went wrong on our side. Do it on the order's own page.",
            }

    answers = await asyncio.gather(*(answered(order_id) for order_id in order_ids))
    return answers, trouble[0] if trouble else None
