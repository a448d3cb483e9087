"""A PostgreSQL server where nobody of ours is an administrator, as hosting companies have them."""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner

from recoup.db.pool import Database
from recoup.db.roles import ADMINISTRATORS_SQL
from recoup.db.server import EmbeddedServer, ServerAddress
from recoup.kernel.problem import Problem
from recoup.kit.upkeep import upkeep
from recoup.main.chosen_world import bootstrap_once
from recoup.main.cli import cli
from recoup.main.databases import find_databases, prepare
from recoup.main.settings import Settings, load_settings
from recoup.main.worlds import open_sandbox

MANAGER = "CREATE ROLE manager LOGIN CREATEROLE CREATEDB"


@dataclass
class Server:
    """`address` is an administrator's."""

    address: ServerAddress
    folder: Path

    def administrator(self, *statements: str, database: str = "postgres") -> None:
        async def work() -> None:
            connection = await asyncpg.connect(self.address.dsn(database))
            try:
                for sql in statements:
                    await connection.execute(sql)
            finally:
                await connection.close()

        asyncio.run(work())

    def settings(self, user: str, **more: Any) -> Settings:
        url = replace(self.address, user=user).dsn("postgres")
        return load_settings(data_dir=self.folder / "data", database_url=url, **more)


@pytest.fixture
def managed(tmp_path: Path) -> Iterator[Server]:
    server = EmbeddedServer(tmp_path / "server", durable=False)
    try:
        found = Server(server.start(), tmp_path)
        found.administrator(
            "ALTER ROLE ALL SET search_path = public"
        )  # it has not heard of our schemas
        yield found
    finally:
        server.stop()


def work_in_the_sandbox(settings: Settings) -> dict[str, Any]:
    async def work() -> dict[str, Any]:
        async with open_sandbox(settings, find_databases(settings)) as running:
            return await bootstrap_once(running)

    return asyncio.run(work())


def verb(settings: Settings, *words: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """Exit code and output of `recoup schema …`."""
    for name in ("database_url", "owner_database_user"):
        monkeypatch.setenv(f"RECOUP_{name.upper()}", getattr(settings, name))
    ran = CliRunner().invoke(cli, [*words, "--data-dir", str(settings.data_dir)])
    said = f"{ran.output}{ran.exception.sentence() if isinstance(ran.exception, Problem) else ''}"
    return (1 if ran.exception else 0), said


def two_log_ins(managed: Server) -> tuple[Settings, Settings]:
    """The application's settings alone, and those that name the owner too."""
    lines = [line.partition("--")[0].strip() for line in ADMINISTRATORS_SQL.splitlines()]
    managed.administrator(*filter(None, lines))
    return managed.settings("recoup_login"), managed.settings(
        "recoup_login", owner_database_user="recoup_owner"
    )


def test_one_log_in_that_may_make_roles_is_enough(
    managed: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    managed.administrator(MANAGER)
    settings = managed.settings("manager")
    asyncio.run(prepare(find_databases(settings)))
    assert work_in_the_sandbox(settings)["app_key"]
    assert verb(settings, "schema", "check", monkeypatch=monkeypatch)[0] == 0
    asyncio.run(prepare(find_databases(settings)))


def test_two_log_ins_share_the_work_and_the_applications_cannot_migrate(
    managed: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    application, with_owner = two_log_ins(managed)
    with pytest.raises(Problem, match="does not own") as refused:
        asyncio.run(prepare(find_databases(application)))
    assert "recoup schema apply" in refused.value.sentence()
    code, said = verb(with_owner, "schema", "check", monkeypatch=monkeypatch)
    assert code == 1
    assert "are missing" in said
    assert said.endswith("Run `recoup schema apply`. See docs/operate.md.")
    assert verb(with_owner, "schema", "apply", monkeypatch=monkeypatch)[0] == 0
    code, said = verb(with_owner, "schema", "check", monkeypatch=monkeypatch)
    assert code == 0, said
    # The doors need the application's log-in alone from here on.
    asyncio.run(prepare(find_databases(application)))
    assert work_in_the_sandbox(application)["app_key"]
    code, said = verb(application, "schema", "check", monkeypatch=monkeypatch)
    assert code == 1
    assert "Set owner_database_user" in said


def test_a_worker_without_the_owners_log_in_leaves_upkeep_to_one_that_has_it(
    managed: Server,
) -> None:
    application, with_owner = two_log_ins(managed)
    asyncio.run(prepare(find_databases(with_owner)))

    async def done(settings: Settings) -> int:
        async with open_sandbox(settings, find_databases(settings)) as running:
            await upkeep(running.world)
            return len(await running.world.db.fetch("SELECT task FROM upkeep"))

    assert asyncio.run(done(application)) == 0
    assert asyncio.run(done(with_owner)) == 1


def test_what_an_administrator_must_do_is_said_in_one_line(managed: Server) -> None:
    managed.administrator("CREATE ROLE plain LOGIN", "CREATE ROLE recoup_app NOLOGIN")
    for database in ("recoup_people", "recoup_sandbox"):
        managed.administrator(f"CREATE DATABASE {database} OWNER plain")
    with pytest.raises(Problem, match="cannot become recoup_app") as refused:
        asyncio.run(prepare(find_databases(managed.settings("plain"))))
    said = refused.value.sentence()
    assert "recoup schema sql" in said
    assert "\n" not in said
    managed.administrator("GRANT recoup_app TO plain")
    with pytest.raises(Problem, match="cannot become recoup_read") as refused:
        asyncio.run(prepare(find_databases(managed.settings("plain"))))
    assert "recoup schema sql" in refused.value.sentence()
    managed.administrator("CREATE ROLE recoup_read NOLOGIN", "GRANT recoup_read TO plain")
    asyncio.run(prepare(find_databases(managed.settings("plain"))))
    assert work_in_the_sandbox(managed.settings("plain"))["app_key"]


def test_a_connection_that_is_not_the_applications_does_no_work(managed: Server) -> None:
    """Whoever has more rights than the application could rewrite what was written."""
    managed.administrator(MANAGER)
    asyncio.run(prepare(find_databases(managed.settings("manager"))))
    managed.administrator("REVOKE recoup_app FROM manager GRANTED BY manager")
    dsn = find_databases(managed.settings("manager")).sandbox

    async def ask() -> None:
        db = await Database(dsn, size=1).open()
        try:
            await db.fetch("SELECT 1")
        finally:
            await db.close()

    with pytest.raises(Problem, match="cannot become recoup_app"):
        asyncio.run(ask())
    managed.administrator("ALTER ROLE recoup_app SUPERUSER")
    with pytest.raises(Problem, match="role"):
        asyncio.run(_as_administrator(managed))


async def _as_administrator(managed: Server) -> None:
    db = await Database(managed.address.dsn("recoup_sandbox"), size=1).open()
    try:
        await db.fetch("SELECT 1")
    finally:
        await db.close()


def test_passwords_of_the_owner_are_part_of_the_address_and_never_printed(tmp_path: Path) -> None:
    settings = load_settings(
        data_dir=tmp_path,
        database_url="postgresql://app:one@db.example:6432/x?sslmode=require",
        owner_database_user="the owner",
        owner_database_password="p@ss/word",
    )
    databases = find_databases(settings)
    assert (
        databases.sandbox == "postgresql://app:one@db.example:6432/recoup_sandbox?sslmode=require"
    )
    owned = databases.owned("sandbox")
    assert (
        owned
        == "postgresql://the%20owner:p%40ss%2Fword@db.example:6432/recoup_sandbox?sslmode=require"
    )
    os.environ["RECOUP_OWNER_DATABASE_PASSWORD"] = "p@ss/word"
    try:
        shown = CliRunner().invoke(cli, ["settings", "--data-dir", str(tmp_path)]).output
    finally:
        del os.environ["RECOUP_OWNER_DATABASE_PASSWORD"]
    assert "owner_database_password" in shown
    assert "p@ss" not in shown
