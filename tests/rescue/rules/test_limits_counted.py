"""The gate's rule against a count that shares nothing with it; `make prove` does the same a hundred
times longer."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.cards_at_random import moment, play
from tests.gate_findings import Asked, Found, Gate, Word
from tests.independent_count import DAY, HOUR, Count, Sent
from tests.rings import drawn, each

from recoup.networks.limits import Allowed, Refused, Send
from recoup.rescue.rules.gate import GateInput, ask_gate

SENDS = 10_000
INSTANT = timedelta(microseconds=1)


def test_the_rule_and_the_count_agree_on_every_send() -> None:
    found = play(2, SENDS)
    print(found.text())
    assert found.breaches.total() == 0, found.breaches
    assert found.too_strict.total() == 0, found.too_strict
    assert found.fullest["visa 20 in 30 days"] == 20
    assert found.fullest["mastercard 10 in 24 hours"] == 10
    assert found.fullest["mastercard 7 in 30 days"] == 7
    assert found.fullest["mastercard 35 in 30 days"] == 35
    assert found.fullest["elo 15 in 30 days"] == 15


def nothing(_: GateInput, __: Asked) -> Word:
    return Allowed()


def counted(gate_input: GateInput, found: GateInput) -> Word:
    """By these counts, and the blocks as they are."""
    return ask_gate(replace(gate_input, tallies=found.tallies))


def an_instant_early(gate_input: GateInput, asked: Asked) -> Word:
    return counted(gate_input, asked.tallies(now=asked.now + INSTANT))


def one_more(gate_input: GateInput, _: Asked) -> Word:
    more = tuple(
        tally if tally.ban else replace(tally, maximum=tally.maximum + 1)
        for tally in gate_input.tallies
    )
    return ask_gate(replace(gate_input, tallies=more))


def without_clocks_ahead(gate_input: GateInput, asked: Asked) -> Word:
    return counted(
        gate_input, asked.tallies([send for send in asked.sends if send.at <= asked.now])
    )


def without_unknown(gate_input: GateInput, asked: Asked) -> Word:
    return counted(
        gate_input, asked.tallies([send for send in asked.sends if send.declined is not None])
    )


def without_old_bans(gate_input: GateInput, asked: Asked) -> Word:
    recent = [send for send in asked.sends if send.at > asked.now - timedelta(days=30)]
    return counted(gate_input, asked.tallies(recent))


def without_claims(gate_input: GateInput, asked: Asked) -> Word:
    return counted(gate_input, asked.tallies([send for send in asked.sends if not send.claimed]))


def as_claimed(send: Send, *, claimed: bool) -> Send:
    return send if send.claimed == claimed else replace(send, claimed=claimed)


def whatever_others_claim(gate_input: GateInput, asked: Asked) -> Word:
    return counted(
        gate_input, asked.tallies([as_claimed(send, claimed=False) for send in asked.sends])
    )


def claims_and_others_added_up(gate_input: GateInput, asked: Asked) -> Word:
    sends = [
        as_claimed(one, claimed=one.claimed and one.merchant_id != asked.merchant)
        for one in asked.sends
    ]
    return counted(gate_input, asked.tallies(sends))


def of_own_merchant(gate_input: GateInput, asked: Asked) -> Word:
    return counted(
        gate_input,
        asked.tallies([send for send in asked.sends if send.merchant_id == asked.merchant]),
    )


@drawn(
    "properties",
    ("gate", "scheme"),
    [
        (nothing, "visa"),
        (nothing, "mastercard"),
        (nothing, "amex"),
        (nothing, "discover"),
        (nothing, "elo"),
        (nothing, "generic"),
        (an_instant_early, "visa"),
        (an_instant_early, "mastercard"),
        (one_more, "visa"),
        (one_more, "mastercard"),
        (one_more, "elo"),
        (without_clocks_ahead, "visa"),
        (without_unknown, "visa"),
        (without_unknown, "mastercard"),
        (without_old_bans, "visa"),
        (without_old_bans, "elo"),
        (of_own_merchant, "visa"),
        (of_own_merchant, "mastercard"),
        (without_claims, "visa"),
        (without_claims, "mastercard"),
        (without_claims, "elo"),
        (without_claims, "generic"),
    ],
    3,
)
def test_the_count_finds_the_faults_of_a_gate(gate: Gate, scheme: str) -> None:
    assert (
        play(2, 2_000, gate, (scheme,), lambda found: found.breaches.total() > 0).breaches.total()
        > 0
    )


@pytest.mark.prove("properties")
@each("scheme", ["visa", "mastercard", "amex", "discover", "elo", "generic"])
def test_the_count_finds_a_gate_that_believes_what_other_merchants_claim(scheme: str) -> None:
    found = play(4, 5_000, whatever_others_claim, (scheme,))
    assert found.too_strict.total() > 0
    assert found.breaches.total() == 0


@pytest.mark.prove("properties")
@each("scheme", ["visa", "mastercard", "amex", "discover", "elo", "generic"])
def test_the_count_finds_a_gate_that_adds_own_claims_to_others_sends(scheme: str) -> None:
    found = play(4, 5_000, claims_and_others_added_up, (scheme,))
    assert found.too_strict.total() > 0
    assert found.breaches.total() == 0


def test_the_list_alone_shows_windows_that_were_too_full() -> None:
    def in_the_list(found: Found) -> bool:
        return any(name.startswith("in the list, ") for name in found.breaches)

    assert in_the_list(play(3, 2_000, one_more, enough=in_the_list))


def test_of_two_advised_waits_the_longer_may_end_last_once_it_is_rounded() -> None:
    """Found by ten million sends: for another merchant two days last until midnight, one until the
    hour."""
    count, noon = Count("mastercard"), 20_500 * DAY + 12 * HOUR
    asking = Sent(
        noon + 49 * HOUR, "asks", "acceptor", "us", 4_590, "USD", "merchant", 20, ours=True
    )
    sends = []
    for id, (at, advice) in enumerate([(noon, "26"), (noon + 25 * HOUR, "25")]):
        count.sent(id, asking._replace(at=at, merchant="sent"))
        count.declined(id, "51", advice)
        sends.append(
            Send(
                moment(at),
                4_590,
                "USD",
                "merchant",
                "acceptor",
                "sent",
                "sent",
                declined=True,
                advice=advice,
            )
        )
    asked = Asked(
        "mastercard",
        sends,
        moment(asking.at),
        4_590,
        "USD",
        "merchant",
        "acceptor",
        "asks",
        "us",
        20,
    )
    assert count.free_at(asking) == 20_503 * DAY
    refused = ask_gate(asked.tallies())
    assert isinstance(refused, Refused)
    assert (refused.rule_id, refused.until) == ("mc-advice-26", moment(20_503 * DAY))
