"""POST /capture. Source: contract §7, §17.1 (C8, U7)."""

from typing import Final
from uuid import UUID

from recoup.doors.edge.described import Example, Operation
from recoup.doors.edge.resource import Reply
from recoup.doors.rescue.body import read_body
from recoup.doors.rescue.errors import TABLE
from recoup.doors.rescue.payment import check_own
from recoup.doors.rescue.resource import Call, Method
from recoup.doors.rescue.shapes.orders import CaptureBody, CaptureResult
from recoup.doors.rescue.wire import ErrorTuple
from recoup.flows.modifications.capture import CaptureRequest
from recoup.flows.modifications.capture import capture as capture_flow
from recoup.kernel.problem import Problem


async def capture(call: Call) -> Reply:
    """Another amount, or a processor that refuses, is HTTP 200 with FAILED; wrong states and unknown ids are 4xx."""
    body, complaints = read_body(call.body, CaptureBody)
    check_own(body.mid, call.scope.merchant_id, complaints)
    complaints.raise_if_any()
    request = CaptureRequest(body.order_id, body.amount, body.currency, body.idempotency_key)
    try:
        done = await capture_flow(call.services.world, call.services.orders, call.scope, request)
    except Problem as problem:
        if problem.code != "capture_amount":
            raise
        return Reply(_failed(body.order_id, problem.sentence(), "capture_amount"))
    if not done.done:
        message = f"{done.refusal()} The order is still authorised."
        return Reply(_failed(body.order_id, message, "capture_refused"))
    return Reply(
        CaptureResult(
            order_id=body.order_id,
            status="SUCCESS",
            capture_status="SUCCESS",
            transaction_id=done.capture_id,
        )
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


CAPTURE: Final = Operation(
    "POST",
    "/v1/capture",
    "Capture an authorised order",
    "Captures the full authorised amount, once. After the capture window, or a cancellation, the authorisation is "
    "voided. If the processor does not answer in time, the response is 503: send the same call again.",
    group="Orders",
    body=CaptureBody,
    answers={200: CaptureResult},
    problems=("not_found", "conflict", "wrong_state"),
    examples=(
        Example(
            "the whole amount",
            {
                "idempotencyKey": "b6a4d1f0-1b7c-4a42-9c8d-0a9e8b7c6d5e",
                "orderId": "5f0d3c52-8a6e-4c0b-9a55-0f8a1b7e2c41",
                "amount": 4590,
                "currency": "USD",
            },
        ),
    ),
)
METHODS: Final = (Method(CAPTURE, capture, "payments"),)
