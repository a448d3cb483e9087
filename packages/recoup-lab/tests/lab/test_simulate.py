"""The simulated month: seeds that hold, a hash that is the seed's alone, and bugs that do not get
through."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.databases import drop, empty
from tests.rings import drawn, proving
from tests.worlds import KEYRING

from recoup.db.server import ServerAddress
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.main.cli import cli
from recoup.orders.moves.change import Booked, Change
from recoup_lab.simulate.faults import Faults, faults_of
from recoup_lab.simulate.report import as_text
from recoup_lab.simulate.run import Simulated, simulate
from recoup_lab.simulate.sim import Plan

SOME = replace(Faults().times(2), crash=0.01)


def played(server: ServerAddress, plan: Plan) -> Simulated:
    async def story() -> Simulated:
        name = f"s_{uuid.uuid4().hex[:12]}"
        dsn = await empty(server, "world", name)
        try:
            return await simulate(dsn, KEYRING, plan)
        finally:
            await drop(server, name)

    return asyncio.run(story())


@pytest.mark.timeout(600)
@pytest.mark.prove("simulate")
@pytest.mark.parametrize("seed", [11, 12])
def test_a_month_with_faults_and_crashes_holds(server: ServerAddress, seed: int) -> None:
    days, orders = (8, 300) if proving == "simulate" else (6, 200)
    done = played(server, Plan(seed, days=days, orders=orders, faults=SOME))
    assert done.wrong is None, as_text(done)
    assert sum(done.stages.values()) == orders
    assert {"completed", "cancelled", "expired"} <= set(done.stages)
    assert len(done.deaths) > 5, "too few crashes"
    assert done.checks > 10
    assert done.counts.get("asked for the card") or done.counts.get("asked for the code"), (
        "no customer was asked"
    )
    for told in ("fault silent", "fault lost", "fault duplicate", "refund sent", "channel sweep"):
        assert done.faults.get(told), f"{told} did not happen"


@pytest.mark.prove("simulate")
@pytest.mark.timeout(600)
def test_the_same_seed_is_the_same_hash_at_any_speed(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan(21, days=4, merchants=2, orders=120, faults=SOME)
    first = played(server, plan)
    monkeypatch.setattr("recoup_lab.simulate.sim.AT_ONCE", 7)
    monkeypatch.setattr("recoup_lab.simulate.engine.TOGETHER", 3)
    monkeypatch.setattr("recoup_lab.simulate.engine.CONNECTIONS", 9)
    second = played(server, plan)
    assert (first.wrong, second.wrong) == (None, None)
    assert first.hash == second.hash
    assert first.deaths == second.deaths
    assert first.counts == second.counts
    assert played(server, replace(plan, seed=22)).hash != first.hash


# planted bugs
# --------------------------------------------------------------------------------------------------

Patch = Callable[[pytest.MonkeyPatch], None]


def _refund_twice(patch: pytest.MonkeyPatch) -> None:
    """The refund goes out under a new id each time."""
    import recoup.refunds.flows.send as send

    real: Callable[..., Awaitable[Any]] = send._settled

    async def settled(world: Any, processor: Any, order: Any, refund: Any) -> Any:
        if refund.kind == "refund":
            await processor.modify(replace(send.message_of(world, order, refund), id=new_id()))
        return await real(world, processor, order, refund)

    patch.setattr(send, "_settled", settled)


def _charge_blind(patch: pytest.MonkeyPatch) -> None:
    """No answer counts as proof that nothing was sent."""
    import recoup.rescue.flows.send as send

    patch.setattr(send, "_EVENTS", send._EVENTS | {"unknown": "not_sent"})


def _fee_off_by_one(patch: pytest.MonkeyPatch) -> None:
    import recoup.rescue.moves.close as closes

    real = closes.fee_units
    patch.setattr(
        closes, "fee_units", lambda units, tariff: real(units, tariff) and real(units, tariff) + 1
    )


def _lost_posting(patch: pytest.MonkeyPatch) -> None:
    """The fee is told in the log, and not booked."""
    real = Change._book

    def book(self: Change, row: Any, booked: Booked | None) -> None:
        if booked is not None:
            booked = booked._replace(
                postings=[one for one in booked.postings if one.recipe != "fee"]
            )
        real(self, row, booked)

    patch.setattr(Change, "_book", book)


def _no_reversal(patch: pytest.MonkeyPatch) -> None:
    """An approval that comes after the order was declined is only remembered."""
    patch.setattr("recoup.rescue.moves.close.reverse_late_approval", lambda *_: None)


def _refunds_past_the_remainder(patch: pytest.MonkeyPatch) -> None:
    """Refunds that come together do not see each other."""
    import recoup.refunds.flows.refund as refunds

    patch.setattr(refunds, "by_amount", lambda asked, remaining, cap=None: asked)


BUGS: dict[str, tuple[Patch, str]] = {
    "refund twice": (_refund_twice, "refund"),
    "charge blind": (_charge_blind, "charge"),
    "fee off by one": (_fee_off_by_one, "fee"),
    "lost posting": (_lost_posting, "posting fee"),
    "no reversal": (_no_reversal, "attempt"),
    "refunds past the remainder": (_refunds_past_the_remainder, "refund"),
}


@drawn("simulate", "bug", BUGS, 1)
def test_a_planted_bug_is_found(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, bug: str
) -> None:
    plant, word = BUGS[bug]
    plant(monkeypatch)
    done = played(
        server, Plan(31, days=4, merchants=2, orders=150, faults=faults_of("silent=0.4,late=0.1"))
    )
    assert done.wrong is not None, "it got through"
    assert word in done.wrong


# the verb
# --------------------------------------------------------------------------------------------------


@pytest.mark.prove("simulate")
def test_the_last_line_is_the_hash(tmp_path: Path) -> None:
    asked = [
        "simulate",
        "--days",
        "1",
        "--merchants",
        "1",
        "--orders",
        "20",
        "--data-dir",
        str(tmp_path),
    ]
    plain = CliRunner().invoke(cli, asked, catch_exceptions=False)
    assert plain.exit_code == 0, plain.output
    last = plain.stdout.splitlines()[-1]
    assert len(last) == 64
    told = json.loads(CliRunner().invoke(cli, [*asked, "--json"], catch_exceptions=False).stdout)
    assert told["hash"] == last
    assert told["wrong"] is None
    assert not list(tmp_path.glob("simulate-*")), "the throw-away database is gone"


def test_faults_are_named() -> None:
    assert faults_of("crash=0.02").crash == 0.02
    assert faults_of("crash=0.02").silent == 0
    for wrong in ("crsh=0.1", "crash", "crash=2", "crash=-1", "crash=x"):
        with pytest.raises(Problem, match="no fault"):
            faults_of(wrong)
