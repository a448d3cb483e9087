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
    """Ends the quarantine after a restore: what may have left is asked for before it is sent again. It can be
    repeated; see docs/operate.md."""
    settings = load_settings(data_dir=data_dir)
    check_installed(settings)
    with used_databases(settings) as databases:
        found = uvloop.run(_recovered(settings, databases, "" if look else by or _log_in()))
    lines = [line for one in found for line in _text(one, only_look=look)]
    failed = not look and any(one.quarantined for one in found)
    return Printed(None, [encode(found).decode()] if as_json else lines, failed)


def _log_in() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # an id without a name, in a container
        return "operator"


async def _recovered(settings: Settings, databases: Databases, who: str) -> list[Recovery]:
    """Recovers each world; only looks without a `who`."""
    async with open_worlds(settings, databases, "recoup-recover") as worlds:
        several = [one.world for one in worlds if one is not None]
        return [await (recover(world, who) if who else look_at(world)) for world in several]


def _text(found: Recovery, *, only_look: bool) -> list[str]:
    if found.lost_from is None or found.lost_to is None:
        return [f"{found.world}: knows all that was seen of it; nothing to recover."]
    lines = [f"{found.world}: {found.reason or 'recovered before.'}"]
    lines.append(f"  lost       from {iso(found.lost_from)} to {iso(found.lost_to)}")
    if found.feed is not None:
        lines.append(f"  feed       ends at {found.feed[0]:,}; {found.feed[1]:,} was seen")
    for kind, count in found.waiting.items():
        lines.append(f"  asked for  {count:,} {WORDS.get(kind, kind)} that were due then")
    for route in found.unread:
        lines.append(
            f"  by hand    {route} has no book to read: compare its statement (`recoup reconcile`)"
        )
    for book in found.books:
        what = book.trouble or f"{book.lines:,} lines, {book.unknown:,} unknown here"
        lines.append(f"  book       {book.route} at {book.merchant_id}: {what}")
    if any(book.unknown for book in found.books):
        lines.append("             See the page Reconciliation: book, refund or explain each.")
    if found.erased:
        lines.append(f"  erased     {found.erased:,} persons, again")
    if found.redo:
        lines += [
            "  redo by hand what people changed in that time:",
            *(f"    {one}" for one in found.redo),
        ]
    if only_look:
        lines.append("Nothing was changed. `recoup recover` ends the quarantine.")
    elif found.quarantined:
        lines.append("  STILL QUARANTINED. Run it again.")
    else:
        lines.append(
            f"  epoch      {found.epoch}{' begun' if found.begun else ''}: sends, mails and webhooks go on"
        )
        lines.append(
            "  Files for banks wait for a statement of that time: upload it on the page Reconciliation."
        )
    return lines
