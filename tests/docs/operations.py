"""Operations of our own, so that the documentation's machinery is tested whatever the
doors tell."""

from dataclasses import replace
from typing import Annotated, Literal

from msgspec import Meta, Struct

from recoup.kit.edge.described import Example, Operation
from recoup.kit.edge.dialect import Dialect, ErrorRow
from recoup.main.docs import described, error_rows, rescue
from recoup.networks.magic import script_card


class SignIn(Struct, kw_only=True, rename={"app_key": "AppKey", "app_secret": "AppSecret"}):
    app_key: Annotated[str, Meta(max_length=256, description="The public half.")]
    app_secret: Annotated[str, Meta(max_length=1024, description="The other half.")]


class Tokens(Struct, kw_only=True, rename="camel"):
    access_token: Annotated[str, Meta(description="Send it as `Authorization: Bearer …`.")]
    expires: Annotated[int, Meta(description="Milliseconds since 1970.")]


class Transaction(Struct, kw_only=True, rename="camel"):
    """The merchant's own transaction."""

    id: Annotated[str, Meta(min_length=1, max_length=128)]
    amount: Annotated[int, Meta(ge=1, le=100_000_000, description="Minor units: `4590` is 45.90.")]
    currency: Annotated[str, Meta(min_length=3, max_length=4, description="ISO 4217.")]
    response_code: str
    response_code_source: str
    avs_result_code: str = "NA"
    cvv_result_code: str = "NA"
    cavv_result_code: str = "NA"


class Card(Struct, kw_only=True, rename="camel"):
    card_number: str
    expiration_month: Annotated[int, Meta(ge=1, le=12)] | None = None
    expiration_year: int | None = None


class Declined(
    Struct,
    kw_only=True,
    rename={
        "is_declined": "isDeclined",
        "order_id": "orderId",
        "is_mit": "isMIT",
        "idempotency_key": "idempotencyKey",
        "payment_method": "paymentMethod",
        "expiry_date_utc": "expiryDateUtc",
        "site_id": "siteId",
    },
):
    is_declined: Literal[True]
    order_id: Annotated[str, Meta(max_length=128, description="Yours; one rescue each.")]
    idempotency_key: Annotated[str, Meta(max_length=128)]
    transaction: Transaction
    payment_method: Card
    is_mit: bool = False
    expiry_date_utc: Annotated[str, Meta(description="Until when it may be tried.")] | None = None
    site_id: str | None = None


class Taken(Struct, kw_only=True, rename="camel"):
    order_id: str
    status: Literal["APPROVED", "DECLINED", "SUBMITTED"]


class ListQuery(Struct, kw_only=True, rename="camel"):
    status: Annotated[list[int], Meta(description="One or several.")] | None = None
    page_size: Annotated[int, Meta(ge=1, le=200, description="How many.")] = 10


class Orders(Struct, kw_only=True):
    success: bool


class Charge(Struct, kw_only=True):
    merchant_order_id: str
    amount: Annotated[str, Meta(pattern=r"^[0-9]+(\.[0-9]+)?$", description="Decimal text.")]
    currency: str
    channel: str | None = None


class Charged(Struct, kw_only=True):
    idempotent: bool


class PageQuery(Struct, kw_only=True):
    status: Literal["created", "paid"] | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 20


_DECLINED = {
    "isDeclined": True,
    "isMIT": True,
    "orderId": "SUB-7731",
    "idempotencyKey": "k-1",
    "siteId": "any",
    "expiryDateUtc": "2026-03-23T00:00:00Z",
    "transaction": {
        "id": "psp-91002",
        "amount": 4590,
        "currency": "USD",
        "responseCode": "51",
        "responseCodeSource": "nmi",
        "avsResultCode": "NA",
        "cvvResultCode": "NA",
        "cavvResultCode": "NA",
    },
    "paymentMethod": {
        "cardNumber": script_card("visa", "51", 0),
        "expirationMonth": 9,
        "expirationYear": 2031,
    },
}
_ID = "91f7a1b0-3c55-4c6e-a0b1-2d3e4f5a6b7c"
RESCUE = (
    Operation(
        "POST",
        "/v1/oauth2/token",
        "Get a token",
        group="Credentials",
        body=SignIn,
        answers={200: Tokens},
        problems=("bad_credentials",),
        credential=None,
        examples=(
            Example(
                "pair",
                {"AppKey": "pk", "AppSecret": "sk"},
                200,
                {"accessToken": "eyJ…", "expires": 1},
            ),
        ),
    ),
    Operation(
        "POST",
        "/v1/evaluate",
        "Hand a decline over",
        text="Begins a *rescue*.",
        group="Payments",
        body=Declined,
        answers={200: Taken},
        problems=("conflict", "kind_switched_off"),
        examples=(Example("managed", _DECLINED, 200, {"orderId": _ID, "status": "SUBMITTED"}),),
    ),
    Operation(
        "GET",
        "/v1/orders",
        "List orders",
        group="Orders",
        query=ListQuery,
        answers={200: Orders},
        examples=(Example("open ones", {"status": [0, 4], "pageSize": 5}, 200, {"success": True}),),
    ),
    Operation(
        "POST",
        "/v1/orders/{id}/cancel",
        "Cancel an order",
        group="Orders",
        answers={200: None},
        problems=("not_found", "wrong_state"),
        examples=(Example("as it is"),),
    ),
)
STABLE = (
    Operation(
        "POST",
        "/api/v1/charges",
        "Create a charge",
        group="Charges",
        body=Charge,
        answers={201: Charged},
        credential="signature",
        examples=(
            Example(
                "mock",
                {
                    "merchant_order_id": "order-1001",
                    "amount": "49.90",
                    "currency": "USDT",
                    "channel": "mock",
                },
                201,
                {"idempotent": False},
            ),
        ),
    ),
    Operation(
        "GET",
        "/api/v1/orders",
        "List orders",
        group="Orders",
        query=PageQuery,
        answers={200: Orders},
        credential="signature",
        examples=(Example("paid", {"status": "paid", "limit": 20}),),
    ),
    Operation(
        "GET",
        "/api/v1/orders/{id}",
        "Retrieve an order",
        group="Orders",
        answers={200: None},
        problems=("not_found",),
        credential="signature",
    ),
)


def own_dialects() -> list[Dialect]:
    words = {
        "malformed": (400, "invalid_body"),
        "unauthenticated": (401, "bad_signature"),
        "not_found": (404, "none"),
    }
    rows = {
        code: ErrorRow(
            code, status, told, "something", "do it", {"error": {"code": told, "message": "It."}}
        )
        for code, (status, told) in words.items()
    }
    return [replace(rescue(error_rows), operations=RESCUE), described(STABLE, rows)]
