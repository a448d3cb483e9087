"""`recoup sandbox dispute ORDER`, and the key by which the sandbox's processor signs its notices."""

from typing import Any

import click

from recoup.doors.command.verbs import Opened, Run, in_sandbox
from recoup.flows.disputes.sandbox import dispute_on_demand
from recoup.flows.signed_notices import signing_key
from recoup.kernel.money import UNITS_MAX
from recoup.rules.messages.inbound import DISPUTE_NOTICES, SignedKind
from recoup.rules.messages.signals import SIGNALS
from recoup.rules.messages.token_notices import TOKEN_NOTICES
from recoup.rules.money.disputes import STAGES


@click.command()
@click.argument("order")
@click.option("--fraud", "kind", flag_value="fraud", default="fraud", help="The cardholder denies it (default).")
@click.option("--service", "kind", flag_value="service", help="The dispute is about goods or services.")
@click.option("--processing", "kind", flag_value="processing", help="The dispute is about processing.")
@click.option("--amount", type=click.IntRange(max=UNITS_MAX), help="Minor units; default: the amount not refunded.")
@click.option("--stage", type=click.Choice(STAGES), default="first", help="The next stage of an earlier case.")
@click.option("--won", "decided", flag_value="won", help="The dispute is won.")
@click.option("--lost", "decided", flag_value="lost", help="The dispute is lost.")
@in_sandbox
def dispute(run: Run, order: str, kind: Any, amount: int | None, stage: str, decided: Any) -> None:
    """Opens a dispute: the cardholder disputes an order, and the processor sends a notice."""

    async def work(opened: Opened) -> str:
        return await dispute_on_demand(
            opened.world, opened.orders, order, kind=kind, units=amount, stage=stage, decided=decided
        )

    click.echo(run(work))


@click.command("notice-key")
@click.option("--signals", is_flag=True, help="The key for signals (docs/cards.md).")
@click.option("--network-tokens", "tokens", is_flag=True, help="The key for tokens (docs/cards.md).")
@in_sandbox
def show_key(run: Run, signals: bool, tokens: bool) -> None:
    """Prints the key with which the sandbox's processor signs its notices (hex); see docs/disputes.md."""

    async def work(opened: Opened) -> str:
        kind: SignedKind[Any] = TOKEN_NOTICES if tokens else SIGNALS if signals else DISPUTE_NOTICES
        return signing_key(opened.world, kind, "sandbox").hex()

    click.echo(run(work))
