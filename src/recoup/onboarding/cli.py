"""`recoup applications`: the operator looks at applications and decides."""

from typing import Annotated, Any, Final
from uuid import UUID

import click

from recoup.kernel.scope import Actor
from recoup.kernel.time import iso
from recoup.kit.cli.command import Printed
from recoup.kit.cli.parameters import id_of
from recoup.merchants.cli import Opened, verb
from recoup.onboarding.flows.applications import (
    Applicant,
    decide_application,
    find_applications,
    form_of,
    lacking,
    read_application,
)
from recoup.onboarding.rules.application import DECLINE_REASONS, Status
from recoup.onboarding.store.applications import Application

OPERATOR: Final = Applicant(None, Actor("operator", "cli"), "applications")
ROWS_MAX: Final = 200
_STATUSES: Final = click.Choice([status.lower() for status in Status if status is not Status.NEW])
ApplicationId = Annotated[
    UUID, id_of("is not an application's id.", cure="See `recoup applications list`.")
]
Note = Annotated[str, "Shown to the applicant."]


@click.group()
def applications() -> None:
    """Lists and decides applications of new merchants."""


@verb(applications, "list", json="")
async def list_all(
    opened: Opened,
    *,
    status: Annotated[str | None, _STATUSES, "Only applications with this status."] = None,
) -> Printed:
    """Lists the newest 200 applications."""
    wanted = status.upper() if status else None
    rows = await find_applications(opened.world, OPERATOR, ROWS_MAX, status=wanted)
    shown = [_shown(row) for row in rows]
    return Printed(shown, [_line(row) for row in shown] or ["No applications."])


@verb(applications, "show", json="")
async def show_verb(opened: Opened, application: ApplicationId) -> Printed:
    """Shows one application, its documents and its missing fields."""
    row = await read_application(opened.world, OPERATOR, application)
    documents = [f"{document.kind}: {document.name}" for document in row.documents]
    return _printed(row, documents=documents, missing=list(lacking(row)))


@verb(applications, json="")
async def approve(opened: Opened, application: ApplicationId, *, note: Note = "") -> Printed:
    """Approves an application: it can then be converted into a merchant."""
    return _printed(
        await decide_application(opened.world, OPERATOR, application, approve=True, note=note)
    )


@verb(applications, json="")
async def decline(
    opened: Opened,
    application: ApplicationId,
    *,
    reason: Annotated[str, click.Choice(list(DECLINE_REASONS))],
    note: Note = "",
) -> Printed:
    """Declines an application."""
    return _printed(
        await decide_application(
            opened.world, OPERATOR, application, approve=False, reason=reason, note=note
        )
    )


def _printed(row: Application, **more: list[str]) -> Printed:
    shown = _shown(row) | more
    return Printed(shown, [_line(shown)])


def _line(row: dict[str, Any]) -> str:
    return "  ".join(f"{value}" for value in row.values() if value not in ("", None, []))


def _shown(row: Application) -> dict[str, Any]:
    return {
        "id": str(row.application_id),
        "status": str(row.status),
        "name": form_of(row).merchant_name,
        "externalId": row.external_id,
        "by": f"{row.owner_kind} {row.owner_id}",
        "changed": iso(row.changed_at),
        "reason": row.reason,
        "note": row.note,
        "mid": str(row.merchant_id) if row.status == Status.CONVERTED else None,
    }
