"""/switches: which kinds of orders are taken, for the merchant, its sites and campaigns. Source: seed 004
(multiprofile)."""

from typing import Any, Final
from uuid import UUID

from recoup.doors.edge.described import Example, Operation
from recoup.doors.edge.resource import Reply
from recoup.doors.rescue.body import read_body, read_whole
from recoup.doors.rescue.payment import check_own
from recoup.doors.rescue.query import Query
from recoup.doors.rescue.resource import Call, Method
from recoup.doors.rescue.shapes.switches import (
    HISTORY_MAX,
    Change,
    Changed,
    History,
    HistoryQuery,
    PolicyBody,
    Switch,
    SwitchBody,
    SwitchedNow,
    Switches,
)
from recoup.flows.merchants import switches
from recoup.flows.merchants.campaigns import set_policy
from recoup.flows.merchants.switches import MERCHANT, Subject
from recoup.kernel.ids import parse_id
from recoup.kernel.time import iso
from recoup.rules.rescue.switches import KINDS
from recoup.store.merchants.switches import Switch as StoredSwitch
from recoup.store.merchants.switches import SwitchChange


async def list_all(call: Call) -> Reply:
    rows = await switches.read_all(call.services.world, call.scope)
    return Reply(Switches(data=[_shown(row) for row in rows], unknown_sites=rows[0].unknown_sites))


async def change(call: Call) -> Reply:
    body, complaints = read_body(call.body, SwitchBody)
    check_own(body.mid, call.scope.merchant_id, complaints)
    complaints.raise_if_any()
    subject = MERCHANT
    if body.campaign_id is not None:
        subject = Subject("campaign", body.campaign_id, body.site_id)
    elif body.site_id is not None:
        subject = Subject("site", body.site_id)
    done = await switches.change(call.services.world, call.scope, subject, body.kind, body.on, body.why or "")
    call.services.merchants.forget(call.scope.merchant_id)
    return Reply(SwitchedNow(switch=_shown(done.row), changed=done.changed))


async def history(call: Call) -> Reply:
    query = Query(call.query)
    limit, after = query.number("limit", 100, 1, HISTORY_MAX) or 100, _after(query)
    query.raise_if_any()
    rows = await switches.history(call.services.world, call.scope, after, limit + 1)
    data = [
        Changed(at=iso(row.changed_at), by=row.actor, why=row.why, request_id=row.request_id, **_place(row))
        for row in rows[:limit]
    ]
    return Reply(History(data=data, next=_next(rows[limit - 1]) if len(rows) > limit else None))


async def policy(call: Call) -> Reply:
    await set_policy(call.services.world, call.scope, read_whole(call.body, PolicyBody).unknown_sites)
    call.services.merchants.forget(call.scope.merchant_id)
    return await list_all(call)


def _place(row: StoredSwitch | SwitchChange) -> dict[str, Any]:
    return {
        "level": row.level,
        "id": row.subject_id,
        "name": row.name,
        "kind": row.kind,
        "on": row.is_on,
        "site_id": row.site_id,
        "key": row.key,
    }


def _shown(row: StoredSwitch) -> Switch:
    last = None
    if row.changed_at is not None:
        last = Change(at=iso(row.changed_at), by=row.actor or "", why=row.why or "", request_id=row.request_id or "")
    return Switch(**_place(row), created_date=iso(row.created_at), last_change=last)


def _next(row: SwitchChange) -> str:
    return f"{row.version}.{row.subject_id}.{row.kind}"


def _after(query: Query) -> tuple[int, UUID, str] | None:
    text = query.one("after", maximum=128)
    if not text:
        return None
    version, _, rest = text.partition(".")
    subject, _, kind = rest.partition(".")
    subject_id = parse_id(subject)
    if not (version.isascii() and version.isdigit() and len(version) < 10) or subject_id is None or kind not in KINDS:
        query.complain("after", "must be the next of an answer")
        return None
    return int(version), subject_id, kind


_GROUP: Final = "Settings"
METHODS: Final = (
    Method(Operation("GET", "/v1/switches", "Switches",
                     "Each kind of order for the merchant, its sites and their campaigns, with the last change.",
                     group=_GROUP, answers={200: Switches}), list_all, "merchants"),
    Method(Operation("PUT", "/v1/switches", "Switch a kind of order on or off",
                     "For the merchant, one site or one campaign. The change "
                     "applies to every order after the response; earlier orders "
                     "continue. Only the operator or the partner can switch on what "
                     "they switched off. Each environment has its own switches.", group=_GROUP, body=SwitchBody,
                     answers={200: SwitchedNow}, problems=("not_found",),
                     examples=(Example("no call centre", {"kind": "cit_callcenter", "on": False,
                                                          "why": "closed over the holidays"}),)), change, "merchants",
           strict=True),
    Method(Operation("GET", "/v1/switches/history", "Changes of switches", "Person, time and reason; newest first.",
                     group=_GROUP, query=HistoryQuery, answers={200: History}), history, "merchants"),
    Method(Operation("PUT", "/v1/switches/unknown-sites", "Set the handling of unknown sites",
                     "`use_default`: accepted for the default site, with a warning. `refuse`: refused, with the "
                     "field's name.",
                     group=_GROUP, body=PolicyBody, answers={200: Switches},
                     examples=(Example("refused", {"unknownSites": "refuse"}),)), policy, "merchants", strict=True),
)  # fmt: skip
