"""How often a card may be tried still: the same windows as the gate's, and when the next send becomes free."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from recoup.rules.network.limits import Allowed, Send, allowance, may_send, shown_allowance

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
WISH: dict[str, Any] = {"units": 4590, "currency": "USD", "initiator": "merchant", "acceptor_id": "acc",
                        "merchant_id": "m"}  # fmt: skip


def sends(count: int, *, first: timedelta = timedelta(days=29)) -> list[Send]:
    """An hour apart, of other merchants."""
    return [Send(NOW - first + timedelta(hours=n), 4590, "USD", "merchant", "acc", f"other-{n}") for n in range(count)]


@pytest.mark.parametrize("count", [0, 1, 7, 19, 20, 23])
def test_it_is_used_up_when_the_gate_says_so(count: int) -> None:
    found = allowance("visa", sends(count), NOW, **WISH)
    assert found is not None
    assert (found.left, found.maximum, found.window) == (max(0, 20 - count), 20, timedelta(days=30))
    assert (found.left > 0) == isinstance(may_send("visa", sends(count), NOW, **WISH), Allowed)


def test_the_next_becomes_free_when_the_oldest_leaves_the_window() -> None:
    found = allowance("visa", sends(3), NOW, **WISH)
    assert found is not None
    assert found.free_at == NOW + timedelta(days=1)
    none = allowance("visa", [], NOW, **WISH)
    assert none is not None
    assert (none.left, none.free_at) == (20, None)
    over = allowance("visa", sends(22), NOW, **WISH)
    assert over is not None
    assert over.free_at == getattr(may_send("visa", sends(22), NOW, **WISH), "until", None)


def test_the_allowance_that_is_told_says_nothing_of_the_amounts_that_others_send() -> None:
    """19 were left of an amount that nobody else had sent, 18 of one that another merchant had."""
    mine = Send(NOW - timedelta(days=2), 4590, "USD", "merchant", "acc", "m")
    alone = shown_allowance("visa", [mine], NOW, **WISH)
    assert alone is not None
    assert (alone.left, alone.free_at) == (19, NOW + timedelta(days=28))
    assert shown_allowance("visa", [mine, *sends(14)], NOW, **WISH) == alone
    few = shown_allowance("visa", [mine, *sends(15)], NOW, **WISH)
    assert few == allowance("visa", [mine, *sends(15)], NOW, **WISH)
    assert few is not None
    assert few.left == 4


def test_of_two_windows_the_fuller_one_is_told_and_a_setting_lowers_it() -> None:
    day = sends(9, first=timedelta(hours=20))
    found = allowance("mastercard", day, NOW, **WISH)
    assert found is not None
    assert (found.left, found.maximum, found.window) == (1, 10, timedelta(hours=24))
    lowered = allowance("visa", sends(3), NOW, **WISH, visa_limit=15)
    assert lowered is not None
    assert (lowered.left, lowered.maximum) == (12, 15)
