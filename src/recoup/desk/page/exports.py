"""/exports: a person's files, how far they are, and the way to another."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from msgspec import structs
from starlette.responses import Response, StreamingResponse

from recoup.desk.flows.exports import ask_for_file, cancel_export, fetch, one_export
from recoup.desk.page.orders import export
from recoup.desk.page.orders.look import back_of
from recoup.desk.page.orders.page import columns_of, habits_of
from recoup.desk.page.orders.query import Query
from recoup.desk.store.exports import Export, exports_of
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem
from recoup.kit.personal import SHOWN
from recoup.people.page.endpoint import id_in_path, redirect
from recoup.people.page.form_shape import FormKey, among, fresh_key, read_again
from recoup.people.page.pages import Answer, Values, attached, member, nothing, shown
from recoup.people.page.portal_visit import Visit
from recoup.people.page.rights import anybody
from recoup.people.page.words import State

FORMS: Final = {"csv": "CSV", "json": "JSON", "xlsx": "XLSX"}
STATES: Final = {
    "asked": State("Waits", "off", "draft", "The worker starts it as soon as it has capacity."),
    "working": State(
        "Running", "run", "processing", "It is being written; it can be downloaded once complete."
    ),
    "ready": State("Ready", "ok", "completed", "It can be downloaded until it is deleted."),
    "refused": State(
        "Failed", "prob", "problem", "The export failed; the reason is shown beside it."
    ),
    "cancelled": State("Cancelled", "off", "cancelled", "You cancelled it."),
    "gone": State(
        "Deleted", "off", "cancelled", "The file was deleted. Export again to get a new one."
    ),
}


PLACE: Final = "/exports"
_NO_TYPE: Final = Problem(
    "invalid",
    "Orders are exported as CSV, JSON or XLSX.",
    cure="Open the orders and choose Export.",
)
UNDER_WAY: Final = frozenset({"asked", "working"})


_id: Final = id_in_path(
    "export_id", Problem("not_found", "There is no such file.", cure="Open the list of exports.")
)


@frozen
class NewExport:
    """`back`: the list that the file is of. `form`: of `TYPES`."""

    back: str
    form: Annotated[str, among(export.TYPES), _NO_TYPE]
    key: FormKey


@member.page(PLACE, "desk/exports.html")
async def exports(visit: Visit) -> Values:
    rows = await exports_of(visit.world.db.reader, visit.merchant_id, person_of(visit))
    return dict(
        exports=[_as_it_is(row, visit.wall) for row in rows],
        live=any(row.state in UNDER_WAY for row in rows),
    )


@member.page("/exports/new/{form}", "desk/exports_new.html")
async def new_export(visit: Visit) -> Values:
    """Shows what the file would be of, and the button; of the form that was sent, else of the
    address."""
    if visit.typed:
        typed = read_again(NewExport, visit.typed)
        query, form, key = await _query(visit, typed), typed.form, typed.key
    else:
        query, form, key = (
            await export.query_of(visit),
            visit.request.path_params["form"],
            fresh_key(),
        )
    if form not in export.TYPES:
        raise Problem(
            "not_found",
            "Orders are exported as CSV, JSON or XLSX.",
            cure="Open the orders and choose Export.",
        )
    wanted = export.wanted_of(visit, query)
    count = await export.counted(visit, wanted)
    return {
        "query": query,
        "form": form,
        "key": key,
        "count": count,
        "cells": len(wanted.table().chosen),
        "said": export.words_of(visit, query),
        "name": f"{export.file_name(query, visit)}.{form}",
    }


@new_export.post(PLACE, may=anybody, shape=NewExport, shows=nothing)
async def post_export(visit: Visit, form: NewExport) -> Answer:
    """The same form again asks for nothing more."""
    query = await _query(visit, form)
    try:
        export.refuse_unclear(query)
        await ask_for_file(
            visit.world,
            visit.scope,
            person_of(visit),
            UUID(hex=form.key),
            export.wanted_of(visit, query),
            form=form.form,
            labels=export.words_of(visit, query),
            file_name=f"{export.file_name(query, visit)}.{form.form}",
        )
    except Problem as problem:
        return shown(problem)
    return redirect(PLACE)


@member.page("/exports/{export_id}/file")
async def export_file(visit: Visit) -> Response:
    """Sends the file only to the requester, at the merchant of the visit."""
    row = await one_export(visit.world, visit.merchant_id, person_of(visit), _id(visit))
    if visit.pii_access != SHOWN and row.wanted.get("filter", {}).get("sight") == SHOWN:
        raise Problem(
            "forbidden",
            "This file contains customers' data that your role may no longer see.",
            cure="Delete it and export again.",
        )
    content = await fetch(visit.world, visit.scope, row)
    headers = attached(row.file_name) | {"content-length": str(row.bytes_done)}
    return StreamingResponse(content, media_type=export.TYPES[row.form], headers=headers)


@exports.post("/exports/{export_id}/cancel", may=anybody, shows=nothing)
async def post_cancel(visit: Visit) -> None:
    """Ends what is under way, deletes what is ready."""
    await cancel_export(visit.world, visit.merchant_id, person_of(visit), _id(visit))


def person_of(visit: Visit) -> UUID:
    """The real user, also while impersonating: their files are their own."""
    behind = visit.session.behind
    return behind.staff_id if behind is not None else visit.session.user_id


async def _query(visit: Visit, form: NewExport) -> Query:
    """The list that the form is of; columns that it does not name are this person's."""
    query = back_of(visit, form.back)
    return replace(query, columns=columns_of(query, await habits_of(visit)), cursor="")


def _as_it_is(row: Export, wall: datetime) -> Export:
    """A file that is over is gone, whether or not it was swept already."""
    return structs.replace(row, state="gone") if row.state == "ready" and row.is_over(wall) else row
