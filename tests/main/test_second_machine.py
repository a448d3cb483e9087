"""A database and its keys belong together: a second machine joins, and nobody who lacks the keys
makes others."""

import asyncio
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.databases import TEMPLATES, drop, empty

from recoup.db.server import ServerAddress
from recoup.desk.flows.exports import ExportQuery, ask_for_file, fetch, make_export, one_export
from recoup.desk.store.order_filter import OrderFilter
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.main.cli import _addresses, _bootstrap
from recoup.main.databases import Databases
from recoup.main.settings import Settings, load_settings
from recoup.main.worlds import open_sandbox
from recoup.networks.magic import script_card
from recoup.orders.store.due_work import Due
from recoup.outside.keys.files import change, load
from recoup.outside.keys.material import Key, Material, fresh, rotated
from recoup.rescue.flows.tokenize import CardGiven, Vault


class Machines:
    """One pair of databases, and machines that are pointed at it."""

    def __init__(self, server: ServerAddress, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.names = {kind: f"machines_{kind}_{uuid.uuid4().hex[:8]}" for kind in TEMPLATES}
        for kind, name in self.names.items():
            asyncio.run(empty(server, kind, name))
        people, sandbox = (server.dsn(self.names[kind]) for kind in ("people", "world"))
        self.databases = Databases(people, sandbox, None, None, "")

    def with_live(self) -> Databases:
        """The same with a live world beside them, once `prepare` has made it; dropped with the
        others."""
        name = self.names.setdefault("live", f"machines_live_{uuid.uuid4().hex[:8]}")
        return replace(
            self.databases, live=self.server.dsn(name), admin=self.server.dsn("postgres")
        )

    def settings(self, machine: str) -> Settings:
        return load_settings(
            data_dir=self.folder / machine,
            people_database_url=self.databases.people,
            sandbox_database_url=self.databases.sandbox,
        )

    def up(self, machine: str) -> dict[str, Any] | None:
        """What `recoup up` does before it serves."""
        return _bootstrap(self.settings(machine), self.databases, serving=True)

    def keys(self, machine: str) -> Path:
        return self.folder / machine / "keys"

    def sql(self, statement: str, *, people: bool = False) -> list[Any]:
        async def inside() -> list[Any]:
            connection = await asyncpg.connect(
                self.databases.people if people else self.databases.sandbox
            )
            try:
                return list(await connection.fetch(statement))
            finally:
                await connection.close()

        return asyncio.run(inside())


@pytest.fixture
def machines(server: ServerAddress, tmp_path: Path) -> Iterator[Machines]:
    made = Machines(server, tmp_path)
    yield made
    for name in made.names.values():
        asyncio.run(drop(server, name))


def test_a_second_machine_without_the_keys_is_told_what_to_bring(machines: Machines) -> None:
    """It made keys and a merchant of its own, and reset the passwords of the first."""
    machines.up("a")
    before = (
        machines.sql("SELECT * FROM users ORDER BY 1", people=True),
        machines.sql("SELECT * FROM merchants"),
    )
    with pytest.raises(Problem) as told:
        machines.up("b")
    assert str(machines.keys("b") / "keyring.json") in told.value.message
    assert "Restore keyring.json from the backup of the keys, or copy it" in told.value.sentence()
    assert not machines.keys("b").exists(), "no keys were made"
    after = (
        machines.sql("SELECT * FROM users ORDER BY 1", people=True),
        machines.sql("SELECT * FROM merchants"),
    )
    assert before == after


def test_with_the_keys_it_joins_and_resets_nothing(machines: Machines) -> None:
    machines.up("a")
    before = (
        machines.sql("SELECT * FROM users ORDER BY 1", people=True),
        machines.sql("SELECT * FROM api_keys"),
    )
    shutil.copytree(machines.keys("a"), machines.keys("b"))
    kept = machines.up("b")
    assert kept is None
    shown = _addresses(machines.settings("b"), kept)
    assert "the machine that set up this database" in shown
    assert "`recoup bootstrap` creates new credentials" in shown
    after = (
        machines.sql("SELECT * FROM users ORDER BY 1", people=True),
        machines.sql("SELECT * FROM api_keys"),
    )
    assert before == after

    made = _bootstrap(machines.settings("b"), machines.databases)  # by hand
    assert made is not None
    assert (
        made["mid"] == json.loads((machines.folder / "a" / "bootstrap.json").read_text())["mid"]
    ), "one merchant"
    assert machines.up("b") == made


def test_who_was_killed_at_the_first_start_begins_again(machines: Machines) -> None:
    machines.up("a")
    (machines.folder / "a" / "bootstrap.json").unlink()
    (machines.folder / "a" / "bootstrap.begun").touch()
    assert machines.up("a") is not None
    assert not (machines.folder / "a" / "bootstrap.begun").exists()


def test_a_lost_key_file_is_not_made_anew(machines: Machines) -> None:
    machines.up("a")
    shutil.rmtree(machines.keys("a"))
    with pytest.raises(Problem, match="written with keys that are not in"):
        machines.up("a")
    assert not machines.keys("a").exists()


def test_a_lost_key_file_is_not_made_anew_for_a_database_from_before(machines: Machines) -> None:
    """Which keeps no check values yet; its present keys are taken at its first start."""
    machines.up("a")
    for people in (False, True):
        machines.sql("DELETE FROM key_checks", people=people)
    shutil.move(machines.keys("a"), machines.keys("a").with_name("backup"))
    with pytest.raises(Problem, match="written with keys that are not in"):
        machines.up("a")
    shutil.move(machines.keys("a").with_name("backup"), machines.keys("a"))
    machines.up("a")
    assert len(machines.sql("SELECT * FROM key_checks")) == 6


@pytest.mark.parametrize("what", ["a sealed key", "a card"])
def test_a_database_without_check_values_knows_its_keys_by_what_they_sealed(
    machines: Machines, what: str
) -> None:
    """One from before, or a restored one, took any keys as its own; then nothing of it could be
    read."""
    machines.up("a")
    if what == "a card":
        asyncio.run(_store_card(machines))
        machines.sql("UPDATE merchants SET webhook_key = NULL, stablecoin_webhook_key = NULL")
    for people in (False, True):
        machines.sql("DELETE FROM key_checks", people=people)
    own = machines.keys("a").with_name("own")
    shutil.copytree(machines.keys("a"), own)
    change(machines.keys("a"), lambda _: fresh())
    with pytest.raises(Problem, match="lack some that this database was written with: "):
        machines.up("a")
    change(machines.keys("a"), lambda _: _under_the_ids_of(load(own)))
    with pytest.raises(Problem, match="are not those of this database"):
        machines.up("a")
    assert not machines.sql("SELECT * FROM key_checks"), "nothing was written"
    assert not machines.sql("SELECT * FROM key_checks", people=True)
    shutil.rmtree(machines.keys("a"))
    shutil.copytree(own, machines.keys("a"))
    machines.up("a")
    assert len(machines.sql("SELECT * FROM key_checks")) == 6


async def _store_card(machines: Machines) -> None:
    async with open_sandbox(machines.settings("a"), machines.databases) as running:
        given = CardGiven(uuid.uuid4(), uuid.uuid4(), script_card("visa", "51", 0), 9, 2031)
        await Vault(running.world).store(given)


def _under_the_ids_of(material: Material) -> Material:
    return Material(
        {
            purpose: tuple(Key(key.id, os.urandom(32)) for key in keys)
            for purpose, keys in material.keys.items()
        }
    )


def test_other_keys_are_refused(machines: Machines) -> None:
    machines.up("a")
    change(machines.keys("a"), lambda _: fresh())
    with pytest.raises(Problem, match="are not those of this database") as told:
        machines.up("a")
    assert "Restore keyring.json" in told.value.sentence()
    assert len(machines.sql("SELECT * FROM key_checks")) == 6


def test_an_older_copy_of_the_keys_is_refused_by_the_key_that_it_lacks(machines: Machines) -> None:
    machines.up("a")
    shutil.copytree(machines.keys("a"), machines.keys("old"))
    change(machines.keys("a"), rotated)
    machines.up("a")
    assert len(machines.sql("SELECT * FROM key_checks")) == 10
    shutil.rmtree(machines.keys("a"))
    shutil.copytree(machines.keys("old"), machines.keys("a"))
    with pytest.raises(
        Problem, match="lack some that this database was written with: card [0-9a-f]{16}, print"
    ):
        machines.up("a")


def test_the_check_values_give_no_key_away(machines: Machines) -> None:
    machines.up("a")
    text = (machines.keys("a") / "keyring.json").read_text()
    values = [row["value"] for row in machines.sql("SELECT value FROM key_checks")]
    assert len({bytes(value) for value in values}) == 6
    assert not [value for value in values if value.hex() in text]


def test_an_export_that_one_machine_made_is_downloaded_at_another(machines: Machines) -> None:
    machines.up("a")
    shutil.copytree(machines.keys("a"), machines.keys("b"))
    [merchant] = machines.sql("SELECT merchant_id FROM merchants LIMIT 1")
    merchant_id, user, key = merchant["merchant_id"], uuid.uuid4(), uuid.uuid4()
    scope = Scope(merchant_id, Actor("user", str(user)), "export")
    wanted = ExportQuery(OrderFilter(merchant_id), "placed", True, ("order_id",), "GMT")

    async def make() -> None:
        async with open_sandbox(machines.settings("a"), machines.databases) as running:
            asked = partial(ask_for_file, running.world, scope, user, key, wanted)
            await asked(form="csv", labels=[], file_name="a.csv")
            await make_export(running.world, Due(merchant_id, "export", key, 1))

    async def read() -> bytes:
        async with open_sandbox(machines.settings("b"), machines.databases) as running:
            row = await one_export(running.world, merchant_id, user, key)
            with pytest.raises(Problem, match="no such file"):
                await one_export(running.world, uuid.uuid4(), user, key)
            return b"".join([part async for part in await fetch(running.world, scope, row)])

    asyncio.run(make())
    assert asyncio.run(read()).decode("utf-8-sig").startswith("Order Id")
    assert not (machines.folder / "a" / "exports").exists()
