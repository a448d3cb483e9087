"""`recoup verify`: proves log, statuses, ledger and balances; exit 1 and what differs when they do
not hold."""

import gzip
import sys
import zlib
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import click

from recoup.archive.rules import ProvedArchive, is_archive
from recoup.archive.rules import prove as prove_archive
from recoup.certificates.rules.certificate_file import ProvedCertificate, is_certificate
from recoup.certificates.rules.certificate_file import prove as prove_certificate
from recoup.insight.flows.verify import Progress, Verified
from recoup.insight.flows.verify import verify as prove
from recoup.kernel.money import EXPONENTS, to_text
from recoup.kit.cli.command import Printed, picked
from recoup.kit.cli.parameters import InFile, OutFile
from recoup.kit.proved_file import LINE_BYTES_MAX, Wrong
from recoup.merchants.cli import MERCHANT_ID, Opened, Run, verb
from recoup.rescue.flows.places import BALANCES
from recoup.settlement.rules.settlement_file import Proved as ProvedSettlement
from recoup.settlement.rules.settlement_file import prove as prove_settlement


@verb(json="", in_quarantine=True)
def verify(
    run: Run,
    *,
    merchant: Annotated[UUID | None, MERCHANT_ID, "Merchant id; default: all."] = None,
    file: Annotated[
        InFile | None,
        "Verify this settlement, certificate or archive file instead; needs no database.",
    ] = None,
    root: Annotated[
        str | None,
        "With --file: LedgerRoot of settlement.closed, CertificateRoot of certificate.ready, or "
        "the root that `recoup archive list` prints.",
    ] = None,
    amount: Annotated[int | None, "With --file: Amount of the event settlement.closed."] = None,
    progress: Annotated[
        OutFile,
        "Go on from this file, and keep there how far the run came; after a whole run verify what "
        "is new since.",
    ] = None,
    chain: Annotated[bool, "Verify the book against the balances on the chains, too."] = False,
) -> Printed:
    """Verifies log, statuses, ledger and balances; exits with 1 and prints the differences if a
    check fails."""
    if file is not None:
        return prove_file(file, root, amount)

    async def work(opened: Opened) -> Verified:
        if merchant is not None:
            opened = await opened.at(str(merchant))
        cells = opened.world.every if merchant is None else [opened.world]
        done = await prove(cells[0], merchant, _show_progress, Progress(progress))
        for cell in cells[1:]:
            path = progress and progress.with_name(f"{progress.name}-{cell.cell}")
            done.add(await prove(cell, None, _show_progress, Progress(path)))
        for balances in BALANCES if chain else ():
            done.found(await balances(opened.world))
        return done

    done = run(work)
    return Printed(as_dict(done), [as_text(done)], failed=done.difference is not None)


def _show_progress(merchant_id: UUID) -> None:
    if sys.stderr.isatty():
        click.echo(f"{merchant_id} ...", err=True)


def prove_file(path: Path, root: str | None, amount: int | None) -> Printed:
    """What the file proves, or the first thing in it that does not hold."""
    try:
        proved = _proved(path, root, amount)
    except (OSError, EOFError, zlib.error) as error:
        proved = Wrong(1, "compression", "a whole file", str(error))
    if isinstance(proved, Wrong):
        proof = {"ok": False, "difference": proved._asdict(), "file": None}
        return Printed(proof, _difference(proved), failed=True)
    proof = {"ok": True, "difference": None, "file": proved._asdict()}
    if isinstance(proved, ProvedCertificate):
        return Printed(proof, [_certificate(proved, root)])
    if isinstance(proved, ProvedArchive):
        hint = "" if root else "\n          compare it with `recoup archive list`"
        lines = f"archive   {proved.archive_id}\nmerchant  {proved.merchant_id}\n"
        lines += f"month     {proved.month}\norders    {proved.orders:,}\n"
        return Printed(proof, [f"{lines}root      {proved.root}{hint}\nok"])
    paid = to_text(proved.payout, EXPONENTS.get(proved.asset, 0))
    hint = "" if root else "\n           compare it with LedgerRoot of settlement.closed"
    return Printed(
        proof,
        [
            f"settlement {proved.settlement_id}\npayout     {proved.asset} {paid}\nlines      "
            f"{proved.lines:,}\n"
            f"pages      {proved.pages:,}\nroot       {proved.root}{hint}\nok"
        ],
    )


def _proved(
    path: Path, root: str | None, amount: int | None
) -> ProvedSettlement | ProvedCertificate | ProvedArchive | Wrong:
    with path.open("rb") as raw:
        is_packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        file = gzip.GzipFile(fileobj=raw) if is_packed else raw
        first = file.readline(LINE_BYTES_MAX + 1)
        file.seek(0)
        lines = iter(lambda: file.readline(LINE_BYTES_MAX + 1), b"")
        if is_archive(first):
            return prove_archive(lines, root)
        if is_certificate(first):
            return prove_certificate(lines, root)
        return prove_settlement(lines, root, amount)


def _difference(wrong: Wrong) -> list[str]:
    lines = [
        "The first difference:",
        *(f"  {name:9} {value}" for name, value in wrong._asdict().items()),
    ]
    if wrong.line <= 1 and wrong.field in ("line", "end", "type"):
        lines.append(
            "This is not a settlement file; `recoup report settlement --batch ID --proof` writes "
            "one. Nor is it a "
            "certificate; `recoup report certificate --month M --out FILE` writes one."
        )
    return lines


def _certificate(proved: ProvedCertificate, root: str | None) -> str:
    hint = "" if root else "\n            compare it with CertificateRoot of certificate.ready"
    return (
        f"certificate {proved.certificate_id}\nmonth       {proved.month}\nacceptor    "
        f"{proved.acceptor_id}\n"
        f"number      {proved.number}{', a correction' if proved.number > 1 else ''}\nsends       "
        f"{proved.sends:,}\n"
        f"breaches    {proved.breaches:,}\nlines       {proved.lines:,}\n"
        f"root        {proved.root}{hint}\nok"
    )


def as_dict(done: Verified) -> dict[str, Any]:
    differences = [
        {
            "merchant": str(difference.merchant_id) if difference.merchant_id else None,
            "order": str(difference.order_id) if difference.order_id else None,
            **picked(difference, "field", "expected", "found"),
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
