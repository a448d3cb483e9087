"""The nightly training: what a process that fails makes of the night, and the worker that has it
run."""

import asyncio
import json
import os
import signal
import subprocess
import time
import uuid
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.databases import drop, empty
from tests.kills.installation import RECOUP
from tests.order_history import payments, transmit, until_yesterday

from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.main.bootstrap import bootstrap
from recoup.main.databases import Databases, prepare
from recoup.main.settings import Settings, load_settings
from recoup.main.worlds import mode_of, open_worlds, trainer_of


def test_a_process_that_fails_is_a_night_that_failed(tmp_path: Path) -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/nothing"
    train = trainer_of(
        Settings(data_dir=tmp_path), Databases(nowhere, nowhere, None, None), "sandbox"
    )
    found = asyncio.run(train("candidate"))
    assert found["result"] == "failed"
    assert found["note"]


@pytest.mark.parametrize(
    ("setting", "mode"), [("auto", "candidate"), ("take", "take"), ("off", "off")]
)
def test_the_setting_says_whether_a_model_is_taken(setting: str, mode: str, tmp_path: Path) -> None:
    assert mode_of(load_settings(data_dir=tmp_path, training=setting)) == mode


@pytest.mark.parametrize("flags", [{"training": "always"}, {"training_hour": "24"}])
def test_a_setting_that_is_none_is_refused(flags: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(Problem, match=next(iter(flags))):
        load_settings(data_dir=tmp_path, **flags)


@pytest.mark.prove("processes")
@pytest.mark.timeout(300)
def test_a_worker_trains_by_night_and_takes_the_better_model(
    server: ServerAddress, tmp_path: Path
) -> None:
    mark = uuid.uuid4().hex[:10]
    names = {"people": f"people_{mark}", "world": f"sandbox_{mark}"}
    urls = {kind: asyncio.run(empty(server, kind, name)) for kind, name in names.items()}
    databases = Databases(urls["people"], urls["world"], None, None, "")
    try:
        asyncio.run(_lived(databases, tmp_path))
        environment = os.environ | {
            "RECOUP_DATA_DIR": str(tmp_path),
            "RECOUP_PEOPLE_DATABASE_URL": databases.people,
            "RECOUP_SANDBOX_DATABASE_URL": databases.sandbox,
            "RECOUP_TRAINING": "take",
        }
        worker = subprocess.Popen(
            [*RECOUP, "worker", "--prepared"], env=environment, stderr=subprocess.PIPE
        )
        try:
            found, chosen = asyncio.run(_morning(databases.sandbox, worker))
        finally:
            worker.send_signal(signal.SIGTERM)
            _, log = worker.communicate(timeout=60)
        assert found["result"] == "taken", (dict(found), log[-2000:])
        assert (chosen["name"], chosen["actor"]) == (found["model"], "worker:training")
        listed = subprocess.run(
            [*RECOUP, "learn", "list", "--json"], env=environment, capture_output=True, check=True
        )
        told = json.loads(listed.stdout)
        assert (told["training"], told["last_training"]["model"]) == ("take", found["model"])
    finally:
        for name in names.values():
            asyncio.run(drop(server, name))


async def _lived(databases: Databases, folder: Path) -> None:
    """A merchant with half a year of payments, and a night since the last training."""
    await prepare(databases)
    async with open_worlds(Settings(data_dir=folder), databases) as (opened, _):
        made = await bootstrap(opened.world, "http://recoup.test")
        await transmit(opened.world, until_yesterday(payments(uuid.UUID(str(made.mid)), 1, 300)))
    connection = await asyncpg.connect(databases.sandbox)
    await connection.execute(
        "INSERT INTO upkeep (task, done_at) VALUES ('training', now() - interval '25 hours')"
    )
    await connection.close()


async def _morning(dsn: str, worker: "subprocess.Popen[bytes]") -> tuple[Any, Any]:
    connection = await asyncpg.connect(dsn)
    give_up = time.monotonic() + 200
    try:
        while (found := await connection.fetchrow("SELECT * FROM trainings")) is None:
            assert worker.poll() is None
            assert time.monotonic() < give_up, "nobody trained"
            await asyncio.sleep(0.2)
        return found, await connection.fetchrow(
            "SELECT * FROM model_choices ORDER BY choice_no DESC LIMIT 1"
        )
    finally:
        await connection.close()
