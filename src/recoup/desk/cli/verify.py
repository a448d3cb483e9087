"""`recoup verify`: proves log, statuses, ledger and balances; exit 1 and what differs when they do
not hold."""

import json
from pathlib import Path
from typing import Any

import click

from recoup.certificates.rules.certificate_file import ProvedCertificate, is_certificate
from recoup.certificates.rules.certificate_file import prove as prove_certificate
from recoup.insight.flows.verify import Verified
from recoup.insight.flows.verify import verify as prove
from recoup.kernel.ids import parse_id
from recoup.kernel.money import EXPONENTS, to_text
from recoup.kernel.problem import Problem
from recoup.kit.proved_file import LINE_BYTES_MAX, Wrong
from recoup.merchants.cli import Opened, Run, in_any_state
from recoup.rescue.flows.places import BALANCES
from recoup.settlement.rules.settlement_file import Proved
from recoup.settlement.rules.settlement_file import prove as prove_settlement


@click.command()
@click.option("--merchant", help="Merchant id; default: all.")
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Verify this settlement or certificate file instead; needs no database.",
)
@click.option(
    "--root",
    help="With --file: LedgerRoot of settlement.closed, or CertificateRoot of certificate.ready.",
)
@click.option("--amount", type=int, help="With --file: Amount of the event settlement.closed.")
@click.option(
    "--chain", is_flag=True, help="Verify the book against the balances on the chains, too."
)
@click.option("--json", "as_json", is_flag=True)
@in_any_state
def verify(
    run: Run,
    merchant: str | None,
    path: Path | None,
    root: str | None,
    amount: int | None,
    chain: bool,
    as_json: bool,
) -> None:
    """Verifies log, statuses, ledger and balances; exits with 1 and prints the differences if a check fails."""
    if path is not None:
        prove_file(path, root, amount, as_json)
        return
    merchant_id = parse_id(merchant) if merchant else None
    if merchant and merchant_id is None:
        raise Problem(
            "invalid",
            f"{merchant!r} is not a merchant id.",
            cure="It is the mid that `recoup bootstrap` prints.",
        )

    async def work(opened: Opened) -> Verified:
        done = await prove(opened.world, merchant_id)
        for balances in BALANCES if chain else ():
            done.found(await balances(opened.world))
        return done

    done = run(work)
    click.echo(json.dumps(as_dict(done)) if as_json else as_text(done))
    if done.difference is not None:
        raise click.exceptions.Exit(1)


def prove_file(path: Path, root: str | None, amount: int | None, as_json: bool) -> None:
    """Says what the file proves, or the first thing in it that does not hold, and ends with 1."""
    with path.open("rb") as file:
        is_of_month = is_certificate(file.readline(LINE_BYTES_MAX + 1))
        file.seek(0)
        lines = iter(lambda: file.readline(LINE_BYTES_MAX + 1), b"")
        found = (
            prove_certificate(lines, root) if is_of_month else prove_settlement(lines, root, amount)
        )
    wrong = found._asdict() if isinstance(found, Wrong) else None
    if as_json:
        click.echo(
            json.dumps(
                {
                    "ok": wrong is None,
                    "difference": wrong,
                    "file": None if wrong else found._asdict(),
                }
            )
        )
    elif isinstance(found, ProvedCertificate):
        click.echo(_certificate(found, root))
    elif isinstance(found, Proved):
        paid = to_text(found.payout, EXPONENTS.get(found.asset, 0))
        click.echo(
            f"settlement {found.settlement_id}\npayout     {found.asset} {paid}\nlines      {found.lines:,}\n"
            f"pages      {found.pages:,}\nroot       {found.root}"
            f"{'' if root else chr(10) + '           compare it with LedgerRoot of settlement.closed'}\nok"
        )
    else:
        click.echo(
            "\n".join(
                [
                    "The first difference:",
                    *(f"  {name:9} {value}" for name, value in found._asdict().items()),
                ]
            )
        )
        if found.line <= 1 and found.field in ("line", "end", "type"):
            click.echo(
                "This is not a settlement file; `recoup report settlement --batch ID --proof` writes one. Nor is it a "
                "certificate; `recoup report certificate --month M --out FILE` writes one."
            )
    if wrong is not None:
        raise click.exceptions.Exit(1)


def _certificate(found: ProvedCertificate, root: str | None) -> str:
    return (
        f"certificate {found.certificate_id}\nmonth       {found.month}\nacceptor    {found.acceptor_id}\n"
        f"number      {found.number}{', a correction' if found.number > 1 else ''}\nsends       {found.sends:,}\n"
        f"breaches    {found.breaches:,}\nlines       {found.lines:,}\nroot        {found.root}"
        f"{'' if root else chr(10) + '            compare it with CertificateRoot of certificate.ready'}\nok"
    )


def as_dict(done: Verified) -> dict[str, Any]:
    differences = [
        {
            "merchant": str(difference.merchant_id) if difference.merchant_id else None,
            "order": str(difference.order_id) if difference.order_id else None,
            "field": difference.field,
            "expected": difference.expected,
            "found": difference.found,
        }
        for difference in done.differences
    ]
    return {
        "ok": not differences,
        "checked": done.checked,
        "decided": dict(done.decided),
        "issuer": done.issuer,
        "difference": differences[0] if differences else None,
        "differences": differences,
        "more": done.more,
    }


def as_text(done: Verified) -> str:
    lines = []
    for name, count in done.checked.items():
        lines.append(f"{name:15} {count:>12,}")
        if name == "decisions":
            lines += [
                f"  {decider:13} {number:>12,}" for decider, number in sorted(done.decided.items())
            ]
    if not done.issuer:
        lines.append("issuer's book   not compared: it is not readable here")
    if done.difference is None:
        return "\n".join([*lines, "ok"])
    number = len(done.differences) + done.more
    lines.append("The first difference:" if number == 1 else f"{number:,} differences:")
    for difference in done.differences:
        for name, value in (
            ("merchant", difference.merchant_id),
            ("order", difference.order_id),
            ("field", difference.field),
            ("expected", difference.expected),
            ("found", difference.found),
        ):
            lines.append(f"  {name:9} {value if value is not None else '-'}")
        lines.append("")
    if done.more:
        lines.append(f"and {done.more:,} more")
    return "\n".join(lines).rstrip()
