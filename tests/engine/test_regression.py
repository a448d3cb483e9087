"""The regression finds what was planted in tries of the past, stays near nothing where nothing is,
and keeps issuers apart only where they may be."""

import random
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from math import exp

import numpy as np
import pytest
from tests.engine.test_training import _history
from tests.rings import each

from recoup.engine.learn.attempts import Past, attempts_of
from recoup.engine.learn.regress import PAYER_MAX, TRIES_LEAST, regressed
from recoup.engine.learn.train import train
from recoup.engine.model import Regression, model_of
from recoup.engine.pay_days import COUNT, LEVELS, RHYTHMS
from recoup.engine.regression import NODES, UNTIL
from recoup.rescue.rules.answer_classes import APPROVED, CLASSES, FUNDS, SOFT

BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
NIGHT = 1.5  # logits that are planted from midnight to three o'clock


def _planted(seed: int, orders: int, issuers: str = "ab") -> list[Past]:
    """A third of the soft orders is never approved; the others by the hour alone."""
    dice, rows = random.Random(seed), list[Past]()
    for order in range(orders):
        answer = dice.choice([FUNDS, SOFT])
        key, issuer = {FUNDS: "51", SOFT: "05"}[answer], dice.choice(issuers)
        dead = answer == SOFT and dice.random() < 0.33
        at = BEGIN + timedelta(hours=dice.randrange(24 * 150))
        rows.append(Past(f"p{order}", f"o{order}", 1, at, answer, key, issuer, 0, True))
        for number in range(2, 6):
            at += timedelta(hours=dice.randrange(24, 96))
            logit = -1.0 + NIGHT * (at.hour < 3)
            yes = not dead and dice.random() < 1.0 / (1.0 + exp(-logit))
            rows.append(
                Past(
                    f"p{order}",
                    f"o{order}",
                    number,
                    at,
                    APPROVED if yes else answer,
                    key,
                    issuer,
                    0,
                    True,
                )
            )
            if yes:
                break
    return rows


def _learned(
    rows: list[Past], named: bool = True, known: Collection[str] = ("51", "05")
) -> Regression:
    data = attempts_of(rows)
    found = regressed(data, np.full(len(data.issuers), named), known)
    assert found is not None
    return found[0]


@pytest.fixture(scope="module")
def found() -> Regression:
    return _learned(_planted(1, 4000))


def test_what_was_planted_is_found(found: Regression) -> None:
    """Several blocks know the hour, and share what it says."""
    parts = {name: np.array(row) for name, row in found.tables.items()}
    by_hour = parts["hour"].reshape(24, 2).mean(1) + parts["issuer_hour"].reshape(-1, 24)[1:].mean(
        0
    )
    by_slot = parts["zulu"] + parts["slot"][1::2] + parts["weekday_slot"].reshape(7, 8).mean(0)
    by_hour += (by_slot + parts["issuer_slot"].reshape(-1, 8)[1:].mean(0)).repeat(3)
    assert by_hour[:3].mean() - by_hour[3:].mean() == pytest.approx(NIGHT, abs=0.45)


def test_where_nothing_is_nothing_is_found(found: Regression) -> None:
    for name in ("issuer", "issuer_weekday", "weekday", "day", "zone", "credit", "seen"):
        assert max(map(abs, found.tables[name])) < 0.3, name


def test_orders_that_are_never_approved_stand_where_they_are_held(found: Regression) -> None:
    nodes = np.array(found.nodes).reshape(len(CLASSES), len(found.keys) + 1, NODES)
    assert nodes.sum(2) == pytest.approx(np.ones(nodes.shape[:2]))
    late = nodes[:, :, UNTIL > 150.0].sum(2)
    assert late[SOFT, 1 + found.keys.index("05")] > late[FUNDS, 1 + found.keys.index("51")] + 0.15


def test_pay_days_are_told_apart() -> None:
    found = _learned(_history(1, 500))
    habits = np.array(found.habits).reshape(COUNT, LEVELS).sum(1)
    assert habits.sum() == pytest.approx(1.0)
    assert {RHYTHMS[place] for place in np.argsort(-habits)[:2]} == {"weekly-4", "monthly-20"}


def test_its_weight_grows_with_the_tries_up_to_a_half() -> None:
    few, many = (_learned(_planted(2, orders)) for orders in (150, 2000))
    assert few.tries < many.tries
    assert 0.3 < few.weight < many.weight < 0.5


def test_an_issuer_that_may_not_be_named_has_no_line_nor_has_an_unknown_code() -> None:
    assert _learned(_planted(3, 500), named=False).issuers == ()
    assert _learned(_planted(3, 500), known=["51"]).keys == ("51",)
    rare = [*_planted(3, 500), *_planted(4, 3, issuers="c")]
    assert set(_learned(rare).issuers) == {"a", "b"}


def test_training_learns_one_and_too_few_tries_have_none() -> None:
    rows = _history(1, 120)
    made = train(attempts_of(rows), "a test")
    assert made.learned.regression is not None
    assert (made.learned.format, made.learned.regression.tries) == (
        4,
        sum(row.number > 1 for row in rows),
    )
    assert made.learned.rest_again >= made.learned.rest
    assert model_of(made.to_json()).learned == made.learned
    assert train(attempts_of(_history(1, 10)), "a test").learned.regression is None


@each(("hours", "tries", "rest"), [(5, 300, 0.0), (30, 300, 24.0), (72, 300, 24.0), (30, 40, 0.0)])
def test_a_further_try_rests_a_day_at_most_and_not_where_few_are_known(
    hours: int, tries: int, rest: float
) -> None:
    rows = list[Past]()
    for order in range(400):
        at = BEGIN + timedelta(hours=order)
        for number in range(1, 4 if order < tries else 3):
            rows.append(Past(f"p{order}", f"o{order}", number, at, SOFT, "05", "a", 0, True))
            at += timedelta(hours=hours)
    found = regressed(attempts_of(rows), np.full(1, True), ["05"])
    assert found is not None
    assert found[1] == rest


def _one(payer: str, tries: int, answer: int = SOFT) -> list[Past]:
    at = [BEGIN + timedelta(hours=9 * number) for number in range(tries)]
    return [
        Past(payer, f"{payer}-{n // 4}", 1 + n % 4, one, answer, "51", "a", 0, True)
        for n, one in enumerate(at)
    ]


@each(
    ("rows", "has_one"),
    [
        (_one("p", PAYER_MAX + 1), False),  # whoever has so many is no payer
        (_one("p", 2 * TRIES_LEAST), True),
        (
            [
                Past("p", "o", number, BEGIN + timedelta(hours=number), SOFT, "51", "a", 0, True)
                for number in range(1, 201)
            ],
            False,
        ),
        ([row for n in range(200) for row in _one(f"p{n}", 4)], True),  # all declined
        (
            [
                row
                for n in range(2000)
                for row in _one(f"p{n}", 2)[:1] + [_one(f"p{n}", 2)[1]._replace(answer=APPROVED)]
            ],
            True,
        ),
        (
            [row for n in range(200) for row in _one(f"p{n}", 4, APPROVED)],
            False,
        ),  # all approved: nothing was tried
        (
            [row._replace(number=row.number + 1) for row in _planted(5, 300)],
            False,
        ),  # no order begins
        ([row._replace(at=BEGIN) for row in _planted(5, 300)], True),  # no times
        ([row._replace(offset_minutes=9_999) for row in _planted(5, 300)], True),  # no such zone
    ],
)
def test_odd_histories_give_a_model_all_the_same(rows: list[Past], *, has_one: bool) -> None:
    made = train(attempts_of(rows), "a test")
    assert (made.learned.regression is not None) is has_one
    assert model_of(made.to_json()).name == made.name
