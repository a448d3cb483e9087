"""What notices do to a case, in whatever order they come; who bears it; and what the reason codes
say."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.networks.dispute_reasons import REASONS, Kind, reason_of
from recoup.networks.disputes import (
    REFUSALS,
    STAGES,
    STANDARD,
    Case,
    DisputeNotice,
    Refused,
    Stage,
    Status,
    Terms,
    fee_for_merchant,
    follow,
    left_of,
    liable,
    takes_money,
    terms_at,
)

UNITS = 1000
STATES = ("open", "answered", "won", "lost", "accepted", "expired")
TOLD = [
    DisputeNotice(stage, status, UNITS, "USD")
    for stage in (*STAGES, "present")
    for status in get_args(Status)
    if (stage, status) != ("inquiry", "lost")
]


class Book:
    """A case as the moves keep it: what it holds, by what was done to it."""

    def __init__(self, charge: int = UNITS) -> None:
        self.case: Case | None = None
        self.held = 0
        self.charge = charge

    def hear(self, told: DisputeNotice) -> tuple[str, ...] | Refused:
        deeds = follow(self.case, told, charge_asset="USD", charge_left=self.charge)
        if isinstance(deeds, Refused):
            return deeds
        for deed in deeds:
            self._do(deed, told)
        return deeds

    def _do(self, deed: str, told: DisputeNotice) -> None:
        stage = self.case.stage if told.stage == "present" and self.case is not None else told.stage
        stage = "first" if stage == "present" else stage
        if deed in ("open", "again"):
            assert self.held == 0, "money is never taken twice"
            self.held = told.units
        if deed == "go_on":
            assert self.held == told.units, "it goes on without taking, because it holds"
        if deed == "win":
            assert self.held == told.units, "what comes back was taken"
            self.held = 0
        state = {"win": "won", "lose": "lost", "close_inquiry": "won", "answer": "answered"}.get(
            deed, "open"
        )
        self.case = Case(stage, state, told.units)
        assert (self.held > 0) == takes_money(self.case.stage, self.case.state)


@given(st.lists(st.sampled_from(TOLD), max_size=12))
def test_in_any_order_and_number_a_case_holds_its_amount_once_or_not_at_all(
    told: list[DisputeNotice],
) -> None:
    book = Book()
    for one in told:
        book.hear(one)
        before = (book.case, book.held)
        assert book.hear(one) == () or isinstance(book.hear(one), Refused), (
            "a repeat changes nothing"
        )
        assert (book.case, book.held) == before
        assert 0 <= book.held <= book.charge


@each(
    "story",
    [
        ("inquiry open", "first open", "first won"),
        ("first open", "first lost"),
        ("inquiry open", "inquiry won"),
        ("first open", "first won", "pre_arbitration open", "pre_arbitration lost"),
        ("first open", "pre_arbitration open", "pre_arbitration won"),
        ("first open", "first answered", "first won"),
        ("first open", "pre_arbitration answered", "arbitration open", "arbitration lost"),
    ],
)
def test_the_same_notices_end_the_same_in_every_order(story: tuple[str, ...]) -> None:
    told = [
        DisputeNotice(*line.split(), UNITS, "USD")  # type: ignore[call-arg, arg-type]
        for line in story
    ]
    ends = set()
    for order in permutations(told):
        book = Book()
        for one in order:
            assert not isinstance(book.hear(one), Refused)
        assert book.case is not None
        ends.add((book.case.stage, book.case.state, book.held))
    assert len(ends) == 1


def test_what_was_decided_stays_decided_and_what_we_gave_up_may_still_come_back() -> None:
    for state in STATES:
        case = Case("first", state, UNITS)
        won, lost = (
            follow(
                case, DisputeNotice("first", s, UNITS, "USD"), charge_asset="USD", charge_left=UNITS
            )
            for s in ("won", "lost")
        )
        assert won == (
            () if state == "won" else Refused("contradiction") if state == "lost" else ("win",)
        )
        assert lost == (
            Refused("contradiction")
            if state == "won"
            else ("lose",)
            if state in ("open", "answered")
            else ()
        )


def test_a_loss_of_what_is_known_as_an_inquiry_is_for_people() -> None:
    """Stripe says `lost` of charged cases alone, Adyen of what was let pass: neither is closed as
    if nothing was."""
    told = DisputeNotice("present", "lost", UNITS, "USD")
    for state in ("open", "answered", "won"):
        found = follow(Case("inquiry", state, UNITS), told, charge_asset="USD", charge_left=UNITS)
        assert found == Refused("inquiry_lost"), state


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (DisputeNotice("first", "open", UNITS, "EUR"), "other_currency"),
        (DisputeNotice("first", "open", UNITS + 1, "USD"), "amount_above_charge"),
        (DisputeNotice("inquiry", "lost", UNITS, "USD"), "inquiry_lost"),
        (DisputeNotice("first", "won", UNITS - 1, "USD"), "amount_changed"),
        (DisputeNotice("pre_arbitration", "open", UNITS - 1, "USD"), "amount_changed"),
    ],
)
def test_a_lie_is_named(told: DisputeNotice, reason: str) -> None:
    said = follow(Case("first", "open", UNITS), told, charge_asset="USD", charge_left=UNITS)
    assert said == Refused(reason)
    assert isinstance(said, Refused)
    assert said.words == REFUSALS[reason]


@given(
    st.lists(
        st.tuples(st.sampled_from(STAGES), st.sampled_from(STATES), st.integers(1, 400)), max_size=6
    )
)
def test_the_cases_of_a_charge_never_exceed_it(others: list[tuple[Stage, str, int]]) -> None:
    left = left_of(UNITS, others)
    said = follow(
        None, DisputeNotice("first", "open", left + 1, "USD"), charge_asset="USD", charge_left=left
    )
    assert said == Refused("amount_above_charge")
    if left > 0:
        assert follow(
            None, DisputeNotice("first", "open", left, "USD"), charge_asset="USD", charge_left=left
        ) == ("open",)


# the contract
# --------------------------------------------------------------------------------------------------


NOW = datetime(2030, 1, 1, tzinfo=UTC)


def test_fraud_and_processing_are_never_the_merchants() -> None:
    hard = Terms(service_borne_by="merchant")
    assert [liable(kind, hard) for kind in get_args(Kind)] == [
        "operator" if kind != "service" else "merchant" for kind in get_args(Kind)
    ]
    assert {liable(kind, STANDARD) for kind in get_args(Kind)} == {"operator"}


def test_the_terms_of_the_day_count_and_those_of_the_currency_before_those_of_all() -> None:
    old, new = Terms("", NOW - timedelta(days=9)), Terms("", NOW, service_borne_by="merchant")
    usd = Terms("USD", NOW + timedelta(days=1), fee_units=1500, fee_borne_by="merchant")
    every: list[Any] = [old, new, usd]
    assert terms_at(every, NOW - timedelta(days=10), "USD") == STANDARD
    assert terms_at(every, NOW - timedelta(seconds=1), "USD") == old
    assert terms_at(every, NOW, "USD") == new
    assert terms_at(every, NOW + timedelta(days=2), "EUR") == new
    assert terms_at(every, NOW + timedelta(days=2), "USD") == usd
    assert (
        fee_for_merchant(usd, "USD"),
        fee_for_merchant(usd, "EUR"),
        fee_for_merchant(new, "USD"),
    ) == (1500, 0, 0)


# reason codes
# --------------------------------------------------------------------------------------------------


def test_the_reason_codes_of_each_scheme_are_read() -> None:
    assert reason_of("visa", "10.4").kind == "fraud"
    assert reason_of("visa", "13.1").kind == "service"
    assert reason_of("mastercard", "4837").kind == "fraud"
    assert reason_of("mastercard", "4834").kind == "processing"
    assert reason_of("amex", "c08").kind == "service"
    assert reason_of("elo", "SERVICE").kind == "service"
    assert reason_of("visa", "11.2").kind == "authorisation"
    assert {scheme for scheme, _ in REASONS} == {
        "visa",
        "mastercard",
        "amex",
        "discover",
        "generic",
    }
    assert all(reason.kind in get_args(Kind) and reason.meaning for reason in REASONS.values())


# As the networks' and processors' pages list them; their sources stand in the table.
PUBLISHED = {
    "visa": "10.1|10.2|10.3|10.4|10.5|11.1|11.2|11.3|12.1|12.2|12.3|12.4|12.5|12.6.1"
    "|12.6.2|12.7|13.1|13.2|13.3|13.4|13.5|13.6|13.7|13.8|13.9",
    "mastercard": "4807|4808|4812|4831|4834|4837|4840|4841|4842|4846|4849|4850|4853|4854|4855"
    "|4859|4860|4863|4870|4871|4999",
    "amex": "A01|A02|A08|C02|C04|C05|C08|C14|C18|C28|C31|C32|F10|F14|F24|F29|F30|F31|FR2"
    "|FR4|FR6|M01|M10|M38|M49|P01|P03|P04|P05|P07|P08|P22|P23|R03|R13|S01|4507"
    "|4512|4513|4515|4516|4517|4521|4523|4527|4530|4534|4536|4540|4544|4553|4554"
    "|4750|4752|4754|4755|4763|4798",
    "discover": "UA01|UA02|UA05|UA06|UA10|UA11|UA12|AA|AP|AT|AW|CD|CR|DA|DC|DP|EX|IC|IN|LP|NA"
    "|NC|NF|PI|PM|RG|RM|RN|RN2|TF|05|4534|4541|4542|4550|4553|4586|4752|4753|4755"
    "|4762|4863|4864|4865|4866|4867|7010|7030|8002",
}


@each("scheme", PUBLISHED)
def test_each_published_code_is_known(scheme: str) -> None:
    assert [
        code for code in PUBLISHED[scheme].split("|") if not reason_of(scheme, code).known
    ] == []


def test_one_number_is_another_thing_at_another_network() -> None:
    assert [reason_of(one, "4863").kind for one in ("mastercard", "discover")] == [
        "fraud",
        "authorisation",
    ]
    assert [reason_of(one, "4755").kind for one in ("amex", "discover")] == [
        "authorisation",
        "service",
    ]
    assert [reason_of("amex", one).kind for one in ("FR2", "FR4", "FR6")] == [
        "fraud",
        "other",
        "other",
    ]


def test_an_unknown_code_is_no_fraud_and_never_costs_the_merchant() -> None:
    found = reason_of("visa", "99.9")
    assert (found.kind, found.known) == ("other", False)
    assert liable(found.kind, Terms(service_borne_by="merchant")) == "operator"
