"""Sends beyond a limit, counted apart from the gate;
and the gate against the product's own rule."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from lab.compare.tiny_world import DAY, NOW, TinyWorld, card, order

from recoup.networks.limits import LOOKBACK, Allowed, Refused, Wish, binds_for_ever, may_send
from recoup_lab.compare.breaches import early_sends, excess_by_order
from recoup_lab.compare.driver import play
from recoup_lab.compare.gate import ACCEPTOR, MERCHANT, CardSends, send_of
from recoup_lab.compare.ground import survey
from recoup_lab.compare.played import Sent
from recoup_lab.compare.readings import read
from recoup_lab.compare.seam import Attempt, Choice, Known, SendAt
from recoup_lab.world.port import WorldAnswer, WorldCharge

START = datetime(2027, 3, 1, tzinfo=UTC)
ANSWERS = {
    "visa": [("51", None), ("05", None), ("91", None), ("43", None), ("R1", None)],
    "mastercard": [("51", None), ("51", "24"), ("51", "25"), ("05", "03"), ("05", "21")],
    "amex": [("121", None), ("100", None)],
}


@st.composite
def histories(draw: st.DrawFn) -> list[Sent]:
    """A few cards, crowded so that windows fill up; each answer of its scheme, hard ones seldom."""
    sends = []
    for number in range(draw(st.integers(1, 3))):
        scheme = draw(st.sampled_from(sorted(ANSWERS)))
        step = draw(st.sampled_from([30, 120, 600, 2_000]))
        at = START
        for place in range(draw(st.integers(1, 60))):
            at += timedelta(minutes=draw(st.integers(0, step)))
            answers = ANSWERS[scheme][: 2 if draw(st.integers(0, 9)) else None]
            code, advice = draw(st.sampled_from(answers))
            state = draw(st.sampled_from(["declined"] * 6 + ["unknown", "approved"]))
            amount = draw(st.sampled_from([1_000, 1_000, 1_000, 2_000]))
            ours = place > 0 and draw(st.integers(0, 9)) > 0
            declined = state == "declined" or not ours
            sends.append(
                Sent(
                    f"{scheme}{number}",
                    scheme,
                    at,
                    amount,
                    "USD",
                    len(sends),
                    "declined" if declined else state,
                    code if declined else None,
                    advice if declined else None,
                    ours,
                )
            )
    return sends


def by_hand(sends: list[Sent]) -> list[int]:
    """Each send against each other one."""
    limits = {"visa": [(30 * DAY, 20, True)], "amex": [(30 * DAY, 20, True)]}
    limits["mastercard"] = [(DAY, 10, False), (30 * DAY, 35, True)]
    ordered = sorted(sends, key=lambda one: (one.at, one.ours))
    beyond = [0] * len(sends)
    for place, one in enumerate(ordered):
        before = [other for other in ordered[:place] if other.card == one.card]
        full = any(
            sum(
                1
                for other in before
                if other.at > one.at - span and (not by_amount or other.amount == one.amount)
            )
            >= most
            for span, most, by_amount in limits[one.scheme]
        )
        banned = any(
            other.state == "declined"
            and (
                (one.scheme == "visa" and other.code in ("43", "R1"))
                or (
                    one.scheme == "mastercard"
                    and other.advice in ("03", "21")
                    and one.at < other.at + 30 * DAY
                )
            )
            for other in before
        )
        beyond[one.order] = int(one.ours and (full or banned))
    return beyond


@given(histories())
def test_the_count_of_breaches_is_that_of_comparing_every_pair(sends: list[Sent]) -> None:
    assert excess_by_order(sends, len(sends)) == by_hand(sends)


def test_sends_inside_an_advised_wait_are_counted_apart() -> None:
    def sent(hours: float, advice: str | None, amount: int = 1_000) -> Sent:
        return Sent(
            "m",
            "mastercard",
            START + timedelta(hours=hours),
            amount,
            "USD",
            0,
            "declined",
            "51",
            advice,
            True,
        )

    assert early_sends([sent(0, "25"), sent(23, None), sent(23, None, 2_000), sent(24, None)]) == 1
    assert early_sends([sent(0, "30"), sent(1, "24"), sent(3, None), sent(240, None)]) == 2


@given(histories(), st.integers(0, 60 * 24 * 40))
def test_the_quick_gate_answers_as_the_products_rule(sends: list[Sent], minutes: int) -> None:
    mine = [one for one in sends if one.card == sends[0].card]
    one_order = order(1, amount=1_000, card=card(1, sends[0].scheme))
    quick, plain = CardSends(sends[0].scheme), []
    for one in mine:
        reading = (
            read(one.scheme, one.code, one.advice, one.at.date())
            if one.state == "declined"
            else None
        )
        send = send_of(
            order(1, amount=one.amount), one.at, reading, declined=one.state == "declined"
        )
        quick.add(send)
        plain.append(send)
    now = START + timedelta(minutes=minutes)
    seen = [one for one in plain if one.at > now - LOOKBACK or binds_for_ever(quick.scheme, one)]
    verdict = may_send(
        quick.scheme,
        seen,
        now,
        Wish(
            units=1_000,
            currency="USD",
            initiator="merchant",
            acceptor_id=ACCEPTOR,
            merchant_id=MERCHANT,
        ),
    )
    refused = quick.refusal(one_order, now)
    assert refused == (verdict if isinstance(verdict, Refused) else None)
    assert isinstance(verdict, Allowed) == (refused is None)


class Hasty:
    """Sends again an hour later, whatever comes."""

    def decide(self, known: Known) -> Choice:
        return SendAt(known.earliest + timedelta(hours=1))

    def hear(self, known: Known, attempt: Attempt) -> None: ...


def test_an_arm_that_breaches_without_the_gate_is_found_out_and_with_it_cannot() -> None:
    class Never(TinyWorld):
        def answer(self, charge: WorldCharge) -> WorldAnswer:
            return WorldAnswer(charge.id, "declined", "51")

    expires_at = NOW + 3 * DAY
    ground = survey(
        Never([order(1, expires_at=expires_at), order(2, scheme_code="43", expires_at=expires_at)]),
        1,
    )
    free = play(ground, "free", Hasty(), refusal=lambda *_: None)
    hours = free.sends[0]
    assert hours == 71, "one an hour until it expires"
    assert free.excess[0] == hours - 19, "the declined payment is the first of twenty"
    assert free.excess[1] == free.sends[1] == 71, "none may follow a stolen card"
    held = play(ground, "held", Hasty())
    assert held.excess == [0, 0]
    assert held.sends == [19, 0]
