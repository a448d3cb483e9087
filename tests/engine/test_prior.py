"""The model of an installation without attempts of its own."""

import asyncio
from datetime import UTC, date, datetime, timedelta

from tests.rings import each
from tests.worlds import sandbox_world

from recoup.db.server import ServerAddress
from recoup.engine.learn.choices import back, keep, take
from recoup.engine.learn.prior import prior_model, take_prior
from recoup.kernel.scope import Actor
from recoup.rescue.rules.model_standing import why_not

WHO = Actor("operator", "cli")


@each("until", [date(2026, 11, 26), date(2028, 2, 29)])
def test_it_is_moved_to_the_day_of_its_installation(until: date) -> None:
    model = prior_model(until)
    noon = datetime(until.year, until.month, until.day, 12, tzinfo=UTC)
    assert model.learned.data_until == until.isoformat()
    whys = [why_not(model.learned, noon + timedelta(days=days)) for days in (-90, 0, 89, 92)]
    assert whys == [None, None, None, "model_stale"]
    assert model.name == prior_model(until).name != prior_model(until + timedelta(days=1)).name


def test_it_says_what_it_was_made_from_and_names_no_issuer() -> None:
    learned = prior_model(date(2026, 11, 26)).learned
    assert "simulated" in learned.made_from
    assert learned.issuers == {}
    assert learned.regression is not None
    assert learned.regression.issuers == ()
    assert learned.rest >= 20.0


def test_it_is_taken_where_no_model_was_ever_chosen(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, _, _):
            name = await take_prior(world, WHO)
            assert name is not None
            await world.models.ready()
            taken = world.models.current(world.clocks.wall())
            assert taken is not None
            assert taken.name == name
            assert await take_prior(world, WHO) is None
            older = prior_model(world.clocks.wall().date() - timedelta(days=80))
            await keep(world, older, None, WHO)
            await take(world, older.name, WHO)
            assert await take_prior(world, WHO, older.to_json()) is None
            assert await take_prior(world, WHO) == name, "an older one is taken anew"
            while await back(world, WHO) is not None:
                pass
            assert await take_prior(world, WHO) is None, "who went back from it wanted none"
            await take(world, name, WHO)

    asyncio.run(story())
