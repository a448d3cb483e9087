"""`recoup keys` as an operator types it, beside databases that are in use."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
from datetime import timedelta
from typing import Any
from uuid import uuid4

import click
import pytest
from click.testing import CliRunner, Result
from tests.kills.installation import RECOUP
from tests.main.test_second_machine import Machines, machines

from recoup.main import keys_verb
from recoup.main import rekey as rekeying
from recoup.main.databases import prepare
from recoup.main.rekey import go_over, rekey, retire, states_of
from recoup.main.worlds import open_live, open_sandbox, open_worlds
from recoup.networks.magic import script_card
from recoup.outside.keys.files import load
from recoup.outside.keys.keyring import open_keyring
from recoup.outside.keys.sealing import Sealed
from recoup.rescue.flows.tokenize import CardGiven, Vault

__all__ = ["machines"]


def run(machines: Machines, *words: str) -> Result:
    cli = click.Group("recoup")
    keys_verb.add(cli, lambda **_: machines.settings("a"))
    return CliRunner().invoke(cli, ["keys", *words])


def told(machines: Machines) -> list[dict[str, Any]]:
    answer = run(machines, "status", "--json")
    assert answer.exit_code == 0, answer.output
    return list(json.loads(answer.output))


def test_status_shows_each_key_and_what_needs_it(machines: Machines) -> None:
    machines.up("a")
    by_purpose = {one["purpose"]: one for one in told(machines)}
    assert set(by_purpose) == {"card", "print", "seal", "token", "mac", "secret"}
    assert {one["state"] for one in by_purpose.values()} == {"current"}
    assert by_purpose["seal"]["needed"] > 0
    text = run(machines, "status").output
    secret = json.loads((machines.keys("a") / "keyring.json").read_text())["seal"]
    assert list(secret) == [by_purpose["seal"]["key_id"]]
    assert next(iter(secret)) in text
    assert next(iter(secret.values())) not in text


def test_rotation_takes_everything_over_and_a_second_machine_needs_the_new_file(
    machines: Machines,
) -> None:
    machines.up("a")
    before = {one["purpose"]: one["key_id"] for one in told(machines)}
    answer = run(machines, "rotate", "--wait", "0")
    assert answer.exit_code == 0, answer.output
    assert "Back up the key file now" in answer.output
    states = {(one["purpose"], one["state"]): one for one in told(machines)}
    for purpose in ("card", "print", "seal", "token"):
        assert states[purpose, "old"]["key_id"] == before[purpose]
        assert states[purpose, "old"]["needed"] == 0
    assert states["seal", "current"]["needed"] > 0
    assert machines.up("a") is not None
    assert len(machines.sql("SELECT * FROM key_checks")) == 10


def test_a_rotation_that_was_interrupted_goes_on_under_the_same_keys(machines: Machines) -> None:
    machines.up("a")
    open_keyring(machines.keys("a"), {}).rotate()  # killed right after the file was written
    keys = (machines.keys("a") / "keyring.json").read_text()
    answer = run(machines, "rotate", "--wait", "0")
    assert "Continuing the rotation that is under way." in answer.output
    assert (machines.keys("a") / "keyring.json").read_text() == keys
    assert all(one["needed"] == 0 for one in told(machines) if one["state"] == "old")


def test_a_machine_that_still_has_the_forgotten_keys_keeps_no_other_from_starting(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its start made the database ask for them again: the machine that had forgotten them did not
    start any more."""
    machines.up("a")
    open_keyring(machines.keys("a"), {}).rotate()
    machines.up("a")
    shutil.copytree(machines.keys("a"), machines.keys("b"))
    monkeypatch.setattr(rekeying, "RETIRES_AFTER", timedelta(0))  # an hour later
    assert "Retired: card" in run(machines, "rotate", "--wait", "0").output
    known = machines.sql("SELECT * FROM key_checks ORDER BY 1, 2")
    machines.up("b")
    assert machines.sql("SELECT * FROM key_checks ORDER BY 1, 2") == known
    assert machines.up("a") is not None

    open_keyring(machines.keys("b"), {}).rotate()
    machines.up("b")
    assert len(machines.sql("SELECT * FROM key_checks")) == len(known) + 4, (
        "newer keys it does take"
    )


CARDS = 1_100  # three pages


async def _store_cards(machines: Machines) -> None:
    async with open_sandbox(machines.settings("a"), machines.databases) as running:
        vault, merchant = Vault(running.world), uuid4()
        await asyncio.gather(
            *(
                vault.store(
                    CardGiven(
                        merchant, uuid4(), script_card("visa", "51", 0, serial=serial), 9, 2031
                    )
                )
                for serial in range(CARDS)
            )
        )


def _killed_after(machines: Machines, lines: int) -> list[str]:
    """What `recoup keys rotate` said until it was killed after so many lines."""
    environment = os.environ | {
        "PYTHONUNBUFFERED": "1",
        "RECOUP_PEOPLE_DATABASE_URL": machines.databases.people,
        "RECOUP_SANDBOX_DATABASE_URL": machines.databases.sandbox,
    }
    words = [*RECOUP, "keys", "rotate", "--wait", "0", "--data-dir", str(machines.folder / "a")]
    told = []
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            told.append(line)
            if len(told) == lines:
                os.kill(process.pid, signal.SIGKILL)
    return told


@pytest.mark.timeout(400)
def test_killed_at_any_step_it_goes_on_and_every_card_opens(machines: Machines) -> None:
    machines.up("a")
    asyncio.run(_store_cards(machines))
    heard = [_killed_after(machines, lines) for lines in (1, 2, 3)]
    assert "New keys were created" in heard[0][0]
    assert all("Continuing the rotation that is under way." in told[0] for told in heard[1:])
    assert any("cards 500 of 1100" in line for line in heard[1] + heard[2])
    if any(
        one["needed"] for one in told(machines) if one["state"] == "old"
    ):  # else the last kill came too late
        answer = run(machines, "rotate", "--wait", "0")
        assert answer.exit_code == 0, answer.output
    states = told(machines)
    assert len(states) == 10, "one rotation, not four"
    assert all(one["needed"] == 0 for one in states if one["state"] == "old")
    ring = open_keyring(machines.keys("a"), {})
    rows = machines.sql("SELECT * FROM vault")
    assert len(rows) == CARDS
    for row in rows:
        sealed = Sealed(row["kek_id"], row["wrapped_dek"], row["nonce"], row["ciphertext"])
        assert json.loads(ring.open_card("sandbox", row["merchant_id"], row["token_id"], sealed))[
            "pan"
        ]
    assert (
        machines.sql("SELECT count(DISTINCT card_id) AS cards FROM card_prints")[0]["cards"]
        == CARDS
    )
    assert machines.sql("SELECT count(*) AS prints FROM card_prints")[0]["prints"] == 2 * CARDS


def test_a_live_world_that_was_made_later_keeps_the_keys_that_it_needs(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker that had started before `recoup live init` forgot the key of live cards: they
    could not be charged."""
    machines.up("a")
    monkeypatch.setattr(rekeying, "RETIRES_AFTER", timedelta(0))  # an hour later
    settings = machines.settings("a")
    both = machines.with_live()

    async def inside() -> None:
        async with open_sandbox(settings, machines.databases) as started:
            old = started.world.keys.current_ids()["card"]
            await prepare(both, live=True)
            async with open_live(settings, both) as live:
                given = CardGiven(uuid4(), uuid4(), script_card("visa", "51", 0), 9, 2031)
                await Vault(live.world).store(given)
            open_keyring(machines.keys("a"), {}).rotate()
            started.world.keys.reload()
            await rekey(started.world)  # what this worker does by itself
            assert load(machines.keys("a")).find("card", old) is not None
            alone = await states_of([started.world])
            assert [one for one in alone if one.state == "old" and not one.needed], (
                "it would have gone otherwise"
            )

    asyncio.run(inside())
    told = run(machines, "rotate", "--wait", "0").output
    assert "Old keys are kept: the live world is not open here" in told
    assert "Forgotten" not in told

    async def with_both() -> None:
        async with open_worlds(settings, both) as (sandbox, live):
            assert live is not None
            await go_over(live.world)
            async with live.world.db.transaction() as tx:
                await tx.execute("DELETE FROM cvv_once")
            gone = await retire([sandbox.world, live.world])
            assert {one.purpose for one in gone} == {"card", "print", "seal", "token"}

    asyncio.run(with_both())


def test_a_live_world_that_begins_while_keys_are_forgotten_does_not_ask_for_them(
    machines: Machines,
) -> None:
    """Its first start took the forgotten keys up as its own: no later start found them."""
    machines.up("a")
    ring = open_keyring(machines.keys("a"), {})
    ring.rotate()
    machines.up("a")
    older = "SELECT purpose, min(key_id) FROM key_checks GROUP BY purpose HAVING count(*) > 1"
    machines.sql(
        f"UPDATE key_checks SET retiring = true WHERE (purpose, key_id) IN ({older})", people=True
    )
    both = machines.with_live()

    async def inside() -> list[Any]:
        await prepare(both, live=True)
        async with open_live(machines.settings("a"), both) as live:
            return await live.world.db.fetch("SELECT * FROM key_checks")

    assert len(asyncio.run(inside())) == 6
