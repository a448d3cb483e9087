"""POST /evaluate/check (additive): what /evaluate would say of a body, without taking it."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from msgspec import Meta

from recoup.kernel.problem import Problem
from recoup.keys.api.v1_resource import Api, Call
from recoup.kit.api import examples
from recoup.kit.api.wire import Shape
from recoup.networks.codes import SCHEMES, SOURCES, Reading
from recoup.rescue.api.declined_shapes import EvaluateBody
from recoup.rescue.api.evaluate import read_declined
from recoup.rescue.flows.evaluate import Evaluate
from recoup.rescue.flows.kept_consent import is_consent_kept
from recoup.rescue.flows.taken import EvaluateRequest
from recoup.rescue.flows.tokenize import Vault
from recoup.rescue.rules.completeness import CONSENT, remarks, score
from recoup.rescue.rules.intake_warnings import STALE, UNKNOWN_SITE, UNREAD_TIME, in_sentences
from recoup.rescue.rules.sentences import unlisted


class CheckBody(EvaluateBody, kw_only=True):
    """What /evaluate takes; it may be incomplete."""


class Complaint(Shape, kw_only=True):
    """What /evaluate would refuse."""

    field: str
    rank: Literal["Required"] = "Required"
    """What is required comes before all ranks."""
    text: str


class Improvement(Shape, kw_only=True):
    """A field that is left out."""

    field: str
    rank: Literal["Critical", "High", "Medium", "Low"]
    """How much the field helps a rescue, as Recoup's own decisions weigh it."""
    points: int
    """Points that this data would add to the score."""
    why: str


class ReadDecline(Shape, kw_only=True):
    """The meaning of the response code."""

    code: str | None
    """The card network's code, if there is one."""
    meaning: str
    kind: str
    """`funds`, `soft`, `technical`, `data`, `sca`, `fraud`, `hard`, …"""
    retry: str
    """`yes`, `never`, or the condition for a retry."""
    wait_hours: float | None
    """Minimum wait before the next attempt."""
    source: str
    """The source document and its edition."""


class Checked(Shape, kw_only=True):
    """`score` of 100."""

    valid: bool
    """Whether /evaluate would accept the body."""
    score: Annotated[int, Meta(ge=0, le=100)]
    complaints: list[Complaint]
    improvements: list[Improvement]
    remarks: list[str]
    decline: ReadDecline | None


api: Final = Api(group="Rescue", scope="payments:read", lenient=True)


@api("POST /v1/evaluate/check", body=CheckBody, intake=True, examples=examples.CHECK)
async def check(call: Call) -> Checked:
    """Check a declined payment before sending it. Accepts the body of /evaluate and stores nothing.
    `complaints` lists what /evaluate would refuse; `score` rates how much of the helpful data is
    present; `improvements` lists missing data and why it matters, most useful first; `remarks`
    lists data that could be better, including unknown fields and an unknown code source; `decline`
    explains the response code."""
    body = call.body if isinstance(call.body, dict) else {}
    settings = await call.services.merchants.get(call.scope.merchant_id)
    now = settings.merchant.business(call.services.world.clocks.wall())
    complaints: list[Complaint] = []
    unread, call.warnings = call.warnings, []
    warnings: tuple[str, ...] = ()
    request: EvaluateRequest | None = None
    reading: Reading | None = None
    try:
        request = read_declined(
            call.body, call.scope.merchant_id, sync=settings.merchant.mit_mode == "sync"
        )
        reading = await call.services.get(Evaluate).reading(call.scope, request)
        warnings = await call.services.get(Evaluate).look(call.scope, request)
    except Problem as problem:
        whole = " ".join(filter(None, (problem.message, problem.cure)))
        fields = problem.fields or {
            problem.field or "Body": [problem.message if request is None else whole]
        }
        hints = problem.facts.get("hints", {})
        complaints = [
            Complaint(field=name, text=" ".join([*texts, *filter(None, [hints.get(name)])]))
            for name, texts in fields.items()
        ]
    is_mit = request.is_mit if request else body.get("isMIT") is True
    known_site = UNKNOWN_SITE.isdisjoint(warnings)
    kept = (
        request is not None
        and is_mit
        and await is_consent_kept(
            call.services.world, call.services.get(Vault), call.scope, request
        )
    )
    known = frozenset({CONSENT}) if kept else frozenset[str]()
    lacks: dict[str, Any] = {} if known_site else {"siteUrl": None}
    if UNREAD_TIME in warnings:
        lacks["transaction"] = body["transaction"] | {"timestampUtc": None, "timestamp": None}
    scored = score(body | lacks, is_mit, kept=known)
    return Checked(
        valid=not complaints,
        score=scored.points,
        complaints=complaints,
        improvements=[
            Improvement(field=gap.field, rank=gap.rank, points=gap.points, why=gap.why)
            for gap in scored.missing
        ],
        remarks=[
            *remarks(is_mit, _declined_at(request), request.expires_at if request else None, now),
            *in_sentences(warning for warning in warnings if warning != STALE),
            *_source(request, reading),
            *(unlisted(replace(reading, unlisted_code=None)) if reading else ()),
            *unread,
        ],
        decline=_shown(reading) if reading else None,
    )


def _declined_at(request: EvaluateRequest | None) -> datetime | None:
    at = request.decline.get("at") if request else None
    return datetime.fromisoformat(at) if at else None


def _source(request: EvaluateRequest | None, reading: Reading | None) -> list[str]:
    """Complaints that nobody here knows the codes of this source."""
    if (
        request is None
        or reading is None
        or request.decline["source"].strip().lower() in (*SOURCES, *SCHEMES)
    ):
        return []
    own = reading.code == request.decline["code"].upper()
    how = f"as the schemes' {reading.code}" if own else "by its description alone"
    known = f"{', '.join(SOURCES)}; {', '.join(SCHEMES)}"
    return [
        f"The responseCodeSource {request.decline['source'][:32]!r} is not known, so the code was "
        f"read {how}. "
        f"Known: {known}."
    ]


def _shown(read: Reading) -> ReadDecline:
    source = ", ".join(filter(None, (read.document, read.edition)))
    return ReadDecline.of(read, kind=read.klass, wait_hours=read.min_wait_hours, source=source)
