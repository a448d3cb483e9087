"""`recoup backtest` on the log of a simulation, and on the installation's own orders."""

import asyncio
import csv
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from lab.compare.logged import rows, written
from tests.here import Here, Work
from tests.uplift.flows.test_arms import MODEL
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.backtest.cli.backtest import backtest
from recoup.backtest.flows.backtest import backtest_policy, target_named
from recoup.backtest.rules.log_file import read_log
from recoup.backtest.rules.words import days_earlier
from recoup.db.server import ServerAddress
from recoup.engine.learn.choices import keep, take
from recoup.kernel.policy import Policy
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor
from recoup.kernel.services import Services
from recoup.merchants.cli import Opened
from recoup.networks.magic import script_card
from recoup.uplift.flows.arms import ArmsChange, set_arms

ORDERS, FEW = 800, 120
OWN_WAY = """
SELECT FROM orders o WHERE arm = $1 AND NOT EXISTS (
  SELECT FROM decisions d WHERE d.order_id = o.order_id
    AND d.taken <> d.alternatives -> 0 ->> 'name')
"""


def nowhere(_: Work) -> Any:
    raise AssertionError("a file needs no world")


def run(*words: object) -> Result:
    return CliRunner().invoke(backtest, [str(one) for one in words], obj=Here(nowhere))


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("log") / "decisions.jsonl", rows(ORDERS))


@pytest.fixture(scope="module")
def judged(log: Path) -> Any:
    """By the engine."""
    return json.loads(run(log, "--json").output)


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("log") / "short.jsonl", rows(FEW))


def test_a_log_says_what_the_engine_would_have_rescued_beside_what_was(judged: Any) -> None:
    found = judged
    assert found["basis"] == "propensities"
    assert found["orders"] == ORDERS, (
        "every declined order counts, also one about which nobody was asked"
    )
    assert found["missing"] == []
    low, value, high = (found["rescued"][name] for name in ("low", "value", "high"))
    assert low < value < high
    assert high - low < 0.1
    assert low <= found["then"]["value"] + 0.05
    assert found["difference"]["low"] < 0 < found["difference"]["high"], (
        "it is nearly what was done"
    )
    assert 0 < found["overlap"]["followed"] < 1
    assert found["overlap"]["unsupported"] <= 0.02
    assert sum(one["orders"] for one in found["groups"]["class"]) == ORDERS
    assert found["money"][0]["currency"] == "USD"


def test_what_a_new_card_brings_counts_neither_then_nor_under_the_policy(
    judged: Any, tmp_path: Path
) -> None:
    """No policy chose that send: it may come after a policy has stopped, and then only what was
    done would have it."""
    ends = {row["order"]: row for row in rows(ORDERS) if "order" in row}
    stopped = [row for row in ends.values() if row["answer"] is None][:300]
    bare = [{name: value for name, value in row.items() if name != "stored"} for row in stopped]
    renewed = [row | {"at": row["expiresAt"], "answer": "approved"} for row in bare]
    found = json.loads(
        run(written(tmp_path / "renewed.jsonl", [*rows(ORDERS), *renewed]), "--json").output
    )
    assert len(renewed) == 300
    assert found["orders"] == ORDERS
    assert (found["then"], found["rescued"]) == (judged["then"], judged["rescued"])


@pytest.mark.prove("engine")
def test_without_enough_that_went_the_policys_way_no_number_is_said(log: Path) -> None:
    result = run(log, "--policy", "retry-1")
    assert result.exit_code == 0, result.output
    assert "not enough to say what it would have rescued:" in result.output
    assert "customers; 200 are needed" in result.output
    assert "90 % interval" not in result.output
    assert json.loads(run(log, "--policy", "retry-1", "--json").output)["rescued"] is None


def test_each_payment_has_its_plan_and_why(short: Path, tmp_path: Path) -> None:
    file = tmp_path / "payments.csv"
    assert run(short, "--payments", file).exit_code == 0
    with file.open(encoding="utf-8", newline="") as content:
        found = list(csv.DictReader(content))
    assert len(found) == FEW
    planned = [one for one in found if one["verdict"] == "plan"]
    assert planned
    assert all(one["plan"] and one["why"] for one in planned)
    lines = tmp_path / "payments.jsonl"
    run(short, "--payments", lines, "--policy", "retry-2")
    assert len(lines.read_text().splitlines()) == FEW
    assert json.loads(lines.read_text().splitlines()[0]).keys() == set(found[0])


def test_a_log_without_what_decisions_were_made_from_is_refused(tmp_path: Path) -> None:
    bare = [
        {name: value for name, value in row.items() if name != "stored"}
        for row in rows(ORDERS)[1:200]
    ]
    result = run(written(tmp_path / "old.jsonl", bare))
    assert result.exit_code != 0
    assert "holds no decisions with what they were made from" in str(result.exception)


@pytest.mark.parametrize(
    "text", ["", "payer,order\n", "[]\n", "{}\n", '{"arm": 1, "level": 2}\n', "\x00\xff"]
)
def test_what_is_neither_log_nor_history_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "none.jsonl"
    file.write_text(text)
    result = run(file)
    assert isinstance(result.exception, Problem) or "not enough" in result.output


def test_lines_that_are_damaged_are_named_and_the_others_count(tmp_path: Path) -> None:
    good = [row for row in rows(FEW)]
    hostile = good[1] | {
        "order": "=cmd|'/c calc'!A1\u202e\x1b[31m",
        "payer": "x" * 10_000,
        "class": "\x07<script>",
    }
    file = written(tmp_path / "hostile.jsonl", [*good, hostile])
    with file.open("a") as more:
        more.write(json.dumps(good[1] | {"order": "o", "declinedAt": "yesterday"}) + "\nnot json\n")
    result = run(file, "--payments", tmp_path / "out.csv")
    assert result.exit_code == 0, result.output
    assert result.output.count("\nline ") == 2
    for hidden in ("\x1b", "\x07", "\u202e"):
        assert hidden not in result.output
    assert "\n=cmd" not in (tmp_path / "out.csv").read_text()


def test_a_play_is_chosen_by_its_name(tmp_path: Path) -> None:
    other = [row | {"arm": "engine/2"} for row in rows(FEW)]
    file = written(tmp_path / "two.jsonl", [*rows(FEW), *other])
    found = json.loads(run(file, "--json").output)
    assert found["play"] == "5/engine/1"
    assert found["plays"] == ["5/engine/1", "5/engine/2"]
    assert json.loads(run(file, "--play", "5/engine/2", "--json").output)["play"] == "5/engine/2"
    assert run(file, "--play", "5/engine/3").exit_code != 0


@pytest.mark.prove("engine")
def test_a_policy_of_a_file_is_asked_about(
    log: Path, judged: Any, short: Path, tmp_path: Path
) -> None:
    file = tmp_path / "policy.toml"
    file.write_text("[tries]\nall = 1\n")
    one = json.loads(run(log, "--policy", file, "--json").output)
    assert "within merchant/0" in one["policy"]
    assert one["missing"] == []
    assert one["sends"] <= 1.0 < judged["sends"]
    assert one["rescued"]["value"] < judged["rescued"]["value"], "with one try less is rescued"
    assert one["verdict"] == "worse"
    file.write_text("off = true\n")
    nothing = run(short, "--policy", file, "--payments", tmp_path / "p.jsonl")
    assert nothing.exit_code == 0, nothing.output
    assert all(
        json.loads(line)["plan"] == [] for line in (tmp_path / "p.jsonl").read_text().splitlines()
    )
    file.write_text("[tries]\nall = -3\nalll = 2\n")
    refused = run(log, "--policy", file).exception
    assert isinstance(refused, Problem)
    assert refused.field == "--policy"


def plans(file: Path, policy: Path, decider: str, share: int) -> list[Any]:
    policy.write_text(f"[engine]\nshare = {share}\n")
    lines = policy.with_name("payments.jsonl")
    assert run(file, "--policy", policy, "--decider", decider, "--payments", lines).exit_code == 0
    return [json.loads(line)["plan"] for line in lines.read_text().splitlines()]


@pytest.mark.prove("engine")
def test_a_policy_of_a_file_may_leave_customers_to_the_schedule(log: Path, tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    engines, schedules = plans(log, file, "engine", 100), plans(log, file, "retry-2", 0)
    assert plans(log, file, "engine", 0) == schedules
    half = plans(log, file, "engine", 50)
    assert all(
        plan in both for plan, both in zip(half, zip(engines, schedules, strict=True), strict=True)
    )
    differ = [place for place, plan in enumerate(engines) if plan != schedules[place]]
    assert 0.3 < sum(half[place] == schedules[place] for place in differ) / len(differ) < 0.7


def test_a_policy_that_is_none_is_named(log: Path) -> None:
    result = run(log, "--policy", "retry-99")
    assert "There is no policy retry-99" in str(result.exception)


def test_the_installations_own_orders_are_judged_by_their_stored_decisions(
    server: ServerAddress,
) -> None:
    async def story() -> None:
        async with sandbox_world(server, policy=Policy(call_timeout=timedelta(seconds=2))) as made:
            shop: Shop = await make_shop(*made)
            anna = Actor("operator", "anna")
            await keep(shop.world, MODEL, None, anna)
            await take(shop.world, MODEL.name, anna)
            await set_arms(
                shop.world, shop.scope, None, ArmsChange("share", share=50, holdout=50, explore=20)
            )
            shop.merchants.forget(shop.merchant_id)
            for who in range(24):
                await shop.admit(
                    pan=script_card("visa", "51", 1), email=f"payer-{who}@example.test"
                )
            await shop.run_due()
            engine = await target_named(shop.world, shop.merchant_id, "engine")
            before = (await backtest_policy(shop.world, shop.merchant_id, engine)).judgement
            assert (before.whole.orders, before.open) == (0, 24), (
                "windows that are open say nothing"
            )
            await shop.advance(timedelta(days=35))
            await shop.settle()
            for name, arm in (("engine", "engine"), ("retry-2", "holdout")):
                target = await target_named(shop.world, shop.merchant_id, name)
                found = await backtest_policy(shop.world, shop.merchant_id, target, plans=True)
                judgement, whole = found.judgement, found.judgement.whole
                assert (whole.orders, judgement.open, judgement.unread) == (24, 0, 0)
                rows = await shop.world.db.fetch("SELECT stage, arm FROM current_orders")
                assert whole.rescued_then == sum(row["stage"] == "completed" for row in rows) > 0
                assert whole.rescued is None, "24 orders are not enough, and no number is made up"
                assert {"rescued", "not_rescued", "weight"} <= {one.what for one in whole.missing}
                assert judgement.overlap.unsupported == 0.0, (
                    "each arm's decider does what is stored of it"
                )
                own = await shop.world.db.fetch(OWN_WAY, arm)
                assert round(24 * judgement.overlap.followed) >= len(own) > 0, (
                    "nothing was drawn, so it went its way"
                )
                assert all(
                    one.planned is not None and one.planned.verdict == "plan"
                    for one in found.orders
                )
            stranger = await make_shop(*made)
            theirs = await backtest_policy(shop.world, stranger.merchant_id, engine)
            assert theirs.judgement.whole.orders == 0

            def does(work: Work) -> Any:
                opened = Opened(made[0], Services(*made[1:]), Path(), "http://recoup.test")
                return asyncio.run_coroutine_threadsafe(
                    work(opened),  # type: ignore[arg-type]
                    loop,
                ).result()

            loop = asyncio.get_running_loop()
            words = ["--merchant", str(shop.merchant_id), "--policy", "retry-1"]
            result = await asyncio.to_thread(CliRunner().invoke, backtest, words, obj=Here(does))
            assert "orders      24 of 24 customers, whose window has closed" in result.output
            assert "not enough to say what it would have rescued:" in result.output

    asyncio.run(story())


@pytest.mark.prove("engine")
def test_of_too_many_orders_of_a_log_a_sample_of_payers_is_read(log: Path) -> None:
    with log.open("rb") as content:
        found = read_log(content, None, at_most=500)
    assert found.sampled_of == ORDERS
    assert 0 < len(found.orders) <= 500
    with log.open("rb") as content:
        again = read_log(content, None, at_most=500)
    assert [one.facts.order for one in again.orders] == [one.facts.order for one in found.orders], (
        "the seed is fixed"
    )
    payers = {one.facts.payer for one in found.orders}
    with log.open("rb") as content:
        every = read_log(content, None).orders
    assert {one.facts.order for one in every if one.facts.payer in payers} == {
        one.facts.order for one in found.orders
    }


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        ((-0.6,), "0.6 days later"),
        ((0.5,), "0.5 days earlier"),
        ((-22.9, -5.6), "5.6 to 22.9 days later"),
        ((1.0, 3.0), "1.0 to 3.0 days earlier"),
        ((-2.0, 3.0), "2.0 days later to 3.0 earlier"),
    ],
)
def test_days_are_told_without_a_sign(ends: tuple[float, ...], words: str) -> None:
    assert days_earlier(*ends) == words
