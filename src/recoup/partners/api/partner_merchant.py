"""/partner/merchants/{mid}: one merchant of a partner. Source: contract §16.5."""

from datetime import timedelta
from typing import Any, Final

from recoup.kernel.time import iso
from recoup.keys.api.partners_shapes import (
    KeysBody,
    MerchantKey,
    MerchantOrder,
    MerchantPatch,
    MerchantStatus,
    MerchantWebhook,
    MissingStep,
    NewKeys,
)
from recoup.keys.api.resource import Reply
from recoup.keys.api.v1_resource import PARTNER, Api, Call
from recoup.keys.flows.issue_key import KEY_KINDS
from recoup.keys.store.merchant_keys import MerchantKey as StoredKey
from recoup.kit.api.body import read_whole
from recoup.kit.api.settings import MerchantSite
from recoup.kit.api.wire import iso_or_null
from recoup.onboarding.flows.partners import Status, health_of, read_status
from recoup.onboarding.store.partner_merchants import HookHealth
from recoup.partners.api.partner import GROUP, credentials_shown, handover_shown, idempotency_key
from recoup.partners.api.partner_caller import merchant_scope, only_partner, partner_scope
from recoup.partners.flows import partner_merchants

api: Final = Api(group=GROUP, credential=PARTNER, scope=PARTNER)


@api("GET /v1/partner/merchants/{mid}", problems=("not_found",))
async def read(call: Call) -> MerchantStatus:
    """One merchant. Its switches, sites, keys (without secrets), endpoints, first and last order,
    and open requirements for going live."""
    partner, scope = await only_partner(call), await merchant_scope(call)
    return _status(await read_status(call.services.world, partner.partner_id, scope.merchant_id))


@api("PATCH /v1/partner/merchants/{mid}", body=MerchantPatch, problems=("not_found",))
@api.example("a name", {"name": "Brightleaf Tea", "state": "active"})
async def change(call: Call) -> MerchantStatus:
    """Change a merchant. Changes the name or the state: `paused` accepts no new orders. Missing
    fields stay unchanged."""
    partner = await only_partner(call, writes=True)
    body = read_whole(call.body, MerchantPatch)
    mid, world = (await merchant_scope(call)).merchant_id, call.services.world
    await partner_merchants.change(
        world, partner_scope(call), mid, name=body.name, state=body.state
    )
    call.services.merchants.forget(mid)
    return _status(await read_status(world, partner.partner_id, mid))


@api(
    "POST /v1/partner/merchants/{mid}/keys",
    body=KeysBody,
    keyed=True,
    scope="keys",
    answers={201: NewKeys, 200: NewKeys},
    problems=("not_found", "conflict"),
    body_optional=True,
)
@api.example("a day to change over", {"overlapHours": 24})
@api.example("one that only reads", {"kinds": ["api"], "scopes": ["orders:read", "reports:read"]})
@api.example("one that leaked", {"kinds": ["api"], "overlapHours": 0})
async def new_keys(call: Call) -> Reply:
    """Create new keys for a merchant. Creates all kinds of keys, or only `kinds`; webhook keys are
    not changed. They allow `scopes`, by default as much as the keys before. Old keys end after
    `overlapHours` (24), or earlier if that was already set; with 0 all end now. The access tokens
    of a key end with it. With an `Idempotency-Key`, a repeated call creates no further keys: it
    answers 200, without secrets."""
    await only_partner(call, writes=True)
    body = read_whole(call.body, KeysBody)
    kinds = (
        KEY_KINDS if body.kinds is None else tuple(kind for kind in KEY_KINDS if kind in body.kinds)
    )
    made = await partner_merchants.new_keys(
        call.services.world,
        partner_scope(call),
        (await merchant_scope(call)).merchant_id,
        timedelta(hours=body.overlap_hours),
        kinds=kinds,
        key=idempotency_key(call),
        scopes=body.scopes or (),
    )
    answer = NewKeys(
        credentials=credentials_shown(made.credentials) if made.credentials else None,
        handover=handover_shown(made.handover) if made.handover else None,
        old_keys_end=iso(made.old_keys_end),
    )
    return Reply(answer, 201 if made.credentials else 200, ((b"cache-control", b"no-store"),))


def _status(status: Status) -> MerchantStatus:
    return MerchantStatus.of(
        status.merchant,
        mid=status.merchant.merchant_id,
        site_list=[MerchantSite.of(s, id=s.site_id) for s in status.sites],
        keys=[_key(row) for row in status.keys],
        webhooks=[_hook(row) for row in status.hooks],
        first_order=_order(status.merchant.first_order),
        last_order=_order(status.merchant.last_order),
        missing=[
            MissingStep(code=step.name, text=f"{step.title}: {step.explanation}")
            for step in status.missing
        ],
    )


def _key(row: StoredKey) -> MerchantKey:
    return MerchantKey.of(row, last_four=row.key[-4:])


def _hook(row: HookHealth) -> MerchantWebhook:
    return MerchantWebhook.of(
        row,
        id=row.endpoint_id,
        health=health_of(row),
        last_tried_date=iso_or_null(row.last_at),
        last_delivered_date=iso_or_null(row.delivered_at),
    )


def _order(row: dict[str, Any] | None) -> MerchantOrder | None:
    return MerchantOrder(id=row["order_id"], placed_date=row["at"]) if row else None
