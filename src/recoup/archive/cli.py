"""`recoup archive`: a merchant's old orders leave for files, and come back."""

import sys
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import click

from recoup.archive.flows import (
    archives_of,
    months_to_leave,
    put_archive_back,
    take_archive_out,
    write_archive,
)
from recoup.archive.store import Archive
from recoup.kit.cli.command import Printed
from recoup.kit.cli.parameters import InFile, OutFolder
from recoup.kit.report_spans import month as month_of
from recoup.merchants.cli import AtMerchant, Opened, verb


@click.group()
def archive() -> None:
    """Moves a merchant's ended orders of old months to files that prove themselves, and back."""


@verb(archive, "list", json="", with_orders=True)
async def list_verb(at: AtMerchant) -> Printed:
    """Lists archives with their roots, and the months that may leave."""
    rows = await archives_of(at.world, at.merchant_id)
    waiting = await months_to_leave(at.world, at.merchant_id)
    lines = [
        *[_line(row) for row in rows],
        *(f"{month:%Y-%m}  in the database" for month in waiting),
    ]
    value = {
        "archives": [as_dict(row) for row in rows],
        "months": [f"{month:%Y-%m}" for month in waiting],
    }
    return Printed(value, lines or ["No archives yet, and no month is old enough."])


@verb(archive, json="", with_orders=True)
async def write(
    at: AtMerchant,
    *,
    month: Annotated[str, "Month (UTC), like 2024-10."],
    out: Annotated[OutFolder, "Folder of the file."] = Path(),
    again: Annotated[bool, "Also if it was written already."] = False,
) -> Printed:
    """Writes a month's ended orders to a file. Everything stays in the database."""
    begin = month_of(month, "UTC")[0]
    out.mkdir(parents=True, exist_ok=True)
    written = await write_archive(
        at.world,
        at.merchant_id,
        date(begin.year, begin.month, 1),
        out,
        again=again,
        tell=_show_progress,
    )
    if written is None:
        return Printed(None, [f"No order of {month} has ended and may leave."])
    cure = "Keep two copies, then: recoup archive take-out " + str(out / written.file)
    return Printed(as_dict(written), [_line(written), f"root {written.root.hex()}", cure])


@verb(archive, "take-out", json="")
async def take_out_verb(opened: Opened, file: InFile) -> Printed:
    """Deletes from the database what FILE has, once the file is proved. Orders that changed since
    stay."""
    return _printed(await take_archive_out(opened.world, file, _show_progress))


@verb(archive, "put-back", json="")
async def put_back_verb(opened: Opened, file: InFile) -> Printed:
    """Writes the orders of FILE into the database again; personal data stays erased."""
    return _printed(await put_archive_back(opened.world, file, _show_progress))


def as_dict(row: Archive) -> dict[str, Any]:
    return {
        "archive": str(row.archive_id),
        "merchant": str(row.merchant_id),
        "month": f"{row.month:%Y-%m}",
        "file": row.file,
        "orders": row.orders,
        "gone": row.gone,
        "root": row.root.hex(),
        "written_at": row.written_at,
        "taken_out_at": row.taken_out_at,
    }


def _printed(row: Archive) -> Printed:
    return Printed(as_dict(row), [_line(row)])


def _line(row: Archive) -> str:
    return f"{row.month:%Y-%m}  {row.gone:,} of {row.orders:,} orders in {row.file} only"


def _show_progress(orders: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{orders:,} orders", nl=False, err=True)
