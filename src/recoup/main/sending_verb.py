"""`recoup sending`: the switch of everything that moves money, for all merchants of a world."""

from typing import Annotated

import click

from recoup.kernel.time import iso
from recoup.kit.cli.command import Printed
from recoup.merchants.cli import Opened, verb
from recoup.merchants.store.sending_stops import standing_stop
from recoup.routes.cli.route import OPERATOR
from recoup.switches.flows.sending import (
    LEAVES_WITHIN,
    SwitchedOff,
    switch_sending_off,
    switch_sending_on,
)


@click.group()
def sending() -> None:
    """Switches off and on whatever moves money, of all merchants: charges, captures, refunds,
    voids, payouts."""


@verb(sending, in_quarantine=True)
async def off(opened: Opened, *, reason: Annotated[str, "Reason, shown in the portal."]) -> Printed:
    """Switches all sending off at once, in every process. Exits with 1 while something of before
    may still leave."""
    done = await switch_sending_off(opened.world, reason, OPERATOR)
    lines = {
        SwitchedOff.LEAVING: "All sending is off, but transactions of before are still open. Run "
        "it again.",
        SwitchedOff.NOW: f"All sending is off: nothing leaves later than {LEAVES_WITHIN} seconds "
        f"from now.",
    }
    return Printed(
        None,
        [lines.get(done, "All sending was already off.")],
        failed=done is SwitchedOff.LEAVING,
    )


@verb(sending, in_quarantine=True)
async def on(opened: Opened) -> str:
    """Switches sending on again: what waits goes on by its plan."""
    if await switch_sending_on(opened.world, OPERATOR):
        return "Sending is on."
    return "Sending was not off."


@verb(sending, "show", json="Output as one JSON object.")
async def show_verb(opened: Opened) -> Printed:
    """Shows whether sending is off, since when and why."""
    stop = await standing_stop(opened.world.db.reader)
    facts = {
        "off_since": stop and stop.stopped_at,
        "off_reason": stop and stop.why,
        "off_by": stop and stop.actor,
    }
    text = (
        f"All sending is off since {iso(stop.stopped_at)}: {stop.why}" if stop else "Sending is on."
    )
    return Printed(facts, [text])
