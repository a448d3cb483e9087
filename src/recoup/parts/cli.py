"""`recoup terms parts`: whether a declined payment may be collected in parts."""

from dataclasses import asdict
from typing import Annotated

from msgspec import Meta

from recoup.kit.cli.command import Printed
from recoup.merchants.cli import AtMerchant, verb
from recoup.parts.flows import part_terms, set_part_terms
from recoup.parts.rules import COUNT_MAX, OFF, SHARE_MAX, SHARE_MIN, AtExpiry
from recoup.settlement.cli import IS_ON, OnOff


@verb(json="")
async def parts(
    at: AtMerchant,
    *,
    parts: Annotated[
        OnOff | None, "Try a part of the amount where a card lacked the money for all of it."
    ] = None,
    least_share: Annotated[
        int | None,
        Meta(ge=SHARE_MIN, le=SHARE_MAX),
        "Percent of the order's amount that a part has at least.",
    ] = None,
    count_max: Annotated[
        int | None, Meta(ge=1, le=COUNT_MAX), "How often a part is tried for one order."
    ] = None,
    at_expiry: Annotated[
        AtExpiry | None,
        "What was collected when the rest never comes: refund it, or keep it and complete the "
        "order with it.",
    ] = None,
) -> Printed:
    """Shows whether a declined payment may be collected in parts, and what becomes of a part
    without the rest; an option changes it."""
    given = {
        "enabled": IS_ON[parts],
        "least_share": least_share,
        "count_max": count_max,
        "at_expiry": at_expiry,
    }
    if any(value is not None for value in given.values()):
        terms = await set_part_terms(at.world, at.scope("terms"), given)
    else:
        stored = await part_terms(at.world, at.merchant_id)
        terms = stored.terms if stored is not None else OFF
    lines = (
        f"parts {'on' if terms.enabled else 'off'}",
        f"least share {terms.least_share} %",
        f"tried at most {terms.count_max} times an order",
        f"at expiry {terms.at_expiry}",
    )
    return Printed(asdict(terms), lines)
