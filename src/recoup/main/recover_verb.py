"""`recoup recover`: ends the quarantine of databases that were restored or have lost data."""

import getpass
from typing import Annotated

import uvloop

from recoup.kernel.encode import encode
from recoup.kernel.time import iso
from recoup.kit.cli.command import DataDir, Printed
from recoup.kit.cli.parameters import Option
from recoup.main.databases import Databases, check_installed, used_databases
from recoup.main.recover import Recovery, recover
from recoup.main.recover import look as look_at
from recoup.main.settings import Settings, load_settings
from recoup.main.worlds import open_worlds
from recoup.merchants.cli import verb

WORDS = {
    "admit": "begin",
    "retry": "attempts",
    "inquire": "inquiries",
    "modification": "refunds, captures and voids",
}


@verb(name="recover")
def recover_verb(
    *,
    look: Annotated[bool, "Only show what would be recovered."] = False,
    as_json: Annotated[bool, Option("Output as one JSON array.", "--json")] = False,
    by: Annotated[str, "Who answers for it. Default: the log-in's name."] = "",
    data_dir: DataDir = None,
) -> Printed:
    """Ends the quarantine after a restore: what may have left is asked for before it is sent again.
    It can be repeated; see docs/operate.md."""
    settings = load_settings(data_dir=data_dir)
    check_installed(settings)
    with used_databases(settings) as databases:
        recoveries = uvloop.run(_recovered(settings, databases, "" if look else by or _log_in()))
    lines = [line for recovery in recoveries for line in _text(recovery, only_look=look)]
    failed = not look and any(recovery.quarantined for recovery in recoveries)
    return Printed(None, [encode(recoveries).decode()] if as_json else lines, failed)


def _log_in() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # an id without a name, in a container
        return "operator"


async def _recovered(settings: Settings, databases: Databases, who: str) -> list[Recovery]:
    """Recovers each world; only looks without a `who`."""
    async with open_worlds(settings, databases, "recoup-recover") as worlds:
        several = [cell.world for each in worlds if each is not None for cell in each.cells]
        return [await (recover(world, who) if who else look_at(world)) for world in several]


def _text(recovery: Recovery, *, only_look: bool) -> list[str]:
    if recovery.lost_from is None or recovery.lost_to is None:
        return [f"{recovery.world}: knows all that was seen of it; nothing to recover."]
    lines = [f"{recovery.world}: {recovery.reason or 'recovered before.'}"]
    lines.append(f"  lost       from {iso(recovery.lost_from)} to {iso(recovery.lost_to)}")
    if recovery.feed is not None:
        lines.append(f"  feed       ends at {recovery.feed[0]:,}; {recovery.feed[1]:,} was seen")
    for kind, count in recovery.waiting.items():
        lines.append(f"  asked for  {count:,} {WORDS.get(kind, kind)} that were due then")
    for route in recovery.unread:
        lines.append(
            f"  by hand    {route} has no book to read: compare its statement (`recoup reconcile`)"
        )
    for book in recovery.books:
        what = book.trouble or f"{book.lines:,} lines, {book.unknown:,} unknown here"
        lines.append(f"  book       {book.route} at {book.merchant_id}: {what}")
    if any(book.unknown for book in recovery.books):
        lines.append("             See the page Reconciliation: book, refund or explain each.")
    if recovery.erased:
        lines.append(f"  erased     {recovery.erased:,} persons, again")
    if recovery.redo:
        lines += [
            "  redo by hand what people changed in that time:",
            *(f"    {line}" for line in recovery.redo),
        ]
    if only_look:
        lines.append("Nothing was changed. `recoup recover` ends the quarantine.")
    elif recovery.quarantined:
        lines.append("  STILL QUARANTINED. Run it again.")
    else:
        lines.append(
            f"  epoch      {recovery.epoch}{' begun' if recovery.begun else ''}: sends, mails and "
            f"webhooks go on"
        )
        lines.append(
            "  Files for banks wait for a statement of that time: upload it on the page "
            "Reconciliation."
        )
    return lines
