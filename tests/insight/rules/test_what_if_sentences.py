"""Every sentence about a decision with one input changed, in every language, against a golden file.

To accept a change: `GOLDEN=write pytest tests/insight/rules/test_what_if_sentences.py`.
"""

from datetime import UTC, datetime
from typing import Final

import pytest
from tests.rescue.rules.goldens import ALL, TRANSLATED, check_golden

from recoup.insight.rules.what_if_sentences import OWN, Change, WhatIf, sentence_of
from recoup.kernel.problem import noted
from recoup.kit.languages.said import said
from recoup.orders.rules.decision import Verdict
from recoup.rescue.rules.amount import AMOUNT

AT: Final = datetime(2026, 4, 9, 11, 30, tzinfo=UTC)
_OUTCOMES: Final[tuple[tuple[Verdict, datetime | None, int, float | None, bool], ...]] = (
    ("plan", AT, 3, 0.314, True),
    ("plan", AT, 2, None, True),
    ("postpone", AT, 1, None, True),
    ("attempt_now", None, 1, None, True),
    ("challenge", None, 0, None, True),
    ("decline_at_once", None, 0, None, True),
    ("wait", None, 0, None, True),
    ("allow", None, 0, None, True),
    ("refuse", None, 0, None, True),
    ("plan", AT, 3, 0.314, False),
)
ROUTES: Final[tuple[Change, ...]] = (
    "route_on",
    "route_reachable",
    "no_failure",
    "routes_cost_the_same",
)
RISKS: Final[tuple[Change, ...]] = (
    "no_sign_against",
    "no_sign_for",
    "half_the_amount",
    "may_confirm",
)
ADVANCES: Final[tuple[Change, ...]] = (
    "half_the_order",
    "room_left",
    "any_loss_allowed",
    "no_loss_allowed",
    "closed_orders_paid",
    "no_try_out",
)
UPDATES: Final[tuple[tuple[Change, Verdict], ...]] = (
    ("new_card_known", "attempt_now"),
    ("nothing_newer", "wait"),
    ("account_closed", "decline_at_once"),
    ("attempts_wanted", "attempt_now"),
    ("link_open", "wait"),
    ("no_link", "decline_at_once"),
)
SPECIAL: Final = (*ROUTES, *RISKS, *ADVANCES, *(change for change, _ in UPDATES))
COUNTED: Final = ("card", "payer", "address", "device", "ip")


def every() -> list[WhatIf]:
    """Each change once with the outcome that it is likeliest to have, and each outcome with one
    change."""
    own = tuple(OWN)
    named = (*own[:5], *(one.without[0] for one in AMOUNT), *own[5:])
    changes = [
        WhatIf(change, "plan", AT, 2, None, differs=True)
        for change in named
        if change not in SPECIAL
    ]
    routes = [WhatIf(change, "send", None, 0, 0.3, True, "acme-eur") for change in ROUTES]
    risks = [WhatIf(change, "attempt_now", None, 0, None, True, "avs_mismatch") for change in RISKS]
    counted = [
        WhatIf("no_sign_against", "challenge", None, 0, None, True, f"{name}_day_2")
        for name in COUNTED
    ]
    advances = [WhatIf(change, "approve_now", None, 0, 0.4, differs=True) for change in ADVANCES]
    advances += [
        WhatIf(change, "decline_at_once", None, 0, 0.1, True)
        for change in ("half_the_order", "no_try_out")
    ]
    updates = [WhatIf(change, verdict, None, 0, None, differs=True) for change, verdict in UPDATES]
    more = [
        WhatIf("route_on", "wait", None, 0, None, True),
        WhatIf("route_on", "send", None, 0, None, False, "acme-eur"),
        WhatIf("may_confirm", "decline_at_once", None, 0, None, True),
    ]
    return [*changes, *routes, *risks, *counted, *advances, *updates, *more] + [
        WhatIf("expiry_a_week_later", verdict, at, tries, chance, differs)
        for verdict, at, tries, chance, differs in _OUTCOMES
    ]


@pytest.mark.parametrize("language", ALL)
def test_every_sentence_is_the_golden_one(language: str) -> None:
    check_golden("what-if", language, [sentence_of(one) for one in every()])


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_sentence_stays_english(language: str) -> None:
    for one in every():
        english = {
            part
            for part in str(sentence_of(one)).split(": ", 1)
            if AT.strftime("%H:%M") not in part
        }
        assert not english & set(said(language, sentence_of(one), noted).split(": ", 1))
