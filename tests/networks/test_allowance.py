"""How often a card may be tried still: the same windows as the gate's, and when the next send
becomes free."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.rings import each

from recoup.networks.limits import Allowed, Refused, Send, Wish, allowance, may_send, tallies

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
WISH: dict[str, Any] = {
    "units": 4590,
    "currency": "USD",
    "initiator": "merchant",
    "acceptor_id": "acc",
    "merchant_id": "m",
}


def sends(count: int, *, first: timedelta = timedelta(days=29)) -> list[Send]:
    """An hour apart, of other merchants."""
    return [
        Send(NOW - first + timedelta(hours=n), 4590, "USD", "merchant", "acc", f"other-{n}")
        for n in range(count)
    ]


def own(count: int, *, first: timedelta = timedelta(days=29)) -> list[Send]:
    return [replace(one, merchant_id="m") for one in sends(count, first=first)]


@each("count", [0, 1, 7, 19, 20, 23])
def test_it_is_used_up_when_the_gate_says_so(count: int) -> None:
    found = allowance("visa", own(count), NOW, Wish(**WISH))
    assert found is not None
    assert (found.left, found.maximum, found.window) == (max(0, 20 - count), 20, timedelta(days=30))
    assert (found.left > 0) == isinstance(may_send("visa", own(count), NOW, Wish(**WISH)), Allowed)


def test_the_next_becomes_free_when_the_oldest_leaves_the_window() -> None:
    found = allowance("visa", own(3), NOW, Wish(**WISH))
    assert found is not None
    assert found.free_at == NOW + timedelta(days=1)
    none = allowance("visa", [], NOW, Wish(**WISH))
    assert none is not None
    assert (none.left, none.free_at) == (20, None)
    over = allowance("visa", own(22), NOW, Wish(**WISH))
    assert over is not None
    assert over.free_at == getattr(may_send("visa", own(22), NOW, Wish(**WISH)), "until", None)


def claims(count: int) -> list[Send]:
    """The merchant's own, told just now."""
    return [
        Send(
            NOW - timedelta(minutes=n),
            4590,
            "USD",
            "merchant",
            "acc",
            "m",
            declined=True,
            claimed=True,
        )
        for n in range(count)
    ]


def test_the_allowance_says_nothing_of_what_others_send() -> None:
    """19 were left of an amount that nobody else had sent, 18 of one that another merchant had."""
    mine = Send(NOW - timedelta(days=2), 4590, "USD", "merchant", "acc", "m")
    alone = allowance("visa", [mine], NOW, Wish(**WISH))
    assert alone is not None
    assert (alone.left, alone.free_at) == (19, NOW + timedelta(days=28))
    assert allowance("visa", [mine, *sends(18)], NOW, Wish(**WISH)) == alone
    none = allowance("visa", [mine, *sends(19)], NOW, Wish(**WISH))
    assert none is not None
    assert (none.left, none.free_at) == (0, datetime(2026, 11, 22, tzinfo=UTC)), (
        "the day on which one is free again"
    )


@pytest.mark.parametrize("others", [0, 1, 15, 19])
def test_own_claims_do_not_feel_for_what_others_sent(others: int) -> None:
    """A merchant who knew a card's number claimed one decline more each time: the claim after which
    its order had to wait said how many sends others had made of that amount."""
    for count in range(21):
        told = [*claims(count), *sends(others)]
        assert allowance("visa", told, NOW, Wish(**WISH)) == allowance(
            "visa", claims(count), NOW, Wish(**WISH)
        )
        assert may_send("visa", told, NOW, Wish(**WISH)) == may_send(
            "visa", claims(count), NOW, Wish(**WISH)
        )
        assert tallies("visa", told, NOW, Wish(**WISH)) == tallies(
            "visa", claims(count), NOW, Wish(**WISH)
        )


def test_a_refusal_by_others_sends_says_neither_when_nor_how_many() -> None:
    """Each binds to the end of a day, also for who asks again and again; the merchant's own to the
    instant."""
    refused = may_send("visa", sends(23), NOW, Wish(**WISH))
    assert refused == may_send(
        "visa", sends(20, first=timedelta(days=29, hours=-3)), NOW, Wish(**WISH)
    )
    assert isinstance(refused, Refused)
    assert refused.until == datetime(2026, 11, 22, tzinfo=UTC)
    assert refused.why == "card_used_up:2026-11-22T00:00:00+00:00"
    early = refused.until - timedelta(microseconds=1)
    assert may_send("visa", sends(20), early, Wish(**WISH)) == refused
    assert may_send("visa", sends(20), refused.until, Wish(**WISH)) == Allowed()
    assert [one.counted for one in tallies("visa", sends(23), NOW, Wish(**WISH))] == [20]


def test_a_wait_that_another_merchant_was_told_ends_at_a_full_hour() -> None:
    told = Send(
        NOW - timedelta(minutes=50),
        4590,
        "USD",
        "merchant",
        "acc",
        "other",
        declined=True,
        advice="24",
    )
    refused = may_send("mastercard", [told], NOW, Wish(**WISH))
    assert isinstance(refused, Refused)
    assert refused.until == NOW + timedelta(hours=1)
    assert may_send("mastercard", [told], NOW + timedelta(minutes=59), Wish(**WISH)) == refused


def test_of_two_windows_the_fuller_one_is_told_and_a_setting_lowers_it() -> None:
    day = own(9, first=timedelta(hours=20))
    found = allowance("mastercard", day, NOW, Wish(**WISH))
    assert found is not None
    assert (found.left, found.maximum, found.window) == (1, 10, timedelta(hours=24))
    lowered = allowance("visa", own(3), NOW, Wish(**WISH, visa_limit=15))
    assert lowered is not None
    assert (lowered.left, lowered.maximum) == (12, 15)
