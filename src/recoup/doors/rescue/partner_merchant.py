"""/partner/merchants/{mid}: one merchant of a partner. Source: contract §16.5."""

from datetime import timedelta
from typing import Any, Final

from recoup.doors.edge.described import Example, Operation
from recoup.doors.rescue.fields import Fields
from recoup.doors.rescue.partner import GROUP, credentials_shown, handover_shown, merchant_members
from recoup.doors.rescue.partner_caller import merchant_scope, only_partner, partner_scope
from recoup.doors.rescue.resource import PARTNER, Call, Method, Reply
from recoup.doors.rescue.shapes.partners import (
    KeysBody,
    MerchantKey,
    MerchantOrder,
    MerchantPatch,
    MerchantSite,
    MerchantStatus,
    MerchantWebhook,
    MissingStep,
    NewKeys,
)
from recoup.doors.rescue.wire import iso_or_null
from recoup.flows.merchants import partner_merchants
from recoup.flows.merchants.partner_status import Status, health_of, read_status
from recoup.kernel.ids import parse_id
from recoup.kernel.time import iso


async def read(call: Call) -> Reply:
    partner, scope = await only_partner(call), await merchant_scope(call)
    return Reply(_status(await read_status(call.services.world, partner.partner_id, scope.merchant_id)))


async def change(call: Call) -> Reply:
    partner = await only_partner(call, writes=True)
    fields = Fields(call.body)
    name, state = fields.text("name", maximum=128) or None, fields.text("state", maximum=32) or None
    fields.raise_if_any()
    mid, world = (await merchant_scope(call)).merchant_id, call.services.world
    await partner_merchants.change(world, partner_scope(call), mid, name=name, state=state)
    call.services.merchants.forget(mid)
    return Reply(_status(await read_status(world, partner.partner_id, mid)))


async def new_keys(call: Call) -> Reply:
    await only_partner(call, writes=True)
    fields = Fields(call.body)
    hours = fields.whole("overlapHours", low=0, high=168) or 0
    fields.raise_if_any()
    mid, world = (await merchant_scope(call)).merchant_id, call.services.world
    given, link = await partner_merchants.new_keys(world, partner_scope(call), mid, timedelta(hours=hours))
    ends = world.clocks.wall() + timedelta(hours=hours)
    told = NewKeys(credentials=credentials_shown(given), handover=handover_shown(link), old_keys_end=iso(ends))
    return Reply(told, 201, ((b"cache-control", b"no-store"),))


def _status(status: Status) -> MerchantStatus:
    return MerchantStatus(
        **merchant_members(status.merchant),
        site_list=[MerchantSite(id=s.site_id, url=s.url, name=s.name, descriptor=s.descriptor, cit_web=s.cit_web,
                                cit_callcenter=s.cit_callcenter, mit=s.mit, is_default=s.is_default)
                   for s in status.sites],
        keys=[_key(row) for row in status.keys], webhooks=[_hook(row) for row in status.hooks],
        first_order=_order(status.merchant["first_order"]), last_order=_order(status.merchant["last_order"]),
        missing=[MissingStep(code=code, text=text) for code, text in status.missing],
    )  # fmt: skip


def _key(row: Any) -> MerchantKey:
    return MerchantKey(id=parse_id(row["id"]), kind=row["kind"], last_four=row["key"][-4:],
                       created_date=iso(row["created_at"]), ends_date=iso_or_null(row["ends_at"]))  # fmt: skip


def _hook(row: Any) -> MerchantWebhook:
    return MerchantWebhook(
        id=row["endpoint_id"], url=row["url"], state=row["state"], health=health_of(row), why=row["why"],
        last_tried_date=iso_or_null(row["last_at"]), last_status=row["last_status"],
        last_delivered_date=iso_or_null(row["delivered_at"]),
    )  # fmt: skip


def _order(told: Any) -> MerchantOrder | None:
    return MerchantOrder(id=told["order_id"], placed_date=told["at"]) if told else None


METHODS: Final = (
    Method(Operation("GET", "/v1/partner/merchants/{mid}", "One merchant",
                     "Its switches, sites, keys (without secrets), endpoints, first and last order, and what it still "
                     "needs to go live.", group=GROUP, credential=PARTNER,
                     answers={200: MerchantStatus}, problems=("not_found",)),
           read, PARTNER),
    Method(Operation("PATCH", "/v1/partner/merchants/{mid}", "Change a merchant",
                     "Its name, or its state: `paused` takes no new orders. What is left out stays.", group=GROUP,
                     credential=PARTNER, body=MerchantPatch, answers={200: MerchantStatus}, problems=("not_found",),
                     examples=(Example("a name", {"name": "Brightleaf Tea", "state": "active"}),)), change, PARTNER),
    Method(Operation("POST", "/v1/partner/merchants/{mid}/keys", "New keys for a merchant",
                     "All but those that sign webhooks. The old ones end now, or after the overlap; a token that was "
                     "fetched before lives out its ten minutes.", group=GROUP, credential=PARTNER, body=KeysBody,
                     answers={201: NewKeys}, problems=("not_found", "conflict"),
                     examples=(Example("a day to change over", {"overlapHours": 24}, 201),)), new_keys, PARTNER,
           body_optional=True),
)  # fmt: skip
