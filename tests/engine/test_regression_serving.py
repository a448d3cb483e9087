"""Training and deciding see a try alike, also of payers whose orders overlap."""

import random
from dataclasses import fields
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from recoup.engine.blocks import Tries, places
from recoup.engine.learn.attempts import Past, attempts_of
from recoup.engine.learn.features import facts_at
from recoup.engine.learn.regress import _tried, _tries
from recoup.engine.learn.train import train
from recoup.engine.mixed import chances_at
from recoup.engine.model import model_of
from recoup.engine.regression import Weighed
from recoup.rescue.rules.answer_classes import APPROVED, FUNDS, SOFT

BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
KEYS = {APPROVED: "00", FUNDS: "51", SOFT: "05"}


def _overlapping(seed: int) -> list[Past]:
    dice, rows = random.Random(seed), list[Past]()
    for payer in range(80):
        for order in range(5):
            at = BEGIN + timedelta(hours=dice.randrange(24 * 40), minutes=dice.randrange(80))
            for number in range(1, dice.choice([2, 5, 9])):
                answer = dice.choices([APPROVED, FUNDS, SOFT], [2, 5, 2])[0]
                rows.append(
                    Past(
                        f"p{payer}",
                        f"o{payer}-{order}",
                        number,
                        at,
                        answer,
                        KEYS[answer],
                        "a",
                        60,
                        True,
                    )
                )
                if answer == APPROVED:
                    break
                at += timedelta(hours=dice.randrange(2, 200), minutes=dice.randrange(80))
    return rows


def test_a_try_is_cut_as_it_will_be_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    data = attempts_of(_overlapping(1))
    model = model_of(train(data, "a test").to_json())
    regression = model.learned.regression
    assert regression is not None
    tried, weighed = _tried(data), Weighed(regression)
    trained = _tries(
        data, tried, weighed.pays, np.array(regression.habits), regression.keys, regression.issuers
    ).tries
    asked, logits = list[Tries](), Weighed.logits
    monkeypatch.setattr(
        Weighed, "logits", lambda self, tries: asked.append(tries) or logits(self, tries)
    )
    for row in tried.rows.tolist():
        before = [n for n in range(row) if data.payer[n] == data.payer[row]]
        own = [n for n in before if data.order[n] == data.order[row]]
        facts = facts_at(data, own, [n for n in before if n not in own])
        chances_at(model, facts, 60, [float(data.at[row])])
    served = Tries(
        *(np.array([getattr(one, name.name)[-1] for one in asked]) for name in fields(Tries))
    )
    assert len(trained) == len(served) > 400
    for (name, there), here in zip(places(trained).items(), places(served).values(), strict=True):
        differing = np.flatnonzero(there != here).tolist()
        assert len(differing) == 0, (
            name,
            len(differing),
            there[differing][:5],
            here[differing][:5],
        )
