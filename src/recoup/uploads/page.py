"""/uploads: files with how far they are and a form for the next; one file with its refused rows and
its answers."""

from typing import Final
from uuid import UUID

from starlette.datastructures import UploadFile
from starlette.responses import Response

from recoup.kernel.problem import Problem, invalid
from recoup.kit.edge.spool import while_there
from recoup.kit.lists.paging import cut
from recoup.people.page.endpoint import done_of, redirect, with_done
from recoup.people.page.file_form import file_form
from recoup.people.page.form_shape import RowNo, read_again
from recoup.people.page.known_before import UPLOADS
from recoup.people.page.menu import Entry
from recoup.people.page.pages import CSV, JSON_LINES, Answer, Values, download, member, taken
from recoup.people.page.portal_visit import Visit, found_by
from recoup.people.page.rights import anybody
from recoup.people.page.words import State
from recoup.uploads.flows.take import FILE_BYTES_MAX, File, Readers, take
from recoup.uploads.flows.work import answer_file, one_upload, stop_upload
from recoup.uploads.rules.rows import ROWS_MAX
from recoup.uploads.store import Upload, list_uploads, refused_rows

STATES: Final = {
    "received": State("Received", "hold", "draft", "Stored; its rows are queued."),
    "working": State("Processing", "run", "processing", "Its rows are processed in order."),
    "completed": State("Completed", "ok", "completed", "All rows are processed."),
    "stopped": State("Stopped", "off", "cancelled", "Stopped; rows not yet started are skipped."),
}
KINDS: Final = {"transmit": "Transmissions", "evaluate": "Declined MITs"}


PLACE: Final = UPLOADS
SIZE: Final = 25
ROWS: Final = 100
_TYPES: Final = {"json": JSON_LINES, "csv": CSV}


@member.page(PLACE, "uploads/uploads.html", menu=Entry("Insight", 4, "Files", "file"))
async def uploads(visit: Visit, *, after: UUID | None) -> Values:
    rows = await list_uploads(visit.world.db.reader, visit.merchant_id, None, after, SIZE + 1)
    shown, last = cut(rows, SIZE)
    return dict(
        uploads=shown,
        next=last and last.upload_id,
        first=after is None,
        typed=read_again(post_upload, visit.typed),
        may=_may(visit),
        megabytes=FILE_BYTES_MAX >> 20,
        rows_max=ROWS_MAX,
    )


@uploads.post(may=anybody, reads=file_form)
async def post_upload(visit: Visit, *, file: UploadFile | None, kind: str) -> Answer:
    """The same file again leads to the upload that there is. `kind`: what its rows are, as
    `KINDS`."""
    _must(visit)
    if file is None:
        raise invalid("No file was chosen.", "file")
    taking = take(
        visit.world,
        visit.scope,
        File(file.filename or "", file.file, kind),
        visit.portal.get(Readers).by_kind,
    )
    taken = await while_there(visit.request.receive, taking)
    path = f"{PLACE}/{taken.upload.upload_id}"
    return redirect(with_done(visit.session, path, "known") if taken.before else path)


_NONE: Final = Problem("not_found", "There is no such file.", cure="Look at the list of files.")
_find: Final = found_by("upload_id", _NONE, one_upload)


@member.page("/uploads/{upload_id}", "uploads/upload.html")
async def upload_page(visit: Visit, *, after: RowNo = 0) -> Values:
    upload = await _find(visit)
    rows = await refused_rows(
        visit.world.db.reader, visit.merchant_id, upload.upload_id, after, ROWS + 1
    )
    shown, last = cut(rows, ROWS)
    return dict(
        upload=upload,
        rows=shown,
        next=last and last.row_no,
        first=not after,
        may=_may(visit),
        known=done_of(visit.session, visit.request) == "known",
        left=upload.row_count - upload.done_count - upload.refused_count,
    )


@member.page("/uploads/{upload_id}/answers")
async def answers_file(visit: Visit) -> Response:
    upload = await _find(visit)
    await taken(visit, "answers of a file of payments", upload.upload_id)
    name = f"answers-{upload.upload_id}." + ("csv" if upload.form == "csv" else "jsonl")
    return download(answer_file(visit.world, upload), name, _TYPES[upload.form])


@upload_page.post("/uploads/{upload_id}/stop", may=anybody, find=_find)
async def post_stop(visit: Visit, upload: Upload) -> None:
    _must(visit)
    await stop_upload(visit.world, visit.scope, upload.upload_id)


def _may(visit: Visit) -> bool:
    return bool(visit.portal.get(Readers).by_kind) and (
        visit.is_operator or visit.session.may("upload")
    )


def _must(visit: Visit) -> None:
    """Raises: Problem(forbidden)."""
    if not _may(visit):
        raise Problem(
            "forbidden",
            "Your role may view files, but not send them.",
            cure="Ask somebody with the role operations.",
        )
