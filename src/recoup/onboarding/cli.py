"""`recoup applications`: the operator looks at applications and decides."""

from typing import Any, Final
from uuid import UUID

import click

from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor
from recoup.kernel.time import iso
from recoup.merchants.cli import Opened, Run, in_world, json_option, show
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
_STATUSES: Final = [one.lower() for one in Status if one is not Status.NEW]


@click.group()
def applications() -> None:
    """Lists and decides applications of new merchants."""


@applications.command("list")
@click.option("--status", type=click.Choice(_STATUSES), help="Only applications with this status.")
@json_option
@in_world
def list_all(run: Run, status: str | None, as_json: bool) -> None:
    """Lists the newest 200 applications."""

    async def work(opened: Opened) -> list[dict[str, Any]]:
        wanted = status.upper() if status else None
        return [
            _shown(row)
            for row in await find_applications(opened.world, OPERATOR, ROWS_MAX, status=wanted)
        ]

    _show(run(work), as_json)


@applications.command("show")
@click.argument("application")
@json_option
@in_world
def show_verb(run: Run, application: str, as_json: bool) -> None:
    """Shows one application, its documents and its missing fields."""

    async def work(opened: Opened) -> dict[str, Any]:
        row = await read_application(opened.world, OPERATOR, _id(application))
        documents = [f"{document.kind}: {document.name}" for document in row.documents]
        return _shown(row) | {"documents": documents, "missing": list(lacking(row))}

    _show(run(work), as_json)


@applications.command()
@click.argument("application")
@click.option("--note", default="", help="Shown to the applicant.")
@json_option
@in_world
def approve(run: Run, application: str, note: str, as_json: bool) -> None:
    """Approves an application: it can then be converted into a merchant."""

    async def work(opened: Opened) -> dict[str, Any]:
        return _shown(
            await decide_application(
                opened.world, OPERATOR, _id(application), approve=True, note=note
            )
        )

    _show(run(work), as_json)


@applications.command()
@click.argument("application")
@click.option("--reason", type=click.Choice(list(DECLINE_REASONS)), required=True)
@click.option("--note", default="", help="Shown to the applicant.")
@json_option
@in_world
def decline(run: Run, application: str, reason: str, note: str, as_json: bool) -> None:
    """Declines an application."""

    async def work(opened: Opened) -> dict[str, Any]:
        done = await decide_application(
            opened.world, OPERATOR, _id(application), approve=False, reason=reason, note=note
        )
        return _shown(done)

    _show(run(work), as_json)


def _show(rows: dict[str, Any] | list[dict[str, Any]], as_json: bool) -> None:
    listed = rows if isinstance(rows, list) else [rows]
    lines = [
        "  ".join(f"{value}" for value in row.values() if value not in ("", None, []))
        for row in listed
    ]
    show(rows, lines or ["No applications."], as_json=as_json)


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


def _id(text: str) -> UUID:
    found = parse_id(text)
    if found is None:
        raise Problem(
            "invalid",
            f"{text!r} is not an application's id.",
            cure="See `recoup applications list`.",
        )
    return found
