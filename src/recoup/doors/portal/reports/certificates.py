"""/reports/certificates: a month's sends under the networks' limits, on a page to print, and as files that prove it."""

from collections.abc import AsyncIterator
from typing import Any, Final
from uuid import UUID

from starlette.responses import JSONResponse, Response

from recoup.doors.portal.downloads import JSON_LINES, download
from recoup.doors.portal.pages import Values, member
from recoup.doors.portal.taken import taken
from recoup.doors.portal.templates import HEADERS
from recoup.doors.portal.visit import Visit
from recoup.flows.insight.certificates import NEWEST, Shown, certificate_file, certificates_of, show_certificate
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.rules.network.compliance.months import month_text

SIZE: Final = 50
RECOUNTED: Final = {
    "issuer": "The issuer's own book", "statement": "Statements of the processor", "none": "Nobody",
}  # fmt: skip
CAUSES: Final = {
    "gate": "Breach: the limit was known", "known_later": "Known only afterwards",
    "repeated": "Repeated by the processor", "joined": "Found to be one card afterwards",
    "advance": "Collection of an advance", "merchant": "Your own send, as you reported it",
}  # fmt: skip
UNSEEN: Final = {
    "merchant_sends": "Your own sends that you did not transmit or import; transmitted or imported",
    "reported_without_rescue": "Declines that you transmitted for other payments",
    "unanswered": "What became of sends without an answer",
    "acceptor_volume": "Volumes of the whole acceptor; your declines that count towards them",
    "other_merchants": "Sends of other merchants", "silent_repeats": "Repeats that a processor does not report",
    "recount": "What somebody else would count",
}  # fmt: skip


@member.page("/reports/certificates", "reports/certificates.html")
async def certificates_page(visit: Visit) -> Values:
    text = visit.request.query_params.get("after", "")
    fits = text.isascii() and text.isdigit() and 0 < len(text) < 10
    rows = await certificates_of(
        visit.world, visit.merchant_id, before_no=int(text) if fits else NEWEST, limit=SIZE + 1
    )
    return dict(
        rows=rows[:SIZE],
        next=rows[SIZE - 1].chain_no if len(rows) > SIZE else None,
        month_text=month_text,
        recounted=RECOUNTED,
    )


@member.page("/reports/certificates/{certificate_id}", "reports/certificate.html")
async def certificate_page(visit: Visit) -> Values:
    shown = await _find(visit)
    fees: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for line in shown.part("fee"):
        fees.setdefault((line["scheme"], line["rule"]), []).append(line)
    return dict(
        shown=shown,
        head=shown.head,
        rules=sorted(shown.part("rule"), key=_distance),
        recount=shown.part("recount")[0],
        recounted=RECOUNTED,
        causes=CAUSES,
        unseen=UNSEEN,
        fees=fees,
    )


def _distance(line: dict[str, Any]) -> float:
    """How much of a limit was left at the closest approach, 1: nothing came near it. Least first; else as they are."""
    near = line["closest"]
    return 1.0 if near is None else 1 - near["count"] / max(near["limit"], 1)


@member.page("/reports/certificates/{certificate_id}/file")
async def certificate_proof(visit: Visit) -> Response:
    """The file that `recoup verify --file` proves."""
    certificate_id = _id(visit)
    file = await certificate_file(visit.world, visit.merchant_id, certificate_id)
    await taken(visit, "file of a certificate", certificate_id)
    return download(_one(file), f"certificate-{certificate_id}.jsonl", JSON_LINES)


@member.page("/reports/certificates/{certificate_id}/content.json")
async def certificate_content(visit: Visit) -> Response:
    shown = await _find(visit)
    certificate_id = shown.certificate.certificate_id
    await taken(visit, "content of a certificate", certificate_id)
    name = f'attachment; filename="certificate-{certificate_id}.json"'
    return JSONResponse(shown.content, headers=HEADERS | {"content-disposition": name})


async def _one(file: bytes) -> AsyncIterator[bytes]:
    yield file


async def _find(visit: Visit) -> Shown:
    """Raises: Problem(not_found)."""
    return await show_certificate(visit.world, visit.merchant_id, _id(visit))


def _id(visit: Visit) -> UUID:
    found = parse_id(visit.request.path_params["certificate_id"])
    if found is None:
        raise Problem("not_found", "There is no such certificate.", cure="Check the id; see the list of certificates.")
    return found
