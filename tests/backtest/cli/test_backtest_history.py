"""`recoup backtest` on a history without probabilities: what happened, bounds, the models' word,
and no interval."""

import json
import random
import re
import sys
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.backtest.cli.test_backtest import plans, run

from recoup.backtest.rules.headline import headline

BEGIN = datetime(2025, 10, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PAYMENTS = 1_800


@cache
def history(
    days: int = 200, rescued: float = 0.35, begin: datetime = BEGIN
) -> tuple[dict[str, Any], ...]:
    """A try a day after the decline, and another six days later: as the schedule of a processor
    makes them."""
    draw, rows = random.Random(5), []
    for number in range(PAYMENTS):
        at = begin + draw.random() * days * DAY
        row = {
            "orderId": f"p{number}",
            "customerId": f"c{number % 1200}",
            "amount": "2500",
            "currency": "EUR",
        }
        row |= {"cardFirst6": f"40008{draw.randrange(8)}", "country": "DE"}
        for place, wait in enumerate((0, 1, 7), start=1):
            paid = place > 1 and draw.random() < rescued / 2
            moment = (at + wait * DAY).isoformat(timespec="seconds")
            told = {"ref": f"p{number}#{place}", "at": moment, "attempt": place}
            told |= {
                "state": "approved" if paid else "declined",
                "schemeCode": "00" if paid else "51",
            }
            rows.append(row | told)
            if paid:
                break
    return tuple(rows)


def written(file: Path, rows: Any) -> Path:
    names = list(rows[0])
    file.write_text(
        "\n".join([",".join(names), *(",".join(str(row[name]) for name in names) for row in rows)])
    )
    return file


def intervals(plain: Any, inside: str = "") -> list[str]:
    """Where in the answer something stands that reads like an interval."""
    found = []
    if isinstance(plain, dict):
        found += [inside] if {"low", "high"} & set(plain) else []
        for name, value in plain.items():
            found += intervals(value, f"{inside}/{name}")
    elif isinstance(plain, list):
        for value in plain:
            found += intervals(value, inside)
    return found


@pytest.mark.prove("engine")
@pytest.mark.parametrize("policy", ["retry-2", "engine"])
def test_what_happened_is_exact_and_no_interval_stands_at_an_expectation(
    tmp_path: Path, policy: str
) -> None:
    rows = history()
    file = written(tmp_path / "history.csv", rows)
    result = run(file, "--policy", policy, "--json")
    assert result.exit_code == 0, (result.output, result.exception)
    found = json.loads(result.output)
    assert found["missing"] == []
    assert found["basis"] == "history"
    assert intervals(found) == ["/then"], "it happened; of all else nobody knows how sure it is"
    ends = max(datetime.fromisoformat(row["at"]) for row in rows) - 30 * DAY
    first = {
        row["orderId"]: datetime.fromisoformat(row["at"]) for row in rows if row["attempt"] == 1
    }
    paid = {row["orderId"] for row in rows if row["state"] == "approved"}
    closed = {name for name, at in first.items() if at <= ends}
    assert found["orders"] == len(closed)
    assert found["openAfter"] == PAYMENTS - len(closed)
    assert found["then"]["value"] == pytest.approx(len(paid & closed) / len(closed), abs=1e-6)
    assert 0 <= found["bounds"]["atLeast"] <= found["bounds"]["atMost"] <= 1
    assert found["experiments"][0]["plusMinus"] > found["experiments"][-1]["plusMinus"] > 0.01
    text = run(written(tmp_path / "short.csv", rows[:600]), "--policy", policy).output
    assert "90 % interval" not in text
    assert "confidence" not in text
    assert (found["rangeOfModels"] is None) == bool(found["whyNoModels"])
    assert found["rangeOfModels"] is None or found["calibration"]["error"] <= 0.1


@pytest.mark.prove("engine")
def test_a_policy_may_leave_customers_to_the_schedule(tmp_path: Path) -> None:
    file, policy = written(tmp_path / "history.csv", history()[:2_400]), tmp_path / "policy.toml"
    schedules, half = plans(file, policy, "retry-2", 0), plans(file, policy, "engine", 50)
    assert (
        0.3
        < sum(plan == schedule for plan, schedule in zip(half, schedules, strict=True)) / len(half)
        < 0.7
    )


@pytest.mark.prove("engine")
def test_a_model_is_judged_by_tries_of_payments_whose_window_is_open(tmp_path: Path) -> None:
    """In a file of three windows no payment was declined in the last quarter whose window has
    closed."""
    rows = history(days=85)
    file = written(tmp_path / "history.csv", rows)
    found = json.loads(run(file, "--policy", "retry-2", "--json").output)
    ends = [datetime.fromisoformat(row["at"]) for row in rows]
    since = max(ends) - (max(ends) - min(ends)) / 4
    late = [
        row for row in rows if row["attempt"] > 1 and datetime.fromisoformat(row["at"]) >= since
    ]
    assert since + 30 * DAY > max(ends)
    assert sum(tries for tries, _, _ in found["calibration"]["tenths"]) == len(late) >= 200


@pytest.mark.prove("engine")
def test_too_few_late_tries_are_said(tmp_path: Path) -> None:
    """Chance alone may put a model far off at a few tries; that is no verdict."""
    rows = history(days=85)
    ends = [datetime.fromisoformat(row["at"]) for row in rows]
    since = max(ends) - (max(ends) - min(ends)) / 4
    late = [
        row for row in rows if datetime.fromisoformat(row["at"]) >= since and row["attempt"] > 1
    ]
    dropped = {row["ref"] for row in late[150:]}
    file = written(tmp_path / "history.csv", [row for row in rows if row["ref"] not in dropped])
    found = json.loads(run(file, "--policy", "retry-2", "--json").output)
    assert 0 < sum(tries for tries, _, _ in found["calibration"]["tenths"]) < 200
    assert found["rangeOfModels"] is None
    assert "too few repeated attempts in the last quarter" in found["whyNoModels"]


@pytest.mark.prove("engine")
def test_bounds_hold_what_the_same_schedule_did(tmp_path: Path) -> None:
    """The engine's own decline at the first slot of the next day is what was tried: known, from
    there on not."""
    file = written(tmp_path / "h.csv", history()[:1500])
    found = json.loads(run(file, "--policy", "retry-1", "--json").output)
    assert found["bounds"]["atLeast"] <= found["then"]["value"] <= found["bounds"]["atMost"]
    says = headline(found)
    assert says is not None
    first = run(file, "--policy", "retry-1").output.splitlines()[:3]
    assert [line[12:] for line in first] == [says.money, says.payments, says.advice], (
        "as the portal's page says it"
    )


def test_classes_days_and_the_cost_of_a_send_are_in_words(tmp_path: Path) -> None:
    text = run(
        written(tmp_path / "h.csv", history()[:1500]), "--policy", "retry-1", "--send-cost", "30"
    ).output
    assert (
        "fees at 30 minor units an attempt, which is an assumption: --send-cost takes another"
        in text
    )
    assert "  funds                    Insufficient funds" in text
    assert re.search(r"funds .* days (later|earlier)", text)
    assert re.search(r"the difference to ± [0-9.]+ points", text)


def test_without_numpy_models_are_not_asked_and_the_rest_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "recoup.engine.learn.history_models", None)
    text = run(written(tmp_path / "h.csv", history()[:1500]), "--policy", "retry-1").output
    assert "models      are not asked: the Python package numpy is not installed here" in text


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (
            lambda: [row for row in history() if row["state"] == "approved"],
            "The file holds only successes",
        ),
        (lambda: history(days=1), "cut by its edges"),
        (lambda: history()[:30], "are needed"),
        (
            lambda: history(begin=datetime(2150, 1, 1, tzinfo=UTC)),
            "No attempt of a card stands in the file",
        ),
        (lambda: history(rescued=0.0), "There are 0 rescued payments; 50 are needed."),
        (
            lambda: [
                row | {"state": "unknown"} if row["ref"].endswith("3") else row for row in history()
            ],
            "it is not known whether a later attempt was approved",
        ),
    ],
    ids=["successes", "a day", "too few", "the future", "nothing rescued", "unknown"],
)
def test_what_is_missing_is_said(tmp_path: Path, rows: Any, words: str) -> None:
    file = written(tmp_path / "history.csv", rows())
    result = run(file, "--policy", "retry-2")
    assert result.exit_code == 0, (result.output, result.exception)
    assert "not enough  to say anything:" in result.output
    assert words in result.output
    found = json.loads(run(file, "--policy", "retry-2", "--json").output)
    assert found["missing"]
    assert found["then"] is None


def test_hostile_text_is_text(tmp_path: Path) -> None:
    rows = [dict(row) for row in history()[:400]]
    for row in rows[:50]:
        row["customerId"], row["country"] = "=1+1", "\x1b[31m"
        row["schemeCode"] = "<script>"
    result = run(
        written(tmp_path / "h.csv", rows), "--policy", "retry-2", "--payments", tmp_path / "out.csv"
    )
    assert result.exit_code == 0, (result.output, result.exception)
    assert "\x1b" not in result.output
    assert ",=1+1" not in (tmp_path / "out.csv").read_text()


def test_a_file_of_one_customer_has_no_interval(tmp_path: Path) -> None:
    """Of a column that names everybody alike: how far customers differ is not known."""
    rows = [row | {"customerId": "everybody"} for row in history()]
    output = run(written(tmp_path / "one.csv", rows), "--policy", "retry-2").output
    assert (
        "The declined payments are of 1 customers; 20 are needed. Is it the right column?" in output
    )
    assert "rescued (of more" not in output
