"""Training finds how payers are paid, by what was approved and declined."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from statistics import fmean

import pytest
from tests.rings import each

from recoup.engine.learn.attempts import Past, attempts_of
from recoup.engine.learn.train import rest_of, train
from recoup.engine.model import model_of
from recoup.engine.rhythms import RHYTHMS
from recoup.rescue.rules.answer_classes import APPROVED, FUNDS, HARD, SOFT, TECHNICAL

BEGIN = datetime(2026, 10, 1, tzinfo=UTC)


def _history(seed: int, payers: int) -> list[Past]:
    """Two thirds are paid on Fridays, the others on the 20th; money lasts a day and a half. Issuer
    b refuses more."""
    dice = random.Random(seed)
    rows = []
    for payer in range(payers):
        weekly, issuer = payer % 3 != 0, "ab"[payer % 2]
        for number in range(3):
            dead, at = dice.random() < 0.2, BEGIN + timedelta(hours=dice.randrange(24 * 80))
            for attempt in range(1, 9):
                days = (at.weekday() - 4) % 7 if weekly else (at.day - 20) % 30
                money = days + at.hour / 24 < 1.5
                refused = dice.random() < (0.3 if issuer == "b" else 0.05)
                answer = SOFT if dead or refused else APPROVED if money else FUNDS
                rows.append(
                    Past(
                        f"p{payer}",
                        f"o{payer}-{number}",
                        attempt,
                        at,
                        answer,
                        ("00", "51", "05")[answer],
                        issuer,
                        0,
                        True,
                    )
                )
                if answer == APPROVED:
                    break
                at += timedelta(hours=dice.randrange(20, 120))
    return rows


@pytest.fixture(scope="module")
def learned() -> object:
    return train(attempts_of(_history(1, 500)), "a test")


def test_rhythms_are_told_apart(learned: object) -> None:
    shares = dict(
        zip(RHYTHMS, learned.learned.rhythms[False], strict=True)  # type: ignore[attr-defined]
    )
    assert sorted(shares, key=shares.__getitem__)[-2:] == ["monthly-20", "weekly-4"], sorted(
        shares.values()
    )[-5:]
    assert shares["weekly-4"] > shares["monthly-20"] > 0.1


def test_issuers_that_refuse_more_are_known(learned: object) -> None:
    issuers = learned.learned.issuers  # type: ignore[attr-defined]
    at_any_hour = {
        name: one.refusal + fmean(one.hours) + fmean(one.weekdays) for name, one in issuers.items()
    }
    assert at_any_hour["b"] > at_any_hour["a"] + 1.0


def test_the_same_attempts_give_the_same_model_in_any_order() -> None:
    rows = _history(2, 60)
    first = train(attempts_of(rows), "a test")
    random.Random(3).shuffle(rows)
    again = train(attempts_of(rows), "a test")
    assert first.name == again.name
    assert model_of(first.to_json()).name == first.name


def test_one_payer_and_hard_answers_alone_are_enough() -> None:
    one = Past("p", "o", 1, BEGIN, HARD, "14", "a", -300, False)
    assert train(attempts_of([one]), "a test").learned.attempts == 1


def _tries(gap: float, answers: Sequence[int], before: int = FUNDS) -> list[Past]:
    """Orders of one try each, so many hours after a failure of that kind."""
    rows = []
    for number, answer in enumerate(answers):
        at, name = BEGIN + timedelta(hours=number), f"{gap}-{before}-{number}"
        for attempt, (when, what) in enumerate(
            ((at, before), (at + timedelta(hours=gap), answer)), start=1
        ):
            rows.append(Past(f"p{name}", f"o{name}", attempt, when, what, "51", "a", 0, True))
    return rows


LATE = _tries(40, [APPROVED, SOFT, SOFT, SOFT] * 25)


@each(
    ("soon", "rest"),
    [
        ([], 20.0),
        (_tries(2, [APPROVED] * 49), 20.0),  # too few to say
        (_tries(2, [APPROVED] * 60, TECHNICAL), 20.0),  # that mends at once, money does not
        (_tries(13, [SOFT] * 60), 20.0),
        (_tries(13, [APPROVED, SOFT, SOFT, SOFT] * 15), 12.0),
        (_tries(2, [APPROVED, SOFT] * 30), 1.0),
        (_tries(0.5, [SOFT] * 60) + _tries(4, [APPROVED, SOFT] * 30), 3.0),
    ],
)
def test_what_nobody_tried_so_soon_is_not_tried(soon: list[Past], rest: float) -> None:
    assert rest_of(attempts_of(LATE + soon)) == rest
