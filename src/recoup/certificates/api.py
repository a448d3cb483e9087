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


class CertificateQuery(Shape):
    """Which certificates."""

    month: Text16 | None = None
    """A closed month, UTC: `2026-11`."""
    acceptor_id: Text64 | None = None
    """Only this acceptor's."""
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 25
    after: Annotated[Text64 | None, Meta(extra=read_as(_number))] = None
    """`next` of the previous page."""


class Certificate(Shape):
    """One month of one acceptor."""

    id: UUID
    month: str
    acceptor_id: str
    number: Annotated[int, Meta(ge=1)]
    """1, or more for a correction."""
    reasons: list[str]
    """Of a correction: which parts differ from the one before."""
    sends: Counted
    """As the networks count them."""
    refusals: Counted
    """Sends that the gate refused."""
    breaches: Counted
    """Sends that left against a limit that was known."""
    recounted_by: Literal["issuer", "statement", "none"]
    """Who counted the same sends besides."""
    root: str
    """Root of its file, hex: for `recoup verify --file`."""
    made_date: Moment


class CertificateList(Members):
    """Newest first."""

    data: list[Certificate]
    next: str | None
    """For `after`; null on the last page."""


class ClosestApproach(Shape):
    """Right after the send, the window held `count` of `limit`."""

    count: Counted
    limit: Counted
    at: Moment
    card: str
    """Fingerprint that only your own certificates share."""
    send_id: str
    """Id under which the processor has it."""


class CertificateScheme(Shape):
    """A scheme's sends of the month."""

    scheme: str
    sends: Counted
    approved: Counted
    declined: Counted
    unanswered: Counted
    repeated: Counted
    """Of `sends`: what the processor sent again by itself."""
    not_sent: Counted
    """Reserved, then proved not to have left; not in `sends`."""
    reported: Counted
    """Your own declined sends that you reported."""
    cards: Counted


class CertificateRule(Shape):
    """A dated limit and what the month came to under it."""

    scheme: str
    rule: str
    window_hours: int | None
    """Null: for ever."""
    limit: Counted
    """0: an answer forbids every further send."""
    gate_limit: Counted
    """Where this installation stops."""
    key: str
    """What is counted together."""
    sends: Counted
    reported: Counted
    carried: Counted
    """Of the month before, held by this month's windows."""
    bans: Counted
    """Answers of the month that forbid further sends."""
    closest: ClosestApproach | None
    """With what you reported."""
    closest_sent: ClosestApproach | None
    """Of what was sent here alone."""
    closest_recounted: ClosestApproach | None
    """The same by the issuer's own book."""
    beyond: dict[str, int]
    """Sends beyond the limit, by cause; `gate` is a breach."""
    region: str
    document: str
    sources: str
    valid_from: str | None
    valid_to: str | None


class CertificateRefusal(Shape):
    """What the gate refused by a rule."""

    scheme: str
    rule: str
    postponed: Counted
    refused: Counted
    orders: Counted
    """Orders that it was the first refusal of, by this rule."""


class AvoidedFee(Shape):
    """Fees that those refusals avoided, by one row of the tariff."""

    scheme: str
    rule: str
    region: str
    sends: Counted
    fee: Counted
    """Minor units, of one send."""
    amount: Counted
    """Minor units."""
    currency: str
    document: str
    sources: str
    confidence: str
    """H, M or L: how sure the source is."""
    valid_from: str | None
    valid_to: str | None


class CertificateRecount(Shape):
    """By somebody who counts apart from us."""

    by: Literal["issuer", "statement", "none"]
    sends: Counted
    approved: Counted
    matched: Counted
    counted_only: Counted
    """Counted here, and unknown there."""
    differing: Counted
    """All that differ; the first hundred are in `differences`."""


class CertificateLine(Shape):
    """A line of the file: the certificate, its content line by line, an end; each kind has members
    of its own."""

    of_many_kinds: ClassVar[bool] = True
    type: str
    """`certificate` first, `end` last."""


class CertificateDetail(Certificate):
    """With its content, as the file has it."""

    from_: Moment = field(name="from")
    to: Moment
    region: str
    knowledge: str
    """Version of the tables of codes and limits."""
    corrects: UUID | None
    """The certificate that this one takes the place of."""
    corrected: bool
    """A later one takes its place."""
    previous_root: str
    """Root of your certificate before."""
    reported: Counted
    beyond: Counted
    """Sends beyond a limit, whatever the cause."""
    schemes: list[CertificateScheme]
    rules: list[CertificateRule]
    excess: list[dict[str, Any]]
    """The first hundred sends beyond a limit."""
    refused: list[CertificateRefusal]
    fees: list[AvoidedFee]
    editions: list[dict[str, Any]]
    """Lists of codes that were valid in the month."""
    unseen: list[dict[str, Any]]
    """What the certificate cannot see."""
    recount: CertificateRecount
    differences: list[dict[str, Any]]
    changes: list[dict[str, Any]]
    """Of a correction: lines before and after."""


api: Final = Api(group="Reports", scope="reports")


@api("GET /v1/reports/certificates", query=CertificateQuery)
async def get_certificates(call: Call) -> CertificateList:
    """Compliance certificates. One for each closed month and acceptor that something was sent by,
    and their corrections. Newest first. A month is closed three days after its end."""
    wanted, query = read_query(call.query, CertificateQuery, "limit", "acceptorId", "after")
    begin = await _month(call, query, wanted.month)
    number: Any = wanted.after
    query.raise_if_any()
    rows = await certificates_of(
        call.services.world,
        call.scope.merchant_id,
        begin,
        wanted.acceptor_id,
        before_no=number,
        limit=wanted.limit + 1,
    )
    return page_of(
        CertificateList,
        rows,
        wanted.limit,
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
    """One compliance certificate. Sends by scheme and rule, the closest approach to each limit,
    refusals and the fees that they avoided, sends beyond a limit with their cause, and who counted
    them besides. It is never changed: a correction is another one."""
    shown = await show_certificate(call.services.world, call.scope.merchant_id, _id(call))
    return _detail(shown)


@api(
    "GET /v1/reports/certificates/{id}/file",
    answers={200: CertificateLine},
    types=(JSON_LINES,),
    problems=("not_found",),
)
async def get_file(call: Call) -> Reply:
    """File of a compliance certificate. The same bytes whenever it is fetched; `recoup verify
    --file` proves them, without a database."""
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
