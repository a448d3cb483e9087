"""Who may hear of what, by which way, and in which words."""

import ast
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.kernel.ids import new_id
from recoup.kernel.kept_sentence import keep
from recoup.kernel.problem import Sentence
from recoup.kit.languages.catalogues import ENGLISH, languages
from recoup.kit.languages.locale import Locale
from recoup.kit.rights import MAY as ROLES_MAY
from recoup.notifications.rules.notification_words import foot_of, words_of
from recoup.notifications.rules.notifications import (
    KINDS,
    RANKS,
    Reader,
    Ways,
    kinds_for,
    kinds_of,
    may,
    may_hear,
    ways_of,
)

NOTHING = Ways(False, False)
ROLES = st.sampled_from((None, *RANKS))
WAYS = st.tuples(st.booleans(), st.booleans())
_ID, _AT = str(new_id()), "2026-11-20T12:00:00+00:00"
_MONEY = {"units": 123456, "asset": "USD", "batch_id": _ID, "payout_id": _ID}
FACTS = {
    "settlement_address": {
        "did": "approved",
        "address": "0x11",
        "holds_from": "2026-11-20T12:00:00+00:00",
    },
    "address_approval": {"did": "entered", "address": "0x11"},
    "chain_halted": {"chain": "8453", "why": "0x22"},
    "chain_sender": {"what": "failed", "chain": "8453", "why": "0x22"},
    "orders": {
        "orders": 2,
        "problem": 1,
        "onhold": 1,
        "capped": False,
        "first": [_ID, _ID],
        "names": ["SUB-1", "SUB-2"],
    },
    "dispute": {
        "dispute_id": _ID,
        "order_id": _ID,
        "units": 4590,
        "asset": "JPY",
        "respond_by": _AT,
    },
    "alike_amounts": {"order_id": _ID, "units": 4595, "other_units": 4590, "asset": "USD"},
    "capture_due": {"order_id": _ID, "external_id": "A-1", "until": _AT},
    "deadline": {
        "dispute_id": _ID,
        "order_id": _ID,
        "units": 4590,
        "asset": "KWD",
        "respond_by": _AT,
        "days": 3,
    },
    "payout": _MONEY | {"status": "completed"},
    "payout_failed": _MONEY | {"status": "reversed"},
    "approval": _MONEY | {"status": "pending"},
    "settlement": _MONEY | {"period_from": _AT, "last_day": _AT},
    "webhook": {"endpoint_id": _ID, "host": "hooks.example", "state": "open"},
    "partner_webhook": {"endpoint_id": _ID, "host": "hooks.example", "state": "disabled"},
    "go_live": {"state": "approved"},
    "rate": {"recent": [60, 6], "before": [700, 210]},
    "uplift": {
        "finding": "harm",
        "engine": 4000,
        "holdout": 1000,
        "difference": -0.05,
        "low": -0.08,
        "high": -0.02,
    },
    "mandate": {
        "order_id": _ID,
        "external_id": "SUB-1",
        "scope": "agreement",
        "code": "R1",
        "subscription": "sub-1",
    },
    "drift": {
        "model": "model-0123456789ab",
        "days": 28,
        "tries": 400,
        "expected": 120,
        "approved": 61,
    },
    "elsewhere": {"order_id": _ID, "kind": "refund", "units": 4590, "asset": "USD"},
    "unlisted_code": {"scheme": "visa", "kind": "code", "code": "9Z", "orders": 1200, "days": 28},
    "export": {
        "export_id": _ID,
        "file_name": "orders.csv",
        "orders": 120_000,
        "why": None,
        "gone_at": _AT,
    },
    "backtest": {
        "backtest_id": _ID,
        "payments": keep(Sentence("Payments of {0} days", 90)),
        "why": None,
        "policy": keep(
            Sentence("{0}, within version {1} of the policy", Sentence("Rescue engine"), 3)
        ),
    },
    "monitoring": {
        "program": "VAMP excessive",
        "state": "half",
        "acceptor": "m-1",
        "cases": 750,
        "cases_min": 1500,
        "basis_points": 75.5,
        "basis_points_min": 150,
    },
    "processor": {"route": "acme-eur", "code": "010", "text": "Not allowed", "own": False},
    "own_processor": {"route": "stripe-1", "code": None, "text": None, "own": True},
    "digest": {
        "day": "2026-11-19",
        "declined": 40,
        "rescued": 12,
        "recovered": [["EUR", 999], ["USD", 50]],
        "refunds": 1,
        "refunded": [["USD", 100]],
        "disputes": 1,
        "in_flight": 9,
        "waiting": 2,
    },
}

VARIANTS = {
    "orders": [
        {"orders": 1, "onhold": 0, "first": [_ID]},
        {"problem": 0, "onhold": 2},
        {"orders": 9, "capped": True},
    ],
    "dispute": [{}, {"continued": True, "respond_by": None}],
    "deadline": [{}, {"days": 1}],
    "payout": [
        {"status": one}
        for one in (
            "scheduled",
            "pending",
            "sent",
            "completed",
            "failed",
            "reversed",
            "waits_again",
        )
    ],
    "settlement": [{}, {"last_day": "2026-11-25"}],
    "webhook": [{}, {"state": "disabled"}],
    "elsewhere": [{"kind": one} for one in ("refund", "void", "capture", "capture_failed")],
    "mandate": [{"scope": one} for one in ("payment", "agreement", "all")]
    + [{"subscription": None}],
    "go_live": [{}, {"state": "refused"}],
    "digest": [{}, {"refunds": 2, "disputes": 2}],
    "export": [{}, {"why": "This list has more than 200 rows: no XLSX file was made."}],
    "backtest": [{}, {"why": "Something went wrong on our side, several times."}],
    "settlement_address": [{"did": one} for one in ("entered", "approved", "withdrawn")],
    "chain_sender": [{"what": one} for one in ("failed", "waits", "halted", "payout")],
}


@given(st.sampled_from(sorted(KINDS)), ROLES, ROLES, st.none() | WAYS, st.booleans())
def test_nobody_hears_what_their_role_may_not(
    kind: str, own: str | None, operator: str | None, choice: tuple[bool, bool] | None, mails: bool
) -> None:
    choices = {} if choice is None else {kind: choice}
    way = ways_of(KINDS[kind], Reader(own, operator, choices, mails))
    if not may_hear(KINDS[kind], own, operator):
        assert way == NOTHING
    elif choice is not None:
        assert way == Ways(choice[0], choice[1] and mails)
    assert mails or not way.mail


def test_a_developer_hears_of_no_money() -> None:
    heard = {kind.name for kind in kinds_for("developer", None)}
    both = {
        "orders",
        "webhook",
        "own_processor",
        "go_live",
        "export",
        "rate",
        "drift",
        "uplift",
        "mandate",
        "backtest",
    }
    assert heard == both | {"unlisted_code"}


def test_the_operator_hears_unasked_only_of_what_waits_for_it() -> None:
    heard = {
        name for name, kind in KINDS.items() if ways_of(kind, Reader(None, "owner")) != NOTHING
    }
    chains = {"address_approval", "chain_halted", "chain_sender"}
    asked_for = {"export", "backtest"}  # of files and back-tests, those they asked for
    assert heard == {"approval", "processor"} | chains | asked_for
    assert ways_of(KINDS["approval"], Reader("owner", None)) == NOTHING
    assert ways_of(KINDS["approval"], Reader("owner", "analyst")) == NOTHING


def test_roles_are_those_that_there_are() -> None:
    assert set(RANKS) == set(ROLES_MAY)
    assert {entry.rpartition("/")[2] for entry in may()} == set(KINDS)


def test_one_alert_of_a_payout_is_the_right_kind() -> None:
    assert kinds_of("payout", {"status": "scheduled"}) == ("approval", "payout")
    assert kinds_of("payout", {"status": "sent"}) == ("payout",)
    assert kinds_of("payout", {"status": "completed"}) == ("payout",)
    assert (
        kinds_of("payout", {"status": "failed"})
        == kinds_of("payout", {"status": "reversed"})
        == ("payout_failed",)
    )
    assert kinds_of("payout", {"status": "waits_again"}) == ("approval",)
    assert kinds_of("webhook", {}) == ("webhook",)
    assert kinds_of("processor", {"own": False}) == ("processor",)
    assert kinds_of("processor", {"own": True}) == ("own_processor", "processor")


@each("kind", sorted(KINDS))
def test_every_kind_has_words(kind: str) -> None:
    for zone in ("GMT", "Asia/Kolkata"):
        words = words_of(kind, FACTS[kind], Locale(zone=zone))
        assert 0 < len(words.title) <= 90
        assert words.path.startswith("/")
        assert all(line and "None" not in line for line in words.lines)


@each("language", [one for one in languages() if one != ENGLISH])
@each("kind", sorted(KINDS))
def test_nothing_of_a_notification_stays_english(kind: str, language: str) -> None:
    variants = [FACTS[kind] | more for more in VARIANTS.get(kind, [{}])]
    for facts in variants:
        english, words = words_of(kind, facts), words_of(kind, facts, Locale(language))
        assert words.path == english.path
        assert len(words.lines) == len(english.lines)
        for here, there in zip(
            (words.title, *words.lines), (english.title, *english.lines), strict=True
        ):
            assert [
                one for one in there.rstrip(".").split(". ") if " " in one and one in here
            ] == []
            assert not set("{}") & set(here)


def test_a_mail_in_german() -> None:
    to = Locale("de", "Europe/Berlin")
    words = words_of("deadline", FACTS["deadline"] | {"units": 1234567}, to)
    assert (
        words.title
        == "Nachweise sind in höchstens 3 Tagen fällig: ein Streitfall über 1.234,567 KWD"
    )
    assert "bis 20. Nov. 2026 13:00 Europe/Berlin" in words.lines[0]
    assert foot_of("https://x.test/stop", "https://x.test/told", to).splitlines()[1:] == [
        "Diese Mails abbestellen: https://x.test/stop",
        "Benachrichtigungseinstellungen: https://x.test/told",
    ]


def test_words_name_the_zone_and_the_exact_amount() -> None:
    [line] = words_of("deadline", FACTS["deadline"], Locale(zone="Asia/Kolkata")).lines
    assert "20 Nov 2026 17:30 Asia/Kolkata" in line
    assert words_of("dispute", FACTS["dispute"]).title == "A dispute over 4,590 JPY was opened"
    assert words_of("payout", FACTS["payout"]).title == "A payout of 1,234.56 USD was confirmed"
    digest = words_of("digest", FACTS["digest"])
    assert digest.title == "19 Nov 2026: 12 of 40 rescued"
    assert digest.lines[:2] == (
        "Declined 40, rescued 12: 30.0 % of 40.",
        "Recovered 9.99 EUR, 0.50 USD.",
    )


def test_a_notification_calls_orders_what_their_owner_calls_them_and_links_them() -> None:
    """`4BD37923` was all that it said, and nothing found it."""
    several = words_of("orders", FACTS["orders"])
    assert "SUB-1, SUB-2." in several.lines[0]
    assert several.orders == (("SUB-1", f"/orders/{_ID}"), ("SUB-2", f"/orders/{_ID}"))
    for kind in ("dispute", "deadline"):
        said = words_of(kind, FACTS[kind] | {"external_id": "SUB-7745-2026-11"})
        assert "Of order SUB-7745-2026-11." in said.lines[0]
        assert said.orders == (("SUB-7745-2026-11", f"/orders/{_ID}"),)
    before = words_of("dispute", FACTS["dispute"])
    assert before.orders[0][0] in before.lines[0], "one that was kept without its name"
    assert words_of("payout", FACTS["payout"]).orders == ()


def test_no_alert_is_of_a_kind_without_words() -> None:
    """The database takes any: what the code raises is read here."""
    source, raised = Path(__file__).parents[3] / "src/recoup", set[str]()
    for file in source.rglob("*.py"):
        for call in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") in (
                "alert",
                "add_partner_alert",
            ):
                raised |= {
                    one.value
                    for one in call.args
                    if isinstance(one, ast.Constant) and isinstance(one.value, str)
                }
    assert len(raised) > 10
    assert raised <= set(KINDS)
