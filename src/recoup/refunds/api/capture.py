"""POST /capture. Source: contract §7, §17.1 (C8, U7)."""

from typing import Annotated, Final, Literal
from uuid import UUID

from msgspec import Meta

from recoup.kernel.problem import Problem
from recoup.keys.api.v1_resource import Api, Call
from recoup.kit.api.errors import TABLE
from recoup.kit.api.wire import Cents, Currency, Envelope, ErrorTuple, Reference128, Shape
from recoup.refunds.flows.capture import CaptureRequest
from recoup.refunds.flows.capture import capture as capture_flow
from recoup.rescue.api.payment import read_own
from recoup.rescue.flows.locked import Orders


class CaptureBody(Shape):
    """The whole of what is held; with `finalCapture` a part of it."""

    idempotency_key: Reference128
    order_id: UUID
    """`orderId` of the /evaluate response."""
    amount: Annotated[Cents, Meta(examples=[4590])]
    """Minor units. All that is held, or with `finalCapture` that or less."""
    currency: Currency
    final_capture: bool | None = None
    """True: what is not captured is released; 0 releases all that is left after a part. False: it
    stays held for a further capture, where the processor takes several. Missing: the amount is all
    of it."""
    mid: UUID | None = None
    """Must match the credential."""


class CaptureResult(Envelope):
    """`status` and `captureStatus` say the same: SUCCESS, or FAILED with nothing taken."""

    status: Literal["SUCCESS", "FAILED"] | None = None
    order_id: UUID
    capture_status: Literal["SUCCESS", "FAILED"]
    transaction_id: UUID | None = None
    """The capture's id."""
    captured_amount: int | None = None
    """What was captured of the order up to now, in minor units."""
    held_amount: int | None = None
    """What is still held, for a further capture."""


api: Final = Api(group="Orders", scope="payments", lenient=True)


@api("POST /v1/capture", body=CaptureBody, problems=("not_found", "conflict", "wrong_state"))
@api.example(
    "the whole amount",
    {
        "idempotencyKey": "b6a4d1f0-1b7c-4a42-9c8d-0a9e8b7c6d5e",
        "orderId": "5f0d3c52-8a6e-4c0b-9a55-0f8a1b7e2c41",
        "amount": 4590,
        "currency": "USD",
    },
)
@api.example(
    "a first part, more of it later",
    {
        "idempotencyKey": "0c9f6a2e-51f4-4e0c-8a44-9b1f7f4d2c11",
        "orderId": "5f0d3c52-8a6e-4c0b-9a55-0f8a1b7e2c41",
        "amount": 2000,
        "currency": "USD",
        "finalCapture": False,
    },
)
async def capture(call: Call) -> CaptureResult:
    """Capture an authorised order. Captures the full authorised amount, or with `finalCapture` a
    part of it: the order is completed by the final part, with what was captured, and what is not is
    released. Where the processor takes one capture of a hold, a part that is not final is refused
    and nothing is taken. After the capture window the rest is released; after a cancellation the
    authorisation is voided. If the processor does not answer in time, the response is 503: send the
    same call again."""
    # An amount that cannot be captured, or a processor that refuses, is HTTP 200 with FAILED; the
    # rest is 4xx.
    body = read_own(call, CaptureBody)
    request = CaptureRequest(
        body.order_id, body.amount, body.currency, body.idempotency_key, body.final_capture
    )
    try:
        done = await capture_flow(
            call.services.world, call.services.get(Orders), call.scope, request
        )
    except Problem as problem:
        if problem.code != "capture_amount":
            raise
        return _failed(body.order_id, problem.sentence(), "capture_amount")
    if not done.done:
        message = f"{done.refusal()} The order is still authorised."
        return _failed(body.order_id, message, "capture_refused")
    return CaptureResult(
        order_id=body.order_id,
        status="SUCCESS",
        capture_status="SUCCESS",
        transaction_id=done.capture_id if done.capture_id != body.order_id else None,
        captured_amount=done.captured_units,
        held_amount=done.held_units,
    )


def _failed(order_id: UUID, message: str, code: str) -> CaptureResult:
    digits = TABLE[code].digits
    error = ErrorTuple(item1=message, item2=digits, item3=code, item4=True)
    return CaptureResult(
        order_id=order_id,
        success=False,
        status="FAILED",
        capture_status="FAILED",
        result=message,
        status_code=digits,
        errors=[error],
    )
