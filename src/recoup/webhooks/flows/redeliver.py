"""An event is sent to an endpoint again, or an order's last to each, at a person's request."""

from typing import Final
from uuid import UUID

from recoup.audit.moves import note
from recoup.db.pool import KeyTaken, retrying
from recoup.db.statement import Tx
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.scope import Scope
from recoup.kit.world import World
from recoup.webhooks.flows.endpoints import Endpoint
from recoup.webhooks.moves.replay import begin_one
from recoup.webhooks.store.deliveries import SentEvent, last_events, read_try
from recoup.webhooks.store.endpoints import lock_owned
from recoup.webhooks.store.replays import lane_in_replay, list_replays, note_replay_of_one, try_now

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
    one = (scope.merchant_id, sent.subject_id, sent.seq)
    details = {"event": sent.event, "of": str(sent.subject_id)}
    if await try_now(tx, scope.merchant_id, sent.endpoint_id, lanes, sent.seq, wall):
        await note_replay_of_one(tx, replay, *one)
        await note(tx, scope, wall, "webhook.redelivered", sent.endpoint_id, details)
        return "now"
    await lock_owned(tx, sent.endpoint_id, scope.merchant_id)
    lane = await lane_in_replay(
        tx, sent.endpoint_id, sent.subject_id, sent.event_id, sent.seq, replay_id
    )
    if lane.coming:
        return COMING
    await begin_one(tx, replay, *one, wall=wall)
    await note(tx, scope, wall, "webhook.redelivered", sent.endpoint_id, details)
    return "queued" if lane.busy else "again"
