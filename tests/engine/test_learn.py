"""`recoup learn`: from what payments became to the model that decides, or to the reason why there
is none."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from tests.engine.ground import model
from tests.order_history import lived, payments, transmit
from tests.worlds import FUNDS_CARD, Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.engine.learn import gather as gathering
from recoup.engine.learn import held_out
from recoup.engine.learn import learn as learning
from recoup.engine.learn.choices import keep, listed, take
from recoup.engine.learn.gather import gather
from recoup.engine.learn.held_out import by_model, by_plain_rates, hold_out, scored, try_out
from recoup.engine.learn.learn import Training, learn
from recoup.engine.learn.prior import take_prior
from recoup.engine.learn.train import train
from recoup.engine.trial import PLAIN_RATES
from recoup.insight.store import past
from recoup.kernel.ids import new_id
from recoup.kernel.scope import Actor
from recoup.kernel.time import WallTime
from recoup.networks.magic import script_card
from recoup.rescue.rules.answer_classes import APPROVED, FUNDS

ANNA = Actor("operator", "anna")
YEAR = timedelta(days=366)


def run(server: ServerAddress, story: Callable[[Shop], Awaitable[None]]) -> None:
    async def inside() -> None:
        async with sandbox_world(server) as made:
            await story(await make_shop(*made))

    asyncio.run(inside())


async def learned(shop: Shop, **more: Any) -> Training:
    return await learn(shop.world, ANNA, months=12, **more)


async def gathered(shop: Shop) -> gathering.Gathered:
    found = await gather(shop.world, WallTime(shop.world.clocks.wall() - YEAR))
    assert found is not None
    return found


def test_a_model_that_is_better_on_held_out_time_is_taken(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await lived(shop)
        tried = await learned(shop, dry_run=True)
        assert tried.trial is not None
        assert (tried.taken, tried.trial.verdict, tried.trial.compared_with) == (
            False,
            "better",
            PLAIN_RATES,
        )
        assert (await listed(shop.world))[0] == [], "a dry run stores nothing"
        done = await learned(shop)
        assert done == replace(tried, kept=True, taken=True), (
            "the same attempts, the same model and score"
        )
        assert done.model is not None
        assert done.trial is not None
        assert str(done.trial.held_from.date()) > done.model.learned.data_until, (
            "it has not seen what it is judged by"
        )
        (row,), taken = await listed(shop.world)
        assert (row.name, row.state, row.score) == (taken, "taken", done.trial.score)
        assert row.sha256.startswith(row.name.removeprefix("model-"))
        again = await learned(shop)
        assert (again.taken, again.kept) == (False, False)
        assert "already exists" in again.note

    run(server, story)


@pytest.mark.prove("engine")
def test_the_model_of_simulated_worlds_gives_way_to_a_better_one_of_own_attempts(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        await lived(shop)
        prior = await take_prior(shop.world, ANNA)
        done = await learned(shop, candidate=True)
        assert done.trial is not None
        assert (done.trial.compared_with, done.trial.verdict, done.taken) == (prior, "better", True)
        assert not (await learned(shop, candidate=True)).taken

    run(server, story)


def test_a_choice_that_is_made_during_a_training_stands(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop) -> None:
        await lived(shop)
        assert await keep(shop.world, model(), None, ANNA)
        while_training = learning.run_stoppable

        async def meanwhile(*given: Any) -> Training:
            await take(shop.world, model().name, ANNA)
            return await while_training(*given)

        monkeypatch.setattr(learning, "run_stoppable", meanwhile)
        done = await learned(shop)
        assert (done.kept, done.taken, done.note) == (True, False, learning.SINCE)
        assert (await listed(shop.world))[1] == model().name

    run(server, story)


def test_a_model_that_is_no_better_is_not_taken(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await lived(shop, shuffled=True)
        done = await learned(shop)
        assert done.trial is not None
        assert (done.trial.verdict, done.taken, done.kept) == ("not_better", False, False)
        assert done.trial.score > done.trial.compared_score - done.trial.score_error
        assert (await listed(shop.world))[0] == []
        assert (await learned(shop, keep_it=True)).kept
        assert [row.state for row in (await listed(shop.world))[0]] == ["candidate"]

    run(server, story)


@pytest.mark.prove("engine")
def test_one_merchants_invented_payments_bring_no_model_that_decides_for_all(
    server: ServerAddress,
) -> None:
    """Some thousand transmissions of one merchant were most of what a model was trained on and
    judged by."""

    async def story(shop: Shop) -> None:
        await lived(shop, payers=600)
        tried = await learned(shop, dry_run=True)
        assert tried.trial.verdict == "better"  # type: ignore[union-attr]
        other = new_id()
        await _another_merchant(shop, other)
        await transmit(shop.world, payments(other, 2, 300, shuffled=True))
        done = await learned(shop)
        assert done.trial is not None
        assert (done.trial.verdict, done.taken) == ("not_better", False)
        assert f"It is better only with the attempts of merchant {shop.merchant_id};" in done.note

    run(server, story)


@pytest.mark.prove("engine")
def test_whoever_invents_payments_steers_no_training_beside_a_larger_merchant(
    server: ServerAddress,
) -> None:
    """A model had to be better without the largest merchant; the second largest invented what made
    it better."""

    async def story(shop: Shop) -> None:
        inventor, small = new_id(), new_id()
        await lived(shop, seed=3, payers=600, shuffled=True)
        for merchant_id in (inventor, small):
            await _another_merchant(shop, merchant_id)
        await transmit(shop.world, payments(inventor, 4, 300, invented=True))
        await transmit(shop.world, payments(small, 5, 150, shuffled=True))
        done = await learned(shop)
        assert done.trial is not None
        assert (done.trial.verdict, done.taken) == ("not_better", False)
        assert f"only with the attempts of merchant {inventor};" in done.note

    run(server, story)


@pytest.mark.prove("engine")
def test_whoever_keeps_all_models_from_being_taken_is_named(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await lived(shop, payers=150)
        await _another_merchant(shop, inventor := new_id())
        await transmit(shop.world, payments(inventor, 2, 1_000, shuffled=True))
        done = await learned(shop)
        assert not done.taken
        assert done.note == f"It would be better without the attempts of merchant {inventor}."

    run(server, story)


@pytest.mark.prove("engine")
def test_a_model_that_is_better_for_each_of_several_merchants_is_taken(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        await lived(shop, payers=200)
        for seed in (2, 3):
            await _another_merchant(shop, other := new_id())
            await transmit(shop.world, payments(other, seed, 150))
        done = await learned(shop)
        assert (done.taken, done.note) == (True, "")

    run(server, story)


def test_a_clock_that_one_merchant_moved_ahead_ends_nobodys_training(server: ServerAddress) -> None:
    """The time that is held out lay where only that sandbox merchant had been: too little for every
    training."""

    async def story(shop: Shop) -> None:
        await lived(shop)
        mover = await make_shop(shop.world, shop.orders, shop.deliveries)
        await mover.advance(timedelta(days=300))
        await mover.admit(pan=FUNDS_CARD)
        await mover.advance(timedelta(days=20))
        done = await learned(shop)
        assert done.missing == ()
        assert done.taken
        assert done.model is not None
        assert done.trial is not None
        assert done.trial.held_from < shop.world.clocks.wall()

    run(server, story)


@pytest.mark.prove("engine")
def test_a_flood_of_one_merchant_leaves_the_others_customers_in(server: ServerAddress) -> None:
    """Every second customer of all was left out again and again, until the others had too few to
    judge by."""

    async def story(shop: Shop) -> None:
        other = new_id()
        await _another_merchant(shop, other)
        await lived(shop, payers=300)
        few = payments(other, 2, 10)
        await transmit(shop.world, few)
        since = WallTime(shop.world.clocks.wall() - YEAR)
        found = await gather(shop.world, since, at_most=500)
        assert found is not None
        of_other = found.attempts.owner == found.owners.index(f"merchant {other}")
        assert len(found.attempts) <= 500
        assert int(of_other.sum()) == len(few)

    run(server, story)


def test_a_merchant_with_one_customer_for_all_its_guests_is_told_what_is_missing(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No try could be judged, so far back was its payment: the training divided by nothing and
    failed."""
    monkeypatch.setattr(held_out, "ROWS_BEFORE", 4)

    async def story(shop: Shop) -> None:
        rows, guest = payments(shop.merchant_id, 1, 600), new_id()
        await transmit(shop.world, [row | {"payer_id": guest} for row in rows])
        done = await learned(shop)
        assert done.model is None
        assert any("repeated attempts in the held-out time" in one for one in done.missing), (
            done.missing
        )

    run(server, story)


@pytest.mark.prove("engine")
def test_it_is_compared_with_what_decides_today(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await lived(shop)
        worse = model()
        await keep(shop.world, worse, None, ANNA)
        await take(shop.world, worse.name, ANNA)
        done = await learned(shop)
        assert done.trial is not None
        assert (done.trial.compared_with, done.taken) == (worse.name, True)
        await take(shop.world, worse.name, ANNA)
        async with owner(shop.world) as connection:
            await connection.execute("UPDATE models SET content = '{}' WHERE name = $1", worse.name)
        found = await learned(shop, dry_run=True)
        assert found.trial is not None
        assert found.trial.compared_with == PLAIN_RATES
        assert f"{worse.name}, with which it would be compared, is damaged" in found.note

    run(server, story)


@pytest.mark.parametrize(
    ("payers", "words"),
    [
        (0, "500 more repeated attempts before the held-out time (0 of 500)."),
        (30, "more repeated attempts in the held-out time"),
    ],
)
def test_too_little_is_said_with_what_is_missing(
    server: ServerAddress, payers: int, words: str
) -> None:
    async def story(shop: Shop) -> None:
        if payers:
            await lived(shop, payers=payers)
        done = await learned(shop)
        assert (done.model, done.trial, done.taken) == (None, None, False)
        assert any(words in one for one in done.missing), done.missing
        assert (await listed(shop.world))[0] == []

    run(server, story)


@pytest.mark.prove("engine")
def test_of_more_than_fits_in_memory_customers_are_left_out(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop) -> None:
        await lived(shop, payers=20)
        monkeypatch.setattr(gathering, "ATTEMPTS_MAX", 50)
        done = await learned(shop)
        assert 0 < done.attempts <= 50

    run(server, story)


def test_orders_their_tries_and_transmissions_are_read_as_the_engine_is_asked(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "ORDERS_MAX", 2)
    monkeypatch.setattr(past, "TRANSMISSIONS_MAX", 2)

    async def story(shop: Shop) -> None:
        rescued = await shop.admit(
            external_id="RESCUED",
            pan=script_card("visa", "51", 1),
            email="ana@example.test",
            facts={"zone": {"minutes": -300, "told": True}},
        )
        for number in range(3):
            await shop.admit(external_id=f"OPEN-{number}", pan=FUNDS_CARD)
        await shop.advance(timedelta(days=20))
        who = {"external_id": "", "email": "ana@example.test", "phone": "", "name": ""}
        await shop.transmitted("RESCUED", declined=True, transaction_id="another", payer=who)
        await shop.transmitted("OWN", declined=True, payer=who)
        await shop.transmitted("OWN", declined=False, payer=who)
        tried = await shop.value(
            "SELECT count(*) FROM attempts WHERE state IN ('approved', 'declined') AND sent_at IS "
            "NOT NULL"
        )
        found = (await gathered(shop)).attempts
        assert len(found) == 4 + tried + 3
        sent = await shop.value(
            "SELECT count(*) FROM attempts WHERE order_id = $1 AND state <> 'planned'", rescued
        )
        ana = found.payer[int(np.flatnonzero(found.zone)[0])]  # she alone has told her zone
        rows = np.flatnonzero(found.payer == ana)
        assert len(rows) == 1 + sent + 1 + 2, (
            "her order, its tries, the merchant's own attempt, and another payment"
        )
        assert found.answer[rows].tolist().count(APPROVED) == 2
        assert found.tries[rows].tolist() == [*range(sent + 1), 0, 0, 1], (
            "after the approval another payment begins"
        )
        assert {found.keys[key] for key in found.key[rows]} == {"00", "51"}
        assert set(found.offset[rows][: sent + 1]) == {-5.0}
        assert (np.diff(found.at[rows]) >= 0).all()

    run(server, story)


def test_a_copy_of_the_payment_that_came_in_is_not_counted_twice(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        asked = await shop.declined(external_id="TWICE", pan=FUNDS_CARD)
        await shop.evaluate.evaluate(shop.scope, asked)
        await shop.transmitted("TWICE", declined=True, transaction_id=asked.transaction_id)
        await shop.transmitted("TWICE", declined=True)  # told with another id, at the same minute
        assert len((await gathered(shop)).attempts) == 1

    run(server, story)


def test_a_payment_dated_in_the_far_future_does_not_end_training_for_all(
    server: ServerAddress,
) -> None:
    """One transmission of 2200, and the time that is held out lay there: every training after it
    found too little."""

    async def story(shop: Shop) -> None:
        far = datetime(2200, 12, 31, tzinfo=UTC)
        await shop.transmitted("FAR", declined=True, transacted_at=far)
        await shop.transmitted("FAR", declined=False, transacted_at=far)
        latest = float((await gathered(shop)).attempts.at.max())
        now = (await shop.now()).timestamp() / 3600
        assert now - 1 <= latest <= now

    run(server, story)


def test_an_issuer_of_few_merchants_gets_no_line_among_many(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        other = [new_id() for _ in range(4)]
        for number, merchant_id in enumerate((shop.merchant_id, *other)):
            await transmit(shop.world, payments(merchant_id, number, 8, bin_="400011"))
            await transmit(shop.world, payments(merchant_id, 10 + number, 8, bin_=f"40002{number}"))
        alone = await gathered(shop)
        assert {
            name for name, has in zip(alone.attempts.issuers, alone.lines, strict=True) if has
        } == {
            "400011",
            "400020",
        }
        for merchant_id in other:
            await _another_merchant(shop, merchant_id)
        among = await gathered(shop)
        assert among.merchants == 5
        assert {
            name for name, has in zip(among.attempts.issuers, among.lines, strict=True) if has
        } == {"400011"}
        made = train(among.attempts, "a test", among.lines)
        assert set(made.learned.issuers) == {"400011"}
        async with owner(shop.world) as connection:
            await connection.execute(
                "UPDATE merchants SET partner_id = $1 WHERE merchant_id <> $2",
                new_id(),
                shop.merchant_id,
            )
        assert not (await gathered(shop)).lines.any(), "a partner's merchants have one owner"

    run(server, story)


def test_invented_issuers_do_not_take_all_memory(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred thousand of them made training take a minute and 700 MB; a million ended it for
    everybody."""
    monkeypatch.setattr(gathering, "ISSUERS_MAX", 3)

    async def story(shop: Shop) -> None:
        await _another_merchant(shop, other := new_id())
        await transmit(shop.world, payments(shop.merchant_id, 1, 3, bin_="400011"))
        await transmit(shop.world, payments(other, 2, 3, bin_="400011"))
        for number in range(8):
            await transmit(
                shop.world, payments(other, 3 + number, 4 + number, bin_=f"40002{number}")
            )
        found = (await gathered(shop)).attempts
        assert found.issuers == ("", "400011", "400026", "400027")
        assert np.count_nonzero(found.issuer == 0) > np.count_nonzero(found.issuer == 1)

    run(server, story)


async def _another_merchant(shop: Shop, merchant_id: UUID) -> None:
    async with owner(shop.world) as connection:
        names = await connection.fetchval(
            "SELECT string_agg(column_name, ', ') FROM information_schema.columns WHERE table_name "
            "= 'merchants'"
            " AND column_name <> 'merchant_id' AND is_generated = 'NEVER'"
        )
        await connection.execute(
            f"INSERT INTO merchants (merchant_id, {names}) SELECT $1, {names} FROM merchants LIMIT "
            f"1",
            merchant_id,
        )


def test_held_out_tries_know_nothing_of_what_came_later(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await lived(shop, payers=60)
        held = hold_out((await gathered(shop)).attempts)
        days = (held.attempts.at.max() - held.at) / 24
        assert 28 <= days < 29
        assert held.before.at.max() < held.at
        found = list(scored(held))
        assert len(found) == len(held.tries)
        for one in found:
            looks = [one.facts.first, *one.facts.tries, *one.facts.looks]
            assert all(look.at.timestamp() / 3600 <= one.at for look in looks)
            assert one.before == FUNDS
            assert one.tries == len(one.facts.tries) + 1
        rates = by_plain_rates(held.before)
        trial = try_out(held.at, found, rates, PLAIN_RATES, rates).trial
        assert (trial.score, trial.verdict) == (trial.compared_score, "not_better")
        assert 0.0 < by_model(model())(found[0]) < 1.0

    run(server, story)
