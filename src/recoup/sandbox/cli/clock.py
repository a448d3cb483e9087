"""`recoup clock now` and `recoup clock advance 21d`."""

import re
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import click

from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.time import iso
from recoup.kit.cli.parameters import Parsed
from recoup.merchants.cli import AtMerchant, Opened, verb
from recoup.merchants.store.merchants import offset_of
from recoup.rescue.flows.locked import Orders
from recoup.sandbox.flows.advance_clock import advance_clock
from recoup.sandbox.flows.clock_moves import parse_step
from recoup.webhooks.flows.deliver import Deliveries
from recoup.webhooks.flows.publish import publish_now


class _Forward(click.Command):
    """Takes `-1d` for what it is, not for an option that nobody knows."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Raises: Problem(invalid) for a way back."""
        back = next((arg for arg in args if re.match(r"-\d", arg)), None)
        if back is not None:
            raise Problem(
                "invalid",
                f"{back[:20]!r} goes back: a clock moves forward only.",
                cure="Write how far like 22d, 36h or 90m.",
            )
        return super().parse_args(ctx, args)


async def shown_now(opened: Opened) -> datetime:
    """Time of the merchant's clock. Raises: Problem invalid, not_found."""
    offset = await offset_of(opened.world.db.reader, opened.merchant_id)
    if offset is None:
        raise Problem(
            "not_found", "There is no such merchant.", cure="Run `recoup bootstrap` first."
        )
    return opened.world.clocks.business(offset)


@click.group()
def clock() -> None:
    """A sandbox merchant's business time."""


@verb(clock, sandbox_only=True, cls=_Forward)
async def advance(by: Annotated[timedelta, Parsed(parse_step)], *, at: AtMerchant) -> str:
    """Moves it forward by BY (22d, 36h, 90m, or several: 1d12h), and runs what falls due on the
    way."""

    def publish(merchant_id: UUID) -> Any:
        return publish_now(at.world, at.services.get(Deliveries), merchant_id)

    orders, requested_by = at.services.get(Orders), (at.scope("command"), new_id())
    return iso(
        await advance_clock(
            at.world, orders, at.merchant_id, by, publish, requested_by=requested_by
        )
    )


@verb(clock, sandbox_only=True)
async def now(at: AtMerchant) -> str:
    """What the merchant's clock shows."""
    return iso(await shown_now(at))
