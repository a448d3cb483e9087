"""`recoup sending`: the switch of everything that moves money, for all merchants of a world."""

import click

from recoup.kernel.time import iso
from recoup.merchants.cli import Run, in_any_state, in_world, show
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
    """Switches off and on whatever moves money, of all merchants: charges, captures, refunds, voids, payouts."""


@sending.command()
@click.option("--reason", required=True, help="Reason, shown in the portal.")
@in_any_state
def off(run: Run, reason: str) -> None:
    """Switches all sending off at once, in every process. Exits with 1 while something of before may still leave."""
    done = run(lambda opened: switch_sending_off(opened.world, reason, OPERATOR))
    if done is SwitchedOff.LEAVING:
        click.echo("All sending is off, but transactions of before are still open. Run it again.")
        raise SystemExit(1)
    click.echo(
        f"All sending is off: nothing leaves later than {LEAVES_WITHIN} seconds from now."
        if done is SwitchedOff.NOW
        else "All sending was already off."
    )


@sending.command()
@in_any_state
def on(run: Run) -> None:
    """Switches sending on again: what waits goes on by its plan."""
    done = run(lambda opened: switch_sending_on(opened.world, OPERATOR))
    click.echo("Sending is on." if done else "Sending was not off.")


@sending.command("show")
@click.option("--json", "as_json", is_flag=True, help="Output as one JSON object.")
@in_world
def show_verb(run: Run, as_json: bool) -> None:
    """Shows whether sending is off, since when and why."""
    stop = run(lambda opened: standing_stop(opened.world.db.reader))
    found = {
        "off_since": stop and iso(stop.stopped_at),
        "off_reason": stop and stop.why,
        "off_by": stop and stop.actor,
    }
    text = (
        f"All sending is off since {iso(stop.stopped_at)}: {stop.why}" if stop else "Sending is on."
    )
    show(found, [text], as_json=as_json)
