"""Addresses of the product, called for orders that left for an archive: none falls, and whoever
asks for one order hears of its file."""

import html
from collections.abc import Iterator
from datetime import date
from uuid import UUID

import pytest
from tests.isolation.ground import Ground, opened_ground
from tests.isolation.table import TABLE
from tests.isolation.test_every_route import RIGHTFUL, Stranger, request_of
from tests.worlds import owner

from recoup.archive.store import add_archive, take_out
from recoup.cards.store.card_joins import list_joins
from recoup.db.server import ServerAddress
from recoup.kernel.ids import new_id
from recoup.mandates.store import MandateRow, note_mandates
from recoup.people.page.endpoint import COOKIE

FILE = "orders-2024-10-a.jsonl.gz"
LEAVES = ("order", "paid", "held", "stuck_order", "asked_order")


@pytest.fixture
def ground(server: ServerAddress) -> Iterator[Ground]:
    with opened_ground(server) as made:
        made.run(_leave(made))
        yield made


async def _leave(ground: Ground) -> None:
    side, archive_id = ground.a, new_id()
    order_ids = [UUID(side.ids[name]) for name in LEAVES]
    wall, paid = ground.door.world.clocks.wall(), order_ids[1]
    async with ground.door.world.db.transaction() as tx:
        revoked = MandateRow(
            merchant_id=side.mid,
            change_id=new_id(),
            pan_id=new_id(),
            kind="revoked",
            scope="all",
            code="R3",
            order_id=paid,
            at=wall,
            recorded_at=wall,
        )
        await note_mandates(tx, [revoked])
    async with owner(ground.door.world) as connection, connection.transaction():
        month, root = date(2024, 10, 1), b"r" * 32
        await add_archive(connection, side.mid, archive_id, month, len(order_ids), root, FILE, wall)
        await take_out(connection, side.mid, archive_id, order_ids)


def test_no_door_falls_over_an_order_that_left(ground: Ground) -> None:
    a, wrong = ground.a, []
    people = Stranger("owner", {"cookie": f"{COOKIE}={a.sessions['owner'][0]}"})
    people.csrf = a.sessions["owner"][1]
    by = {"merchant": Stranger("merchant", a.caller.headers), "owner": people}
    for key in RIGHTFUL:
        line = TABLE[key]
        if line.whose in by and (key[0] == "GET" or set(LEAVES) & set(line.ids.values())):
            answer = ground.call(**request_of(ground, key, line, by[line.whose]))
            if answer.status_code >= 500:
                wrong.append(f"{' '.join(key)}: {answer.status_code} {answer.text[-200:]}")
    assert not wrong, "\n".join(wrong)

    order_id = UUID(a.ids["paid"])
    [[name]] = ground.door.sql("SELECT external_id FROM order_refs WHERE order_id = $1", order_id)
    told = f"This order was archived, in {FILE}."
    for key in (str(order_id), name):
        answer = a.caller.post("/outcome", {"orderSessionKey": key})
        assert answer.status_code == 200
        assert answer.json()["status"] == "NOTFOUND"
        assert answer.json()["result"].startswith(told)
        answer = ground.call("GET", f"/outcome?key={key}", headers=people.headers)
        assert answer.status_code == 404
        assert told in html.unescape(answer.text)
    tail = a.ids["paid"][-8:]
    assert tail in ground.call("GET", "/mandates", headers=people.headers).text
    [join] = ground.run(list_joins(ground.door.world.db, a.mid))
    assert tail in (join.first_external, join.second_external)
    for path in (f"/orders/{order_id}", f"/orders/{order_id}/decisions"):
        assert told in a.caller.get(path).text
