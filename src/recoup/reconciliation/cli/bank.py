"""`recoup bank`: the operator's side of payouts, where no page is at hand; and adjustments."""

import os
from collections import Counter
from pathlib import Path

import click

from recoup.bank.flows import AnswerTaken, read_file, take_answers
from recoup.kernel.ids import new_id, parse_id
from recoup.kernel.money import EXPONENTS, from_text
from recoup.kernel.problem import Problem, invalid
from recoup.kernel.scope import Actor, Scope
from recoup.merchants.cli import Opened, Run, in_world, merchant_option
from recoup.people.cli.person import as_option, operator_named
from recoup.settlement.flows.adjust import adjust as make_adjustment

OPERATOR = Actor("operator", "command-line")


@click.group()
def bank() -> None:
    """Payouts to banks, and manual adjustments."""


@bank.command()
@click.argument("payout")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Output folder."
)
@click.option(
    "--replace", is_flag=True, help="Replace a file that exists; otherwise it is refused."
)
@merchant_option
@in_world
def file(run: Run, payout: str, out: Path, replace: bool) -> None:
    """Writes the bank file of an approved PAYOUT (its id); only you can read it."""
    payout_id = parse_id(payout)
    if payout_id is None:
        raise Problem(
            "invalid",
            f"{payout!r} is not a payout id.",
            cure="See the portal's Approvals for the ids.",
        )

    name, content = run(lambda opened: read_file(opened.world, opened.merchant_id, payout_id))
    target = out / name
    _write(target, content, replace=replace)
    click.echo(str(target))


@bank.command()
@click.argument(
    "path", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@merchant_option
@in_world
def answers(run: Run, path: Path) -> None:
    """Records the bank's answers from FILE: NACHA returns, pain.002, or CSV with payout (id or reference), outcome
    (paid, returned), reason. Exits with 1 if a line could not be processed; the other lines are."""
    content = path.read_bytes()

    async def work(opened: Opened) -> list[AnswerTaken]:
        scope = Scope(opened.merchant_id, OPERATOR, "command")
        return await take_answers(opened.world, scope, content)

    done = run(work)
    counts = Counter(answer.done for answer in done)
    for payout_return, what, why in done:
        words = {
            "known": f"{payout_return.outcome} already, nothing changed",
            "told": f"nothing changed: {why}",
            "not_done": f"not done: {why}",
        }.get(what, f"{what} ({payout_return.reason})" if payout_return.reason else what)
        click.echo(f"line {payout_return.line}: {payout_return.payout or '-'}: {words}")
    click.echo(
        f"{len(done):,} line{'' if len(done) == 1 else 's'}: {counts['paid']:,} paid, "
        f"{counts['returned']:,} returned, {counts['known']:,} known already, "
        + (f"{counts['told']:,} told, " if counts["told"] else "")
        + f"{counts['not_done']:,} not done"
    )
    if counts["not_done"]:
        raise click.exceptions.Exit(1)


@bank.command(context_settings={"ignore_unknown_options": True})
@click.argument("amount")
@click.argument("currency")
@click.option("--note", default="", help="Reason; shown to the merchant.")
@as_option
@merchant_option
@in_world
def adjust(run: Run, amount: str, currency: str, note: str, email: str) -> None:
    """Books an adjustment: AMOUNT of CURRENCY to the merchant, or from it if negative."""
    asset = currency.upper()
    if asset not in EXPONENTS:
        raise invalid(
            f"{currency!r} is not a currency.", "currency", "Write three letters, like USD."
        )
    units = from_text(amount.removeprefix("-"), asset, "amount").units * (
        -1 if amount.startswith("-") else 1
    )

    async def work(opened: Opened) -> str:
        scope = Scope(opened.merchant_id, await operator_named(opened, email), "command")
        return await make_adjustment(opened.world, scope, units, asset, note)

    state = run(work)
    click.echo(
        "booked" if state == "booked" else "waits for a second person: see Approvals in the portal"
    )


def _write(target: Path, content: bytes, *, replace: bool) -> None:
    """A new file of mode 0600; no link is followed. Raises: Problem(conflict) if there is one
    already."""
    draft = target.with_name(f".{target.name}.{new_id().hex}") if replace else target
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise Problem(
            "conflict",
            f"{target} exists already.",
            field="out",
            cure="Choose another folder, or add --replace.",
        ) from None
    except OSError as error:
        raise invalid(
            f"{target} cannot be written: {error.strerror}.",
            "out",
            "Choose a folder that exists and is yours.",
        ) from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    if replace:
        os.replace(draft, target)
