"""A database that was restored is quarantined: it is read, scheduled rescues are taken, and nothing
leaves."""

import asyncio
import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg
import httpx
import msgspec
import pytest
from tests.databases import clone, drop, empty
from tests.docs.running import clean_environment
from tests.door import listening
from tests.main.test_live import payment
from tests.main.test_without_vault import new_databases
from tests.rings import drawn, each

from recoup.db.server import ServerAddress
from recoup.db.server.cluster import cluster_folder
from recoup.desk.flows.persons import erase_all, find_all_by_name
from recoup.insight.flows.verify import verify
from recoup.kernel.private_files import write_whole
from recoup.kernel.scope import Actor, Scope
from recoup.main import recover, worlds
from recoup.main.app import make_app
from recoup.main.bootstrap import Bootstrap, bootstrap
from recoup.main.clock import work
from recoup.main.databases import Databases, prepare
from recoup.main.doctor_verb import look_at
from recoup.main.recover_verb import _recovered
from recoup.main.settings import Settings
from recoup.main.worlds import Running, open_sandbox
from recoup.merchants.flows import standing
from recoup.networks.allow_list import APPROVE_CARDS
from recoup.orders.flows.hosted_link import checkout_token
from recoup.outside import marks
from recoup.outside.marks import is_elsewhere, place_of_folder
from recoup.processors.gateways.kinds import SimulatedIssuer
from recoup.processors.gateways.port import Inquiry
from recoup.processors.gateways.sandbox.processor import SandboxProcessor

APPROVES = APPROVE_CARDS[0]


def _name(dsn: str) -> str:
    return urlsplit(dsn).path.lstrip("/")


async def still(server: ServerAddress, name: str, *, then: str) -> None:
    """Lets nobody in while `then` is done."""
    connection = await asyncpg.connect(server.dsn("postgres"))
    try:
        await connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        for _ in range(100):
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
            )
            if not await connection.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = $1", name
            ):
                break
            await asyncio.sleep(0.02)
        await connection.execute(then)
        await connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    finally:
        await connection.close()


class Installed:
    """Doors and a worker of a sandbox, on databases that can be copied
    and restored beneath them."""

    def __init__(
        self, server: ServerAddress, databases: Databases, settings: Settings, outside: str
    ) -> None:
        self.server, self.databases, self.settings, self.outside = (
            server,
            databases,
            settings,
            outside,
        )
        self.http: httpx.AsyncClient
        self.made: Bootstrap
        self.world: Any
        self.token = ""

    async def copy(self, dsn: str | None = None) -> str:
        name, copy = _name(dsn or self.databases.sandbox), f"copy_{uuid4().hex[:10]}"
        await still(
            self.server, name, then=f'CREATE DATABASE "{copy}" TEMPLATE "{name}" STRATEGY file_copy'
        )
        return copy

    async def restore(self, copy: str, dsn: str | None = None) -> None:
        name = _name(dsn or self.databases.sandbox)
        await drop(self.server, name)
        await clone(self.server, name, copy)

    async def charged(self) -> int:
        """How often the processor took money, by its book."""
        return int(
            await self.sql(
                "SELECT count(*) FROM issuer.sends WHERE decision = 'approved'", outside=True
            )
        )

    async def sql(self, statement: str, *, outside: bool = False) -> Any:
        connection = await asyncpg.connect(self.outside if outside else self.databases.sandbox)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    async def recover(self, who: str = "ana") -> Any:
        """The sandbox's part of what the verb prints; without `who` it only looks."""
        (found,) = await _recovered(self.settings, self.databases, who)
        return msgspec.to_builtins(found, enc_hook=str)

    async def verb(self, *options: str) -> str:
        """What `recoup recover` prints, as a process of its own."""
        made = await self.process("recover", *options)
        assert made.returncode == 0, made.stderr
        return str(made.stdout)

    async def process(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return await asyncio.to_thread(
            subprocess.run,
            [
                sys.executable,
                "-m",
                "recoup.main",
                *words,
                "--data-dir",
                str(self.settings.data_dir),
            ],
            env=clean_environment()
            | {
                "RECOUP_PEOPLE_DATABASE_URL": self.databases.people,
                "RECOUP_SANDBOX_DATABASE_URL": self.databases.sandbox,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    async def sign_in(self) -> None:
        keys = {"AppKey": self.made.app_key, "AppSecret": self.made.app_secret}
        self.token = (await self.http.post("/v1/oauth2/token", json=keys)).json()["accessToken"]

    def payment(self) -> dict[str, Any]:
        return payment(self.made.mid, self.made.site_id, APPROVES, is_mit=True, days=20)

    async def evaluate(
        self, given: dict[str, Any] | None = None, *, managed: bool = True
    ) -> httpx.Response:
        body = dict(given or self.payment())
        if not managed:
            body.pop("expiryDateUtc")
        return await self.call("POST", "/v1/evaluate", json=body)

    async def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        for _ in range(50):  # a door whose database is just away
            answer = await self.http.request(
                method, path, headers={"authorization": f"Bearer {self.token}"}, **more
            )
            if answer.status_code != 503 or "was restored" in answer.text:
                return answer
            await asyncio.sleep(0.1)
        return answer

    async def is_quarantined(self, *, no: bool = False) -> None:
        """Until the worker knows."""
        for _ in range(150):
            if self.world.standing.is_quarantined is not no:
                return
            await asyncio.sleep(0.1)
        raise AssertionError("it does not know")

    async def counted(self) -> None:
        """Until marks of this moment were kept."""
        beat = await self.sql("SELECT beat FROM world")
        await self.until(f"SELECT beat > {beat + 2} FROM world")

    async def until(self, what: str, *, seconds: float = 20) -> None:
        """Until this statement says true."""
        for _ in range(int(seconds * 10)):
            if await self.sql(what):
                return
            await asyncio.sleep(0.1)
        raise AssertionError(what)


def _by_keys(patch: pytest.MonkeyPatch) -> None:
    """Has the sandbox's processor know messages by their keys, as those outside do."""
    charge, inquire = SandboxProcessor.charge, SandboxProcessor.inquire
    patch.setattr(
        SandboxProcessor, "charge", lambda self, one: charge(self, replace(one, id=one.key))
    )
    patch.setattr(
        SandboxProcessor, "inquire", lambda self, one: inquire(self, replace(one, id=one.key))
    )
    patch.setattr(
        SandboxProcessor, "look_up", lambda self, one: inquire(self, Inquiry(one.message.key))
    )


@asynccontextmanager
async def installed(server: ServerAddress, folder: Path) -> AsyncIterator[Installed]:
    """Its processor keeps its book in a database of its own, which nobody restores."""
    databases, outside = (
        replace(await new_databases(server), live=""),
        await empty(server, "world", f"o_{uuid4().hex}"),
    )
    await prepare(databases)
    one = Installed(server, databases, Settings(data_dir=folder, connections=6), outside)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            worlds, "SimulatedIssuer", lambda _, mac_key: SimulatedIssuer(outside, mac_key)
        )
        _by_keys(patch)
        async with opened(one):
            yield one


@asynccontextmanager
async def opened(one: Installed) -> AsyncIterator[None]:
    databases = one.databases
    async with open_sandbox(one.settings, databases, "recoup-worker") as running:
        one.made, one.world = await bootstrap(running.world, one.settings.url), running.world
        async with running_doors(one, running):
            yield


@asynccontextmanager
async def running_doors(one: Installed, running: Running) -> AsyncIterator[None]:
    working = asyncio.create_task(work(running.world, running.orders, running.deliveries))
    try:
        async with listening(
            make_app(one.settings, one.databases),
            "on",
        ) as port:  # type: ignore[arg-type]
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
                one.http = http
                await one.sign_in()
                yield
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "EVERY_SECONDS", 0.3)
    monkeypatch.setattr(standing, "QUARANTINED_EVERY_SECONDS", 0.2)


@pytest.mark.prove("processes")
def test_a_restored_database_is_read_and_takes_managed_orders_and_nothing_leaves(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story() -> None:
        async with installed(server, tmp_path) as one:
            first = (await one.evaluate(managed=False)).json()
            assert first["status"] == "APPROVED", first
            copy = await one.copy()
            assert (await one.evaluate(managed=False)).status_code == 200
            await one.counted()
            await one.restore(copy)

            refused = await one.evaluate(managed=False)
            assert refused.status_code == 503, refused.text
            assert "was restored or has lost data" in refused.text
            assert "recoup recover" in refused.text
            assert refused.headers["retry-after"] == "60"
            taken = await one.evaluate()
            assert taken.status_code == 200, taken.text
            assert taken.json()["status"] == "SUBMITTED"
            assert (
                await one.call("GET", f"/v1/orders/{first['orderSessionKey']}")
            ).status_code == 200
            assert (
                await one.call("POST", f"/v1/orders/{first['orderSessionKey']}/refund", json={})
            ).status_code == 503
            ready = (await one.http.get("/readyz")).json()
            assert ready["ready"] is True
            assert ready["quarantine"] == ["sandbox"]
            assert 'recoup_quarantine{world="sandbox"} 1.0' in (await one.http.get("/metrics")).text
            attempts = await one.sql("SELECT count(*) FROM attempts")
            await asyncio.sleep(3)
            assert one.world.standing.is_quarantined, "the worker found it out, too"
            assert await one.sql("SELECT count(*) FROM attempts") == attempts, "nothing was sent"
            assert (
                await one.sql("SELECT count(*) FROM current_orders WHERE stage = 'received'") == 1
            )

    asyncio.run(story())


def test_after_recover_everything_goes_on_and_what_was_lost_is_named(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story() -> None:
        async with installed(server, tmp_path) as one:
            kept = (await one.evaluate(managed=False)).json()
            copy = await one.copy()
            given = one.payment()
            lost = (await one.evaluate(given, managed=False)).json()
            assert kept["status"] == lost["status"] == "APPROVED"
            await one.counted()
            await one.restore(copy)
            assert (await one.evaluate(managed=False)).status_code == 503
            waits = (await one.evaluate()).json()

            looked = await one.recover("")
            assert looked["quarantined"] is True
            assert looked["epoch"] == 1
            assert looked["lostFrom"] < looked["lostTo"]
            said = await one.verb("--look")
            assert "Nothing was changed." in said
            assert "Passwords and second factors that were changed" in said
            assert json.loads(await one.verb("--look", "--json"))[0]["quarantined"] is True
            assert (await one.evaluate(managed=False)).status_code == 503, "looking changes nothing"

            found = await one.recover()
            assert (found["begun"], found["quarantined"], found["epoch"]) == (True, False, 2)
            assert [(book["lines"], book["unknown"]) for book in found["books"]] == [(2, 1)], found
            for _ in range(50):
                if not one.world.standing.is_quarantined:
                    break
                await asyncio.sleep(0.1)
            assert one.world.standing.asks_first_until is not None
            await one.until(
                f"SELECT stage <> 'received' FROM current_orders WHERE order_id = "
                f"'{waits['orderSessionKey']}'"
            )
            charged = await one.charged()
            assert (
                'recoup_restored_unexplained{world="sandbox"} 1.0'
                in (await one.http.get("/metrics")).text
            )
            (said,) = [line async for line in look_at(one.world) if line.what == "restored"]
            assert (said.ok, said.finding[:11]) == (False, "1 movements"), (
                "people hear of it, until it is sent again"
            )
            again = (await one.evaluate(given, managed=False)).json()
            assert again["status"] == "APPROVED", again
            assert again["orderSessionKey"] != lost["orderSessionKey"], "its row was lost"
            assert await one.charged() == charged == 2, (
                "what is asked for first is not charged twice"
            )
            assert (await one.evaluate(managed=False)).json()["status"] == "APPROVED", (
                "others are charged"
            )
            assert await one.charged() == 3
            assert "quarantine" not in (await one.http.get("/readyz")).json()

            assert [line async for line in look_at(one.world) if line.what == "restored"] == []
            repeated = await one.recover()
            assert (repeated["begun"], repeated["epoch"], repeated["books"]) == (
                False,
                2,
                found["books"],
            )
            for table in (
                "sends",
                "reversals",
            ):  # whose book `verify` compares, where it is in the database
                await one.sql(f"DROP TABLE IF EXISTS issuer.{table} CASCADE")
            assert (await verify(one.world)).difference is None

            await one.restore(copy)
            assert (await one.evaluate(managed=False)).status_code == 503, (
                "the same copy again is older than the epoch"
            )
            assert (await one.recover())["epoch"] == 3

    asyncio.run(story())


@pytest.mark.prove("processes")
def test_the_people_database_is_told_from_its_copy_too(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story() -> None:
        async with installed(server, tmp_path) as one:
            people = one.databases.people
            copy = await one.copy(people)
            await one.counted()
            await one.restore(copy, people)
            await one.is_quarantined()
            assert "database of people was restored" in one.world.standing.reason
            found = await one.recover()
            assert (found["begun"], found["quarantined"]) == (True, False)
            await one.is_quarantined(no=True)
            assert one.world.standing.asks_first_until is None, (
                "the world's own database lost nothing"
            )

    asyncio.run(story())


def test_a_copied_data_folder_waits_until_somebody_says_which_goes_on(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story() -> None:
        cluster_folder(tmp_path).mkdir(parents=True)
        (cluster_folder(tmp_path) / "PG_VERSION").touch()
        (tmp_path / "socket").symlink_to(server.host)  # as of the embedded server
        mark = tmp_path / "standing/sandbox.json"
        async with installed(server, tmp_path) as one:
            await one.counted()
            kept = json.loads(mark.read_bytes())
            assert kept["place"] == place_of_folder(tmp_path)
            for _ in range(100):  # as it runs, it may just be writing its own
                mark.write_text(json.dumps(kept | {"place": " 4711"}))
                await asyncio.sleep(0.3)
                if one.world.standing.is_quarantined:
                    break
            await one.is_quarantined()
            before = await one.charged()
            refused = await one.evaluate(managed=False)
            assert refused.status_code == 503
            assert "copied or moved here" in refused.text
            assert "Stop the other one for good" in refused.text
            assert await one.charged() == before
            lines = [line async for line in look_at(one.world) if not line.ok]
            assert "Stop the other one for good" in next(
                line.cure for line in lines if line.what == "database"
            )
            found = await one.recover()
            assert (found["begun"], found["quarantined"]) == (True, False)
            await one.is_quarantined(no=True)
            assert json.loads(mark.read_bytes())["place"] == kept["place"]
            assert one.world.standing.asks_first_until is not None, (
                "the other one may have gone on meanwhile"
            )

    asyncio.run(story())


def test_a_folder_that_is_renamed_stays_itself_and_a_copy_does_not(tmp_path: Path) -> None:
    first, copy = tmp_path / "first", tmp_path / "copy"
    first.mkdir()
    place = place_of_folder(first)
    shutil.copytree(first, copy)
    assert place_of_folder(copy) != place
    assert place_of_folder(first.rename(tmp_path / "renamed")) == place
    assert is_elsewhere(place_of_folder(copy), place)


def test_a_volume_that_was_filled_from_another_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The root of each has the same inode, and a container's machine has no name."""
    monkeypatch.setattr(marks, "_MACHINE", tmp_path / "none")
    root = tmp_path.stat()

    def volume(identity: int) -> str:
        monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_fsid=identity))
        return place_of_folder(tmp_path)

    first = volume(7)
    assert is_elsewhere(volume(8), first)
    assert not is_elsewhere(volume(7), first)
    for unknown in (
        0,
        root.st_dev,
    ):  # a number of the device changes when disks are found in another order
        assert not is_elsewhere(volume(unknown), first)
        assert not is_elsewhere(first, volume(unknown))
    assert not is_elsewhere(first, f" {root.st_ino}"), "a mark of an older release"


@each(
    "one, other, expected",
    [
        ("a 1", "a 1", False),
        ("a 1", "a 2", True),
        ("a 1", "b 1", True),
        (" 1", "b 1", False),
        (" 1", " 2", True),
        ("", "a 1", False),
        ("a 1", "", False),
    ],
)
def test_a_machine_that_has_no_name_may_be_any(one: str, other: str, expected: bool) -> None:
    """A container has none, and its host looks at the same folder; a place of an earlier release is
    not known."""
    assert is_elsewhere(one, other) is expected


@pytest.mark.parametrize("how", ["full", "unreadable"])
def test_where_no_mark_can_be_kept_nothing_is_taken_after_a_minute(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(standing, "UNMARKED_SECONDS", 1.0)
    folder, away = tmp_path / "data/standing", tmp_path / "away"

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async def ready(one: Installed, status: int) -> dict[str, Any]:
        for _ in range(100):
            answer = await one.http.get("/readyz")
            if answer.status_code == status:
                break
            await asyncio.sleep(0.1)
        assert answer.status_code == status, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def story() -> None:
        async with installed(server, folder.parent) as one:
            assert (await one.evaluate()).status_code == 200
            if how == "full":
                monkeypatch.setattr(marks, "write_whole", full)
            else:
                folder.rename(away)
                folder.write_text("")
            assert (await ready(one, 503))["why"] == "mark"
            await one.is_quarantined()
            given = one.payment()
            refused = await one.evaluate(given)
            assert refused.status_code == 503
            assert "How far the database was seen to be cannot be" in refused.text
            assert refused.headers["retry-after"] == "60"
            assert (await one.call("GET", "/v1/orders")).status_code == 200
            (line,) = [line async for line in look_at(one.world) if line.what == "database"]
            assert not line.ok
            assert line.cure in refused.text
            if how == "full":
                monkeypatch.setattr(marks, "write_whole", write_whole)
            else:
                folder.unlink()
                away.rename(folder)
            assert (await ready(one, 200))["ready"]
            await one.is_quarantined(no=True)
            assert (await one.evaluate(given)).status_code == 200

    asyncio.run(story())


@pytest.mark.prove("processes")
def test_without_its_data_folder_the_people_database_says_what_was_seen(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story() -> None:
        async with installed(server, tmp_path) as one:
            copy = await one.copy()
            await one.counted()
            await one.restore(copy)
            await one.is_quarantined()
            (tmp_path / "standing" / "sandbox.json").unlink()
            async with open_sandbox(one.settings, one.databases, "recoup-cli") as running:
                assert running.world.standing.is_quarantined

    asyncio.run(story())


@pytest.mark.prove("processes")
def test_verbs_write_nothing_until_recover_but_those_that_mend_it(
    server: ServerAddress, tmp_path: Path
) -> None:
    """`terms`, `partner`, `bank adjust` and `keys rotate` wrote to the copy."""

    async def story() -> None:
        async with installed(server, tmp_path) as one:
            copy = await one.copy()
            await one.counted()
            await one.restore(copy)
            await one.is_quarantined()
            keys = (tmp_path / "keys" / "keyring.json").read_bytes()
            merchant = ("--merchant", str(one.made.mid))
            for words in (
                ("terms", "exposure", "--limit", "100.00", *merchant),
                ("keys", "rotate", "--wait", "0"),
            ):
                done = await one.process(*words)
                assert done.returncode == 1, (words, done)
                assert "was restored or has lost data" in done.stderr, (words, done)
                assert "recoup recover" in done.stderr
            assert (tmp_path / "keys" / "keyring.json").read_bytes() == keys, (
                "no new key that only the file has"
            )
            for words in (("terms", "exposure", *merchant), ("sending", "off", "--reason", "x")):
                done = await one.process(*words)
                assert done.returncode == 0, (words, done)

    asyncio.run(story())


def test_pages_say_it_and_erased_persons_go_again(server: ServerAddress, tmp_path: Path) -> None:
    async def story() -> None:
        async with installed(server, tmp_path) as one:
            given = one.payment()
            await one.evaluate(given)
            copy = await one.copy()
            scope = Scope(UUID(one.made.mid), Actor("operator", "test"), "test")
            known = await find_all_by_name(one.world, scope.merchant_id, given["payer"]["email"])
            assert (
                await erase_all(one.world, scope, given["payer"]["email"], known)
            ).customers == 1
            await one.counted()
            await one.restore(copy)
            await one.is_quarantined()

            who = {"email": one.made.operator_user, "password": one.made.operator_password}
            ours = {"origin": str(one.http.base_url).rstrip("/"), "accept-language": "de"}
            assert (await one.http.post("/signin", data=who, headers=ours)).status_code == 303, (
                "people may look"
            )
            page = await one.http.get("/orders", headers=ours, follow_redirects=True)
            assert page.status_code == 200
            assert "In Quarantäne: nichts wird gesendet oder geändert" in page.text
            refused = await one.http.post(
                "/signin/forgot", data={"email": "a@b.example"}, headers=ours
            )
            assert refused.status_code == 503
            assert refused.headers["retry-after"] == "60"
            assert "recoup recover" in refused.text
            assert (await one.http.post("/inbound/sandbox/notices", json={})).status_code == 503
            (order,) = [
                row["order_id"] for row in await one.world.db.fetch("SELECT order_id FROM orders")
            ]
            paying = f"/checkout/{checkout_token(one.world, scope.merchant_id, order)}"
            held = await one.http.get(paying, headers={"accept-language": "fr"})
            assert held.status_code == 503
            assert "Les paiements sont impossibles pour le moment." in held.text

            count = "SELECT count(*) FROM payers WHERE email <> ''"
            assert await one.sql(count) == 1
            assert (await one.recover())["erased"] == 1
            assert await one.sql(count) == 0

    asyncio.run(story())


@drawn(
    "kills", "step", ["begin_epoch", "skip_feed", "_keep", "_wait_for_adoption", "_compare_one"], 1
)
def test_a_recovery_that_dies_is_run_again(
    server: ServerAddress, tmp_path: Path, step: str
) -> None:
    """By two at once."""

    async def story() -> None:
        async with installed(server, tmp_path) as one:
            copy = await one.copy()
            await one.evaluate(managed=False)
            await one.counted()
            await one.restore(copy)
            await one.is_quarantined()
            with pytest.MonkeyPatch.context() as patch:
                of: Any = recover.store if hasattr(recover.store, step) else recover
                patch.setattr(standing.Watch if step == "_keep" else of, step, _dies)
                with pytest.raises(asyncio.CancelledError):
                    await one.recover()
            both = await asyncio.gather(one.recover("ana"), one.recover("bo"))
            assert {found["epoch"] for found in both} == {2}, "one epoch was begun"
            assert await one.sql("SELECT count(*) FROM epochs") == 1
            assert [found["quarantined"] for found in both] == [False, False]
            assert {book["unknown"] for found in both for book in found["books"]} == {1}
            await one.is_quarantined(no=True)

    asyncio.run(story())


async def _dies(*_: object, **__: object) -> None:
    raise asyncio.CancelledError
