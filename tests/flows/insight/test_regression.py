"""The regression finds what was planted in tries of the past, stays near nothing where nothing is, and keeps issuers
apart only where they may be."""

import random
from datetime import UTC, datetime, timedelta
from math import exp
from typing import Any

import numpy as np
import pytest
from tests.flows.insight.test_training import _history

from recoup.flows.insight.learn import train as training
from recoup.flows.insight.learn.attempts import Attempts, Past, attempts_of
from recoup.flows.insight.learn.regress import ISSUER_PARTS, Tries, regressed, tries_of
from recoup.flows.insight.learn.train import train
from recoup.rules.rescue.engine.bins import FUNDS, SOFT
from recoup.rules.rescue.engine.regression import COLUMNS, ISSUER_HOUR, ISSUER_LAST, ISSUER_WEEKDAY, NODES, Regression

BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
NIGHT, EARLY = 1.5, 1.2  # logits that are planted: at 3 o'clock; at issuer a before 3 o'clock of UTC


def _data() -> Attempts:
    return attempts_of(
        [Past("p", "o", 1, BEGIN, SOFT, key, issuer, 0, True) for key in ("51", "05") for issuer in "ab"]
    )


def _planted(seed: int, orders: int) -> Tries:
    """Each order stands at a node by its class, and is tried up to four times."""
    dice, rows = random.Random(seed), list[tuple[Any, ...]]()
    for order in range(orders):
        klass, key, issuer = dice.choice([FUNDS, SOFT]), dice.randrange(2), dice.randrange(2)
        node = dice.choice([-6.0, 0.0] if klass == SOFT else [0.0, 0.0])
        for _ in range(4):
            bins = [dice.randrange(size) for size in COLUMNS.values()]
            early = dice.randrange(8)
            hour = bins[list(COLUMNS).index("hour")]
            logit = node - 1.0 + NIGHT * (hour == 3) + EARLY * (issuer == 0 and early == 0)
            places = (0, ISSUER_LAST + 1, ISSUER_HOUR + early, ISSUER_WEEKDAY + dice.randrange(7))
            yes = dice.random() < 1.0 / (1.0 + exp(-logit))
            rows.append((bins, places, issuer, key, order, klass, int(yes)))
            if yes:
                break
    assert len(ISSUER_PARTS) == len(rows[0][1])
    return Tries(*(np.array(column) for column in zip(*rows, strict=True)))


@pytest.fixture(scope="module")
def found() -> Regression:
    return regressed(_data(), _planted(1, 6000), np.array([True, True]), {"51", "05"})


def test_what_was_planted_is_found(found: Regression) -> None:
    hours = found.columns["hour"]
    others = sum(hours[:3] + hours[4:]) / 23
    assert hours[3] - others == pytest.approx(NIGHT, abs=0.4)
    early = found.issuers["a"][ISSUER_HOUR : ISSUER_HOUR + 8]
    assert early[0] - sum(early[1:]) / 7 == pytest.approx(EARLY, abs=0.4)


def test_where_nothing_is_nothing_is_found(found: Regression) -> None:
    silent = [row for name, row in found.columns.items() if name != "hour"]
    assert max(abs(one) for row in silent for one in row) < 0.25
    assert max(map(abs, found.keys.values())) < 0.1


def test_orders_that_are_never_approved_stand_at_low_nodes(found: Regression) -> None:
    low = {klass: sum(found.frailty[klass][:2]) for klass in (FUNDS, SOFT)}
    assert NODES[1] < -2.0 < NODES[2]
    assert low[SOFT] > 0.35
    assert low[FUNDS] < 0.2
    assert all(sum(row) == pytest.approx(1.0) for row in found.frailty)


def test_its_weight_grows_with_the_tries() -> None:
    few, many = (regressed(_data(), _planted(2, orders), np.array([True, True]), {"51", "05"}) for orders in (50, 2000))
    assert few.tries < many.tries
    assert 0.0 < few.weight < 0.05 < many.weight < 0.6


def test_an_issuer_without_a_line_has_no_row() -> None:
    found = regressed(_data(), _planted(3, 500), np.array([False, True]), {"51", "05"})
    assert list(found.issuers) == ["b"]


def test_training_learns_one_and_too_few_tries_have_none() -> None:
    rows = _history(1, 120)
    made = train(attempts_of(rows), "a test").learned
    assert made.regression is not None
    assert (made.format, made.regression.tries) == (3, sum(row.number > 1 for row in rows))
    assert train(attempts_of(_history(1, 10)), "a test").learned.regression is None


def _payers(data: Attempts, payers: Any) -> set[tuple[float, ...]]:
    return {tuple(data.at[data.payer == one].tolist()) for one in payers}


def test_each_try_is_judged_by_a_model_that_has_not_seen_its_payer(monkeypatch: pytest.MonkeyPatch) -> None:
    data, parts, asked = attempts_of(_history(4, 120)), list[Attempts](), list[Any]()
    by_causes = training._by_causes

    def noted(part: Attempts, *more: Any) -> Any:
        parts.append(part)
        return by_causes(part, *more)

    def told(of: Attempts, payers: Any, models: Any) -> Tries:
        asked.append((payers, models))
        return tries_of(of, payers, models)

    monkeypatch.setattr(training, "_by_causes", noted)
    monkeypatch.setattr(training, "tries_of", told)
    train(data, "a test")
    [(payers, models)] = asked
    whole, *halves = parts
    assert len(halves) == len(models) == 2
    assert sum(map(len, halves)) == len(whole) == len(data)
    for number, half in enumerate(halves):
        assert not _payers(data, payers[payers % 2 == number]) & _payers(half, np.unique(half.payer))


def test_where_no_issuer_may_have_a_line_all_share_one() -> None:
    found = regressed(_data(), _planted(2, 400), np.array([False, False]), {"51"})
    assert (found.issuers, set(found.keys)) == ({}, {"51"})


def test_one_payer_alone_teaches_no_regression() -> None:
    """What is learned of a payer's tries comes from others."""
    rows = [
        Past("p", f"o{n // 2}", 1 + n % 2, BEGIN + timedelta(hours=9 * n), SOFT, "51", "a", 0, True) for n in range(900)
    ]
    assert train(attempts_of(rows), "test").learned.regression is None
