"""GET and POST /payouts: custodial money leaves. Source: contract stablecoin-api §2.7c."""

from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, Struct

from recoup.kernel.ids import wire_id
from recoup.kernel.time import stamp
from recoup.kit.edge.field_names import UnreadFields
from recoup.stablecoin.api.fields import limit_and_offset, read
from recoup.stablecoin.api.resource import Call, signed_api
from recoup.stablecoin.api.wallets import PageQuery
from recoup.stablecoin.flows.payouts import PayoutRequest, ask_payout
from recoup.stablecoin.rules.destinations import FORMS
from recoup.stablecoin.store.payouts import PayoutRow, find_payout, list_payouts

_DESTINATION: Final = (
    "`chain:address`, or the bank's words where `destination_type` is `bank`. Forms: "
    + "; ".join(f"`{chain}:` {form.words}" for chain, form in FORMS.items())
    + "."
)


class Payout(Struct, frozen=True):
    id: str
    """`po_` and an opaque text."""
    currency: str
    amount: str
    status: Literal[
        "requested", "approved", "executing", "processing", "paid", "rejected", "failed"
    ]
    """The last two return the money to the wallet."""
    destination_type: Literal["crypto", "bank"]
    destination: str
    reference: str
    """Transaction hash, or the bank's reference."""
    reason: str
    """Reason of the failure."""
    created_at: str


class PayoutList(Struct, frozen=True):
    data: list[Payout]
    """Newest first."""


class PayoutAnswer(Struct, frozen=True):
    payout: Payout
    warnings: UnreadFields = UNSET


class PayoutBody(Struct, frozen=True):
    amount: str
    """Decimal text, at most the wallet's balance."""
    currency: Annotated[str, Meta(max_length=16)]
    destination: Annotated[str, Meta(min_length=3, max_length=512, description=_DESTINATION)]
    destination_type: Literal["crypto", "bank"] = "crypto"


_EXAMPLE: Final = {
    "amount": "20.00",
    "currency": "USDT",
    "destination": f"tron:{FORMS['tron'].example}",
}
api: Final = signed_api("Money", "payouts")


@api("GET /api/v1/payouts", query=PageQuery)
async def list_all(call: Call) -> PayoutList:
    """List payouts. Custodial withdrawals."""
    limit, offset = limit_and_offset(call.query)
    rows = await list_payouts(call.services.world.db.reader, call.scope.merchant_id, limit, offset)
    return PayoutList([_object(row) for row in rows])


@api(
    "POST /api/v1/payouts",
    status=201,
    body=PayoutBody,
    keyed=True,
    problems=(
        "invalid_amount",
        "insufficient_balance",
        "idempotency_conflict",
        "merchant_suspended",
    ),
)
@api.example(
    "To a wallet of your own",
    _EXAMPLE,
    {
        "payout": {
            **_EXAMPLE,
            "destination_type": "crypto",
            "status": "requested",
            "reference": "",
        },
    },
)
async def request(call: Call) -> PayoutAnswer:
    """Request a payout. Debits the wallet at once. The same Idempotency-Key is the same payout."""
    body = read(call.body, PayoutBody)
    request = PayoutRequest(
        body.amount, body.currency, body.destination_type, body.destination, call.idempotency_key
    )
    services = call.services
    payout_id = await ask_payout(services.world, services.merchants, call.scope, request)
    row = await find_payout(services.world.db.reader, call.scope.merchant_id, payout_id)
    assert row
    return PayoutAnswer(_object(row))


def _object(row: PayoutRow) -> Payout:
    return Payout(
        wire_id("po", row.payout_id),
        row.asset,
        row.amount_text,
        row.state,
        row.destination_type,
        row.destination,
        row.reference or "",
        row.reason or "",
        stamp(row.created_at),
    )
