"""GET /reports/certificates, /{id} and /{id}/file: a month's sends under the networks' limits."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, field

from recoup.certificates.flows import (
    NEWEST,
    Shown,
    certificate_file,
    certificates_of,
    listed,
    month_of,
    show_certificate,
)
from recoup.kernel.problem import Problem
from recoup.keys.api.resource import Reply
from recoup.keys.api.v1_resource import Api, Call, file_reply
from recoup.kit.api.query import Query, read_as, read_query
from recoup.kit.api.wire import Members, Moment, Shape, Text16, Text64
from recoup.kit.edge.described import JSON_LINES
from recoup.kit.lists.paging import page_of

PAGE_MAX = 100
Counted = Annotated[int, Meta(ge=0)]


def _number(query: Query, name: str) -> int | None:
    return query.number(name, NEWEST, 1, NEWEST)


class CertificateQuery(Shape, kw_only=True):
    """Which certificates."""

    month: Annotated[Text16 | None, Meta(description="A closed month, UTC: `2026-11`.")] = None
    acceptor_id: Annotated[Text64 | None, Meta(description="Only this acceptor's.")] = None
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 25
    after: Annotated[
        Text64 | None, Meta(description="`next` of the previous page.", extra=read_as(_number))
    ] = None


class Certificate(Shape, kw_only=True):
    """One month of one acceptor."""

    id: UUID
    month: str
    acceptor_id: str
    number: Annotated[int, Meta(ge=1, description="1, or more for a correction.")]
    reasons: Annotated[
        list[str], Meta(description="Of a correction: which parts differ from the one before.")
    ]
    sends: Annotated[int, Meta(ge=0, description="As the networks count them.")]
    refusals: Annotated[int, Meta(ge=0, description="Sends that the gate refused.")]
    breaches: Annotated[
        int, Meta(ge=0, description="Sends that left against a limit that was known.")
    ]
    recounted_by: Annotated[
        Literal["issuer", "statement", "none"],
        Meta(description="Who counted the same sends besides."),
    ]
    root: Annotated[str, Meta(description="Root of its file, hex: for `recoup verify --file`.")]
    made_date: Moment


class CertificateList(Members, kw_only=True):
    """Newest first."""

    data: list[Certificate]
    next: Annotated[str | None, Meta(description="For `after`; null on the last page.")]


class ClosestApproach(Shape, kw_only=True):
    """Right after the send, the window held `count` of `limit`."""

    count: Counted
    limit: Counted
    at: Moment
    card: Annotated[str, Meta(description="Fingerprint that only your own certificates share.")]
    send_id: Annotated[str, Meta(description="Id under which the processor has it.")]


class CertificateScheme(Shape, kw_only=True):
    """A scheme's sends of the month."""

    scheme: str
    sends: Counted
    approved: Counted
    declined: Counted
    unanswered: Counted
    repeated: Annotated[
        int, Meta(ge=0, description="Of `sends`: what the processor sent again by itself.")
    ]
    not_sent: Annotated[
        int, Meta(ge=0, description="Reserved, then proved not to have left; not in `sends`.")
    ]
    reported: Annotated[int, Meta(ge=0, description="Your own declined sends that you reported.")]
    cards: Counted


class CertificateRule(Shape, kw_only=True):
    """A dated limit and what the month came to under it."""

    scheme: str
    rule: str
    window_hours: Annotated[int | None, Meta(description="Null: for ever.")]
    limit: Annotated[int, Meta(ge=0, description="0: an answer forbids every further send.")]
    gate_limit: Annotated[int, Meta(ge=0, description="Where this installation stops.")]
    key: Annotated[str, Meta(description="What is counted together.")]
    sends: Counted
    reported: Counted
    carried: Annotated[
        int, Meta(ge=0, description="Of the month before, held by this month's windows.")
    ]
    bans: Annotated[int, Meta(ge=0, description="Answers of the month that forbid further sends.")]
    closest: Annotated[ClosestApproach | None, Meta(description="With what you reported.")]
    closest_sent: Annotated[
        ClosestApproach | None, Meta(description="Of what was sent here alone.")
    ]
    closest_recounted: Annotated[
        ClosestApproach | None, Meta(description="The same by the issuer's own book.")
    ]
    beyond: Annotated[
        dict[str, int], Meta(description="Sends beyond the limit, by cause; `gate` is a breach.")
    ]
    region: str
    document: str
    sources: str
    valid_from: str | None
    valid_to: str | None


class CertificateRefusal(Shape, kw_only=True):
    """What the gate refused by a rule."""

    scheme: str
    rule: str
    postponed: Counted
    refused: Counted
    orders: Annotated[
        int, Meta(ge=0, description="Orders that it was the first refusal of, by this rule.")
    ]


class AvoidedFee(Shape, kw_only=True):
    """Fees that those refusals avoided, by one row of the tariff."""

    scheme: str
    rule: str
    region: str
    sends: Counted
    fee: Annotated[int, Meta(ge=0, description="Minor units, of one send.")]
    amount: Annotated[int, Meta(ge=0, description="Minor units.")]
    currency: str
    document: str
    sources: str
    confidence: Annotated[str, Meta(description="H, M or L: how sure the source is.")]
    valid_from: str | None
    valid_to: str | None


class CertificateRecount(Shape, kw_only=True):
    """By somebody who counts apart from us."""

    by: Literal["issuer", "statement", "none"]
    sends: Counted
    approved: Counted
    matched: Counted
    counted_only: Annotated[int, Meta(ge=0, description="Counted here, and unknown there.")]
    differing: Annotated[
        int, Meta(ge=0, description="All that differ; the first hundred are in `differences`.")
    ]


class CertificateLine(Shape, kw_only=True):
    """A line of the file: the certificate, its content line by line, an end; each kind has members of its own."""

    of_many_kinds: ClassVar[bool] = True
    type: Annotated[str, Meta(description="`certificate` first, `end` last.")]


class CertificateDetail(Certificate, kw_only=True):
    """With its content, as the file has it."""

    from_: Moment = field(name="from")
    to: Moment
    region: str
    knowledge: Annotated[str, Meta(description="Version of the tables of codes and limits.")]
    corrects: Annotated[
        UUID | None, Meta(description="The certificate that this one takes the place of.")
    ]
    corrected: Annotated[bool, Meta(description="A later one takes its place.")]
    previous_root: Annotated[str, Meta(description="Root of your certificate before.")]
    reported: Counted
    beyond: Annotated[int, Meta(ge=0, description="Sends beyond a limit, whatever the cause.")]
    schemes: list[CertificateScheme]
    rules: list[CertificateRule]
    excess: Annotated[
        list[dict[str, Any]], Meta(description="The first hundred sends beyond a limit.")
    ]
    refused: list[CertificateRefusal]
    fees: list[AvoidedFee]
    editions: Annotated[
        list[dict[str, Any]], Meta(description="Lists of codes that were valid in the month.")
    ]
    unseen: Annotated[list[dict[str, Any]], Meta(description="What the certificate cannot see.")]
    recount: CertificateRecount
    differences: list[dict[str, Any]]
    changes: Annotated[
        list[dict[str, Any]], Meta(description="Of a correction: lines before and after.")
    ]


api: Final = Api(group="Reports", scope="reports")


@api("GET /v1/reports/certificates", query=CertificateQuery)
async def get_certificates(call: Call) -> CertificateList:
    """Compliance certificates. One for each closed month and acceptor that something was sent by, and their
    corrections. Newest first. A month is closed three days after its end."""
    asked, query = read_query(call.query, CertificateQuery, "limit", "acceptorId", "after")
    begin = await _month(call, query, asked.month)
    number: Any = asked.after
    query.raise_if_any()
    rows = await certificates_of(
        call.services.world,
        call.scope.merchant_id,
        begin,
        asked.acceptor_id,
        before_no=number,
        limit=asked.limit + 1,
    )
    return page_of(
        CertificateList,
        rows,
        asked.limit,
        lambda row: Certificate(**listed(row)),
        lambda row: str(row.chain_no),
    )


async def _month(call: Call, query: Query, text: str | None) -> datetime | None:
    try:
        return await month_of(call.services.world, call.scope.merchant_id, text) if text else None
    except Problem as problem:
        query.complain("month", text=f"{problem.message} {problem.cure}".strip())
        return None


@api("GET /v1/reports/certificates/{id}", problems=("not_found",))
async def get_certificate(call: Call) -> CertificateDetail:
    """One compliance certificate. Sends by scheme and rule, the closest approach to each limit, refusals and the fees
    that they avoided, sends beyond a limit with their cause, and who counted them besides. It is never changed: a
    correction is another one."""
    shown = await show_certificate(call.services.world, call.scope.merchant_id, _id(call))
    return _detail(shown)


@api(
    "GET /v1/reports/certificates/{id}/file",
    answers={200: CertificateLine},
    types=(JSON_LINES,),
    problems=("not_found",),
)
async def get_file(call: Call) -> Reply:
    """File of a compliance certificate. The same bytes whenever it is fetched; `recoup verify --file` proves them,
    without a database."""
    certificate_id = _id(call)
    file = await certificate_file(call.services.world, call.scope.merchant_id, certificate_id)
    return file_reply(_one(file), f"certificate-{certificate_id}.jsonl", JSON_LINES)


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
