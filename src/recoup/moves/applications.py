"""One move of an application: its log line, its status and the event go together."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from recoup.kernel.ids import new_id
from recoup.kernel.scope import Actor
from recoup.rules.merchants.application import ENDED, Status, Step
from recoup.rules.messages.events import event_data
from recoup.store.write.applications import add_application, add_log_line, open_feed, save_application
from recoup.store.write.changes import Rows, write


@dataclass(frozen=True, slots=True)
class By:
    """Who moves it, in which call, when. Wall time."""

    actor: Actor
    request_id: str
    at: datetime


async def begin_application(tx: asyncpg.Connection, row: dict[str, Any], step: Step, by: By) -> dict[str, Any]:
    """A new one. `row`: all that a draft has; answers it whole."""
    row = row | {
        "status": step.dst, "version": 1, "reason": "", "note": "", "created_by": by.actor.text(),
        "created_at": by.at, "changed_at": by.at, "submitted_at": None, "decided_at": None, "decided_by": None,
        "ended_at": None,
    }  # fmt: skip
    await add_application(tx, row)
    await _tell(tx, row, step, by)
    return row


async def move_application(
    tx: asyncpg.Connection, row: dict[str, Any], step: Step, by: By, *, document_id: UUID | None = None,
    said: str = "", **changed: Any,
) -> dict[str, Any]:  # fmt: skip
    """Under the application's lock; answers it as it is now. `said`: a note for the log. `changed`: columns besides the
    status and its dates."""
    row = row | changed | {"status": step.dst, "version": row["version"] + 1, "changed_at": by.at}
    if step.dst is Status.SUBMITTED:
        row["submitted_at"] = by.at
    if step.happening in ("approved", "declined"):
        row |= {"decided_at": by.at, "decided_by": by.actor.text()}
    if step.dst in ENDED:
        row["ended_at"] = by.at
    await save_application(tx, row)
    await _tell(tx, row, step, by, document_id, said)
    return row


async def _tell(
    tx: asyncpg.Connection, row: dict[str, Any], step: Step, by: By, document_id: UUID | None = None, said: str = ""
) -> None:
    await add_log_line(tx, {
        "application_id": row["application_id"], "seq": row["version"], "happening": step.happening, "src": step.src,
        "dst": step.dst, "reason": row["reason"], "note": said,
        "document_id": document_id, "actor": by.actor.text(), "request_id": by.request_id, "at": by.at,
    })  # fmt: skip
    if step.event is None:
        return
    rows = Rows()
    told = event_data(step.event, application_id=row["application_id"], status=str(step.dst), reason=row["reason"],
                      external_application_id=row["external_id"] or None)  # fmt: skip
    rows.outbox.append({
        "merchant_id": row["merchant_id"], "subject_id": row["application_id"], "seq": row["version"],
        "subject_kind": "application", "event_id": new_id(), "event": step.event, "body": told, "business_at": by.at,
        "recorded_at": by.at,
    })  # fmt: skip
    await open_feed(tx, row["merchant_id"])
    await write(tx, rows)
