"""POST /capture. Source: contract §7, §17.1 (C8, U7)."""

from typing import Any, Final

from recoup.doors.edge.keys import folding
from recoup.doors.rescue.errors import TABLE
from recoup.doors.rescue.fields import Fields
from recoup.doors.rescue.payment import check_mid
from recoup.doors.rescue.resource import Call, Method, Reply
from recoup.doors.rescue.wire import envelope
from recoup.flows.refunds.capture import CaptureAsked
from recoup.flows.refunds.capture import capture as capture_flow
from recoup.kernel.problem import Problem

_BODY: Final = dict.fromkeys(("idempotencyKey", "orderId", "amount", "currency", "mid"))


async def capture(call: Call) -> Reply:
    fields = Fields(call.body)
    check_mid(call, fields)
    key = fields.text("idempotencyKey", required=True, maximum=128)
    fields.text("orderId", required=True)
    order_id = fields.identifier("orderId")
    units = fields.units("amount", low=1, high=call.services.world.policy.amount_max, required=True)
    currency = fields.currency("currency")
    fields.raise_if_any()
    assert order_id is not None
    assert units is not None
    asked = CaptureAsked(order_id, units, currency, key)
    try:
        done = await capture_flow(call.services.world, call.services.orders, call.scope, asked)
    except Problem as problem:
        if problem.code != "capture_amount":
            raise
        return Reply(_failed(order_id, problem.sentence(), TABLE[problem.code].digits))
    if not done.done:
        said = f"The processor refused the capture (code {done.code}). The order is still authorised."
        return Reply(_failed(order_id, said, TABLE["capture_refused"].digits))
    return Reply(envelope(orderId=order_id, success=True, status="SUCCESS", captureStatus="SUCCESS",
                          transactionId=done.capture_id))  # fmt: skip


def _failed(order_id: Any, said: str, digits: str) -> dict[str, Any]:
    error = {"item1": said, "item2": digits, "item3": digits, "item4": True}
    return envelope(orderId=order_id, success=False, status="FAILED", captureStatus="FAILED", result=said,
                    statusCode=digits, errors=[error], transactionId=None)  # fmt: skip


CAPTURE: Final = {"POST": Method(capture, "payments", folding(_BODY))}
