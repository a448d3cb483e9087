"""GET /reports/certificates, /{id} and /{id}/file: a month's sends under the networks' limits."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from recoup.doors.edge.described import JSON_LINES, Operation
from recoup.doors.edge.field_names import names_of
from recoup.doors.edge.resource import Reply
from recoup.doors.rescue.query import Query
from recoup.doors.rescue.resource import Call, Method
from recoup.doors.rescue.shapes.certificates import (
    PAGE_MAX,
    AvoidedFee,
    Certificate,
    CertificateDetail,
    CertificateLine,
    CertificateList,
    CertificateQuery,
    CertificateRecount,
    CertificateRefusal,
    CertificateRule,
    CertificateScheme,
)
from recoup.flows.insight.certificates import (
    NEWEST,
    Shown,
    certificate_file,
    certificates_of,
    listed,
    month_of,
    show_certificate,
)
from recoup.kernel.problem import Problem

_NAMES: Final = tuple(names_of(CertificateQuery))


async def get_certificates(call: Call) -> Reply:
    query, world, merchant_id = Query(call.query), call.services.world, call.scope.merchant_id
    query.refuse_unknown(_NAMES)
    limit, acceptor_id = query.number("limit", 25, 1, PAGE_MAX) or 25, query.one("acceptorId", maximum=64) or None
    after = query.number("after", NEWEST, 1, NEWEST) or NEWEST
    begin = await _month(call, query)
    query.raise_if_any()
    rows = await certificates_of(world, merchant_id, begin, acceptor_id, before_no=after, limit=limit + 1)
    shown = rows[:limit]
    more = str(shown[-1].chain_no) if len(rows) > limit else None
    return Reply(CertificateList(data=[Certificate(**listed(row)) for row in shown], next=more))


async def _month(call: Call, query: Query) -> datetime | None:
    text = query.one("month", maximum=16)
    try:
        return await month_of(call.services.world, call.scope.merchant_id, text) if text else None
    except Problem as problem:
        query.complain("month", text=f"{problem.message} {problem.cure}".strip())
        return None


async def get_certificate(call: Call) -> Reply:
    shown = await show_certificate(call.services.world, call.scope.merchant_id, _id(call))
    return Reply(_detail(shown))


async def get_file(call: Call) -> Reply:
    certificate_id = _id(call)
    file = await certificate_file(call.services.world, call.scope.merchant_id, certificate_id)
    name = f'attachment; filename="certificate-{certificate_id}.jsonl"'.encode()
    headers = ((b"content-type", JSON_LINES.encode()), (b"content-disposition", name))
    return Reply(_one(file), headers=headers)


async def _one(file: bytes) -> AsyncIterator[bytes]:
    yield file


def _id(call: Call) -> UUID:
    return call.object_id(noun="certificate", cure="Check the id; see the list of certificates.")


def _detail(shown: Shown) -> CertificateDetail:
    head = shown.head
    return CertificateDetail(
        **listed(shown.certificate),
        from_=head["from"],
        to=head["to"],
        region=head["region"],
        knowledge=head["knowledge"],
        corrects=UUID(head["corrects"]) if head["corrects"] else None,
        corrected=shown.corrected,
        previous_root=head["previousRoot"],
        reported=head["reported"],
        beyond=head["beyond"],
        schemes=msgspec.convert(shown.part("scheme"), list[CertificateScheme]),
        rules=msgspec.convert(shown.part("rule"), list[CertificateRule]),
        excess=shown.part("excess"),
        refused=msgspec.convert(shown.part("refusal"), list[CertificateRefusal]),
        fees=msgspec.convert(shown.part("fee"), list[AvoidedFee]),
        editions=shown.part("edition"),
        unseen=shown.part("unseen"),
        recount=msgspec.convert(shown.part("recount")[0], CertificateRecount),
        differences=shown.part("difference"),
        changes=shown.part("change"),
    )


LIST: Final = Operation(
    "GET",
    "/v1/reports/certificates",
    "Compliance certificates",
    "One for each closed month and acceptor that something was sent by, and their corrections. Newest first. A month "
    "is closed three days after its end.",
    group="Reports",
    query=CertificateQuery,
    answers={200: CertificateList},
)
GET: Final = Operation(
    "GET",
    "/v1/reports/certificates/{id}",
    "One compliance certificate",
    "Sends by scheme and rule, the closest approach to each limit, refusals and the fees that they avoided, sends "
    "beyond a limit with their cause, and who counted them besides. It is never changed: a correction is another one.",
    group="Reports",
    answers={200: CertificateDetail},
    problems=("not_found",),
)
FILE: Final = Operation(
    "GET",
    "/v1/reports/certificates/{id}/file",
    "File of a compliance certificate",
    "The same bytes whenever it is fetched; `recoup verify --file` proves them, without a database.",
    group="Reports",
    answers={200: CertificateLine},
    types=(JSON_LINES,),
    problems=("not_found",),
)
METHODS: Final = (
    Method(LIST, get_certificates, "orders"), Method(GET, get_certificate, "orders"), Method(FILE, get_file, "orders"),
)  # fmt: skip
