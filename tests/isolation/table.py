"""One line for every address of the product: which objects it names, what is sent there, and whose
it is.

A new route fails the walk until it has a line here. `ids`: variable of the path -> kind of object
in `ground`.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.door import PAST, UNKNOWN, evaluate_body, tokenize_body, transmit_body
from tests.isolation.ground import Key, Side

from recoup.kernel.ids import new_id
from recoup.networks.allow_list import PHONE_CARD

Body = Callable[[Side], Any]


@dataclass(frozen=True)
class Line:
    """`body`: what the rightful caller would send. `whose`: who may call it: a `merchant` or
    `partner` by key, a `signer`, the `operator`, somebody `owner` in the portal, with a `seat` at
    the partner, or `anyone`. `may`: roles in the portal that may change by it; a partner's as
    `partner owner`, where they differ. `names`: the body names objects of its owner, so that
    strangers are refused. `lets_in`: what the rightful caller may hear besides success, for reasons
    of state. `shared`: a merchant's partner may call it too, for itself."""

    ids: Mapping[str, str] = field(default_factory=dict)
    body: Body | None = None
    whose: str = "merchant"
    may: frozenset[str] = frozenset({"owner", "operations"})
    names: bool = False
    lets_in: frozenset[int] = frozenset({400, 409})
    query: str = ""
    shared: bool = False


def _v1(**more: Any) -> Line:
    return Line(**more)


def _of(kind: str, **more: Any) -> Line:
    return Line({"id": kind}, **more)


def _stable(**more: Any) -> Line:
    return Line(whose="signer", **more)


def _page(**more: Any) -> Line:
    return Line(whose=more.pop("whose", "owner"), **more)


def _seat(**more: Any) -> Line:
    """A page for a partner's people."""
    return Line(
        whose="seat",
        may=more.pop("may", frozenset({"partner owner", "partner operations"})),
        **more,
    )


def _anyone(**more: Any) -> Line:
    return Line(whose="anyone", **more)


def _site(side: Side) -> Any:
    return {"url": "https://new.example.com", "name": "New", "descriptor": "NEWSHOPPING"}


def _evaluate(side: Side) -> Any:
    body = evaluate_body(side.caller, siteId=side.ids["site"])
    body["paymentMethod"] = {"cardNumber": side.ids["card"], "Token": True}
    return body


def _document(side: Side, number: int) -> Any:
    pdf = base64.b64encode(b"%%PDF-1.7\n%d\n%%%%EOF" % number).decode()
    return {"kind": "registration", "name": f"{side.mark}.pdf", "content": pdf}


OWNER = frozenset({"owner"})
KEYS = frozenset({"owner", "developer"})
NOBODY: frozenset[str] = frozenset()
DEVELOPERS = frozenset({"owner", "operations", "developer"})
EVERY_ROLE = frozenset({"owner", "operations", "analyst", "developer"})
_ORDER, _MID, _CUSTOMER = {"order_id": "order"}, {"mid": "mid"}, {"payer_id": "customer"}
_NOTE = {"note": "noted"}
_PART_TERMS = {"least_share": "30", "count_max": "2", "at_expiry": "keep"}
_CAMPAIGN = {"id": "site", "campaign": "campaign"}
_DISPUTE = {"id": "disputed", "dispute": "dispute"}
_SINCE = "from=2026-11-01T00:00:00Z&to=2027-01-01T00:00:00Z"
_APPLICATION, _DOCUMENT = (
    {"application_id": "application"},
    {"id": "application", "document": "document"},
)
_HOOKS = frozenset({"partner owner", "partner operations", "partner developer"})
_PARTNER_HOOK = {"endpoint_id": "partner_endpoint"}
_HOOK, _DELIVERY = {"endpoint_id": "endpoint"}, {"endpoint_id": "endpoint", "try_id": "delivery"}
_PAPER = {"application_id": "application", "document_id": "document"}
_WRONG = frozenset({401, 429})  # the password is a guess
_NO_MONEY = frozenset(
    {404, 409}
)  # the order has none that came late or was not settled; its page is shown

TABLE: dict[Key, Line] = {
    # the rescue API
    ("POST", "/v1/oauth2/token"): _anyone(
        body=lambda s: {"AppKey": s.caller.shop.keys.app_key, "AppSecret": "guess"}
    ),
    ("POST", "/v1/oauth2/refresh"): _anyone(body=lambda s: {"refreshToken": "guess"}),
    ("POST", "/v1/transmit"): _v1(body=lambda s: transmit_body(s.caller), names=True),
    ("PATCH", "/v1/transmit/{id}"): _of("transmission", body=lambda s: {"outcome": "APPROVED"}),
    ("POST", "/v1/tokenize"): _v1(
        body=lambda s: tokenize_body(PHONE_CARD, mid=str(s.mid)), names=True
    ),
    ("POST", "/v1/evaluate"): _v1(body=_evaluate, names=True),
    ("POST", "/v1/capture"): _v1(
        names=True,
        body=lambda s: {
            "idempotencyKey": "walk",
            "orderId": s.ids["held"],
            "amount": 77777,
            "currency": "USD",
        },
    ),
    ("POST", "/v1/outcome"): _v1(body=lambda s: {"orderSessionKey": s.ids["order"]}),
    ("GET", "/v1/orders"): _v1(),
    ("GET", "/v1/orders/{id}"): _of("order"),
    ("GET", "/v1/orders/{id}/decisions"): _of("order"),
    ("PATCH", "/v1/orders/{id}"): _of("order", body=lambda s: {"metadata": {"walk": "1"}}),
    ("POST", "/v1/orders/{id}/refund"): _of("paid", body=lambda s: {"amountToRefund": 0.01}),
    ("POST", "/v1/orders/{id}/cancel"): _of("order", body=lambda s: {"reason": "walk"}),
    ("POST", "/v1/orders/{id}/disputes/{dispute}/files"): _v1(
        ids=_DISPUTE, body=lambda s: {"name": "walk.pdf", "content": _document(s, 8)["content"]}
    ),
    ("GET", "/v1/orders/{id}/disputes/{dispute}/files"): _v1(ids=_DISPUTE),
    ("GET", "/v1/orders/{id}/disputes/{dispute}/files/{file}"): _v1(
        ids=_DISPUTE | {"file": "evidence"}
    ),
    ("GET", "/v1/webhooks"): _v1(),
    ("POST", "/v1/webhooks"): _v1(body=lambda s: {"url": "https://hooks.example.com/walk"}),
    ("GET", "/v1/webhooks/{id}"): _of("endpoint"),
    ("PUT", "/v1/webhooks/{id}"): _of(
        "endpoint", body=lambda s: {"url": "https://hooks.example.com/put"}
    ),
    ("PATCH", "/v1/webhooks/{id}"): _of("endpoint", body=lambda s: {"state": "disabled"}),
    ("DELETE", "/v1/webhooks/{id}"): _of("endpoint"),
    ("POST", "/v1/webhooks/{id}/test"): _of(
        "endpoint", body=lambda s: {}, lets_in=frozenset({409, 502, 504})
    ),
    ("GET", "/v1/webhooks/{id}/deliveries"): _of("endpoint"),
    ("POST", "/v1/webhooks/rotate"): _v1(body=lambda s: {}),
    ("POST", "/v1/webhooks/{id}/rotate"): _of("endpoint", body=lambda s: {}),
    ("POST", "/v1/webhooks/{id}/replay"): _of(
        "endpoint", body=lambda s: {"fromNumber": 1, "toNumber": 2}
    ),
    ("GET", "/v1/webhooks/{id}/replays"): _of("endpoint"),
    ("GET", "/v1/events"): _v1(shared=True),
    ("GET", "/v1/events/listen"): _v1(),
    ("POST", "/v1/evaluate/check"): _v1(body=_evaluate),
    ("GET", "/v1/sites"): _v1(),
    ("POST", "/v1/sites"): _v1(body=_site),
    ("GET", "/v1/sites/{id}"): _of("site"),
    ("PUT", "/v1/sites/{id}"): _of("site", body=_site),
    ("PATCH", "/v1/sites/{id}"): _of("site", body=lambda s: {"mit": False}),
    ("DELETE", "/v1/sites/{id}"): _of("spare_site"),
    ("GET", "/v1/balances"): _v1(),
    ("GET", "/v1/settlements"): _v1(),
    ("GET", "/v1/settlements/{id}"): _of("settlement"),
    ("GET", "/v1/settlements/{id}/lines"): _of("settlement"),
    ("GET", "/v1/reconciliation"): _v1(query="from=2026-01-01T00:00:00Z"),
    ("GET", "/v1/openapi.json"): _anyone(),
    ("POST", "/v1/sites/{id}/campaigns"): _of("site", body=lambda s: {"key": "walk"}),
    ("GET", "/v1/sites/{id}/campaigns"): _of("site"),
    ("GET", "/v1/sites/{id}/campaigns/{campaign}"): _v1(ids=_CAMPAIGN),
    ("PUT", "/v1/sites/{id}/campaigns/{campaign}"): _v1(
        ids=_CAMPAIGN, body=lambda s: {"key": "put"}
    ),
    ("PATCH", "/v1/sites/{id}/campaigns/{campaign}"): _v1(
        ids=_CAMPAIGN, body=lambda s: {"name": "Walk"}
    ),
    ("DELETE", "/v1/sites/{id}/campaigns/{campaign}"): _v1(ids=_CAMPAIGN),
    ("GET", "/v1/switches"): _v1(),
    ("PUT", "/v1/switches"): _v1(
        names=True, body=lambda s: {"kind": "mit", "on": False, "siteId": s.ids["site"]}
    ),
    ("GET", "/v1/switches/history"): _v1(),
    ("PUT", "/v1/switches/unknown-sites"): _v1(body=lambda s: {"unknownSites": "refuse"}),
    ("GET", "/v1/clock"): _v1(),
    ("POST", "/v1/clock/advance"): _v1(body=lambda s: {"advance": "1s"}),
    ("GET", "/v1/country"): _v1(),
    ("PUT", "/v1/country"): _v1(body=lambda s: {"country": "FR"}),
    ("GET", "/v1/engine"): _v1(),
    ("PUT", "/v1/engine"): _v1(
        names=True, body=lambda s: {"mode": "shadow", "siteId": s.ids["site"]}
    ),
    ("GET", "/v1/engine/risk"): _v1(),
    ("PUT", "/v1/engine/risk"): _v1(body=lambda s: {"mode": "share", "share": 20}),
    ("GET", "/v1/policy"): _v1(),
    ("GET", "/v1/policy/versions"): _v1(),
    ("PUT", "/v1/policy"): _v1(
        body=lambda s: {
            "policy": {"tries": {"soft": 2}},
            "reason": "walk",
            "siteId": s.ids["site"],
        },
        names=True,
    ),
    ("POST", "/v1/policy/check"): _v1(body=lambda s: {"policy": {"tries": {"soft": 2}}}),
    ("POST", "/v1/policy/back"): _v1(body=lambda s: {"reason": "walk", "to": 1}),
    ("GET", "/v1/engine/cards"): _v1(),
    ("PUT", "/v1/engine/cards"): _v1(body=lambda s: {"networkTokens": True}),
    ("POST", "/v1/engine/stop"): _v1(body=lambda s: {"why": "walk"}),
    ("POST", "/v1/engine/resume"): _v1(body=lambda s: {}),
    ("POST", "/v1/connection-test"): _v1(
        names=True, body=lambda s: {"kind": "mit", "siteId": s.ids["site"]}
    ),
    ("PUT", "/v1/engine/return"): _v1(body=lambda s: {"onHarm": True}),
    ("POST", "/v1/backtests"): _v1(body=lambda s: {"decider": "retry-2", "days": 30}),
    ("GET", "/v1/backtests"): _v1(),
    ("GET", "/v1/backtests/{id}"): _of("backtest"),
    ("GET", "/v1/backtests/{id}/payments"): _of("backtest"),
    ("GET", "/v1/monitoring"): _v1(),
    ("GET", "/v1/reports/certificates"): _v1(),
    ("GET", "/v1/reports/certificates/{id}"): _of("certificate"),
    ("GET", "/v1/reports/certificates/{id}/file"): _of("certificate"),
    ("GET", "/v1/reports/uplift"): _v1(),
    ("GET", "/v1/reports/cohorts"): _v1(),
    ("GET", "/v1/reports/transactions"): _v1(query=_SINCE),
    ("GET", "/v1/reports/descriptors"): _v1(query=_SINCE),
    ("GET", "/v1/reports/sites"): _v1(query=_SINCE),
    ("GET", "/v1/reports/campaigns"): _v1(query=_SINCE),
    ("GET", "/v1/reports/means"): _v1(query=_SINCE),
    ("POST", "/v1/uploads"): _v1(
        query="kind=transmit&filename=transmit_walk.json", body=lambda s: [transmit_body(s.caller)]
    ),
    ("GET", "/v1/uploads"): _v1(),
    ("GET", "/v1/uploads/{id}"): _of("upload"),
    ("GET", "/v1/uploads/{id}/answers"): _of("upload"),
    ("POST", "/v1/uploads/{id}/stop"): _of("upload"),
    ("POST", "/v1/imports"): _v1(query="dryRun=true", body=lambda s: {"rows": [PAST]}),
    ("GET", "/v1/imports"): _v1(),
    ("GET", "/v1/imports/{id}"): _of("import"),
    ("GET", "/v1/imports/{id}/lines"): _of("import"),
    ("GET", "/v1/imports/{id}/attempts"): _of("import"),
    ("POST", "/v1/imports/{id}/stop"): _of("import"),
    # partners
    ("GET", "/v1/partner"): _v1(whose="partner"),
    ("GET", "/v1/partner/merchants"): _v1(whose="partner"),
    ("POST", "/v1/partner/merchants"): _v1(
        whose="partner",
        body=lambda s: {
            "name": "New",
            "site": {"url": "https://n.example.com", "name": "N", "descriptor": "NEWSHOPPING"},
        },
    ),
    ("POST", "/v1/partner/merchants/switches"): _v1(
        whose="partner", body=lambda s: {"mids": [str(s.mid)], "mit": False}
    ),
    ("GET", "/v1/partner/merchants/{mid}"): Line(_MID, whose="partner"),
    ("PATCH", "/v1/partner/merchants/{mid}"): Line(
        _MID, whose="partner", body=lambda s: {"state": "paused"}
    ),
    ("POST", "/v1/partner/merchants/{mid}/keys"): Line(_MID, whose="partner", body=lambda s: {}),
    ("GET", "/v1/partner/policy"): _v1(whose="partner"),
    ("GET", "/v1/partner/policy/versions"): _v1(whose="partner"),
    ("PUT", "/v1/partner/policy"): _v1(
        whose="partner", body=lambda s: {"policy": {"tries": {"soft": 2}}, "reason": "walk"}
    ),
    ("POST", "/v1/partner/policy/check"): _v1(
        whose="partner", body=lambda s: {"policy": {"tries": {"soft": 2}}}
    ),
    ("POST", "/v1/partner/policy/back"): _v1(
        whose="partner", body=lambda s: {"reason": "walk", "to": 1}
    ),
    ("GET", "/v1/partner/report"): _v1(whose="partner", query="from=2026-11-01&to=2026-12-31"),
    ("GET", "/v1/partner/webhooks"): _v1(whose="partner"),
    ("POST", "/v1/partner/webhooks"): _v1(
        whose="partner", body=lambda s: {"url": "https://hooks.example.com/walk"}
    ),
    ("GET", "/v1/partner/webhooks/{id}"): _of("partner_endpoint", whose="partner"),
    ("PUT", "/v1/partner/webhooks/{id}"): _of(
        "partner_endpoint", whose="partner", body=lambda s: {"url": "https://hooks.example.com/put"}
    ),
    ("PATCH", "/v1/partner/webhooks/{id}"): _of(
        "partner_endpoint", whose="partner", body=lambda s: {"events": ["order.completed"]}
    ),
    ("DELETE", "/v1/partner/webhooks/{id}"): _of("partner_endpoint", whose="partner"),
    ("POST", "/v1/partner/webhooks/{id}/test"): _of(
        "partner_endpoint", whose="partner", body=lambda s: {}, lets_in=frozenset({409, 502, 504})
    ),
    ("GET", "/v1/partner/webhooks/{id}/deliveries"): _of("partner_endpoint", whose="partner"),
    ("POST", "/v1/partner/webhooks/{id}/rotate"): _of(
        "partner_endpoint", whose="partner", body=lambda s: {}
    ),
    ("POST", "/v1/partner/webhooks/{id}/replay"): _of(
        "partner_endpoint", whose="partner", body=lambda s: {"fromNumber": 1, "toNumber": 2}
    ),
    ("GET", "/v1/partner/webhooks/{id}/replays"): _of("partner_endpoint", whose="partner"),
    # the stablecoin API
    ("POST", "/api/v1/charges"): _stable(
        body=lambda s: {"merchant_order_id": "w", "amount": "1.00", "currency": "USDT"}
    ),
    ("GET", "/api/v1/orders"): _stable(),
    ("GET", "/api/v1/orders/{id}"): _of("stable_order", whose="signer"),
    ("POST", "/api/v1/orders/{id}/refund"): _of(
        "stable_order", whose="signer", body=lambda s: {"amount": "1.00"}
    ),
    ("POST", "/api/v1/orders/{id}/cancel"): _of("stable_order", whose="signer"),
    ("POST", "/api/v1/orders/{id}/checkout"): _of("stable_order", whose="signer"),
    ("GET", "/api/v1/channels"): _stable(),
    ("GET", "/api/v1/me"): _stable(),
    ("GET", "/api/v1/webhook"): _stable(),
    ("PUT", "/api/v1/webhook"): _stable(body=lambda s: {"url": "https://hooks.example.com/stable"}),
    ("GET", "/api/v1/wallets"): _stable(),
    ("GET", "/api/v1/ledger"): _stable(),
    ("GET", "/api/v1/payouts"): _stable(),
    ("POST", "/api/v1/payouts"): _stable(body=lambda s: {"amount": "1.00", "currency": "USDT"}),
    ("GET", "/api/v1/subscriptions"): _stable(),
    ("POST", "/api/v1/subscriptions"): _stable(
        body=lambda s: {
            "title": "w",
            "amount": "1.00",
            "currency": "USDT",
            "interval_unit": "month",
        }
    ),
    ("GET", "/api/v1/subscriptions/{id}"): _of("subscription", whose="signer"),
    ("POST", "/api/v1/subscriptions/{id}/pause"): _of("subscription", whose="signer"),
    ("POST", "/api/v1/subscriptions/{id}/resume"): _of("subscription", whose="signer"),
    ("POST", "/api/v1/subscriptions/{id}/cancel"): _of("subscription", whose="signer"),
    ("GET", "/api/v1/openapi.json"): _anyone(),
    # processors
    ("POST", "/inbound/{route}/notices"): _anyone(
        ids={"route": "sandbox"},
        body=lambda s: {"id": "walk", "order": s.ids["paid"], "kind": "service", "stage": "opened"},
        names=True,
    ),
    ("POST", "/inbound/{route}/signals"): _anyone(
        ids={"route": "sandbox"},
        body=lambda s: {"signalId": "walk", "method": "pm_card_visa"},
        names=True,
    ),
    ("POST", "/inbound/{route}/network-tokens"): _anyone(
        ids={"route": "sandbox"},
        body=lambda s: {"noticeId": "walk", "tokenId": s.ids["paid"]},
        names=True,
    ),
    ("POST", "/inbound/sandbox/webhooks"): _anyone(),
    # payers: whoever has a link that we signed may use it; the walk has forged ones
    ("GET", "/charge"): _anyone(),
    ("POST", "/charge"): _anyone(
        body=lambda s: {"amount": "777.77", "last4": "0000", "date": "2026-11-20"}
    ),
    ("GET", "/checkout/{token}"): _anyone(ids={"token": "forged checkout"}),
    ("GET", "/checkout/{token}/bank"): _anyone(ids={"token": "forged checkout"}),
    ("GET", "/checkout/return/{token}"): _anyone(ids={"token": "forged checkout"}),
    ("POST", "/checkout/{token}"): _anyone(ids={"token": "forged checkout"}),
    ("POST", "/checkout/{token}/pay"): _anyone(ids={"token": "forged pay"}),
    ("POST", "/checkout/{token}/fail"): _anyone(ids={"token": "forged pay"}),
    ("POST", "/checkout/{token}/answer"): _anyone(
        ids={"token": "forged checkout"}, body=lambda s: {"code": "1"}
    ),
    ("GET", "/checkout/{token}/unsubscribe"): _anyone(ids={"token": "forged checkout"}),
    ("POST", "/checkout/{token}/unsubscribe"): _anyone(ids={"token": "forged checkout"}),
    ("POST", "/checkout/{token}/refuse"): _anyone(ids={"token": "forged checkout"}),
    ("POST", "/checkout/{token}/agree"): _anyone(ids={"token": "forged checkout"}),
    # documentation
    ("GET", "/docs"): _anyone(),
    ("GET", "/favicon.ico"): _anyone(),
    ("GET", "/docs/search.json"): _anyone(),
    ("GET", "/docs/static/{name}"): _anyone(ids={"name": "nothing"}),
    ("GET", "/docs/consumers/{name}"): _anyone(ids={"name": "nothing"}),
    ("GET", "/docs/images/{name}"): _anyone(ids={"name": "nothing"}),
    ("GET", "/docs/test-cards.json"): _anyone(),
    ("GET", "/docs/{name:path}"): _anyone(ids={"name": "nothing"}),
    # the portal
    ("GET", "/"): _page(),
    ("GET", "/signin"): _anyone(),
    ("POST", "/signin"): _anyone(
        body=lambda s: {"email": f"owner@{s.mark}.example", "password": "guess"}
    ),
    ("GET", "/signin/forgot"): _anyone(),
    ("POST", "/signin/forgot"): _anyone(body=lambda s: {"email": f"owner@{s.mark}.example"}),
    ("GET", "/signin/password/{token}"): _anyone(ids={"token": "nothing"}),
    ("POST", "/signin/password/{token}"): _anyone(
        ids={"token": "nothing"}, body=lambda s: {"password": "guess"}
    ),
    ("GET", "/signin/code"): _anyone(),
    ("POST", "/signin/code"): _anyone(body=lambda s: {"code": "000000"}),
    ("POST", "/signout"): _anyone(body=lambda s: {}),
    # one's own account: no address names anybody's
    ("GET", "/find"): _page(),
    ("GET", "/account"): _page(),
    ("POST", "/account/name"): _page(may=EVERY_ROLE, body=lambda s: {"name": ""}),
    ("GET", "/account/password"): _page(),
    ("POST", "/account/password"): _page(
        may=EVERY_ROLE, lets_in=_WRONG, body=lambda s: {"old": "guess", "new": "another guess"}
    ),
    ("GET", "/account/second-factor"): _page(),
    ("POST", "/account/second-factor/begin"): _page(
        may=EVERY_ROLE, lets_in=_WRONG, body=lambda s: {"password": "guess"}
    ),
    ("POST", "/account/second-factor/withdraw"): _page(may=EVERY_ROLE),
    ("POST", "/account/second-factor/confirm"): _page(
        may=EVERY_ROLE, body=lambda s: {"code": "000000", "key": "0" * 32}
    ),
    ("POST", "/account/second-factor/codes"): _page(
        may=EVERY_ROLE,
        lets_in=_WRONG,
        body=lambda s: {"password": "guess", "code": "000000", "key": "0" * 32},
    ),
    ("POST", "/account/second-factor/off"): _page(
        may=EVERY_ROLE, lets_in=_WRONG, body=lambda s: {"password": "guess", "code": "000000"}
    ),
    ("GET", "/account/sessions"): _page(),
    ("POST", "/account/sessions"): _page(may=EVERY_ROLE, body=lambda s: {"which": "00" * 32}),
    ("POST", "/merchant"): _page(
        body=lambda s: {"merchant": str(s.mid)},
        names=True,
        may=frozenset({"owner", "operations", "analyst", "developer"}),
    ),
    ("POST", "/world"): _page(
        body=lambda s: {"next": "/orders"}, may=NOBODY, lets_in=frozenset({403})
    ),
    ("GET", "/orders"): _page(),
    ("POST", "/orders/{order_id}/block"): _page(
        ids=_ORDER, body=lambda s: {"kind": "customer", "reason": "other"}
    ),
    ("POST", "/orders/{order_id}/unblock"): _page(
        ids=_ORDER, lets_in=frozenset({404}), body=lambda s: {"block": UNKNOWN}
    ),
    ("GET", "/overview"): _page(),
    ("GET", "/overview.csv"): _page(),
    ("GET", "/customers"): _page(),
    ("POST", "/customers/unblock"): _page(
        lets_in=frozenset({404}), body=lambda s: {"block": UNKNOWN}
    ),
    ("GET", "/customers/{payer_id}"): _page(ids=_CUSTOMER),
    ("POST", "/customers/{payer_id}/block"): _page(
        ids=_CUSTOMER, body=lambda s: {"reason": "other"}
    ),
    ("POST", "/customers/{payer_id}/export"): _page(ids=_CUSTOMER, may=OWNER),
    ("POST", "/customers/{payer_id}/erase"): _page(
        ids=_CUSTOMER, may=OWNER, body=lambda s: {"confirm": "somebody"}
    ),
    ("GET", "/orders/new"): _page(),
    ("GET", "/orders/export.{form}"): _page(ids={"form": "csv"}),
    ("POST", "/orders/bulk"): _page(
        names=True, body=lambda s: {"do": "cancel", "sure": "yes", "order": s.ids["order"]}
    ),
    ("GET", "/orders/bulk"): _page(),
    ("GET", "/orders/bulk/{act_id}"): _page(ids={"act_id": "act"}),
    ("POST", "/orders/bulk/{act_id}/stop"): _page(ids={"act_id": "act"}),
    ("GET", "/exports"): _page(),
    ("POST", "/exports"): _page(
        may=EVERY_ROLE, body=lambda s: {"key": "0" * 32, "form": "csv", "back": "/orders"}
    ),
    ("GET", "/exports/new/{form}"): _page(ids={"form": "csv"}),
    ("GET", "/exports/{export_id}/file"): _page(
        ids={"export_id": "export"}, lets_in=frozenset({404})
    ),
    ("POST", "/exports/{export_id}/cancel"): _page(
        ids={"export_id": "export"}, may=EVERY_ROLE, lets_in=frozenset({404})
    ),
    ("POST", "/orders/look"): _page(
        may=EVERY_ROLE, body=lambda s: {"zone": "Asia/Tokyo", "back": "/orders"}
    ),
    ("POST", "/orders/views"): _page(
        may=EVERY_ROLE, body=lambda s: {"name": "Walk", "back": "/orders?status=7"}
    ),
    ("POST", "/orders/views/{view_id}"): _page(
        ids={"view_id": "nothing"},
        may=EVERY_ROLE,
        lets_in=frozenset({404}),
        body=lambda s: {"do": "rename", "name": "Walk", "back": "/orders"},
    ),
    ("GET", "/outcome"): _page(),
    ("GET", "/orders/{order_id}.json"): _page(ids=_ORDER),
    ("GET", "/orders/{order_id}/past"): _page(ids=_ORDER, query="asOfVersion=1"),
    ("GET", "/orders/{order_id}/card"): _page(ids=_ORDER),
    ("GET", "/orders/{order_id}/chain"): _page(ids=_ORDER, lets_in=frozenset({404})),
    ("POST", "/orders/{order_id}/chain/sweep"): _page(
        ids=_ORDER,
        whose="operator",
        may=NOBODY,
        body=lambda s: {"token": "coin"},
        lets_in=frozenset({404}),
    ),
    ("POST", "/orders/{order_id}/refund-address"): _page(
        ids=_ORDER, body=lambda s: {"to_address": f"0x{'1' * 40}"}, lets_in=frozenset({404, 409})
    ),
    ("GET", "/orders/{order_id}"): _page(ids=_ORDER),
    ("GET", "/orders/{order_id}/refund"): _page(ids={"order_id": "paid"}),
    ("POST", "/orders/{order_id}/refund"): _page(
        ids={"order_id": "paid"}, body=lambda s: {"amount": "0.01", "key": UNKNOWN}
    ),
    ("POST", "/orders/{order_id}/cancel"): _page(ids=_ORDER),
    ("POST", "/orders/{order_id}/capture"): _page(ids=_ORDER, body=lambda s: {"key": "0" * 32}),
    ("POST", "/orders/{order_id}/retry"): _page(ids=_ORDER),
    ("POST", "/orders/{order_id}/stop"): _page(ids=_ORDER),
    ("POST", "/orders/{order_id}/resume"): _page(ids=_ORDER),
    ("POST", "/orders/{order_id}/hold"): _page(ids=_ORDER, body=lambda s: {"reason": "check"}),
    ("POST", "/orders/{order_id}/release"): _page(ids=_ORDER),
    ("POST", "/orders/{order_id}/dealt-with"): _page(ids=_ORDER),
    ("POST", "/orders/{order_id}/notes"): _page(
        ids=_ORDER, body=lambda s: {"note": "noted", "key": "0" * 32}
    ),
    ("GET", "/reconciliation"): _page(),
    ("GET", "/reconciliation/report.csv"): _page(),
    ("GET", "/reconciliation/files"): _page(),
    ("POST", "/reconciliation/files"): _page(body=lambda s: {"kind": "processor"}),
    ("GET", "/reconciliation/files/{run_id}"): _page(ids={"run_id": "run"}),
    ("POST", "/reconciliation/files/{run_id}/book"): _page(
        ids={"run_id": "run"},
        whose="operator",
        may=NOBODY,
        body=lambda s: {"which": "all", **_NOTE},
    ),
    ("GET", "/reports"): _page(),
    ("GET", "/uplift"): _page(),
    ("POST", "/uplift/compute"): _page(may=EVERY_ROLE),
    ("POST", "/uplift/return"): _page(body=lambda s: {"on_harm": "on"}),
    ("GET", "/uplift/cohorts-by-{by}.csv"): _page(ids={"by": "week"}, lets_in=frozenset({404})),
    ("GET", "/reports/{report}.csv"): _page(ids={"report": "sites"}),
    ("GET", "/archives"): _page(),
    ("GET", "/reports/certificates"): _page(),
    ("GET", "/reports/certificates/{certificate_id}"): _page(ids={"certificate_id": "certificate"}),
    ("GET", "/reports/certificates/{certificate_id}/file"): _page(
        ids={"certificate_id": "certificate"}
    ),
    ("GET", "/reports/certificates/{certificate_id}/content.json"): _page(
        ids={"certificate_id": "certificate"}
    ),
    ("GET", "/backtests"): _page(),
    ("POST", "/backtests"): _page(body=lambda s: {"decider": "retry-2", "days": "30"}),
    ("GET", "/backtests/{backtest_id}"): _page(ids={"backtest_id": "backtest"}),
    ("GET", "/backtests/{backtest_id}/payments"): _page(ids={"backtest_id": "backtest"}),
    ("GET", "/backtests/{backtest_id}/payments.csv"): _page(ids={"backtest_id": "backtest"}),
    ("GET", "/policy"): _page(),
    ("POST", "/policy"): _page(
        names=True,
        body=lambda s: {"site": s.ids["site"], "act": "save", "reason": "walk", "tries.soft": "2"},
    ),
    ("POST", "/policy/back"): _page(
        names=True, body=lambda s: {"site": s.ids["site"], "version": "1", "reason": "walk"}
    ),
    ("GET", "/partner/policy"): _seat(),
    ("POST", "/partner/policy"): _seat(
        body=lambda s: {"act": "save", "reason": "walk", "tries.soft": "2"}
    ),
    ("POST", "/partner/policy/back"): _seat(body=lambda s: {"version": "1", "reason": "walk"}),
    ("GET", "/engine"): _page(),
    ("POST", "/engine"): _page(
        names=True,
        body=lambda s: {
            "site": s.ids["site"],
            "mode": "shadow",
            "share": "20",
            "holdout": "10",
            "explore": "10",
            "explore_max": "",
        },
    ),
    ("GET", "/engine/cards"): _page(),
    ("POST", "/engine/cards"): _page(body=lambda s: {"cards": "yes", "card_updates": "yes"}),
    ("POST", "/engine/parts"): _page(
        body=lambda s: {"parts": "yes", "enabled": "yes", **_PART_TERMS}
    ),
    ("GET", "/engine/risk"): _page(),
    ("POST", "/engine/risk"): _page(
        body=lambda s: {"risk_mode": "shadow", "share": "20", "holdout": "10", "margin": "30"}
    ),
    ("POST", "/engine/stop"): _page(body=lambda s: {"act": "stop", "why": "walk"}),
    ("GET", "/operator"): _page(whose="operator", may=NOBODY),
    ("POST", "/operator/sending-off"): _page(
        whose="operator", may=NOBODY, lets_in=frozenset({400}), body=lambda s: {"reason": " "}
    ),
    ("POST", "/operator/sending-on"): _page(whose="operator", may=NOBODY),
    ("GET", "/live-check"): _page(whose="operator", may=NOBODY),
    ("GET", "/processors"): _page(whose="operator", may=NOBODY),
    ("GET", "/chains"): _page(whose="operator", may=NOBODY),
    ("POST", "/processors/off"): _page(
        whose="operator",
        may=NOBODY,
        lets_in=frozenset({404}),
        body=lambda s: {"name": "none", "reason": "walk"},
    ),
    ("POST", "/processors/on"): _page(
        whose="operator", may=NOBODY, lets_in=frozenset({404}), body=lambda s: {"name": "none"}
    ),
    ("GET", "/connections"): _page(),
    ("POST", "/connections"): _page(
        may=KEYS, body=lambda s: {"secret_key": "none", "signing_secret": "none", "billing": "off"}
    ),
    ("POST", "/connections/change"): _page(
        may=KEYS, body=lambda s: {"route": "none", "billing": "off"}, lets_in=frozenset({404})
    ),
    ("POST", "/connections/check"): _page(
        may=KEYS, body=lambda s: {"route": "none"}, lets_in=frozenset({404})
    ),
    ("POST", "/connections/disconnect"): _page(
        may=KEYS, body=lambda s: {"route": "none", "sure": "yes"}, lets_in=frozenset({404})
    ),
    ("GET", "/switches"): _page(),
    ("POST", "/switches"): _page(
        names=True, body=lambda s: {"flip": f"site:{s.ids['site']}:mit:off", "why": "walk"}
    ),
    ("POST", "/switches/test"): _page(
        names=True,
        may=frozenset({"owner", "operations", "developer"}),
        body=lambda s: {"site": s.ids["site"], "kind": "mit"},
    ),
    ("POST", "/switches/unknown-sites"): _page(body=lambda s: {"unknown": "refuse"}),
    ("POST", "/switches/country"): _page(body=lambda s: {"country": "FR"}),
    ("GET", "/switches/campaigns"): _page(),
    ("POST", "/switches/campaigns"): _page(
        names=True, body=lambda s: {"site": s.ids["site"], "key": "page"}
    ),
    ("GET", "/switches/campaigns/{campaign_id}"): _page(ids={"campaign_id": "campaign"}),
    ("POST", "/switches/campaigns/{campaign_id}"): _page(
        ids={"campaign_id": "campaign"}, body=lambda s: {"key": "changed"}
    ),
    ("POST", "/switches/campaigns/{campaign_id}/retire"): _page(
        ids={"campaign_id": "spare_campaign"}
    ),
    ("GET", "/developers"): _page(),
    ("POST", "/developers/clock"): _page(
        may=DEVELOPERS, body=lambda s: {"key": UNKNOWN, "by": "1h"}
    ),
    ("POST", "/developers/decline"): _page(
        may=DEVELOPERS,
        body=lambda s: {
            "key": str(new_id()),
            "scheme": "visa",
            "code": "51",
            "kind": "mit_managed",
            "answer": "approves",
            "amount": "45.90",
        },
    ),
    ("GET", "/audit"): _page(),
    ("GET", "/look-as"): _page(whose="operator"),
    ("POST", "/look-as"): _page(
        whose="operator",
        may=NOBODY,
        body=lambda s: {"whom": f"user:{s.ids['member']}", "reason": "walk", "minutes": "15"},
    ),
    ("POST", "/look-as/end"): _page(may=EVERY_ROLE),
    ("GET", "/audit.{form}"): _page(ids={"form": "csv"}),
    ("GET", "/partner/audit"): _seat(),
    ("GET", "/partner/audit.{form}"): _seat(ids={"form": "csv"}),
    ("GET", "/requests"): _page(),
    ("GET", "/webhooks"): _page(),
    ("GET", "/webhooks/new"): _page(),
    ("POST", "/webhooks"): _page(
        may=DEVELOPERS,
        body=lambda s: {
            "url": "https://hooks.example.com/page",
            "format": "rescue",
            "events": "order.completed",
        },
    ),
    ("GET", "/webhooks/{endpoint_id}"): _page(ids=_HOOK),
    ("POST", "/webhooks/{endpoint_id}"): _page(
        ids=_HOOK,
        may=DEVELOPERS,
        body=lambda s: {
            "url": "https://hooks.example.com/changed",
            "format": "rescue",
            "events": "order.completed",
        },
    ),
    ("POST", "/webhooks/{endpoint_id}/state"): _page(
        ids=_HOOK, may=DEVELOPERS, body=lambda s: {"switch": "off"}
    ),
    ("POST", "/webhooks/{endpoint_id}/delete"): _page(
        ids={"endpoint_id": "spare_endpoint"}, may=DEVELOPERS
    ),
    ("POST", "/webhooks/{endpoint_id}/test"): _page(ids=_HOOK, may=DEVELOPERS),
    ("POST", "/webhooks/{endpoint_id}/rotate"): _page(
        ids=_HOOK, may=DEVELOPERS, body=lambda s: {"overlap": "24"}
    ),
    ("GET", "/webhooks/{endpoint_id}/replay"): _page(ids=_HOOK, query="count=1"),
    ("POST", "/webhooks/{endpoint_id}/replay"): _page(
        ids=_HOOK, may=DEVELOPERS, body=lambda s: {"key": "0" * 32}
    ),
    ("GET", "/webhooks/{endpoint_id}/deliveries/{try_id}"): _page(ids=_DELIVERY),
    ("POST", "/webhooks/{endpoint_id}/deliveries/{try_id}/redeliver"): _page(
        ids=_DELIVERY, may=DEVELOPERS, body=lambda s: {"key": "0" * 32}
    ),
    ("GET", "/uploads"): _page(),
    ("POST", "/uploads"): _page(body=lambda s: {"kind": "transmit"}),
    ("GET", "/uploads/{upload_id}"): _page(ids={"upload_id": "upload"}),
    ("GET", "/uploads/{upload_id}/answers"): _page(ids={"upload_id": "upload"}),
    ("POST", "/uploads/{upload_id}/stop"): _page(ids={"upload_id": "upload"}),
    ("GET", "/imports"): _page(),
    ("POST", "/imports"): _page(body=lambda s: {"act": "check"}),
    ("GET", "/imports/{import_id}"): _page(ids={"import_id": "import"}),
    ("GET", "/imports/{import_id}/lines.csv"): _page(ids={"import_id": "import"}),
    ("GET", "/imports/{import_id}/attempts.jsonl"): _page(ids={"import_id": "import"}),
    ("POST", "/imports/{import_id}/stop"): _page(ids={"import_id": "import"}),
    ("POST", "/imports/{import_id}/prove"): _page(ids={"import_id": "import"}),
    ("GET", "/refunds"): _page(),
    ("GET", "/unknown-outcomes"): _page(),
    ("GET", "/refunds/{modification_id}"): _page(ids={"modification_id": "refund"}),
    ("POST", "/refunds/{modification_id}"): _page(
        ids={"modification_id": "refund"}, body=lambda s: {"action": "again"}
    ),
    ("GET", "/mailbox"): _page(),
    ("POST", "/mailbox"): _page(
        body=lambda s: {"kind": "refund", "on": "0"}, may=frozenset({"owner", "operations"})
    ),
    ("POST", "/orders/{order_id}/give-back"): _page(ids=_ORDER, lets_in=_NO_MONEY),
    ("POST", "/orders/{order_id}/settled-by-hand"): _page(
        ids=_ORDER, body=lambda s: _NOTE, lets_in=_NO_MONEY
    ),
    ("POST", "/orders/{order_id}/keep"): _page(ids=_ORDER, body=lambda s: _NOTE, lets_in=_NO_MONEY),
    ("POST", "/orders/{order_id}/settle-again"): _page(ids=_ORDER, lets_in=_NO_MONEY),
    ("POST", "/orders/{order_id}/dispute"): _page(
        ids={"order_id": "paid"}, body=lambda s: {"kind": "service", "amount": "1.00"}
    ),
    ("GET", "/disputes"): _page(),
    ("GET", "/monitoring"): _page(),
    ("GET", "/mandates"): _page(),
    ("GET", "/cards"): _page(whose="operator", may=NOBODY),
    ("POST", "/cards"): _page(
        whose="operator",
        may=NOBODY,
        lets_in=frozenset({400}),
        body=lambda s: {
            "first": s.ids["order"],
            "second": s.ids["order"],
            "reason": "walk",
            "evidence": "walk",
        },
    ),
    ("POST", "/cards/{id}"): _page(
        ids={"id": "card_join"}, whose="operator", may=NOBODY, body=lambda s: {"decision": "refuse"}
    ),
    ("POST", "/disputes/notices"): _page(
        whose="operator",
        may=NOBODY,
        lets_in=frozenset({404}),
        body=lambda s: {"route": "sandbox", "notice": UNKNOWN},
    ),
    ("GET", "/disputes/{dispute_id}"): _page(ids={"dispute_id": "dispute"}),
    ("POST", "/disputes/{dispute_id}/notes"): _page(
        ids={"dispute_id": "dispute"}, body=lambda s: _NOTE
    ),
    ("POST", "/disputes/{dispute_id}/files"): _page(
        ids={"dispute_id": "dispute"}, body=lambda s: {}
    ),
    ("GET", "/disputes/{dispute_id}/files/{file_id}"): _page(
        ids={"dispute_id": "dispute", "file_id": "evidence"}
    ),
    ("POST", "/disputes/{dispute_id}/answer"): _page(
        ids={"dispute_id": "dispute"}, body=lambda s: {"answer": "contest"}
    ),
    ("POST", "/disputes/{dispute_id}/decide"): _page(
        ids={"dispute_id": "dispute"},
        whose="operator",
        may=NOBODY,
        body=lambda s: {"decided": "won"},
    ),
    ("GET", "/fees"): _page(),
    ("GET", "/settlements"): _page(),
    ("GET", "/settlements/{batch_id}"): _page(ids={"batch_id": "settlement"}),
    ("GET", "/settlements/{batch_id}/lines.csv"): _page(ids={"batch_id": "settlement"}),
    ("GET", "/settlements/{batch_id}/lines.xlsx"): _page(ids={"batch_id": "settlement"}),
    ("GET", "/settlements/{batch_id}/file"): _page(ids={"batch_id": "settlement"}),
    ("POST", "/settlements/{batch_id}/pay-again"): _page(ids={"batch_id": "settlement"}, may=OWNER),
    ("GET", "/bank"): _page(),
    ("POST", "/bank"): _page(
        may=OWNER,
        body=lambda s: {
            "holder": "H",
            "currency": "USD",
            "routing": "011000015",
            "account": "12345678",
        },
    ),
    ("POST", "/bank/{account_id}/prove"): _page(
        ids={"account_id": "account"}, may=OWNER, body=lambda s: {"first": "0.01", "second": "0.02"}
    ),
    ("POST", "/bank/{account_id}/withdraw"): _page(ids={"account_id": "account"}, may=OWNER),
    ("GET", "/settlement-addresses"): _page(),
    ("POST", "/settlement-addresses"): _page(
        may=OWNER, body=lambda s: {"kind": "evm", "address": f"0x{'1' * 40}"}
    ),
    ("POST", "/settlement-addresses/tolerance"): _page(
        may=OWNER, body=lambda s: {"tolerance": "0.5"}
    ),
    ("POST", "/settlement-addresses/{id}/approve"): _page(
        ids={"id": "account"}, whose="operator", may=NOBODY, lets_in=frozenset({404})
    ),
    ("GET", "/settlement-addresses/payouts/{id}"): _page(
        ids={"id": "account"}, whose="operator", may=NOBODY, lets_in=frozenset({404})
    ),
    ("POST", "/settlement-addresses/payouts/{id}"): _page(
        ids={"id": "account"},
        whose="operator",
        may=NOBODY,
        lets_in=frozenset({404}),
        body=lambda s: {"decision": "approve"},
    ),
    ("POST", "/settlement-addresses/{id}/withdraw"): _page(
        ids={"id": "account"}, may=OWNER, lets_in=frozenset({404})
    ),
    ("GET", "/approvals"): _page(),
    ("GET", "/approvals/refunds/{request_id}"): _page(ids={"request_id": "asked"}),
    ("GET", "/orders/{order_id}/refunds/{request_id}"): _page(
        ids={"order_id": "asked_order", "request_id": "asked"}
    ),
    ("POST", "/approvals/refunds/{request_id}"): _page(
        ids={"request_id": "asked"}, body=lambda s: {"decision": "refuse", "reason": "walk"}
    ),
    ("POST", "/orders/{order_id}/refunds/{request_id}"): _page(
        ids={"order_id": "asked_order", "request_id": "asked"},
        body=lambda s: {"decision": "refuse", "reason": "walk"},
    ),
    ("POST", "/orders/{order_id}/reveal"): _page(ids=_ORDER),
    ("POST", "/customers/{payer_id}/reveal"): _page(ids=_CUSTOMER),
    ("GET", "/roles"): _page(),
    ("POST", "/roles/limits"): _page(
        may=OWNER, body=lambda s: {"role": "operations", "currency": "EUR", "day_max": "100.00"}
    ),
    ("POST", "/roles/sight"): _page(
        may=OWNER, body=lambda s: {"role": "analyst", "sight": "masked"}
    ),
    ("GET", "/approvals/payouts"): _page(whose="operator", may=NOBODY, lets_in=frozenset({303})),
    ("POST", "/approvals/payouts"): _page(
        whose="operator",
        may=NOBODY,
        body=lambda s: {"payout": s.ids["payout"]},
        lets_in=frozenset({404, 409}),
    ),
    ("POST", "/approvals/payouts/{id}/outcome"): _page(
        ids={"id": "payout"}, whose="operator", may=NOBODY, body=lambda s: {"outcome": "paid"}
    ),
    ("GET", "/approvals/payouts/{id}/file"): _page(
        ids={"id": "payout"}, whose="operator", lets_in=frozenset({404, 409})
    ),
    ("POST", "/approvals/accounts/{id}"): _page(
        ids={"id": "account"},
        whose="operator",
        may=NOBODY,
        body=lambda s: {"decision": "refuse", "reason": "walk"},
    ),
    ("POST", "/approvals/adjustments"): _page(
        whose="operator",
        may=NOBODY,
        body=lambda s: {
            "currency": "USD",
            "amount": "1.00",
            "direction": "from",
            "key": UNKNOWN,
            **_NOTE,
        },
    ),
    ("GET", "/approvals/adjustments/new"): _page(whose="operator"),
    ("GET", "/approvals/adjustments/{id}"): _page(ids={"id": "adjustment"}, whose="operator"),
    ("POST", "/approvals/adjustments/{id}"): _page(
        ids={"id": "adjustment"},
        whose="operator",
        may=NOBODY,
        body=lambda s: {"decision": "refuse"},
    ),
    # onboarding: an application is its owner's, whoever that is
    ("POST", "/v1/onboarding/application"): _v1(shared=True, body=lambda s: {"legalName": "New"}),
    ("GET", "/v1/onboarding/application/list"): _v1(shared=True),
    ("GET", "/v1/onboarding/application/{id}"): _of("application"),
    ("PUT", "/v1/onboarding/application/{id}"): _of(
        "application", body=lambda s: {"legalName": "Other"}
    ),
    ("POST", "/v1/onboarding/application/{id}/submit"): _of("application", body=lambda s: {}),
    ("POST", "/v1/onboarding/application/{id}/cancel"): _of("spare_application", body=lambda s: {}),
    ("POST", "/v1/onboarding/application/{id}/convert"): _of("application", body=lambda s: {}),
    ("POST", "/v1/onboarding/application/{id}/documents"): _of(
        "application", body=lambda s: _document(s, 2)
    ),
    ("GET", "/v1/onboarding/application/{id}/documents"): _of("application"),
    ("GET", "/v1/onboarding/application/{id}/documents/{document}"): Line(_DOCUMENT),
    ("DELETE", "/v1/onboarding/application/{id}/documents/{document}"): Line(
        _DOCUMENT | {"document": "spare_document"}
    ),
    ("GET", "/applications"): _page(),
    ("POST", "/applications"): _page(),
    ("GET", "/applications/{application_id}"): _page(ids=_APPLICATION),
    ("POST", "/applications/{application_id}"): _page(
        ids=_APPLICATION, body=lambda s: {"do": "save"}
    ),
    ("POST", "/applications/{application_id}/documents"): _page(
        ids=_APPLICATION, body=lambda s: {"kind": "other"}
    ),
    ("GET", "/applications/{application_id}/documents/{document_id}"): _page(ids=_PAPER),
    ("POST", "/applications/{application_id}/documents/{document_id}/remove"): _page(ids=_PAPER),
    ("GET", "/onboarding"): _page(),
    ("POST", "/onboarding"): _page(may=OWNER, body=lambda s: {"do": "ask", "kind": "mit"}),
    ("GET", "/notifications"): _page(),
    ("POST", "/notifications/read"): _page(
        may=EVERY_ROLE, body=lambda s: {"until": s.ids["notification"]}
    ),
    ("GET", "/notifications/{notification_id}"): _page(ids={"notification_id": "notification"}),
    ("POST", "/notifications/{notification_id}"): _page(
        may=EVERY_ROLE, ids={"notification_id": "notification"}, body=lambda s: {"do": "unread"}
    ),
    ("GET", "/account/notifications"): _page(),
    ("POST", "/account/notifications"): _page(
        may=EVERY_ROLE,
        body=lambda s: {"merchant": s.ids["mid"], "kind": "orders", "page": "orders"},
    ),
    ("GET", "/account/time"): _page(),
    ("POST", "/account/time"): _page(may=EVERY_ROLE, body=lambda s: {"zone": "GMT"}),
    ("GET", "/unsubscribe/{token}"): _anyone(ids={"token": "nothing"}),
    ("POST", "/unsubscribe/{token}"): _anyone(
        ids={"token": "nothing"}, body=lambda s: {"what": "kind"}
    ),
    ("GET", "/invitations"): _page(),
    ("POST", "/invitations"): _page(
        may=OWNER,
        body=lambda s: {"subject": "merchant", "email": "walk@example.com", "role": "analyst"},
    ),
    ("POST", "/invitations/{invitation_id}/revoke"): _page(
        may=OWNER, ids={"invitation_id": "invitation"}, body=lambda s: {"subject": "merchant"}
    ),
    ("POST", "/invitations/second-factor"): _page(
        may=OWNER, body=lambda s: {"subject": "merchant", "required": "no"}
    ),
    ("GET", "/invitations/members/{user_id}/second-factor"): _page(
        ids={"user_id": "member"}, query="subject=merchant"
    ),
    ("POST", "/invitations/members/{user_id}/second-factor"): _page(
        may=OWNER,
        ids={"user_id": "member"},
        body=lambda s: {"subject": "merchant", "password": "guess"},
        lets_in=frozenset({401}),
    ),
    ("POST", "/invitations/members/{user_id}/end"): _page(
        may=OWNER, ids={"user_id": "member"}, body=lambda s: {"subject": "merchant"}
    ),
    ("GET", "/keys"): _page(),
    ("POST", "/keys"): _page(may=KEYS, body=lambda s: {"kind": "api", "overlap": "keep"}),
    ("POST", "/keys/name"): _page(
        may=KEYS, body=lambda s: {"kind": "api", "print": "none"}, lets_in=frozenset({404})
    ),
    ("POST", "/keys/end"): _page(
        may=KEYS, body=lambda s: {"kind": "api", "print": "none"}, lets_in=frozenset({404})
    ),
    ("POST", "/keys/decide"): _page(
        may=OWNER, body=lambda s: {"print": "none", "decision": "approve"}, lets_in=frozenset({404})
    ),
    ("POST", "/keys/signing"): _page(may=KEYS, body=lambda s: {"which": "stablecoin"}),
    ("GET", "/invitations/{token}"): _anyone(ids={"token": "nothing"}),
    ("POST", "/invitations/{token}"): _anyone(
        ids={"token": "nothing"}, body=lambda s: {"name": "N", "password": "x" * 12}
    ),
    # a partner's people; whoever has a link to credentials sees them once: the walk has a forged
    # one
    ("GET", "/signup"): _anyone(),
    ("POST", "/signup"): _anyone(
        body=lambda s: {
            "email": f"owner@{s.mark}.example",
            "password": "x" * 12,
            "name": "N",
            "kind": "both",
            "site_url": "https://n.example.com",
        }
    ),
    ("GET", "/handover/{token}"): _anyone(ids={"token": "nothing"}),
    ("POST", "/handover/{token}"): _anyone(ids={"token": "forged handover"}),
    ("GET", "/partner"): _seat(),
    ("POST", "/partner/switches"): _seat(body=lambda s: {"mid": str(s.mid), "mit": "off"}),
    ("POST", "/partner/merchants"): _seat(
        body=lambda s: {
            "key": UNKNOWN,
            "name": "N",
            "site_url": "https://n.example.com",
            "site_name": "N",
            "descriptor": "NEWSHOPPING",
        }
    ),
    ("GET", "/partner/merchants/new"): _seat(),
    ("GET", "/partner/merchants/{mid}"): _seat(ids=_MID),
    ("POST", "/partner/merchants/{mid}"): _seat(ids=_MID, body=lambda s: {"state": "paused"}),
    ("POST", "/partner/merchants/{mid}/keys"): _seat(
        ids=_MID, may=frozenset({"partner owner", "partner developer"})
    ),
    ("GET", "/partner/keys"): _seat(),
    ("POST", "/partner/keys"): _seat(
        may=frozenset({"partner owner", "partner developer"}), body=lambda s: {"overlap": "24"}
    ),
    ("POST", "/partner/keys/name"): _seat(
        may=frozenset({"partner owner", "partner developer"}),
        body=lambda s: {
            "print": hashlib.sha256(s.partner.key.app_key.encode()).hexdigest(),
            "name": "N",
        },
    ),
    ("POST", "/partner/keys/decide"): _seat(
        may=frozenset({"partner owner"}),
        body=lambda s: {"print": "none", "decision": "approve"},
        lets_in=frozenset({404}),
    ),
    ("GET", "/partner/report"): _seat(query="from=2026-11-01&to=2026-12-31"),
    ("GET", "/partner/report.csv"): _seat(query="from=2026-11-01&to=2026-12-31"),
    ("GET", "/partner/webhooks"): _seat(),
    ("GET", "/partner/webhooks/new"): _seat(),
    ("POST", "/partner/webhooks"): _seat(
        may=_HOOKS,
        body=lambda s: {
            "url": "https://hooks.example.com/seat",
            "format": "rescue",
            "events": "order.completed",
        },
    ),
    ("GET", "/partner/webhooks/{endpoint_id}"): _seat(ids=_PARTNER_HOOK),
    ("POST", "/partner/webhooks/{endpoint_id}"): _seat(
        ids=_PARTNER_HOOK,
        may=_HOOKS,
        body=lambda s: {
            "url": "https://hooks.example.com/seat2",
            "format": "rescue",
            "events": "order.completed",
        },
    ),
    ("POST", "/partner/webhooks/{endpoint_id}/state"): _seat(
        ids=_PARTNER_HOOK, may=_HOOKS, body=lambda s: {"switch": "off"}
    ),
    ("POST", "/partner/webhooks/{endpoint_id}/delete"): _seat(
        ids={"endpoint_id": "spare_partner_endpoint"}, may=_HOOKS
    ),
    ("POST", "/partner/webhooks/{endpoint_id}/test"): _seat(ids=_PARTNER_HOOK, may=_HOOKS),
    ("POST", "/partner/webhooks/{endpoint_id}/rotate"): _seat(
        ids=_PARTNER_HOOK, may=_HOOKS, body=lambda s: {"overlap": "24"}
    ),
    ("GET", "/partner/webhooks/{endpoint_id}/deliveries/{try_id}"): _seat(
        ids=_PARTNER_HOOK | {"try_id": "partner_delivery"}
    ),
    ("GET", "/static/{name}"): _anyone(ids={"name": "nothing"}),
    ("GET", "/{path:path}"): _page(ids={"path": "nothing"}, lets_in=frozenset({404})),
}
