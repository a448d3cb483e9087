"""/disputes/{dispute_id}/files: evidence as files. Who sees customers only in part sees that there are some."""

from dataclasses import dataclass
from typing import Annotated, Final

from starlette.datastructures import UploadFile
from starlette.responses import Response

from recoup.doors.portal.disputes.dispute import ANSWER, dispute_id_of, dispute_page
from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.file_form import file_form
from recoup.doors.portal.pages import Answer, but, member
from recoup.doors.portal.taken import taken
from recoup.doors.portal.templates import HEADERS
from recoup.doors.portal.visit import Visit
from recoup.flows.disputes.files import add_file, read_file
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.rules.merchants.documents import download_name
from recoup.rules.merchants.personal import SHOWN
from recoup.rules.money.evidence_file import BYTES_MAX

_NO_FILE: Final = Problem("invalid", "No file was chosen.", field="file", cure="Choose one, then send it.")
_SHOWN: Final = but("not_found", "forbidden")


@dataclass(frozen=True, slots=True)
class NewEvidence:
    file: Annotated[UploadFile, _NO_FILE]


@dispute_page.post("/disputes/{dispute_id}/files", may=ANSWER, shape=NewEvidence, reads=file_form, shows=_SHOWN)
async def post_evidence(visit: Visit, form: NewEvidence) -> Answer:
    dispute_id = dispute_id_of(visit)
    content = await form.file.read(BYTES_MAX + 1)
    await add_file(visit.world, visit.scope, dispute_id, form.file.filename or "", content)
    return redirect(f"/disputes/{dispute_id}#evidence")


@member.page("/disputes/{dispute_id}/files/{file_id}")
async def evidence_file(visit: Visit) -> Response:
    """As its bytes say, and never shown inside a page of ours."""
    dispute_id, file_id = dispute_id_of(visit), parse_id(visit.request.path_params["file_id"])
    if file_id is None:
        raise Problem("not_found", "There is no such file.", cure="Reload the dispute: it may have been erased.")
    if visit.pii_access != SHOWN:
        raise Problem(
            "forbidden",
            "Files of evidence may show who the customer is: your role does not open them.",
            cure="Ask an owner.",
        )
    row, content = await read_file(visit.world, visit.merchant_id, dispute_id, file_id)
    await taken(visit, "file of evidence", dispute_id)
    name = download_name(row.name, row.media_type)
    headers = HEADERS | {"content-disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=row.media_type, headers=headers)
