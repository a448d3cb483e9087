"""The schema of a release is kept for good: what is made by migrations and what `schema/` says
never differ."""

import asyncio
import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
from scripts.freeze import freeze
from tests.db.test_schema import fresh
from tests.rings import each
from tests.upgrade.additive import RULE, noticed
from tests.upgrade.same_schema import schema_text

import recoup
from recoup.db import migrate as migrating
from recoup.db.migrate import FIRST, FOLDER, RELEASED, Migration, migrate, migrations_of, schema_sql
from recoup.db.server import ServerAddress
from recoup.kernel.feature import Feature
from recoup.kernel.problem import Problem
from recoup.orders.rules.lifecycle import ANY, FACT, Fact

KINDS = ("people", "world")
OF_0_1_0 = Path(__file__).parent / "0.1.0"


def test_what_0_1_0_brought_is_never_touched() -> None:
    released = "## [0.1.0]" in (Path(recoup.__file__).parents[2] / "CHANGELOG.md").read_text()
    assert OF_0_1_0.exists() == released, (
        "`make freeze` belongs to the commit that writes 0.1.0 into CHANGELOG.md"
    )
    for kind in KINDS:
        folder = FOLDER / "migrations" / kind
        assert (folder / RELEASED).exists() == released
        if released:
            [line] = (OF_0_1_0 / f"{kind}.txt").read_text().splitlines()
            assert (
                line == f"{hashlib.sha256((folder / '0001_schema.sql').read_bytes()).hexdigest()}  "
                f"0001_schema.sql"
            )
            assert (folder / RELEASED).read_text().splitlines()[0] == line


@pytest.mark.parametrize("kind", KINDS)
def test_migrations_make_what_the_schemas_files_say(server: ServerAddress, kind: str) -> None:
    async def story() -> None:
        async with fresh(server) as upgraded, fresh(server) as made:
            await migrate(upgraded, kind)
            await migrate(
                made, kind, migrations=[Migration(1, "0001_schema.sql", schema_sql(kind))]
            )
            assert schema_text(upgraded) == schema_text(made), (
                "write a migration, or complete schema/"
            )
            connection = await asyncpg.connect(made)
            await connection.execute("ALTER TABLE key_checks ADD drifted text")
            await connection.close()
            assert schema_text(upgraded) != schema_text(made)

    asyncio.run(story())


def test_a_release_is_frozen_and_its_changed_file_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = migrations_of("world")
    store = shutil.copytree(FOLDER, tmp_path / "store")
    monkeypatch.setattr(migrating, "FOLDER", store)
    folder = store / "migrations/world"
    freeze(store)
    assert [one.checksum for one in migrations_of("world")] == [one.checksum for one in before]
    (store / "schema/world/02_upkeep.sql").write_text("CREATE TABLE another (n int);")
    assert [one.checksum for one in migrations_of("world")] == [one.checksum for one in before]
    number = 1 + max(one.number for one in before)
    (later := folder / f"{number:04}_later.sql").write_text(
        "-- beside\nCREATE TABLE later (n int);\n"
    )
    assert migrations_of("world")[-1].is_beside
    later.write_text("CREATE TABLE later (n bigint);\n")  # not released yet
    assert freeze(store) == [folder / RELEASED]
    assert freeze(store) == []
    for file in (later, folder / "0001_schema.sql"):
        text = file.read_text()
        file.write_text(text + "-- changed\n")
        with pytest.raises(
            Problem, match=f"{file.name} of world is not the text that was released"
        ):
            migrations_of("world")
        file.write_text(text)
    later.unlink()
    with pytest.raises(Problem, match="later.sql"):
        migrations_of("world")


@each("database", KINDS)
def test_what_says_beside_only_adds(database: str) -> None:
    for migration in migrations_of(database):
        if migration.is_beside and migration.key != FIRST:
            assert noticed(migration.sql) == [], f"{migration.name}: {RULE}"
            assert migration.is_concurrent == ("CONCURRENTLY" in migration.sql), migration.name


@each(
    "adds, sql",
    [
        (
            True,
            "CREATE TABLE t (n int PRIMARY KEY); CREATE UNIQUE INDEX i ON t (n); ALTER TABLE t ADD "
            "UNIQUE (n)",
        ),
        (
            True,
            "ALTER TABLE orders ADD n int, ADD COLUMN m text DEFAULT 'x'::text, ADD k bool DEFAULT "
            "false NULL",
        ),
        (
            True,
            "DROP INDEX CONCURRENTLY IF EXISTS i; CREATE INDEX CONCURRENTLY i ON orders (units)",
        ),
        (
            True,
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; GRANT SELECT ON t TO "
            "recoup_app",
        ),
        (
            False,
            "ALTER TABLE orders ADD n int NOT NULL DEFAULT 0",
        ),  # `INSERT … jsonb_populate_record` gives it null
        (False, "ALTER TABLE orders ADD n timestamptz DEFAULT clock_timestamp()"),
        (False, "ALTER TABLE orders ADD n int UNIQUE"),
        (False, "ALTER TABLE orders ADD n uuid REFERENCES merchants (merchant_id)"),
        (False, "ALTER TABLE orders ADD n int GENERATED ALWAYS AS (units * 2) STORED"),
        (False, "ALTER TABLE orders ADD n int, DROP COLUMN units"),
        (False, "ALTER TABLE orders ADD CHECK (units > 0) NOT VALID"),
        (False, "ALTER TABLE orders ALTER units TYPE numeric"),
        (False, "ALTER TABLE orders RENAME units TO cents"),
        (False, "CREATE INDEX i ON orders (units)"),
        (False, "CREATE UNIQUE INDEX CONCURRENTLY i ON orders (units)"),
        (False, "DROP INDEX i"),
        (False, "DROP TABLE orders"),
        (False, "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"),
        (False, "CREATE TRIGGER t BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION f()"),
        (False, "CREATE TABLE p PARTITION OF order_log DEFAULT"),
        (False, "REVOKE SELECT ON orders FROM recoup_app"),
        (False, "UPDATE orders SET units = 0"),
        (False, "DO $$ BEGIN DELETE FROM orders; END $$"),
        (False, "ALTER DOMAIN lifecycle_row DROP CONSTRAINT order_log_lifecycle"),
    ],
)
def test_what_the_former_release_would_notice_is_refused(adds: bool, sql: str) -> None:
    assert (noticed(sql) == []) is adds


def test_a_packages_feature_has_migrations_of_its_own(tmp_path: Path) -> None:
    acorn = Feature(name="acorn", folder=tmp_path, tables=("acorns",))
    (tmp_path / "schema.sql").write_text("CREATE TABLE acorns (n int);")
    assert [one.key for one in migrating.added_by(acorn)] == [("acorn", 1)]
    (tmp_path / "migrations").mkdir()
    for name in ("0001_first.sql", "0002_second.sql"):
        (tmp_path / "migrations" / name).write_text("CREATE TABLE t (n int);")
    assert [one.key for one in migrating.added_by(acorn)] == [("acorn", 1), ("acorn", 2)]
    with pytest.raises(Problem, match="brings seen_twice, without a dot"):
        migrating.added_by(
            replace(acorn, adds=(FACT(Fact("seen_twice", "note", ANY, None, None)),))
        )
