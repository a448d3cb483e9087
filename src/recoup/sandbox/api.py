"""/clock, /clock/advance: a merchant's business time, which a sandbox merchant may move."""

from datetime import datetime
from typing import Annotated, Final

from msgspec import Meta

from recoup.kernel.ids import new_id
from recoup.kernel.time import iso
from recoup.keys.api.v1_resource import Api, Call
from recoup.kit.api.body import named_as_here, read_whole
from recoup.kit.api.wire import Moment, Shape
from recoup.merchants.store.merchants import offset_of
from recoup.sandbox.flows.clock_moves import ClockMoves, parse_step


class ClockBody(Shape):
    """How far to move it. It never goes back."""

    advance: Annotated[str, Meta(max_length=64)]
    """Like `22d`, `36h` or `1d12h`."""


class ClockShown(Shape):
    """What the merchant's clock shows."""

    now: Moment
    target: Moment | None = None
    """Of a move: it has ended once `now` is there."""
    success: bool = True


api: Final = Api(group="Settings", scope="orders")


async def _now(call: Call) -> datetime:
    world = call.services.world
    offset = await offset_of(world.db.reader, call.scope.merchant_id)
    assert offset is not None
    return world.clocks.business(offset)


@api("GET /v1/clock")
async def read(call: Call) -> ClockShown:
    """Business time. Expiry dates are compared with it. In live it is the real time; a sandbox
    merchant's may be ahead."""
    return ClockShown(now=iso(await _now(call)))


@api("POST /v1/clock/advance", body=ClockBody, problems=("forbidden", "conflict", "unavailable"))
@api.example("an hour", {"advance": "1h"})
async def advance(call: Call) -> ClockShown:
    """Move a sandbox clock. Everything that falls due on the way is run, in order, and its webhooks
    are sent. A move that takes longer than eight seconds goes on after the answer."""
    body, begun = read_whole(call.body, ClockBody), await _now(call)
    with named_as_here():
        step = parse_step(body.advance)
        await call.services.get(ClockMoves).move(call.scope, step, new_id())
    return ClockShown(now=iso(await _now(call)), target=iso(begun + step))
