"""A merchant's compliance certificates: the clock of its months, and one that is kept and
announced, once."""

from datetime import datetime
from typing import Any
from uuid import UUID

from recoup.certificates.rules.certificate_file import FIRST_ROOT, totals_of, written
from recoup.certificates.rules.content import Line
from recoup.certificates.rules.months import closes_at, month_end, month_start, month_text
from recoup.certificates.store.certificates import (
    ChainEnd,
    add_certificate,
    begin_clock,
    move_clock,
)
from recoup.db.statement import Tx
from recoup.kernel.time import BusinessTime, WallTime
from recoup.orders.moves.due import wait_for
from recoup.orders.moves.event import add_event
from recoup.orders.store.changes import Rows, write


async def begin_certificates(tx: Tx, merchant_id: UUID, now: datetime) -> None:
    """A merchant's first month: the one that its clock stands in. Once; a second time nothing."""
    begin = month_start(now)
    if await begin_clock(tx, merchant_id, begin):
        await wait_for(tx, merchant_id, "certificate", merchant_id, closes_at(begin), wall=False)


async def go_on(tx: Tx, merchant_id: UUID, begin: datetime) -> None:
    """The month that began then is done; the next one is due when it is closed."""
    await move_clock(tx, merchant_id, month_end(begin))
    await wait_for(
        tx, merchant_id, "certificate", merchant_id, closes_at(month_end(begin)), wall=False
    )


async def keep_certificate(
    tx: Tx,
    merchant_id: UUID,
    certificate_id: UUID,
    begin: datetime,
    head: Line,
    lines: list[Line],
    content_hash: bytes,
    before: ChainEnd | None,
    *,
    now: BusinessTime,
    wall: WallTime,
) -> ChainEnd:
    """Keeps a certificate under the merchant's certificate clock; answers where its chain ends now.
    `head`: what the file's first line says beside its sums, roots and dates."""
    totals = totals_of(lines)
    full: dict[str, Any] = (
        head | totals | {"previousRoot": (before.root if before else FIRST_ROOT).hex()}
    )
    file, root = written(full, lines)
    end = ChainEnd(before.chain_no + 1 if before else 1, root)
    recounted_by = next(line["by"] for line in lines if line["type"] == "recount")
    await add_certificate(
        tx,
        merchant_id,
        certificate_id,
        end.chain_no,
        begin,
        head["acceptorId"],
        head["number"],
        head["reasons"],
        totals["sends"],
        totals["refusals"],
        totals["breaches"],
        recounted_by,
        content_hash,
        root,
        file,
        now,
    )
    rows = Rows()
    add_event(
        rows,
        merchant_id,
        "certificate",
        certificate_id,
        "certificate.ready",
        now=now,
        wall=wall,
        certificate_id=certificate_id,
        month=month_text(begin),
        acceptor_id=head["acceptorId"],
        number=head["number"],
        sends=totals["sends"],
        breaches=totals["breaches"],
        certificate_root=root.hex(),
    )
    await write(tx, rows)
    return end
