"""GET /me, and PUT /webhook: where the merchant wants its events. Source: contract stablecoin-api
§2.6, §3."""

from decimal import Decimal
from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from recoup.kernel.ids import wire_id
from recoup.kit.edge.field_names import UnreadFields
from recoup.stablecoin.api.fields import read
from recoup.stablecoin.api.paying import paying
from recoup.stablecoin.api.resource import Api, Call
from recoup.stablecoin.rules.event_names import NAMES
from recoup.terms.rules.fees import choose
from recoup.webhooks.flows import stablecoin_endpoint
from recoup.webhooks.flows.stablecoin_endpoint import StablecoinEndpoint

_NAMES: Final = ", ".join(NAMES)


class Webhook(Struct, frozen=True):
    url: str
    """Empty: no events are sent."""
    events: list[str]
    """Empty: all except order.expired, which must be listed."""
    encrypt: bool
    """Bodies are sent as A256GCM envelopes."""
    state: Literal["active", "disabled", "none"]
    """`disabled`: switched off by Recoup."""


class MerchantObject(Struct, frozen=True):
    id: str
    """`mch_` and an opaque text."""
    name: str
    email: str
    status: Literal["active", "suspended", "pending", "rejected"]
    webhook_url: str
    webhook_events: str
    """Separated by commas; empty: all."""
    webhook_encryption: bool
    email_on_payment: bool
    slug: str
    custom_domain: str
    settlement_address: str
    """Your wallet on EVM networks; empty without one."""
    settlement_addresses: dict[str, str]
    """Your wallets that hold, by `evm` and `tron`."""
    fee_override: bool
    fee_percent: str
    """Of payments in USDT, as a fraction: `0.01` is 1 %."""
    fee_fixed: str
    min_payout: str
    totp_enabled: bool
    kyc_status: str
    is_test: bool


class Me(Struct, frozen=True):
    merchant: MerchantObject


class WebhookBody(Struct, frozen=True):
    url: Annotated[str, Meta(max_length=2048)]
    """Your receiver; empty stops deliveries."""
    events: Annotated[
        list[str] | None, Meta(description=f"Of {_NAMES}. Left out: all but the last.")
    ] = None
    encrypt: bool = False


class StablecoinEvent(Struct, kw_only=True):
    """A webhook of the stablecoin API, decrypted."""

    event: Annotated[str, Meta(extra_json_schema={"$ref": "#/components/schemas/EventName"})]
    """Name of the event."""
    is_test: bool
    order_id: str | UnsetType = UNSET
    merchant_order_id: str | UnsetType = UNSET
    amount: str | UnsetType = UNSET
    """Decimal text."""
    currency: str | UnsetType = UNSET
    status: str | UnsetType = UNSET
    """Of the order."""
    channel: str | UnsetType = UNSET
    channel_name: str | UnsetType = UNSET
    paid_at: str | UnsetType = UNSET
    refunded_amount: str | UnsetType = UNSET
    settlement_id: str | UnsetType = UNSET
    fee: str | UnsetType = UNSET
    to_address: str | UnsetType = UNSET
    tx_hash: str | UnsetType = UNSET
    network: str | UnsetType = UNSET
    subscription_id: str | UnsetType = UNSET
    cycles_done: int | UnsetType = UNSET


class WebhookAnswer(Struct, frozen=True):
    webhook: Webhook
    warnings: UnreadFields = UNSET


_PUT_EXAMPLE: Final = {
    "url": "https://shop.example/hooks",
    "events": ["payment.succeeded", "payment.refunded"],
}
api: Final = Api(group="Account", credential="signature", lenient=True)


@api("GET /api/v1/me")
@api.example(
    "A merchant without a webhook",
    None,
    {
        "merchant": {"status": "active", "webhook_url": "", "webhook_events": ""},
    },
)
async def me(call: Call) -> Me:
    """Your profile. The merchant of the key, with fees and webhook."""
    services, scope = call.services, call.scope
    settings = await services.merchants.get(scope.merchant_id)
    merchant, now = settings.merchant, settings.merchant.business(services.world.clocks.wall())
    tariff = choose(settings.fee_terms, site_id=None, order_type="STABLE", currency="USDT", at=now)
    endpoint = await stablecoin_endpoint.read(services.world, scope)
    wallets = {
        kind: address
        for feature in paying()
        for kind, address in (await feature.wallets(services.world, scope.merchant_id)).items()
    }
    percent = Decimal(tariff.basis_points) / 10_000
    return Me(
        MerchantObject(
            id=wire_id("mch", merchant.merchant_id),
            name=merchant.name,
            email="",
            status="suspended" if merchant.killed else "active",
            webhook_url=endpoint.url,
            webhook_events=",".join(endpoint.events),
            webhook_encryption=endpoint.encrypt,
            email_on_payment=False,
            slug="",
            custom_domain="",
            settlement_address=wallets.get("evm", ""),
            settlement_addresses=wallets,
            fee_override=bool(percent),
            fee_percent=f"{percent:f}",
            fee_fixed=str(tariff.fixed_units),
            min_payout="0",
            totp_enabled=False,
            kyc_status="not_required",
            is_test=services.world.policy.test_mode,
        )
    )


@api("GET /api/v1/webhook", scope="webhooks")
async def get_webhook(call: Call) -> WebhookAnswer:
    """The webhook. The receiver of events. The secret is shown once, with the keys."""
    return _reply(await stablecoin_endpoint.read(call.services.world, call.scope))


@api("PUT /api/v1/webhook", body=WebhookBody, scope="webhooks")
@api.example("Two events", _PUT_EXAMPLE, {"webhook": {**_PUT_EXAMPLE, "encrypt": False}})
async def put_webhook(call: Call) -> WebhookAnswer:
    """Set the webhook. Sets the receiver, its events, and the encryption of bodies."""
    body = read(call.body, WebhookBody)
    wanted = tuple(body.events or ())
    return _reply(
        await stablecoin_endpoint.configure(
            call.services.world, call.scope, body.url, wanted, encrypt=body.encrypt
        )
    )


def _reply(endpoint: StablecoinEndpoint) -> WebhookAnswer:
    state: Literal["active", "disabled", "none"] = "none"
    if endpoint.url:
        state = "active" if endpoint.state == "active" else "disabled"
    return WebhookAnswer(Webhook(endpoint.url, list(endpoint.events), endpoint.encrypt, state))
