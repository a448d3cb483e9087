"""`recoup bank`: the operator's side of payouts, where no page is at hand; and adjustments."""

import os
from collections import Counter
from pathlib import Path
from typing import Annotated
from uuid import UUID

import click

from recoup.bank.flows import read_file, take_answers
from recoup.kernel.ids import new_id
from recoup.kernel.money import EXPONENTS, from_text
from recoup.kernel.problem import Problem, invalid
from recoup.kernel.scope import Actor, Scope
from recoup.kit.cli.command import Printed
from recoup.kit.cli.parameters import InFile, Option, OutFolder, id_of
from recoup.merchants.cli import AtMerchant, Opened, RunAtMerchant, verb
from recoup.people.cli.person import AsPerson, scope_of_person
from recoup.settlement.flows.adjust import adjust as make_adjustment

OPERATOR = Actor("operator", "command-line")


@click.group()
def bank() -> None:
    """Payouts to banks, and manual adjustments."""


@verb(bank)
def file(
    payout: Annotated[
        UUID, id_of("is not a payout id.", cure="See the portal's Approvals for the ids.")
    ],
    *,
    out: Annotated[OutFolder, "Output folder."] = Path(),
    replace: Annotated[bool, "Replace a file that exists; otherwise it is refused."] = False,
    run: RunAtMerchant,
) -> str:
    """Writes the bank file of an approved PAYOUT (its id); only you can read it."""
    name, content = run(lambda at: read_file(at.world, at.merchant_id, payout))
    _write(out / name, content, replace=replace)
    return str(out / name)


@verb(bank)
async def answers(path: Annotated[InFile, Option(metavar="FILE")], *, at: AtMerchant) -> Printed:
    """Records the bank's answers from FILE: NACHA returns, pain.002, or CSV with payout (id or
    reference), outcome (paid, returned), reason. Exits with 1 if a line could not be processed; the
    other lines are."""
    scope = Scope(at.merchant_id, OPERATOR, "command")
    done = await take_answers(at.world, scope, path.read_bytes())
    counts = Counter(answer.done for answer in done)
    lines = []
    for payout_return, what, why in done:
        words = {
            "known": f"{payout_return.outcome} already, nothing changed",
            "told": f"nothing changed: {why}",
            "not_done": f"not done: {why}",
        }.get(what, f"{what} ({payout_return.reason})" if payout_return.reason else what)
        lines.append(f"line {payout_return.line}: {payout_return.payout or '-'}: {words}")
    lines.append(
        f"{len(done):,} line{'' if len(done) == 1 else 's'}: {counts['paid']:,} paid, "
        f"{counts['returned']:,} returned, {counts['known']:,} known already, "
        + (f"{counts['told']:,} told, " if counts["told"] else "")
        + f"{counts['not_done']:,} not done"
    )
    return Printed(None, lines, failed=counts["not_done"] > 0)


@verb(bank, context_settings={"ignore_unknown_options": True})
def adjust(
    amount: str,
    currency: str,
    *,
    note: Annotated[str, "Reason; shown to the merchant."] = "",
    email: AsPerson = "",
    run: RunAtMerchant,
) -> str:
    """Books an adjustment: AMOUNT of CURRENCY to the merchant, or from it if negative."""
    asset = currency.upper()
    if asset not in EXPONENTS:
        raise invalid(
            f"{currency!r} is not a currency.", "currency", "Write three letters, like USD."
        )
    units = from_text(amount.removeprefix("-"), asset, "amount").units
    signed = -units if amount.startswith("-") else units

    async def work(at: Opened) -> str:
        return await make_adjustment(
            at.world, await scope_of_person(at, email), signed, asset, note
        )

    state = run(work)
    return (
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
