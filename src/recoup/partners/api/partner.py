"""/partner, /partner/merchants and its switches: the partner itself, and all its merchants. Source:
contract §16.5."""

from typing import Any, Final

from recoup.kernel.problem import invalid
from recoup.kernel.time import iso
from recoup.keys.api.partners_shapes import (
    Credentials,
    Handover,
    Merchant,
    MerchantBody,
    MerchantMade,
    MerchantQuery,
    Merchants,
    Partner,
    Quota,
    SwitchesBody,
    SwitchResult,
    SwitchResults,
)
from recoup.keys.api.resource import Reply
from recoup.keys.api.v1_resource import PARTNER, Api, Call
from recoup.kit.api.body import members, read_body, read_whole
from recoup.kit.lists.paging import page_of
from recoup.merchants.store.partners import count_merchants
from recoup.onboarding.flows import handover
from recoup.onboarding.flows.partners import merchants_of
from recoup.onboarding.store.partner_merchants import MerchantFilter
from recoup.partners.api.partner_caller import only_partner, partner_scope
from recoup.partners.flows import partner_merchants
from recoup.partners.flows.partner_merchants import MerchantRequest
from recoup.switches.flows.bulk_switches import switch_many

_KEY_MAX: Final = 128
SWITCHES: Final = {"citWeb": "cit_web", "citCallcenter": "cit_callcenter", "mit": "mit"}


GROUP: Final = "Partners"
_SHOP: Final = {"name": "Brightleaf Tea", "externalId": "crm-7731",
                "site": {"url": "https://tea.example", "name": "Tea shop",
                "descriptor": "BRIGHTLEAFTEA"}}  # fmt: skip
_MID: Final = "5f0d3c52-8a6e-4c0b-9a55-0f8a1b7e2c41"
api: Final = Api(group=GROUP, credential=PARTNER, scope=PARTNER)


@api("GET /v1/partner")
async def read(call: Call) -> Partner:
    """Your account. Quotas and usage. Requires a partner's key."""
    partner = await only_partner(call)
    services = call.services
    merchants = await count_merchants(services.world.db.reader, partner.partner_id)
    calls = services.limits.minutes.count(partner.partner_id, services.world.clocks.monotonic())
    quota = Quota(
        merchants_max=partner.merchants_max,
        merchants=merchants,
        calls_per_minute=partner.calls_per_minute,
        calls_this_minute=calls,
    )
    state: Any = partner.state
    return Partner(
        id=partner.partner_id,
        name=partner.name,
        state=state,
        created_date=iso(partner.created_at),
        quota=quota,
    )


@api(
    "POST /v1/partner/merchants",
    body=MerchantBody,
    keyed=True,
    scope="keys",
    answers={201: MerchantMade, 200: MerchantMade},
    problems=("conflict",),
)
@api.example("a shop", _SHOP)
async def create(call: Call) -> Reply:
    """Create a merchant. Creates the merchant with its first site and all credentials. The
    credentials are shown once here, and once by the link to the first person who opens it. With an
    `Idempotency-Key` or an `externalId`, a repeated call creates no second merchant: it answers
    200, without secrets. Its portal page is available a moment later."""
    await only_partner(call, writes=True)
    request = _request(call)
    made = await partner_merchants.create(call.services.world, partner_scope(call), request)
    status = 201 if made.credentials is not None else 200
    credentials = credentials_shown(made.credentials) if made.credentials else None
    link = handover_shown(made.handover) if made.handover else None
    return Reply(
        MerchantMade(mid=made.merchant_id, credentials=credentials, handover=link),
        status,
        ((b"cache-control", b"no-store"),),
    )


@api("GET /v1/partner/merchants", query=MerchantQuery)
async def list_all(call: Call) -> Merchants:
    """Your merchants."""
    partner, query = await only_partner(call), call.parameters(MerchantQuery, "limit", "after")
    merchant_filter = MerchantFilter(
        partner.partner_id, query.state, query.name or "", query.external_id
    )
    rows, missing = await merchants_of(
        call.services.world, merchant_filter, query.after, query.limit + 1
    )
    if missing:
        raise missing
    return page_of(
        Merchants,
        rows,
        query.limit,
        lambda row: Merchant.of(row, mid=row.merchant_id),
        lambda row: row.merchant_id,
    )


@api("POST /v1/partner/merchants/switches", body=SwitchesBody)
@api.example("no recurring payments", {"mids": [_MID], "mit": False, "why": "audit"})
async def switch(call: Call) -> SwitchResults:
    """Switch kinds of orders for many merchants. Each merchant is processed and answered
    separately; a merchant that is not yours is `not_found`, and does not affect the others."""
    await only_partner(call, writes=True)
    body, complaints = read_body(call.body, SwitchesBody)
    sent = members(body)
    wanted = {kind: sent[name] for name, kind in SWITCHES.items() if name in sent}
    if not wanted and not complaints:
        complaints.add("Body", text="Name at least one switch: citWeb, citCallcenter or mit.")
    complaints.raise_if_any()
    results = await switch_many(
        call.services.world, partner_scope(call), body.mids, wanted, body.why or ""
    )
    names = {kind: name for name, kind in SWITCHES.items()}
    for result in results:
        if result.changed:
            call.services.merchants.forget(result.merchant_id)
    return SwitchResults(
        changed=sum(bool(result.changed) for result in results),
        data=[
            SwitchResult(
                mid=result.merchant_id,
                result=result.word,
                changed=[names[kind] for kind in result.changed],
                reason=result.reason,
            )
            for result in results
        ],
    )


def _request(call: Call) -> MerchantRequest:
    key, body = idempotency_key(call), read_whole(call.body, MerchantBody)
    return MerchantRequest(
        name=body.name,
        site_url=body.site.url,
        site_name=body.site.name,
        descriptor=body.site.descriptor,
        external_id=body.external_id,
        key=key,
        country=body.country,
    )


def idempotency_key(call: Call) -> str | None:
    """Raises: Problem(invalid) for one that no key looks like."""
    key = call.headers.get("idempotency-key", "").strip()
    if len(key) > _KEY_MAX or not key.isprintable():
        raise invalid(
            f"The Idempotency-Key has more than {_KEY_MAX} characters, or some that are not seen.",
            "Idempotency-Key",
            "Send a GUID.",
        )
    return key or None


def credentials_shown(credentials: handover.Credentials) -> Credentials:
    return Credentials.of(credentials)


def handover_shown(given: handover.Handover) -> Handover:
    return Handover.of(given)
