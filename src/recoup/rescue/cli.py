"""`recoup outcome KEY`: what became of one order, with its history."""

from collections.abc import Iterator
from typing import Any, Final

from recoup.kit.cli.command import Printed
from recoup.merchants.cli import Opened, verb
from recoup.orders.flows.find_order import home_of_order
from recoup.rescue.flows.outcome import outcome_of

_TELLING: Final = (
    "Onhold",
    "Problem",
    "Capturerequired",
    "Returned",
    "Chargeback",
)  # more than the outcome says


@verb(json="As one JSON object, its history included.")
async def outcome(opened: Opened, key: str) -> Printed:
    """What became of an order, with its history line by line.

    KEY is Recoup's order id, the merchant's own order id, or the reference number: the last eight
    digits of Recoup's id. The newest order of that id is shown. The first lines give both ids, and
    how the order stands: SUBMITTED and PROCESSING are open, with the next attempt; APPROVED,
    DECLINED, CANCELLED and EXPIRED have ended, with the reason. Then each step of the history:
    business time, what happened, and its detail.
    """
    answer = await outcome_of(await home_of_order(opened.world, key), key)
    return Printed(answer, _lines(answer))


def _lines(answer: dict[str, Any]) -> Iterator[str]:
    yield (
        f"{answer['externalOrderId']}  {answer['orderId']}\n{answer['status']}"
        + (f", {answer['orderStatus']}" if answer["orderStatus"] in _TELLING else "")
        + (f" ({answer['reason']})" if answer["reason"] else "")
        + (f", next attempt {answer['nextAttemptAt']}" if answer["nextAttemptAt"] else "")
    )
    for line in answer["history"]:
        yield f"  {line['at']}  {line['happening']:18} {line['detail']}"
