"""What an operator reads who upgrades: what stops Recoup, for how long, and the way back."""

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.databases import drop, empty

from recoup.db import migrate as migrating
from recoup.db.migrate import Migration, migrations_of
from recoup.db.server import ServerAddress
from recoup.db.upgrade import BYTES_A_SECOND, START_SECONDS, Step, stop_seconds
from recoup.kernel.problem import Problem
from recoup.main import schema_verb
from recoup.main.cli import cli
from recoup.main.databases import Databases, prepare, upgrade_steps

ADDS = Migration(8_001, "8001_adds.sql", "-- beside\nALTER TABLE orders ADD nick text;")
STOPS = Migration(
    8_002, "8002_stops.sql", "UPDATE world SET epoch = epoch; ALTER TABLE orders DROP nick;"
)


@dataclass
class Installation:
    """Three databases as the release before left them."""

    databases: Databases
    folder: Path
    monkeypatch: pytest.MonkeyPatch

    def brings(self, *migrations: Migration) -> None:
        """The next release, which has these too."""
        before = migrations_of("world")
        both = {"people": migrations_of("people"), "world": [*before, *migrations]}
        self.monkeypatch.setattr(migrating, "migrations_of", both.__getitem__)

    def apply(self, *words: str) -> tuple[int, str]:
        ran = CliRunner().invoke(cli, ["schema", "apply", "--data-dir", str(self.folder), *words])
        said = ran.exception.sentence() if isinstance(ran.exception, Problem) else ""
        return ran.exit_code, ran.output + said


@pytest.fixture
def live(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    names = {kind: f"u_{uuid.uuid4().hex[:12]}" for kind in ("people", "world", "live")}
    dsns = {kind: asyncio.run(empty(server, kind, name)) for kind, name in names.items()}
    databases = Databases(dsns["people"], dsns["world"], None, None, dsns["live"])
    for name, dsn in (
        ("PEOPLE", databases.people),
        ("SANDBOX", databases.sandbox),
        ("LIVE", databases.live),
    ):
        monkeypatch.setenv(f"RECOUP_{name}_DATABASE_URL", dsn)
    yield Installation(databases, tmp_path, monkeypatch)
    for name in names.values():
        asyncio.run(drop(server, name))


def test_an_upgrade_that_stops_a_live_installation_wants_a_copy_of_the_last_hour(
    live: Installation,
) -> None:
    """A new release migrated as soon as any verb of it ran, and there was no way back."""
    live.brings(ADDS, STOPS)
    with pytest.raises(
        Problem, match="need an upgrade: sandbox  8002_stops.sql: stops Recoup"
    ) as refused:
        asyncio.run(prepare(live.databases))
    assert "recoup schema apply" in refused.value.sentence()
    code, said = live.apply()
    assert code == 1
    assert "sandbox  8001_adds.sql: only adds: the former release may go on beside it\n" in said
    assert "live     8002_stops.sql: stops Recoup\n" in said
    assert f"stands still for about {START_SECONDS} s. The way back is the copy." in said
    assert "No copy of the databases is known." in said
    live.monkeypatch.setattr(schema_verb, "age_seconds", lambda *_: 3 * 3600.0)
    assert "The last copy is 3.0 hours old." in live.apply()[1]
    assert [step.migration for step in asyncio.run(_missing(live))] == [ADDS, STOPS] * 2
    assert live.apply("--copy-made-by-me")[0] == 0
    assert live.apply() == (0, "The schema is up to date.\n")
    asyncio.run(prepare(live.databases))


def test_what_only_adds_is_applied_at_any_start_and_its_way_back_is_the_former_release(
    live: Installation,
) -> None:
    live.brings(ADDS)
    code, said = live.apply()
    assert code == 0
    assert said.endswith(
        "Nothing stops. The way back is the former release.\nThe schema is up to date.\n"
    )
    live.monkeypatch.undo()
    asyncio.run(prepare(live.databases))  # as the former release starts
    assert "8001" not in "".join(one.name for one in migrations_of("world"))


def test_a_copy_of_the_last_minutes_is_enough(live: Installation) -> None:
    live.brings(replace(STOPS, sql="UPDATE world SET epoch = epoch;"))
    live.monkeypatch.setattr(schema_verb, "age_seconds", lambda *_: 3000.0)
    assert live.apply()[0] == 0


async def _missing(live: Installation) -> list[Step]:
    return await upgrade_steps(live.databases, ("people", "sandbox", "live"))


def test_the_stop_follows_from_what_is_read() -> None:
    steps = [Step("live", STOPS, 30 * BYTES_A_SECOND), Step("live", ADDS, 99 * BYTES_A_SECOND)]
    assert stop_seconds(steps) == START_SECONDS + 30
    assert (
        steps[0].sentence() == "live     8002_stops.sql: stops Recoup: 1.2 GB are read, about 30 s"
    )
