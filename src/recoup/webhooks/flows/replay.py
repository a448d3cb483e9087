"""Events are sent to an endpoint again, in order, marked as resent, through the lanes by which new
ones go; one event, or an order's last to each endpoint, at a person's request.

Source: decision 0028; contract §14.5 (`IsResent`)."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec.structs import replace

from recoup.db.pool import KeyTaken, retrying
from recoup.db.statement import Tx
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.scope import PartnerScope, Scope
from recoup.kernel.time import iso
from recoup.kit.world import World
from recoup.merchants.flows.cells import ask_each
from recoup.orders.store.archived import check_archived
from recoup.people.flows.owner import Owner, note, owner_id
from recoup.webhooks.flows.endpoints import Endpoint, homes_of, names_in, read
from recoup.webhooks.moves import begin_one, begin_replay, step_replay
from recoup.webhooks.store.deliveries import SentEvent, last_events, read_try
from recoup.webhooks.store.endpoints import lock_endpoint, lock_owned
from recoup.webhooks.store.feed import last_number
from recoup.webhooks.store.partner_feed import last_partner_number
from recoup.webhooks.store.replays import (
    COUNTED_MAX,
    ReplayRow,
    count_events,
    is_busy,
    lane_in_replay,
    list_replays,
    newest_replays,
    note_replay_of_one,
    try_now,
)

REPLAYS_SHOWN: Final = 50
RANGE_FIELDS: Final = (
    "fromNumber",
    "toNumber",
    "events",
    "since",
    "until",
    "event",
    "orderId",
    "sequence",
)


@frozen
class ReplayRequest:
    """Numbers of the feed, both included; instants of business time, `until` not included. None: no
    bound. Without `events` all that the endpoint listens to."""

    from_number: int | None = None
    to_number: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    events: tuple[str, ...] | None = None


@frozen
class Found:
    """Number of events that a replay would send. `exact`: False when there is more than was
    counted."""

    events: int
    orders: int
    exact: bool


@frozen
class Replay:
    """`state`: opening (the feed is looked through, or one event waits for its lane), sending,
    done. `found`: events, so far while it is opening. `orders_left`: whose events are still being
    sent; at most 10,000."""

    replay_id: UUID
    state: str
    request: dict[str, Any]
    found: int
    orders_left: int
    created_at: datetime


async def ask(
    world: World, owner: Owner, endpoint_id: UUID, request: ReplayRequest, key: str | None
) -> Replay:
    """Starts a replay. With a key that came before: the same replay again.

    Raises: Problem(not_found); Problem(invalid) naming from, to or events; Problem(conflict) for a
    key that came with something else, or while an earlier replay is under way; Problem(wrong_state)
    for an endpoint that is disabled.
    """
    endpoint = await read(world, owner, endpoint_id)
    events = _wanted(endpoint, request)
    range_body = _with_all_fields(
        {
            "fromNumber": request.from_number,
            "toNumber": request.to_number,
            "events": request.events and list(request.events),
            "since": request.since and iso(request.since),
            "until": request.until and iso(request.until),
        }
    )
    replay_id = new_id()
    key = key or replay_id.hex
    row = {
        "replay_id": replay_id,
        "endpoint_id": endpoint_id,
        "key": key,
        "request": range_body,
        "at_from": request.since,
        "at_to": request.until,
        "events": events,
        "actor": owner.actor.text(),
    }
    homes = homes_of(world, endpoint)
    if earlier := await _known(homes, endpoint_id, key, range_body):
        return earlier
    if endpoint.state != "active":
        raise Problem(
            "wrong_state",
            "The endpoint is disabled: nothing is sent there.",
            cure="Switch it on with PATCH {state: active}, then replay.",
        )

    async def once() -> None:
        wall = world.clocks.wall()
        async with AsyncExitStack() as stack:
            tx, *others = [await stack.enter_async_context(home.db.transaction()) for home in homes]
            await lock_endpoint(tx, endpoint_id, owner_id(owner))
            if any([await is_busy(each, endpoint_id) for each in (tx, *others)]):
                raise Problem(
                    "conflict",
                    "An earlier replay to this endpoint is still under way.",
                    cure="GET …/replays shows when it is done.",
                )
            partner = isinstance(owner, PartnerScope)
            last = await (last_partner_number if partner else last_number)(tx, owner_id(owner))
            numbers = _numbers(request, last)
            for each in (tx, *others):
                await begin_replay(
                    each,
                    row | {"created_at": wall},
                    owner_id(owner),
                    numbers,
                    partner=partner,
                    stable=endpoint.format == "stablecoin",
                    wall=wall,
                )
            await note(
                tx,
                owner,
                wall,
                "webhook.replayed",
                endpoint_id,
                {"from": numbers[0], "to": numbers[1]},
            )

    try:
        await retrying(once)
    except (KeyTaken, Problem) as error:
        if earlier := await _known(homes, endpoint_id, key, range_body):
            return earlier  # two calls with one key at once
        raise (
            error
            if isinstance(error, Problem)
            else Problem("conflict", "Ask again.", cure="Once more.")
        ) from None
    known = await _known(homes, endpoint_id, key, range_body)
    return known or Replay(replay_id, "done", range_body, 0, 0, world.clocks.wall())


async def count(world: World, scope: Scope, endpoint_id: UUID, request: ReplayRequest) -> Found:
    """Counts what `ask` would send to a merchant's endpoint. Counts stop at 100,000.

    Raises: as `ask`; nothing is sent.
    """
    endpoint = await read(world, scope, endpoint_id)
    wanted = _wanted(endpoint, request)
    numbers = _numbers(request, await last_number(world.db, scope.merchant_id))
    counted = await count_events(
        world.db,
        scope.merchant_id,
        *numbers,
        request.since,
        request.until,
        wanted,
        stable=endpoint.format == "stablecoin",
    )
    return Found(counted.events, counted.orders, counted.events < COUNTED_MAX)


async def list_all(world: World, owner: Owner, endpoint_id: UUID) -> Sequence[Replay]:
    """Newest first, the last fifty. Raises: Problem(not_found)."""
    homes = homes_of(world, await read(world, owner, endpoint_id))
    rows = await _of_each(homes, lambda cell: newest_replays(cell.db, endpoint_id, REPLAYS_SHOWN))
    return [_replay(row) for row in rows[:REPLAYS_SHOWN]]


async def _of_each(
    homes: Sequence[World], read_rows: Callable[[World], Awaitable[list[ReplayRow]]]
) -> list[ReplayRow]:
    """Newest first; what each cell has of a replay is one row. Raises: Problem(unavailable)."""
    answers = await ask_each(homes[0], read_rows, homes)
    answers.check()
    if len(homes) == 1:
        return answers.said[0][1]
    rows: dict[UUID, ReplayRow] = {}
    for row in (row for _, of_cell in answers.said for row in of_cell):
        other = rows.get(row.replay_id)
        rows[row.replay_id] = (
            row
            if other is None
            else replace(
                row,
                created_at=min(row.created_at, other.created_at),
                found=row.found + other.found,
                opening=row.opening or other.opening,
                lanes=row.lanes + other.lanes,
            )
        )
    return sorted(rows.values(), key=lambda row: row.created_at, reverse=True)


async def go_on(world: World, merchant_id: UUID, replay_id: UUID) -> None:
    """Due work `replay`: one step through the merchant's feed."""

    async def once() -> None:
        async with world.db.transaction() as tx:
            await step_replay(tx, merchant_id, replay_id, world.clocks.wall())

    await retrying(once)


async def _known(
    homes: Sequence[World], endpoint_id: UUID, key: str, range_body: dict[str, Any]
) -> Replay | None:
    rows = await _of_each(homes, lambda cell: list_replays(cell.db, endpoint_id, 1, key))
    if rows and _with_all_fields(rows[0].request) != range_body:
        raise Problem(
            "conflict",
            "This idempotency key came before with another replay.",
            field="IdempotencyKey",
            cure="Use a new key for a new replay.",
        )
    return _replay(rows[0]) if rows else None


def _replay(row: ReplayRow) -> Replay:
    state = "opening" if row.opening else "sending" if row.lanes else "done"
    return Replay(
        row.replay_id, state, _with_all_fields(row.request), row.found, row.lanes, row.created_at
    )


def _with_all_fields(range_body: dict[str, Any]) -> dict[str, Any]:
    """Completes the body to one shape, for a range and for one event of an order: a field that was
    not sent is None."""
    return dict.fromkeys(RANGE_FIELDS) | range_body


def _wanted(endpoint: Endpoint, request: ReplayRequest) -> list[str]:
    """The events as the outbox has them. Raises: Problem(invalid)."""
    known = names_in(endpoint.format)
    strange = [name for name in request.events or () if name not in endpoint.events]
    if strange or request.events == ():
        listens = ", ".join(endpoint.events)
        message = (
            Sentence("The endpoint does not subscribe to {0}.", repr(strange[0][:64]))
            if strange
            else "Name at least one event."
        )
        cure = Sentence("It subscribes to: {0}. PATCH its events to add others.", listens)
        raise invalid(message, "Events", cure)
    if endpoint.format == "stablecoin" and (
        request.from_number is not None or request.to_number is not None
    ):
        raise invalid(
            "Events of the stablecoin API have no numbers.",
            "FromNumber",
            "Send since and until instead.",
        )
    return [known[name] for name in request.events or endpoint.events]


def _numbers(request: ReplayRequest, last: int) -> tuple[int, int]:
    """Raises: Problem(invalid)."""
    low, high = (
        request.from_number or 1,
        last if request.to_number is None else min(last, request.to_number),
    )
    if request.from_number is not None and request.from_number > last:
        raise invalid(
            Sentence("The feed ends at {0}.", last), "FromNumber", "Send a number up to that."
        )
    if request.to_number is not None and request.to_number < low:
        raise invalid("ToNumber lies before fromNumber.", "ToNumber", "Send a higher number.")
    return low, high


COMING: Final = "coming"


async def redeliver(world: World, scope: Scope, endpoint: Endpoint, try_id: UUID, key: str) -> str:
    """Sends once more what the attempt carried, marked as resent, by the way of new events. An
    event that still waits for its next attempt is sent now instead. Answers `again`, `queued` while
    other events of the order are being sent again, or `now`. The same key again changes nothing.

    Raises: Problem(not_found); Problem(wrong_state) for a disabled endpoint and for a sample;
    Problem(conflict) while the event is being sent again already.
    """
    row = await read_try(world.db, scope.merchant_id, endpoint.endpoint_id, try_id, clear=False)
    known = await list_replays(world.db, endpoint.endpoint_id, 1, key)
    if row is None:
        raise Problem("not_found", "There is no such delivery.", cure="Check the endpoint's log.")
    if known:
        return "again"
    if row.event is None:
        await check_archived(world.db, scope.merchant_id, row.subject_id)
    if row.sample is not None or row.event is None:
        raise Problem(
            "wrong_state",
            "A sample belongs to no order and cannot be sent again.",
            cure="Send another sample from the endpoint's page.",
        )
    if endpoint.state != "active":
        raise Problem(
            "wrong_state",
            "The endpoint is disabled: nothing is sent there.",
            cure="Switch it on, then send it again.",
        )

    sent = SentEvent(endpoint.endpoint_id, row.subject_id, row.seq, row.event_id, row.event)

    async def once() -> str:
        async with world.db.transaction() as tx:
            return await _send(tx, world, scope, sent, key)

    try:
        outcome = await retrying(once)
    except KeyTaken:
        return "again"  # two calls with one key at once
    if outcome == COMING:
        raise Problem(
            "conflict",
            "This event is already being resent there.",
            cure="Wait until it is delivered; see the log.",
        )
    return outcome


async def redeliver_last(world: World, scope: Scope, order_id: UUID, key: str | None = None) -> str:
    """The last event that each endpoint listens to; answers what goes where, in words. A second
    press while it is on its way sends nothing more, nor does the same key later.

    Raises: Problem(wrong_state) when no endpoint listens to anything that happened.
    """

    async def once() -> tuple[set[str], list[str]]:
        async with world.db.transaction() as tx:
            last = await last_events(tx, scope.merchant_id, order_id)
            outcomes = [await _send(tx, world, scope, row, key or new_id().hex) for row in last]
        return {row.event for row in last}, outcomes

    try:
        names, outcomes = await retrying(once)
    except KeyTaken:
        return "its last event, before"
    if not names:
        raise Problem(
            "wrong_state",
            "No active endpoint subscribes to an event of this order.",
            cure="Create one, or switch one on.",
        )
    sent = sum(outcome != COMING for outcome in outcomes)
    what = ", ".join(sorted(names))
    if not sent:
        return Sentence("{0} is on its way already", what)
    return Sentence("{0} to {1} endpoint{2}", what, sent, "" if sent == 1 else "s")


async def _send(tx: Tx, world: World, scope: Scope, sent: SentEvent, key: str) -> str:
    """Sends the event and returns what was done; COMING while it is being sent there again already,
    with nothing done. Raises: KeyTaken."""
    wall, lanes, replay_id = world.clocks.wall(), [sent.subject_id, sent.event_id], new_id()
    named = {"event": sent.event, "orderId": str(sent.subject_id), "sequence": sent.seq}
    replay = {
        "replay_id": replay_id,
        "endpoint_id": sent.endpoint_id,
        "key": key,
        "request": named,
        "events": [sent.event],
        "at_from": None,
        "at_to": None,
        "actor": scope.actor.text(),
        "created_at": wall,
    }
    event = (scope.merchant_id, sent.subject_id, sent.seq)
    details = {"event": sent.event, "of": str(sent.subject_id)}
    if await try_now(tx, scope.merchant_id, sent.endpoint_id, lanes, sent.seq, wall):
        await note_replay_of_one(tx, replay, *event)
        await note(tx, scope, wall, "webhook.redelivered", sent.endpoint_id, details)
        return "now"
    await lock_owned(tx, sent.endpoint_id, scope.merchant_id)
    lane = await lane_in_replay(
        tx, sent.endpoint_id, sent.subject_id, sent.event_id, sent.seq, replay_id
    )
    if lane.coming:
        return COMING
    await begin_one(tx, replay, *event, wall=wall)
    await note(tx, scope, wall, "webhook.redelivered", sent.endpoint_id, details)
    return "queued" if lane.busy else "again"
