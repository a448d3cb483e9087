"""What training makes by columns is what one attempt after the other says,
counted here in loops."""

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from math import exp, inf

import numpy as np
import pytest

from recoup.engine.bins import (
    GAP,
    HOLDS,
    IDLE,
    MISSING,
    THERE,
    UNTOLD,
    gap_bin,
    idle_bin,
    since_bin,
)
from recoup.engine.learn.attempts import Attempts, Past, attempts_of
from recoup.engine.learn.coefficients import (
    TINY,
    Coefficients,
    lean_of,
    refusal_of,
    scarce_of,
    start,
)
from recoup.engine.learn.expect import arranged, expect, first_holds
from recoup.engine.learn.features import features_of
from recoup.engine.learn.train import Causes
from recoup.engine.rhythms import AMPLE, IRREGULAR, RHYTHMS, days_since
from recoup.rescue.rules.answer_classes import APPROVED, FUNDS, HARD, SOFT

BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
LENGTHS = (*HOLDS, inf)
KEYS = ("00", "51", "05", "91", "61", "14")


def history(seed: int, payers: int = 40) -> Attempts:
    """All classes, orders with up to twelve tries, some that are tried without their payment, tries
    out of order."""
    dice, rows = random.Random(seed), list[Past]()
    for payer in range(payers):
        zone = dice.random() < 0.5
        for number in range(dice.randrange(1, 4)):
            credit = dice.random() < 0.3
            at, order = BEGIN + timedelta(hours=dice.random() * 24 * 60), f"o{payer}-{number}"
            for attempt in range(dice.random() < 0.1, dice.choice((1, 1, 2, 3, 12))):
                answer = dice.choices((APPROVED, FUNDS, SOFT, 3, 4, HARD), (15, 40, 30, 5, 5, 5))[0]
                issuer, offset = dice.choice("abc"), dice.choice((0, -300, 330))
                past = Past(
                    f"p{payer}",
                    order,
                    attempt + 1,
                    at,
                    answer,
                    KEYS[answer],
                    issuer,
                    offset,
                    zone,
                    credit,
                )
                rows.append(past)
                at += timedelta(hours=dice.random() * 200)
    return attempts_of(rows)


def coefficients(data: Attempts, seed: int) -> Coefficients:
    """None like another."""
    dice, c = np.random.default_rng(seed), start(len(data.issuers), len(data.keys))
    for name in (
        "since",
        "stale",
        "after",
        "irregular",
        "ample",
        "refusal_after",
        "refusal_tries",
        "issuer_hours",
    ):
        values = getattr(c, name)
        values += dice.normal(size=values.shape)
    np.minimum(c.stale, 0.0, out=c.stale)
    for name in ("holds", "holds_by_code", "held_answers", "rhythms"):
        values = getattr(c, name)
        values *= dice.uniform(0.5, 1.5, size=values.shape)
        values /= values.sum(-1, keepdims=True)
    c.generic = dice.uniform(0.1, 0.6, size=c.generic.shape)
    return c


def chance(logit: float) -> float:
    return 1 / (1 + exp(-logit))


def scarce(data: Attempts, c: Coefficients, row: int, rhythm: int) -> float:
    """That money is there in a time of little."""
    standing, gap = THERE, 1e4
    for before in range(row):
        if data.payer[before] == data.payer[row]:
            answer = data.answer[before]
            if answer in (APPROVED, FUNDS) or standing != MISSING:
                standing = {APPROVED: THERE, FUNDS: MISSING}.get(answer, UNTOLD)
                gap = data.at[row] - data.at[before]
    local = data.at[row] + data.offset[row]
    logit = c.after[standing] if data.tries[row] else 0.0
    if rhythm == AMPLE:
        return chance(logit + c.ample[0])
    if rhythm == IRREGULAR:
        return chance(logit + c.irregular[standing, idle_bin(gap)])
    day = int(local // 24)
    since = (
        days_since(day + datetime(1970, 1, 1, tzinfo=UTC).toordinal())[rhythm] * 24
        + local
        - day * 24
    )
    logit += c.since[data.zone[row], since_bin(since)]
    if since > gap and standing != THERE:
        logit += c.stale[int(standing == MISSING), gap_bin(gap)]
    return chance(logit)


@pytest.mark.parametrize("seed", [1, 2])
def test_each_attempt_looks_for_money_in_the_cell_of_its_situation(seed: int) -> None:
    data = history(seed)
    c = coefficients(data, seed)
    cells, found = features_of(data).cell, scarce_of(c)
    assert cells.shape == (len(data), len(RHYTHMS))
    for row in range(len(data)):
        for rhythm in (0, 7, 30, IRREGULAR - 1, IRREGULAR, AMPLE):
            assert found[cells[row, rhythm]] == pytest.approx(scarce(data, c, row, rhythm))
    assert {len(GAP), len(IDLE)} == {c.stale.shape[1], c.irregular.shape[1]}


def test_holds_last_as_long_for_the_engine_as_for_training_wherever_the_clock_is_moved() -> None:
    data = history(6)
    for row, since in enumerate(features_of(data).since_first):
        begin = min(data.at[one] for one in range(len(data)) if data.order[one] == data.order[row])
        assert since == pytest.approx(data.at[row] - begin, abs=1e-9)


def likely(answer: int, no: float, missing: float, generic: float) -> float:
    by_answer = {
        APPROVED: (1 - no) * (1 - missing),
        FUNDS: (1 - no) * missing * (1 - generic),
        SOFT: no + (1 - no) * missing * generic,
        HARD: TINY,
    }
    return by_answer.get(answer, no) + TINY


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_rhythms_and_holds_are_those_of_bayes_rule(seed: int) -> None:
    """Over all payers' rhythms and all lengths of all holds, one by one."""
    past = history(seed)
    c = coefficients(past, seed)
    data, tried = arranged(features_of(past))
    no, generic = refusal_of(data, c), c.generic[data.issuer]
    missing = (lean_of(c) * (1 - scarce_of(c)))[data.cell]
    prior = first_holds(data, c, int(data.order.max()) + 1)
    rows_of, shares = (
        defaultdict[int, dict[int, list[int]]](lambda: defaultdict(list)),
        c.rhythms.copy(),
    )
    for row in range(len(data)):
        rows_of[int(data.payer[row])][int(data.order[row])].append(row)
    weights, held = expect(data, c, tried)

    def answered(row: int, rhythm: int, *, without: bool = False) -> float:
        return likely(
            data.answer[row], no[row], 1.0 if without else missing[row, rhythm], generic[row]
        )

    def held_so(row: int) -> float:
        if data.first_answer[row] == FUNDS:
            return TINY if data.answer[row] == HARD else answered(row, 0, without=True)
        return float(c.held_answers[data.first_answer[row], data.answer[row]]) + TINY

    def of_length(order: int, rows: list[int], length: int) -> np.ndarray:
        found = np.full(len(RHYTHMS), prior[order, length])
        for row in rows:
            free = data.since_first[row] >= LENGTHS[length]
            found *= [answered(row, one) if free else held_so(row) for one in range(len(RHYTHMS))]
        return found

    for payer, orders in rows_of.items():
        credit = past.credit[past.payer == payer][-1]
        by_rhythm, joint, firsts = (
            np.ones(len(RHYTHMS)),
            dict[int, np.ndarray](),
            dict[int, np.ndarray](),
        )
        for order, rows in orders.items():
            for row in (one for one in rows if data.tries[one] == 0):
                each = np.array([answered(row, rhythm) for rhythm in range(len(RHYTHMS))])
                dead = 1 - c.holds[data.answer[row], 0]
                whole = (1 - dead) * each + dead * (each * shares[data.credit[row]]).sum()
                by_rhythm *= whole
                firsts[row] = (1 - dead) * each / whole
            again = [one for one in rows if data.tries[one] > 0]
            if again:
                joint[order] = np.array(
                    [of_length(order, again, length) for length in range(len(LENGTHS))]
                )
                by_rhythm *= joint[order].sum(0)
        posterior = by_rhythm * c.rhythms[credit]
        posterior /= posterior.sum()
        for row, share in firsts.items():
            np.testing.assert_allclose(weights[row], share * posterior, rtol=1e-6, atol=1e-12)
        for order, each in joint.items():
            by_length = each / each.sum(0)
            np.testing.assert_allclose(
                held[order], (by_length * posterior).sum(1), rtol=1e-6, atol=1e-12
            )
            for row in (one for one in orders[order] if data.tries[one] > 0):
                over = [
                    length for length, until in enumerate(LENGTHS) if until <= data.since_first[row]
                ]
                np.testing.assert_allclose(
                    weights[row], by_length[over].sum(0) * posterior, rtol=1e-6, atol=1e-12
                )


def test_what_the_bank_caused_and_what_a_lack_of_money_add_up() -> None:
    past = history(6)
    c = coefficients(past, 6)
    data, _ = arranged(features_of(past))
    weights = np.random.default_rng(6).uniform(size=(len(data), len(RHYTHMS)))
    causes = Causes(data)
    causes.weigh(weights)
    found = causes.shared(c)
    no, generic, there = refusal_of(data, c), c.generic[data.issuer], scarce_of(c)
    lean = lean_of(c)
    gradient, slope, bend = np.zeros(len(data)), np.zeros(len(there)), np.zeros(len(there))
    met, judged = np.zeros(len(there)), np.zeros(len(there))
    for row in range(len(data)):
        if data.answer[row] == HARD:
            continue
        for rhythm, weight in enumerate(weights[row]):
            cell, answer = data.cell[row, rhythm], data.answer[row]
            hidden = (1 - no[row]) * lean[cell] * (1 - there[cell]) * generic[row]
            bank = {APPROVED: 0.0, FUNDS: 0.0, SOFT: no[row] / (no[row] + hidden + TINY)}.get(
                answer, 1.0
            )
            gradient[row] += weight * (bank - no[row])
            rest = weight * (1 - bank)
            few = rest
            if answer == APPROVED:
                few *= lean[cell] * there[cell] / (1 - lean[cell] * (1 - there[cell]))
            slope[cell] += few * ((answer == APPROVED) - there[cell])
            bend[cell] += few * there[cell] * (1 - there[cell])
            met[cell] += few
            judged[cell] += rest
    for mine, theirs in ((found.gradient, gradient), (found.slope, slope), (found.bend, bend)):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found.lean, met, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found.judged, judged, rtol=1e-6, atol=1e-9)
