"""Keys are rotated while a shop goes on: nothing is lost, no card becomes two, old keys go when
nothing needs them."""

import asyncio
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests import worlds
from tests.door import APPROVES, Door, opened_door
from tests.rescue_fuzzing import Target
from tests.worlds import make_shop, sandbox_world

from recoup.db.operation import rekeying as pages
from recoup.db.server import ServerAddress
from recoup.keys.flows.key_checks import check_keys
from recoup.kit.world import World
from recoup.main import rekey as rekeying
from recoup.main.rekey import go_over, rekey, retire, states_of
from recoup.networks.magic import COUNTING_CARDS, script_card
from recoup.outside.keys import keyring as rings
from recoup.outside.keys.files import load
from recoup.outside.keys.keyring import Keyring, open_keyring
from recoup.outside.keys.sealing import Sealed
from recoup.rescue.flows.tokenize import CardGiven, Vault


@pytest.fixture
def ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keyring:
    """The keys of every world of this test, in a file."""
    made = open_keyring(tmp_path / "keys", {})
    monkeypatch.setattr(worlds, "KEYRING", made)
    return made


@pytest.fixture
def door(ring: Keyring, server: ServerAddress) -> Iterator[Door]:
    with opened_door(server) as made:
        yield made


async def _old_needs(world: World) -> dict[str, int]:
    return {
        f"{one.purpose} {one.key_id}": one.needed
        for one in await states_of([world])
        if one.state == "old"
    }


def _an_hour_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rekeying, "RETIRES_AFTER", timedelta(0))


def test_a_shop_goes_on_with_new_keys_alone(
    door: Door, ring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cards, webhook keys, signing keys, applications' documents: the new keys read them when the
    old are gone."""
    target = Target(door)
    shop, world = target.shop, door.world
    door.run(check_keys(world.db, ring.checks(), "here"))
    documents = f"/onboarding/application/{target.draft}/documents/{target.document}"
    before = shop.get(documents).json()["content"]
    door.sql("DELETE FROM cvv_once")  # an hour is over
    old = ring.current_ids()
    alone = {one.purpose: one.needed for one in door.run(states_of([world]))}
    assert alone["print"] > 0, "the only key of the fingerprints was said to be needed by nothing"
    ring.rotate()
    door.run(check_keys(world.db, ring.checks(), "here"))
    needs = door.run(_old_needs(world))
    assert all(needs[f"{purpose} {old[purpose]}"] > 0 for purpose in ("card", "print", "seal")), (
        needs
    )
    assert door.run(retire([world])) == [], "not while something needs them"

    door.run(go_over(world))
    assert set(door.run(_old_needs(world)).values()) == {0}
    assert door.run(retire([world])) == [], "not within the hour"
    _an_hour_later(monkeypatch)
    gone = door.run(retire([world]))
    assert {(one.purpose, one.key_id) for one in gone} == {
        (p, old[p]) for p in ("card", "print", "seal", "token")
    }
    assert load(ring._folder or Path()).find("card", old["card"]) is None
    kept = {
        (row["purpose"], row["key_id"])
        for row in door.sql("SELECT purpose, key_id FROM key_checks")
    }
    assert not kept & {(one.purpose, one.key_id) for one in gone}
    assert len(kept) == 6

    shop.sign_in()
    assert shop.get(documents).json()["content"] == before
    order = shop.admit(paymentMethod={"cardNumber": target.token, "Token": True})
    shop.advance(days=20)
    assert shop.order(order)["statusName"] == "COMPLETED", "the stored card was charged"
    assert shop.post(f"/webhooks/{target.endpoint}/rotate", {"overlapHours": 1}).status_code == 200
    assert shop.token_for(APPROVES)


def test_every_sealed_column_goes_over() -> None:
    """As the schema says which those are."""
    sealed = set()
    for database in ("world", "people"):
        for file in (files("recoup.db") / "schema" / database).iterdir():
            for table, body in re.findall(
                r"CREATE TABLE (?:\w+\.)?(\w+) \((.*?)\n\)", file.read_text(), re.DOTALL
            ):
                sealed |= {
                    (table, one) for one in re.findall(r"\n  (\w+) bytea[^\n]*-- sealed", body)
                }
                sealed |= {
                    (table, one) for one in re.findall(r"\n  (sealed\w*|deposits) bytea", body)
                }
    sealed |= {("merchants", "webhook_key"), ("signing_keys", "secret")}
    assert sealed == {(place.table, place.column) for place in (*pages.WORLD, *pages.PEOPLE)}
    assert set(rekeying._CONTEXTS) == sealed


def test_whoever_was_killed_on_the_way_goes_on(
    ring: Keyring, server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGE", 3)

    async def inside() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            world = made[0]
            for serial in range(10):
                await shop.admit(pan=script_card("visa", "51", 0, serial=serial))
            ring.rotate()

            def killed(what: str, done: int, of: int) -> None:
                if (what, done) == ("cards", 6):
                    raise KeyboardInterrupt
                assert of >= done

            with pytest.raises(KeyboardInterrupt):
                await go_over(world, killed)
            left = await _old_needs(world)
            current = ring.current_ids()
            by_key = "SELECT count(*) FROM vault WHERE kek_id = $1"
            assert await shop.value(by_key, current["card"]) == 6
            assert sum(left.values()) > 4
            await go_over(world)
            assert await shop.value(by_key, current["card"]) == 10
            assert set((await _old_needs(world)).values()) == {0}

    asyncio.run(inside())


@pytest.mark.parametrize("at", [3, 9])
def test_keys_that_come_into_use_meanwhile_end_the_pass_and_the_next_goes_on(
    ring: Keyring, server: ServerAddress, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """Cards were marked with a key that had not wrapped them, and sealed rows were sealed over and
    over."""
    monkeypatch.setattr(pages, "PAGE", 3)

    def rotates(what: str, done: int, _: int) -> None:
        if (what, done) == ("cards", at):
            ring.rotate()

    async def inside() -> None:
        async with sandbox_world(server) as made:
            shop, world = await make_shop(*made), made[0]
            for serial in range(9):
                await shop.admit(pan=script_card("visa", "51", 0, serial=serial))
            ring.rotate()
            async with asyncio.timeout(60):
                await go_over(world, rotates)
            for row in await world.db.fetch("SELECT * FROM vault"):
                sealed = Sealed(row["kek_id"], row["wrapped_dek"], row["nonce"], row["ciphertext"])
                assert ring.open_card(world.name, row["merchant_id"], row["token_id"], sealed)
            await go_over(world)
            assert set((await _old_needs(world)).values()) <= {0, 9}, "codes wait for an hour"

    asyncio.run(inside())


def test_the_worker_goes_on_by_itself_and_rests_without_a_rotation(
    ring: Keyring, server: ServerAddress
) -> None:
    async def inside() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            await shop.admit()
            await rekey(made[0])
            assert await shop.value("SELECT count(*) FROM upkeep WHERE task = 'keys'") == 0, (
                "nothing was asked"
            )
            ring.rotate()
            await rekey(made[0])
            needs = await _old_needs(made[0])
            assert {key.split()[0] for key, needed in needs.items() if needed} <= {"card"}, (
                "a code waits for an hour"
            )

    asyncio.run(inside())


def test_one_card_stays_one_card_through_every_step(
    ring: Keyring, server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Network limits count by it: before, with both keys, in a process that knows only the old one,
    and after."""
    pan = COUNTING_CARDS[0]
    _an_hour_later(monkeypatch)

    async def card(world: World, merchant: Any) -> Any:
        stored = await Vault(world).store(CardGiven(merchant, uuid4(), pan, 9, 2031))
        return stored.pan_id

    async def inside() -> None:
        async with sandbox_world(server) as made:
            shop, world = await make_shop(*made), made[0]
            stale = replace(world, keys=Keyring(ring._held))
            first = await card(world, shop.merchant_id)
            ring.rotate()
            assert await card(stale, shop.merchant_id) == first
            assert await card(world, shop.merchant_id) == first
            await go_over(world)
            assert await card(stale, shop.merchant_id) == first
            await go_over(world)
            await retire([world])
            assert len(ring.every_id()["print"]) == 1
            assert await card(world, shop.merchant_id) == first

    asyncio.run(inside())


def test_a_new_card_that_comes_to_two_processes_at_once_is_one(
    ring: Keyring, server: ServerAddress
) -> None:
    """One of them has not heard of the new keys yet."""

    async def inside() -> None:
        async with sandbox_world(server) as made:
            shop, world = await make_shop(*made), made[0]
            stale = replace(world, keys=Keyring(ring._held))
            ring.rotate()
            for serial in range(40):
                pan = script_card("mastercard", "51", 2, serial=serial)
                several = [Vault(one) for one in (world, stale, world, stale)]
                cards = await asyncio.gather(
                    *(
                        vault.store(CardGiven(shop.merchant_id, uuid4(), pan, 9, 2031))
                        for vault in several
                    )
                )
                assert len({one.pan_id for one in cards}) == 1
            split = """SELECT count(*) FROM (SELECT pan_id, bin, last4 FROM vault
                       GROUP BY 1, 2, 3) v
                       GROUP BY bin, last4 HAVING count(*) > 1"""
            assert await shop.value(split) is None

    asyncio.run(inside())


def test_a_new_key_is_known_before_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rings, "LOOK_SECONDS", 0.0)
    doors, verb = (open_keyring(tmp_path, {}) for _ in range(2))
    old = doors.current_ids()
    verb.rotate(after_ms=60_000)
    assert verb.current_ids() == doors.current_ids() == old
    assert len(doors.every_id()["card"]) == 2, "a running process has read the file again"
    assert len(doors.print_of(APPROVES)) == 2
    verb.rotate(after_ms=1)
    time.sleep(0.05)
    now = verb.current_ids()
    assert now["card"] == doors.current_ids()["card"] != old["card"]
    assert (now["mac"], now["secret"]) == (old["mac"], old["secret"])
