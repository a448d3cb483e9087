"""POST /evaluate/check (additive): what /evaluate would say of a body, without taking it."""

from datetime import datetime
from typing import Any, Final

from recoup.doors.edge.described import Operation
from recoup.doors.rescue import examples
from recoup.doors.rescue.evaluate import read_declined
from recoup.doors.rescue.resource import Call, Method, Reply
from recoup.doors.rescue.shapes.check import CheckBody, Checked, Complaint, Improvement, ReadDecline
from recoup.flows.cards.evaluate import STALE
from recoup.flows.cards.taken import Declined
from recoup.kernel.problem import Problem
from recoup.rules.network.card import scheme_of
from recoup.rules.network.codes import read_decline
from recoup.rules.rescue.completeness import remarks, score
from recoup.rules.rescue.origin import UNKNOWN_URL


async def check(call: Call) -> Reply:
    body = call.body if isinstance(call.body, dict) else {}
    known = await call.services.merchants.get(call.scope.merchant_id)
    now = known.merchant.business(call.services.world.clocks.wall())
    complaints: list[Complaint] = []
    warnings: tuple[str, ...] = ()
    given: Declined | None = None
    try:
        given = read_declined(call.body, call.scope.merchant_id, call.services.world.policy)
        warnings = await call.services.evaluate.look(call.scope, given)
    except Problem as problem:
        whole = " ".join(filter(None, (problem.message, problem.cure)))
        told = problem.fields or {problem.field or "Body": [problem.message if given is None else whole]}
        complaints = [Complaint(field=name, text=text) for name, texts in told.items() for text in texts]
    is_mit = given.is_mit if given else body.get("isMIT") is True
    known_site = not any(warning.startswith(UNKNOWN_URL) for warning in warnings)
    found = score(body if known_site else body | {"siteUrl": None}, is_mit)
    return Reply(Checked(
        valid=not complaints, score=found.points, complaints=complaints,
        improvements=[Improvement(field=one.field, points=one.points, why=one.why) for one in found.missing],
        remarks=[*remarks(is_mit, _declined_at(given), given.expires_at if given else None, now),
                 *(warning for warning in warnings if not warning.startswith(STALE))],
        decline=_reading(given, body, now) if given else None,
    ))  # fmt: skip


def _declined_at(given: Declined | None) -> datetime | None:
    at = given.decline.get("at") if given else None
    return datetime.fromisoformat(at) if at else None


def _reading(given: Declined, body: dict[str, Any], now: datetime) -> ReadDecline:
    """By the card's number or, where it is a token, by the brand that is told."""
    method = body.get("paymentMethod") or {}
    brand = str(method.get("cardBrand") or "").lower()
    scheme = scheme_of(given.pan) if given.pan else brand or "generic"
    read = read_decline(scheme=scheme, source=given.decline["source"], code=given.decline["code"],
                        text=given.decline["text"], advice=given.decline["advice"], on=now.date())  # fmt: skip
    source = ", ".join(filter(None, (read.document, read.edition)))
    return ReadDecline(code=read.code, meaning=read.meaning, kind=read.klass, retry=read.retry,
                       wait_hours=read.min_wait_hours, source=source)  # fmt: skip


CHECK: Final = Operation(
    "POST", "/v1/evaluate/check", "Check a declined payment before sending it",
    "Takes what /evaluate takes and keeps nothing. `complaints` are what /evaluate would refuse; `score` says how much "
    "of what helps a rescue is told, `improvements` what is left out and why it matters, most useful first; `decline` "
    "how the response code is read.",
    group="Rescue", body=CheckBody, answers={200: Checked}, examples=examples.CHECK,
)  # fmt: skip
METHODS: Final = (Method(CHECK, check, "payments"),)
