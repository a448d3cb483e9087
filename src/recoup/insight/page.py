"""/reports: results of a month by transaction, descriptor, site, campaign and means; each adds up
to the ledger."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from starlette.responses import JSONResponse, Response

from recoup.certificates.flows import (
    NEWEST,
    Shown,
    certificate_file,
    certificates_of,
    show_certificate,
)
from recoup.certificates.rules.months import month_text
from recoup.kernel.money import EXPONENTS
from recoup.kernel.problem import Problem
from recoup.kit.as_of import Window
from recoup.kit.lists.paging import cut
from recoup.kit.report_spans import month, months_until
from recoup.orders.store.movements import first_booked
from recoup.people.page.as_of import AsOf, chosen_month, read_as_of, strict_as_of
from recoup.people.page.endpoint import id_in_path
from recoup.people.page.form_shape import among, whole
from recoup.people.page.menu import Entry
from recoup.people.page.pages import JSON_LINES, Values, attached, download, member, taken
from recoup.people.page.portal_visit import Visit
from recoup.people.page.words import MEANS
from recoup.reconciliation.flows import origin_reports as flow

LINES: Final = 100
TITLES: Final = {"sites": "Sites", "campaigns": "Campaigns", "descriptors": "Descriptors",
                 "means": "Means of recovery", "transactions": "Transactions"}  # fmt: skip
BOOKED_BY: Final = MEANS | {None: "At the checkout, or no single order"}
WORDS: Final = {
    "approved": "Approved", "refunded": "Refunded", "chargebacks": "Chargebacks",
    "fees": "Service fees",
    "chargeback_fees": "Chargeback fees", "adjusted": "Adjusted",
}  # fmt: skip


@member.page("/reports", "insight/reports.html", menu=Entry("Insight", 1, "Reports", "report"))
async def reports_page(
    visit: Visit, *, by: Annotated[str, among(flow.REPORTS)] = "sites", after: str | None
) -> Values:
    """An impossible month, currency or report becomes the usual one; for a month the page says
    so."""
    report, then = by, await read_as_of(visit)
    chosen, asset, problem = _chosen(visit, then)
    window = Window(*month(chosen, "UTC"), then.cut)
    page = await flow.report_page(
        visit.world,
        report,
        flow.ReportRequest(visit.merchant_id, window, asset),
        flow.place_in(report, after or ""),
        LINES,
    )
    first = await first_booked(visit.world.db.reader, visit.merchant_id)
    kept = {"month": chosen} | ({"currency": asset} if asset else {})
    query = kept | dict(then.query)
    return dict(
        then=then,
        then_kept=kept | {"by": report},
        report=report,
        month=chosen,
        months=months_until(visit.now, first),
        asset=asset,
        found=page,
        query=urlencode(query),
        problem=problem,
        paged=after is not None,
        next=urlencode(query | {"by": report, "after": page.next}) if page.next else None,
        shown=[
            name
            for name in WORDS
            if name in ("approved", "refunded", "fees")
            or any(row.of(name) for row in page.rows)
            or any(row.of(name) for row in page.totals)
        ],
        borne=any(row.disputed != row.chargebacks for row in page.rows),
    )


@member.page("/reports/{report}.csv")
async def report_file(visit: Visit) -> Response:
    report = visit.request.path_params["report"]
    if report not in flow.REPORTS:
        raise Problem("not_found", "There is no such report.", cure="Go to the reports.")
    then = await strict_as_of(visit)
    chosen, asset, problem = _chosen(visit, then)
    if problem is not None:
        raise problem
    request = flow.ReportRequest(visit.merchant_id, Window(*month(chosen, "UTC"), then.cut), asset)
    await taken(visit, f"report of {report}", month=chosen, currency=asset, **then.query)
    parts = flow.report_csv(visit.world, report, request)
    return download(parts, f"{report}-{chosen}{then.cut.stamp()}.csv")


def _chosen(visit: Visit, then: AsOf) -> tuple[str, str | None, Problem | None]:
    """The usual month is the one that it was then."""
    query = visit.request.query_params
    chosen, problem = chosen_month(query, f"{then.at or visit.now:%Y-%m}")
    asset: Any = query.get("currency", "").upper()
    return chosen, asset if asset in EXPONENTS else None, problem


SIZE: Final = 50
RECOUNTED: Final = {
    "issuer": "The issuer's own book", "statement": "Statements of the processor", "none": "Nobody",
}  # fmt: skip
CAUSES: Final = {
    "gate": "Breach: the limit was known", "known_later": "Known only afterwards",
    "repeated": "Repeated by the processor", "joined": "Found to be one card afterwards",
    "advance": "Collection of an advance", "merchant": "Your own attempt, as you reported it",
}  # fmt: skip
UNSEEN: Final = {
    "merchant_sends": "Your own attempts that you did not transmit or import; transmitted or "
                      "imported",
    "reported_without_rescue": "Declines that you transmitted for other payments",
    "unanswered": "What became of attempts without an answer",
    "acceptor_volume": "Volumes of the whole merchant account; your declines that count towards "
                       "them",
    "other_merchants": "Sends of other merchants", "silent_repeats": "Repeats that a processor "
                                                                     "does not report",
    "recount": "What somebody else would count",
}  # fmt: skip


_id: Final = id_in_path(
    "certificate_id",
    Problem(
        "not_found",
        "There is no such certificate.",
        cure="Check the id; see the list of certificates.",
    ),
)


@member.page("/reports/certificates", "insight/certificates.html")
async def certificates_page(visit: Visit, *, after: Annotated[int, whole(9)] = NEWEST) -> Values:
    rows = await certificates_of(visit.world, visit.merchant_id, before_no=after, limit=SIZE + 1)
    shown, last = cut(rows, SIZE)
    return dict(
        rows=shown,
        next=last and last.chain_no,
        month_text=month_text,
    )


@member.page("/reports/certificates/{certificate_id}", "insight/certificate.html")
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
        fees=fees,
    )


def _distance(line: dict[str, Any]) -> float:
    """The share of a limit that was left at the closest approach, 1: nothing came near it. Least
    first; else as they are."""
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
    return JSONResponse(shown.content, headers=attached(f"certificate-{certificate_id}.json"))


async def _one(file: bytes) -> AsyncIterator[bytes]:
    yield file


async def _find(visit: Visit) -> Shown:
    """Raises: Problem(not_found)."""
    return await show_certificate(visit.world, visit.merchant_id, _id(visit))
