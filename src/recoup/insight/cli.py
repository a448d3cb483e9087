"""`recoup report NOUN`: what a merchant's accountant reads."""

import json
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
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
from recoup.kernel.ids import parse_id
from recoup.kernel.money import EXPONENTS, shown, to_text
from recoup.kernel.problem import Problem, invalid
from recoup.kernel.time import iso
from recoup.keys.cli.as_of import AsTyped, as_of_options
from recoup.kit.as_of import Window
from recoup.kit.report_spans import days, zone_of
from recoup.merchants.cli import Opened, Run, json_option, merchant_option, of_orders, show
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


@click.command()
@merchant_option
@click.option("--batch", help="Settlement id; default: all of them, one line each.")
@click.option("--proof", is_flag=True, help="Output as a file for `recoup verify --file`.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Output file; default: standard output.",
)
@click.option("--json", "as_json", is_flag=True, help="The list as JSON.")
@as_of_options
@of_orders
def settlement(
    run: Run,
    batch: str | None,
    proof: bool,
    out: Path | None,
    as_json: bool,
    past: AsTyped,
) -> None:
    """Lists a merchant's settlements, or exports the lines of one as CSV."""
    batch_id = parse_id(batch) if batch else None
    if batch and batch_id is None or proof and batch_id is None:
        raise invalid(
            f"{batch!r} is not a settlement id." if batch else "--proof needs one settlement.",
            "batch",
            "`recoup report settlement` lists the ids.",
        )

    async def work(opened: Opened) -> str | None:
        merchant_id, cut = opened.merchant_id, await past.cut(opened)
        if batch_id is None:
            rows, _ = await list_batches(
                opened.world.db.reader, BatchFilter(merchant_id, cut=cut), BATCHES_MAX, 0
            )
            shown = [_settled(row) for row in rows]
            return (
                json.dumps(shown)
                if as_json
                else "\n".join(_settled_table(shown)) or "No settlements yet."
            )
        found = await read_batch(opened.world, merchant_id, batch_id, cut)
        await write_parts((settlement_file if proof else batch_csv)(opened.world, found), out)
        return None

    text = run(work)
    if text is not None and out is not None:
        out.write_text(text + "\n")
    elif text is not None:
        click.echo(text)


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
    head = f"{'settlement':36}  {'first to last day, UTC':24}  {'':4} {'payout':>14}  {'state':9} made up of"
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


@click.command()
@click.option("--from", "first", required=True, help="First day, like 2026-11-01.")
@click.option("--to", "last", required=True, help="Last day (inclusive).")
@click.option(
    "--zone",
    default="UTC",
    show_default=True,
    help="Time zone of the days and of the dates in the file.",
)
@merchant_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Output file; default: standard output.",
)
@click.option(
    "--totals", "only_totals", is_flag=True, help="Only the change of each balance, as JSON."
)
@as_of_options
@of_orders
def reconciliation(
    run: Run,
    first: str,
    last: str,
    zone: str,
    out: Path | None,
    only_totals: bool,
    past: AsTyped,
) -> None:
    """Exports all movements on a merchant's account in a period as CSV, one line per movement."""
    span = days(first, last, zone)

    async def work(opened: Opened) -> list[Total]:
        merchant_id = opened.merchant_id
        window = Window(*span, await past.cut(opened))
        if not only_totals:
            await write_parts(report_csv(opened.world, merchant_id, window, zone_of(zone)), out)
        return await report_totals(opened.world, merchant_id, window)

    totals = run(work)
    if only_totals:
        text = json.dumps([_reconciled(total) for total in totals])
        out.write_text(text + "\n") if out else click.echo(text)
    else:
        for total in totals:
            click.echo(_words(total), err=True)


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


@click.command()
@click.option(
    "--month", help="A closed month, UTC: 2026-11; default: all certificates, one line each."
)
@merchant_option
@click.option("--acceptor", help="Acceptor id; default: each that the merchant sent by.")
@click.option(
    "--again",
    is_flag=True,
    help="With --month: count again; what turns out otherwise is a correction.",
)
@json_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="With --month: output file for `recoup verify --file`.",
)
@of_orders
def certificate(
    run: Run,
    month: str | None,
    acceptor: str | None,
    again: bool,
    as_json: bool,
    out: Path | None,
) -> None:
    """Shows a month's compliance certificate, and makes it if there is none yet."""
    if month is None and (again or out is not None):
        raise invalid("--again and --out need a month.", "month", "Write it like 2026-11.")

    async def work(opened: Opened) -> str:
        merchant_id = opened.merchant_id
        if month is None:
            rows = await certificates_of(
                opened.world, merchant_id, acceptor_id=acceptor, limit=LISTED_MAX
            )
            return (
                json.dumps([listed(row) for row in rows], default=str) if as_json else _table(rows)
            )
        found = await _of_month(opened, merchant_id, month, acceptor, again=again)
        if out is not None:
            await _write(opened, merchant_id, found, out)
        if as_json:
            return json.dumps([one.content for one in found])
        return "\n\n".join(_text(one) for one in found)

    click.echo(run(work))


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


async def _write(opened: Opened, merchant_id: UUID, found: Sequence[Shown], out: Path) -> None:
    if len(found) > 1:
        names = ", ".join(one.certificate.acceptor_id for one in found)
        raise invalid(
            f"There are certificates of several acceptors: {names}.", "acceptor", "Name one."
        )
    draft = out.with_name(out.name + ".part")
    try:
        draft.write_bytes(
            await certificate_file(opened.world, merchant_id, found[0].certificate.certificate_id)
        )
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)


def _table(rows: Sequence[Certificate]) -> str:
    if not rows:
        return "No certificates yet: a month's is made three days after its end."
    head = f"{'certificate':36}  month    no {'sends':>10} {'refused':>9} {'breaches':>8}  {'recounted':9}  acceptor"
    return "\n".join(
        [
            head,
            *(
                f"{row.certificate_id}  {month_text(row.month_from)}  {row.number:>2} {row.sends:>10,} "
                f"{row.refusals:>9,} {row.breaches:>8,}  {row.recounted_by:9}  {row.acceptor_id}"
                for row in rows
            ),
        ]
    )


def _text(one: Shown) -> str:
    head = one.head
    lines = [
        f"certificate {head['certificateId']}"
        + (f", correction {head['number']}" if head["number"] > 1 else ""),
        f"month       {head['month']}, acceptor {head['acceptorId']}, region {head['region']}",
        f"sends       {head['sends']:,}; reported by the merchant {head['reported']:,}",
        f"refused     {head['refusals']:,} sends by the gate",
        f"breaches    {head['breaches']:,}"
        + (f"; beyond a limit {head['beyond']:,}" if head["beyond"] else ""),
        "closest to each limit:",
        *(_rule(line) for line in one.part("rule") if line["closest"] is not None),
        *(
            f"avoided     {shown(line['amount'], line['currency'])} {line['currency']}: {line['sends']:,} sends beyond "
            f"{line['rule']} ({line['document']})"
            for line in one.part("fee")
        ),
        *(_recount(line) for line in one.part("recount")),
        f"root        {head['root']}",
    ]
    return "\n".join(lines)


def _rule(line: dict[str, Any]) -> str:
    near = line["closest"]
    return f"  {line['rule']:20} {near['count']:>3} of {near['limit']:<3} card {near['card']}, {near['at']}"


def _recount(line: dict[str, Any]) -> str:
    if line["by"] == "none":
        return "recounted   by nobody: no statement of a processor was compared"
    return (
        f"recounted   by {line['by']}: {line['sends']:,} there, {line['matched']:,} match, "
        f"{line['countedOnly']:,} counted here only, {line['differing']:,} differ"
    )


@click.command()
@merchant_option
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
@as_of_options
@of_orders
def balances(run: Run, as_json: bool, past: AsTyped) -> None:
    """Shows what a merchant is owed, by currency: for the next settlement, in reserve, on its way."""

    async def work(opened: Opened) -> list[Balance]:
        return await read_balances(opened.world, opened.merchant_id, await past.cut(opened))

    rows = run(work)
    lines = [_owed(row) for row in rows] or ["Nothing is owed."]
    show([_shown(row) for row in rows], lines, as_json=as_json)


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


@click.group()
def report() -> None:
    """Reports for a merchant's accounting."""


for noun in (settlement, reconciliation, balances, certificate):
    report.add_command(noun)
