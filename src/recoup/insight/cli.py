"""`recoup report NOUN`: what a merchant's accountant reads."""

import sys
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from json import dumps
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import click

from recoup.bank.rules.bank_payout import shown_state
from recoup.certificates.flows import (
    Shown,
    certificate_file,
    certificates_of,
    listed,
    month_of,
    show_certificate,
)
from recoup.certificates.rules.months import month_text
from recoup.certificates.store.certificates import Certificate
from recoup.insight.flows.certify import certify_month
from recoup.kernel.money import EXPONENTS, shown, to_text
from recoup.kernel.problem import Problem, invalid
from recoup.kernel.time import iso
from recoup.keys.cli.as_of import AsTyped
from recoup.kit.as_of import Window
from recoup.kit.cli.parameters import SHOWN, Option, OutFile, id_of
from recoup.kit.report_spans import days, zone_of
from recoup.merchants.cli import AtMerchant, Opened, verb
from recoup.settlement.flows.balances import BALANCES, Balance, read_balances
from recoup.settlement.flows.report import Total, report_csv, report_totals
from recoup.settlement.flows.settlement_report import batch_csv, read_batch, settlement_file
from recoup.settlement.store.batches import Batch, BatchFilter, list_batches
from recoup.terms.rules.settlement import COLUMNS


async def write_parts(parts: AsyncIterator[bytes], out: Path | None) -> None:
    """Whole or not at all: the file takes its name when it is finished."""
    if out is None:
        async for part in parts:
            sys.stdout.buffer.write(part)
        sys.stdout.flush()
        return
    draft = out.with_name(out.name + ".part")
    try:
        with draft.open("wb") as file:
            async for part in parts:
                file.write(part)
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)


BATCHES_MAX = 1_000
LISTS_IDS: Final = "`recoup report settlement` lists the ids."


Out = Annotated[OutFile, "Output file; default: standard output."]


@click.group()
def report() -> None:
    """Reports for a merchant's accounting."""


@verb(report, with_orders=True)
async def settlement(
    at: AtMerchant,
    *,
    batch: Annotated[
        UUID | None,
        id_of("is not a settlement id.", "batch", LISTS_IDS),
        "Settlement id; default: all of them, one line each.",
    ] = None,
    proof: Annotated[bool, "Output as a file for `recoup verify --file`."] = False,
    out: Out = None,
    as_json: Annotated[bool, Option("The list as JSON.", "--json")] = False,
    past: AsTyped,
) -> str | None:
    """Lists a merchant's settlements, or exports the lines of one as CSV."""
    if proof and batch is None:
        raise invalid("--proof needs one settlement.", "batch", LISTS_IDS)
    cut = await past.cut(at)
    if batch is not None:
        settled = await read_batch(at.world, at.merchant_id, batch, cut)
        await write_parts((settlement_file if proof else batch_csv)(at.world, settled), out)
        return None
    of = BatchFilter(at.merchant_id, cut=cut)
    rows, _ = await list_batches(at.world.db.reader, of, BATCHES_MAX, 0)
    listed_rows = [_settled(row) for row in rows]
    if as_json:
        return _printed(dumps(listed_rows), out)
    return _printed("\n".join(_settled_table(listed_rows)) or "No settlements yet.", out)


def _printed(text: str, out: Path | None) -> str | None:
    """The text, unless it is written into a file."""
    if out is None:
        return text
    out.write_text(text + "\n")
    return None


def _settled(row: Batch) -> dict[str, Any]:
    scale = EXPONENTS[row.asset]
    amounts = {kind: to_text(row.units(kind), scale) for kind in (*COLUMNS, "payout")}
    return {
        "settlement": str(row.batch_id),
        "period_from": iso(row.period_from),
        "period_to": iso(row.period_to),
        "currency": row.asset,
        "state": shown_state(row.payout_state),
        "lines": row.lines,
        "payment_ref": row.reference,
        "root": row.root.hex(),
        **amounts,
    }


def _settled_table(rows: list[dict[str, Any]]) -> list[str]:
    head = (
        f"{'settlement':36}  {'first to last day, UTC':24}  {'':4} {'payout':>14}  {'state':9} "
        f"made up of"
    )
    return [head, *(_settled_words(row) for row in rows)] if rows else []


def _settled_words(row: dict[str, Any]) -> str:
    """A period's end is the instant after its last day."""
    last = datetime.fromisoformat(row["period_to"]) - timedelta(days=1)
    parts = ", ".join(
        f"{kind.replace('_', ' ')} {row[kind]}" for kind in COLUMNS if row[kind].strip("-0.")
    )
    return (
        f"{row['settlement']}  {row['period_from'][:10]} to {last:%Y-%m-%d}  {row['currency']:4} "
        f"{row['payout']:>14}  {row['state']:9} {parts}"
    )


@verb(report, with_orders=True)
async def reconciliation(
    *,
    from_: Annotated[str, "First day, like 2026-11-01."],
    to: Annotated[str, "Last day (inclusive)."],
    zone: Annotated[str, SHOWN, "Time zone of the days and of the dates in the file."] = "UTC",
    at: AtMerchant,
    out: Out = None,
    totals: Annotated[bool, "Only the change of each balance, as JSON."] = False,
    past: AsTyped,
) -> str | None:
    """Exports all movements on a merchant's account in a period as CSV, one line per movement."""
    window = Window(*days(from_, to, zone), await past.cut(at))
    if not totals:
        await write_parts(report_csv(at.world, at.merchant_id, window, zone_of(zone)), out)
    sums = await report_totals(at.world, at.merchant_id, window)
    if totals:
        return _printed(dumps([_reconciled(total) for total in sums]), out)
    for total in sums:
        click.echo(_words(total), err=True)
    return None


def _reconciled(total: Total) -> dict[str, Any]:
    scale = EXPONENTS[total.asset]
    kinds = {kind: to_text(units, scale) for kind, units in total.kinds.items()}
    return {
        "currency": total.asset,
        "balance": total.balance,
        "net": to_text(total.units, scale),
        "kinds": kinds,
    }


def _words(total: Total) -> str:
    sums = _reconciled(total)
    parts = ", ".join(
        f"{kind.replace('_', ' ')} {amount}" for kind, amount in sums["kinds"].items()
    )
    return f"{sums['balance']} balance moved by {sums['net']} {sums['currency']}: {parts}"


LISTED_MAX: Final = 1_000


@verb(report, with_orders=True)
async def certificate(
    *,
    month: Annotated[
        str | None, "A closed month, UTC: 2026-11; default: all certificates, one line each."
    ] = None,
    at: AtMerchant,
    acceptor: Annotated[str | None, "Acceptor id; default: each that the merchant sent by."] = None,
    again: Annotated[
        bool, "With --month: count again; what turns out otherwise is a correction."
    ] = False,
    as_json: Annotated[bool, Option("", "--json")] = False,
    out: Annotated[OutFile, "With --month: output file for `recoup verify --file`."] = None,
) -> str:
    """Shows a month's compliance certificate, and makes it if there is none yet."""
    if month is None and (again or out is not None):
        raise invalid("--again and --out need a month.", "month", "Write it like 2026-11.")
    merchant_id = at.merchant_id
    if month is None:
        rows = await certificates_of(at.world, merchant_id, acceptor_id=acceptor, limit=LISTED_MAX)
        return dumps([listed(row) for row in rows], default=str) if as_json else _table(rows)
    certificates = await _of_month(at, merchant_id, month, acceptor, again=again)
    if out is not None:
        await _write(at, merchant_id, certificates, out)
    if as_json:
        return dumps([certificate.content for certificate in certificates])
    return "\n\n".join(_text(certificate) for certificate in certificates)


async def _of_month(
    opened: Opened, merchant_id: UUID, month: str, acceptor: str | None, *, again: bool
) -> list[Shown]:
    """The newest of each acceptor. Raises: Problem(not_found) for a month without sends."""
    begin = await month_of(opened.world, merchant_id, month)
    rows = await certificates_of(opened.world, merchant_id, begin, limit=LISTED_MAX)
    if again or not rows:
        await certify_month(opened.world, merchant_id, begin)
        rows = await certificates_of(opened.world, merchant_id, begin, limit=LISTED_MAX)
    newest = {row.acceptor_id: row for row in reversed(rows) if acceptor in (None, row.acceptor_id)}
    if not newest:
        raise Problem(
            "not_found",
            f"Nothing was sent in {month}"
            + (f" by the acceptor {acceptor[:64]!r}." if acceptor else "."),
            field="acceptor" if rows else "month",
            cure="`recoup report certificate` lists what there is.",
        )
    return [
        await show_certificate(opened.world, merchant_id, row.certificate_id)
        for _, row in sorted(newest.items())
    ]


async def _write(
    opened: Opened, merchant_id: UUID, certificates: Sequence[Shown], out: Path
) -> None:
    if len(certificates) > 1:
        names = ", ".join(certificate.certificate.acceptor_id for certificate in certificates)
        raise invalid(
            f"There are certificates of several acceptors: {names}.", "acceptor", "Name one."
        )
    draft = out.with_name(out.name + ".part")
    try:
        draft.write_bytes(
            await certificate_file(
                opened.world, merchant_id, certificates[0].certificate.certificate_id
            )
        )
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)


def _table(rows: Sequence[Certificate]) -> str:
    if not rows:
        return "No certificates yet: a month's is made three days after its end."
    head = (
        f"{'certificate':36}  month    no {'sends':>10} {'refused':>9} {'breaches':>8}  "
        f"{'recounted':9}  acceptor"
    )
    return "\n".join(
        [
            head,
            *(
                f"{row.certificate_id}  {month_text(row.month_from)}  {row.number:>2} "
                f"{row.sends:>10,} "
                f"{row.refusals:>9,} {row.breaches:>8,}  {row.recounted_by:9}  {row.acceptor_id}"
                for row in rows
            ),
        ]
    )


def _text(certificate: Shown) -> str:
    head = certificate.head
    lines = [
        f"certificate {head['certificateId']}"
        + (f", correction {head['number']}" if head["number"] > 1 else ""),
        f"month       {head['month']}, acceptor {head['acceptorId']}, region {head['region']}",
        f"sends       {head['sends']:,}; reported by the merchant {head['reported']:,}",
        f"refused     {head['refusals']:,} sends by the gate",
        f"breaches    {head['breaches']:,}"
        + (f"; beyond a limit {head['beyond']:,}" if head["beyond"] else ""),
        "closest to each limit:",
        *(_rule(line) for line in certificate.part("rule") if line["closest"] is not None),
        *(
            f"avoided     {shown(line['amount'], line['currency'])} {line['currency']}: "
            f"{line['sends']:,} sends beyond "
            f"{line['rule']} ({line['document']})"
            for line in certificate.part("fee")
        ),
        *(_recount(line) for line in certificate.part("recount")),
        f"root        {head['root']}",
    ]
    return "\n".join(lines)


def _rule(line: dict[str, Any]) -> str:
    near = line["closest"]
    return (
        f"  {line['rule']:20} {near['count']:>3} of {near['limit']:<3} card {near['card']}, "
        f"{near['at']}"
    )


def _recount(line: dict[str, Any]) -> str:
    if line["by"] == "none":
        return "recounted   by nobody: no statement of a processor was compared"
    return (
        f"recounted   by {line['by']}: {line['sends']:,} there, {line['matched']:,} match, "
        f"{line['countedOnly']:,} counted here only, {line['differing']:,} differ"
    )


@verb(report, with_orders=True)
async def balances(
    at: AtMerchant,
    *,
    as_json: Annotated[bool, Option("The same as JSON.", "--json")] = False,
    past: AsTyped,
) -> list[str]:
    """Shows what a merchant is owed, by currency:
    for the next settlement, in reserve, on its way."""
    rows = await read_balances(at.world, at.merchant_id, await past.cut(at))
    if as_json:
        return [dumps([_shown(row) for row in rows])]
    return [_owed(row) for row in rows] or ["Nothing is owed."]


def _owed(row: Balance) -> str:
    shown = _shown(row)
    parts = ", ".join(f"{name} {shown[name]}" for name in BALANCES if row.units[name])
    return f"{row.asset:4} {shown['total']:>14}  {parts}"


def _shown(row: Balance) -> dict[str, Any]:
    scale = EXPONENTS[row.asset]
    return {
        "currency": row.asset,
        **{name: to_text(row.units[name], scale) for name in BALANCES},
        "total": to_text(row.total, scale),
    }
