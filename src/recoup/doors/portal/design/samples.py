"""Made-up values for the page of all parts."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Final
from uuid import UUID

from recoup.doors.portal.order.timeline import Item
from recoup.doors.portal.orders.columns import COLUMNS
from recoup.doors.portal.orders.times import Times
from recoup.doors.portal.words import DISPUTE_STATES, State
from recoup.kernel.problem import Problem
from recoup.rules.lists.words import reason_word
from recoup.rules.order.attention import LATE, UNKNOWN, held, of_dispute

_ID: Final = "0190f3c1-2b7a-7c3e-9d41-5e6f7a8b9c"
_COLUMNS: Final = ("order_id", "external", "placed", "customer", "type", "status", "amount", "refunded")
_WHO: Final = ("Beatriz Almeida", "小林 楓", "نورا العتيبي", "Aleksander van der Berg-Wolkonsky", "Zoë 😀 Quinn", "Li",
               "Priya Raman", "Sofía Herrera", "")  # fmt: skip
_AMOUNTS: Final = (("USD", 1_249_00), ("JPY", 4_590), ("KWD", 12_500), ("USDT", 1), ("EUR", 24_90))
_SAID: Final = {1: held("Held by hand: the customer asked us to wait"), 3: UNKNOWN, 8: of_dispute(LATE, 1)}


def samples(now: datetime) -> dict[str, Any]:
    """By the names that the template knows."""
    return {
        "columns": [COLUMNS[name] for name in _COLUMNS],
        "times": Times("GMT", now),
        "rows": [_row(code, now) for code in range(9)],
        "amounts": [(units, asset) for asset, units in (*_AMOUNTS, ("USD", -40_00))],
        "moments": [now, now - timedelta(days=400)],
        "states": [State(word, tone, icon, "Of a dispute") for tone, icon, word in DISPUTE_STATES.values()],
        "broken": Problem("invalid", "This amount is greater than what is left: 129.00 USD.", cure="Ask for less."),
        "bars": [
            (12 + 30 * number, 100 - height, height, rescued)
            for number, (height, rescued) in enumerate(
                ((40, 12), (64, 30), (52, 31), (80, 44), (71, 20), (33, 18), (90, 61), (58, 25))
            )
        ],
        "allowed": None,
        "paid": None,
        "reason_word": reason_word,
        **_timeline(now),
    }


def _row(code: int, now: datetime) -> SimpleNamespace:
    asset, units = _AMOUNTS[code % len(_AMOUNTS)]
    placed = now - timedelta(hours=7 * code)
    return SimpleNamespace(
        order_id=UUID(f"{_ID}{code:02}"),
        external_id=f"SUB-{7641 + code}-2026-11",
        placed_at=placed,
        created_at=placed if code else None,
        customer=_WHO[code],
        order_type="MIT" if code % 3 else "CIT",
        source="ecommerce",
        status=code,
        attention=_SAID.get(code),
        next_attempt_at=now + timedelta(hours=26) if code == 4 else None,
        expires_at=now + timedelta(days=9),
        reason="declined",
        units=units,
        asset=asset,
        sent_text=None,
        refunded_units=units if code == 6 else 0,
        paid_otherwise=None,
        paid_units=units,
    )


def _timeline(now: datetime) -> dict[str, Any]:
    at = datetime(now.year, now.month, now.day, 6, 40, 12, tzinfo=UTC)
    entries = [
        (
            "Attempt 2 declined: not sufficient funds",
            "Code 51, by Northgate, after 412 ms. It may be tried again.",
            "cancelled",
            "bad",
            4,
        ),
        ("Attempt 1 unknown", "No answer in time. It is asked about, never sent twice.", "unknown", "warn", 4),
        ("Note", "The customer said she is paid on the 25th.", "note", "", 4),
        ("Approved in advance", "24.90 USD is owed to you; the customer is charged later.", "completed", "ok", 7),
    ]
    items = [
        Item(
            at - timedelta(hours=9 * n),
            title,
            text,
            icon,
            tone,
            "attempts",
            status,
            "Worker",
            ("For a lack of money the policy allows 6 tries; 2 made so far.",) if n == 0 else (),
        )
        for n, (title, text, icon, tone, status) in enumerate(entries)
    ]
    planned = SimpleNamespace(
        at=now + timedelta(days=2, hours=6),
        number=3,
        units=24_90,
        why=("Most cards of this bank have money again on the 25th.", "Night hours are left out."),
        would_change="An approval elsewhere, a hard decline, or the order's expiry.",
        alternatives=(),
        versions="Decider 3, policy 1, knowledge of November 2026",
        forward_request=None,
    )
    return {
        "items": items,
        "planned": planned,
        "to_collect": None,
        "advance_reasons": (),
        "counts": {"all": 4, "attempts": 2, "money": 1, "notes": 1},
        "shown": "all",
        "page": SimpleNamespace(order_id=UUID(f"{_ID}41")),
        "within": "",
        "order": SimpleNamespace(asset="USD"),
        "card": SimpleNamespace(scheme="visa", last4="4242"),
        "head": SimpleNamespace(status=4),
        "reasons": (),
        "versions": "",
        "what_if": None,
        "ended": None,
        "stable": False,
        "allowed": None,
        "can": SimpleNamespace(retry=SimpleNamespace(shown=False), waits=False),
        "trouble": None,
    }
