"""Declined orders of a file, as the comparison of arms reads them: CSV, a header first. Pure.

`payer, order, declinedAt, expiresAt, arm, chance, amount, currency, rescuedAt, by`; `share` may
follow. A line that cannot be read is refused with its number and reason, the others count.
"""

import csv
from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Final

from recoup.kernel.problem import Sentence, invalid
from recoup.kernel.time import of_these_days
from recoup.kit.files.ids import plain_cell
from recoup.kit.files.lines import Line
from recoup.uplift.rules.closed_order import Came, ClosedOrder, OrdersRead, Shares
from recoup.uplift.rules.strata import ComparedArm

COLUMNS: Final = (
    "payer", "order", "declinedAt", "expiresAt", "arm", "chance", "amount", "currency", "rescuedAt",
    "by",
)  # fmt: skip
MORE: Final = "share"
TEXT_MAX: Final = 200
AMOUNT_MAX: Final = Decimal(10) ** 12
ARMS: Final[dict[str, ComparedArm | None]] = {
    "engine": "engine",
    "holdout": "holdout",
    "ladder": None,
    "shadow": None,
}


class _Refused(ValueError):
    """Carries the reason, a sentence."""


def read_orders(lines: Iterable[Line], *, until: datetime, zone: tzinfo) -> OrdersRead:
    """Orders whose window has closed by `until`, by closing day. A moment without an offset is
    meant in `zone`.

    Raises: Problem(invalid) for a header that lacks a column or names one twice.
    """
    every = iter(lines)
    places = _places(next(every, None))
    orders, seen = OrdersRead(until.date()), set[str]()
    for line in every:
        if line.text is None:
            orders.refused.append((line.number, line.why))
            continue
        if not line.text.strip():
            continue
        try:
            order, came, closed, expires = _order(_cells(line.text, places), zone)
            if order in seen:
                raise _Refused("the order stood in an earlier line")
        except _Refused as refused:
            orders.refused.append((line.number, str(refused)))
            continue
        seen.add(order)
        if closed is None:
            orders.add_other(came)
        elif expires > until:
            orders.add_waiting(came)
        else:
            orders.add(closed)
    orders.finish()
    return orders


def _places(header: Line | None) -> dict[str, int]:
    names = (
        [name.strip() for name in _row(header.text)] if header is not None and header.text else []
    )
    if missing := [name for name in COLUMNS if name not in names]:
        raise invalid(
            Sentence("The first line has no column {0}.", ", ".join(missing)),
            "file",
            Sentence("Name the columns in the first line: {0}.", ",".join(COLUMNS)),
        )
    if twice := [name for name in (*COLUMNS, MORE) if names.count(name) > 1]:
        raise invalid(Sentence("The first line names {0} twice.", twice[0]), "file")
    return {name: names.index(name) for name in (*COLUMNS, MORE) if name in names} | {
        "": len(names)
    }


def _row(text: str) -> Sequence[str]:
    try:
        return next(csv.reader([text], strict=True), [])
    except csv.Error:
        return []


def _cells(text: str, places: dict[str, int]) -> dict[str, str]:
    cells = _row(text)
    if len(cells) != places[""]:
        raise _Refused(f"it has {len(cells)} fields, the first line has {places['']}")
    return {name: plain_cell(cells[at], is_id=True) for name, at in places.items() if name}


def _order(cells: dict[str, str], zone: tzinfo) -> tuple[str, Came, ClosedOrder | None, datetime]:
    """The order's id, how it came in, None in place of an order of another arm, and when its window
    closes."""
    for name in ("payer", "order"):
        if not 0 < len(cells[name]) <= TEXT_MAX:
            raise _Refused(f"{name} must have 1 to {TEXT_MAX} characters")
    declined, expires = (_moment(cells, name, zone) for name in ("declinedAt", "expiresAt"))
    if expires < declined:
        raise _Refused("expiresAt is before declinedAt")
    rescued = _moment(cells, "rescuedAt", zone) if cells["rescuedAt"] else None
    if rescued is not None and rescued < declined:
        raise _Refused("rescuedAt is before declinedAt")
    if cells["arm"] not in ARMS:
        raise _Refused("arm must be one of " + ", ".join(ARMS))
    chance = _number(cells["chance"], "chance", Decimal(1)) if cells["chance"] else None
    amount = _number(cells["amount"], "amount", AMOUNT_MAX)
    if not amount:
        raise _Refused("amount must be above 0")
    currency = cells["currency"]
    if not (len(currency) == 3 and currency.isascii() and currency.isupper()):
        raise _Refused("currency must be an ISO 4217 code like USD")
    shares = Shares(int(_number(cells.get(MORE) or "0", MORE, Decimal(100))))
    arm = ARMS[cells["arm"]]
    came = Came(cells["payer"], declined.date(), arm, shares)
    if arm is None:
        return cells["order"], came, None, expires
    in_time = rescued is not None and rescued <= expires
    return (
        cells["order"],
        came,
        ClosedOrder(
            expires.date(),
            declined.date(),
            cells["payer"],
            arm,
            float(chance) if chance is not None else None,
            float(amount),
            currency,
            rescued.date() if rescued is not None and in_time else None,
            cells["by"][:TEXT_MAX] if in_time else "",
            shares,
        ),
        expires,
    )


def _moment(cells: dict[str, str], name: str, zone: tzinfo) -> datetime:
    try:
        moment = of_these_days(datetime.fromisoformat(cells[name].replace("Z", "+00:00")), zone)
    except ValueError:
        moment = None
    if moment is None:
        raise _Refused(f"{name} must be a moment like 2026-03-02T10:00:00Z")
    return moment


def _number(text: str, name: str, highest: Decimal) -> Decimal:
    try:
        number = Decimal(text) if len(text) <= 40 else Decimal(-1)
    except InvalidOperation:
        number = Decimal(-1)
    if not (number.is_finite() and 0 <= number <= highest):
        raise _Refused(
            f"{name} must be a number from 0 to {highest:,} with a point as its decimal sign"
        )
    return number
