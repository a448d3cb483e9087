"""Moves of an application: the log line, the status and the event of each go together."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from recoup.db.statement import Tx
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import new_id
from recoup.kernel.scope import Actor
from recoup.merchants.store.merchants import open_feed
from recoup.onboarding.rules.application import ENDED, Status, Step
from recoup.onboarding.rules.form import Form
from recoup.onboarding.store.applications import (
    Application,
    ApplicationLine,
    add_application,
    add_log_line,
    save_application,
)
from recoup.orders.moves.event import add_event
from recoup.orders.store.changes import Rows, write


@frozen
class By:
    """Mover of an application: who, in which call, when. Wall time."""

    actor: Actor
    request_id: str
    at: datetime


async def begin_application(
    tx: Tx, owner: tuple[str, UUID], form: Form, step: Step, by: By
) -> Application:
    """A draft of the owner's; answers it whole."""
    kind, owner_id = owner
    made = Application(
        application_id=new_id(),
        owner_kind="partner" if kind == "partner" else "merchant",
        owner_id=owner_id,
        merchant_id=new_id(),
        status=step.dst,
        version=1,
        form=asdict(form),
        external_id=form.external_id,
        reason="",
        note="",
        created_by=by.actor.text(),
        created_at=by.at,
        changed_at=by.at,
        submitted_at=None,
        decided_at=None,
        decided_by=None,
        ended_at=None,
    )
    await add_application(tx, made)
    await _tell(tx, made, step, by)
    return made


async def move_application(
    tx: Tx,
    application: Application,
    step: Step,
    by: By,
    *,
    document_id: UUID | None = None,
    log_note: str = "",
    **changed: Any,
) -> Application:
    """Moves an application under its lock and returns it as it is now. `log_note`: for its log
    line. `changed`: columns besides the status and its dates."""
    changed |= {"status": step.dst, "version": application.version + 1, "changed_at": by.at}
    if step.dst is Status.SUBMITTED:
        changed["submitted_at"] = by.at
    if step.happening in ("approved", "declined"):
        changed |= {"decided_at": by.at, "decided_by": by.actor.text()}
    if step.dst in ENDED:
        changed["ended_at"] = by.at
    moved = replace(application, **changed)
    await save_application(tx, moved)
    await _tell(tx, moved, step, by, document_id, log_note)
    return moved


async def _tell(
    tx: Tx,
    application: Application,
    step: Step,
    by: By,
    document_id: UUID | None = None,
    log_note: str = "",
) -> None:
    await add_log_line(
        tx,
        ApplicationLine(
            application_id=application.application_id,
            seq=application.version,
            happening=step.happening,
            src=step.src,
            dst=step.dst,
            reason=application.reason,
            note=log_note,
            document_id=document_id,
            actor=by.actor.text(),
            request_id=by.request_id,
            at=by.at,
        ),
    )
    if step.event is None:
        return
    rows = Rows()
    add_event(
        rows,
        application.merchant_id,
        "application",
        application.application_id,
        step.event,
        now=by.at,
        wall=by.at,
        seq=application.version,
        application_id=application.application_id,
        status=str(step.dst),
        reason=application.reason,
        external_application_id=application.external_id or None,
    )
    await open_feed(tx, application.merchant_id)
    await write(tx, rows)
