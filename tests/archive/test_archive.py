"""Orders leave for an archive and come back; what stays agrees with itself at each step."""

import asyncio
import gzip
import hashlib
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tests.comparing import compare, outcomes, sold, statement
from tests.disputes.flows.test_disputes import YES as APPROVES
from tests.disputes.flows.test_disputes import notice_of, sent, tell_issuer
from tests.main.test_cells import two_cells
from tests.worlds import HARD_CARD, Shop, change_world, make_shop, owner, sandbox_world

from recoup.archive import flows
from recoup.archive.flows import (
    archives_of,
    months_to_leave,
    put_archive_back,
    take_archive_out,
    write_archive,
)
from recoup.archive.rules import KEPT_MONTHS, end_line, head_line, order_line, prove
from recoup.archive.store import Archive
from recoup.db.server import ServerAddress
from recoup.desk.cli.verify import prove_file
from recoup.desk.flows.persons import erase_person
from recoup.insight.flows.verify import verify
from recoup.kernel.encode import encode_sorted
from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks, WallTime
from recoup.kit.proved_file import Wrong
from recoup.people.store.persons import erase_part
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.settlement.flows.settle import close_pages_of

LEFT = "orders order_log order_heads attempts modifications decisions outbox charges wire_keys"


class Later(Clocks):
    """Two years and some months from now."""

    def wall(self) -> WallTime:
        return WallTime(super().wall() + timedelta(days=31 * (KEPT_MONTHS + 2)))


@asynccontextmanager
async def past(server: ServerAddress) -> AsyncIterator[Shop]:
    """A shop whose orders have ended, but one, as it stands two years later."""
    async with sandbox_world(server) as made:
        shop = await make_shop(*made)
        paid = await shop.admit(facts={"items": [{"name": "Tea", "quantity": 1}]})
        await shop.admit(pan=HARD_CARD)
        await shop.admit(days=None)
        await shop.advance(timedelta(days=9))
        whole = RefundRequest(amount="10.00")
        await refund(shop.world, shop.orders, shop.scope, paid, whole)
        await shop.settle()
        await shop.advance(timedelta(days=14))
        await shop.admit()
        await shop.publish()
        await shop.close_pages()
        change_world(shop.world, clocks=Later())
        yield shop


async def holds(shop: Shop) -> None:
    proved = await verify(shop.world)
    assert not proved.differences, proved.differences[:5]


async def kept(shop: Shop) -> dict[str, Any]:
    """All rows of orders."""
    async with owner(shop.world) as connection:
        return {
            table: sorted(
                row[0] for row in await connection.fetch(f"SELECT to_jsonb(t)::text FROM {table} t")
            )
            for table in (*LEFT.split(), "order_states", "processor_ids", "order_payer")
        }


async def written(shop: Shop, folder: Path) -> tuple[Archive, Path]:
    [month] = await months_to_leave(shop.world, shop.merchant_id)
    archive = await write_archive(shop.world, shop.merchant_id, month, folder)
    assert archive is not None
    return archive, folder / archive.file


def test_orders_leave_and_come_back(server: ServerAddress, tmp_path: Path) -> None:
    async def story() -> None:
        async with past(server) as shop:
            archive, path = await written(shop, tmp_path)
            await holds(shop)
            with gzip.open(path) as file:
                proved = prove(iter(file.readline, b""), archive.root.hex())
            assert not isinstance(proved, Wrong), proved
            assert (proved.orders, archive.gone) == (3, 0)
            async with shop.world.db.transaction() as tx:
                ids = [row[0] for row in await tx.fetch("SELECT order_id FROM order_heads")]
                await erase_part(tx, shop.merchant_id, ids)
            before = await kept(shop)

            taken = await take_archive_out(shop.world, path)
            assert (taken.gone, taken.taken_out_at is not None) == (3, True)
            assert len((await kept(shop))["orders"]) == 1
            await holds(shop)
            changed = "UPDATE postings SET business_at = business_at {} interval '1 second'"
            async with owner(shop.world) as connection:
                await connection.execute(changed.format("+"))
                wrong = (await verify(shop.world)).differences
                assert "content hash of" in wrong[0].field, "the book of what left is proved too"
                await connection.execute(changed.format("-"))

            back = await put_archive_back(shop.world, path)
            assert (back.gone, back.taken_out_at) == (0, None)
            assert await kept(shop) == before
            await holds(shop)

    asyncio.run(story())


def test_what_changed_since_stays(server: ServerAddress, tmp_path: Path) -> None:
    async def story() -> None:
        async with past(server) as shop:
            _, path = await written(shop, tmp_path)
            paid = await shop.value("SELECT order_id FROM order_heads WHERE refunded_units > 0")
            await refund(shop.world, shop.orders, shop.scope, paid, RefundRequest(amount="1.00"))
            await shop.settle()
            taken = await take_archive_out(shop.world, path)
            assert (taken.orders, taken.gone) == (3, 2)
            await holds(shop)
            again = await take_archive_out(shop.world, path)
            assert again.gone == 2

    asyncio.run(story())


def test_a_take_out_that_was_stopped_goes_on(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stop(Exception):
        pass

    def stop(orders: int) -> None:
        if orders == 2:
            raise Stop

    async def story() -> None:
        async with past(server) as shop:
            _, path = await written(shop, tmp_path)
            with pytest.raises(Stop):
                await take_archive_out(shop.world, path, stop)
            [archive] = await archives_of(shop.world, shop.merchant_id)
            assert (archive.gone, archive.taken_out_at) == (2, None)
            await holds(shop)
            assert (await take_archive_out(shop.world, path)).gone == 3
            with pytest.raises(Stop):
                await put_archive_back(shop.world, path, stop)
            await holds(shop)
            assert (await put_archive_back(shop.world, path)).gone == 0
            await holds(shop)

    monkeypatch.setattr(flows, "AT_ONCE", 1)
    asyncio.run(story())


def test_a_file_that_was_written_but_not_noted_is_none(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        async with past(server) as shop:
            for killed_in in ("end_line", "add_archive"):
                with monkeypatch.context() as patched:
                    patched.delattr(flows, killed_in)
                    with pytest.raises(NameError):
                        await written(shop, tmp_path)
            [left] = tmp_path.iterdir()
            with pytest.raises(Problem, match="is no archive of this world"):
                await take_archive_out(shop.world, left)
            _, path = await written(shop, tmp_path)
            assert (await take_archive_out(shop.world, path)).gone == 3

    asyncio.run(story())


def test_an_order_that_left_is_named_with_its_file(server: ServerAddress, tmp_path: Path) -> None:
    async def story() -> None:
        async with past(server) as shop:
            archive, path = await written(shop, tmp_path)
            order_id, external_id = await row(shop)
            await take_archive_out(shop.world, path)
            with pytest.raises(Problem, match=rf"archived, in {archive.file}\."):
                await refund(shop.world, shop.orders, shop.scope, order_id, RefundRequest(all=True))
            for key in ("new", "other"):
                with pytest.raises(Problem, match="was archived") as refused:
                    await shop.ask(external_id=external_id, key=key)
                assert refused.value.code == "conflict"
            await holds(shop)

    async def row(shop: Shop) -> tuple[UUID, str]:
        async with shop.world.db.connection() as connection:
            found = await connection.fetchrow("SELECT order_id, external_id FROM orders LIMIT 1")
            return found["order_id"], found["external_id"]

    asyncio.run(story())


def test_months_that_stay_and_files_of_others_are_refused(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story() -> None:
        async with past(server) as shop:
            archive, path = await written(shop, tmp_path)
            with pytest.raises(Problem, match="was written already"):
                await write_archive(shop.world, shop.merchant_id, archive.month, tmp_path)
            young = Clocks().wall().date().replace(day=1) + timedelta(days=900)
            with pytest.raises(Problem, match="Orders stay for 25 months"):
                await write_archive(shop.world, shop.merchant_id, young, tmp_path)
            lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
            torn = tmp_path / "torn.gz"
            damaged = bytearray(path.read_bytes())
            damaged[10] ^= 6
            for content, says in (
                (bytes(damaged), "compression"),
                (path.read_bytes()[:-30], "compression"),
                (gzip.compress(b"".join(lines[:-1])), "the end"),
                (gzip.compress(b"".join([lines[0], *lines[2:]])), "orders|root"),
                (gzip.compress(b"not ours\n"), "line"),
                (b"plain", "compression"),
            ):
                torn.write_bytes(content)
                with pytest.raises(Problem, match="does not hold in line") as refused:
                    await take_archive_out(shop.world, torn)
                assert refused.value.field == "file", says
                assert not prove_file(torn, None, None).value["ok"]
            standing = Problem("unavailable", "In quarantine.")

            def refuse() -> None:
                raise standing

            shop.world.db.before_write = refuse
            for act in (take_archive_out, put_archive_back):
                with pytest.raises(Problem, match="In quarantine"):
                    await act(shop.world, path)
            shop.world.db.before_write = None
            change_world(shop.world, owner_dsn=None)
            with pytest.raises(Problem, match="Only the schema's owner"):
                await take_archive_out(shop.world, path)
        async with past(server) as other:
            with pytest.raises(Problem, match="is no archive of this world"):
                await take_archive_out(other.world, path)
            await holds(other)

    asyncio.run(story())


ORDER = "0192ac1c-1d80-7000-8000-000000000001"
MERCHANT = "0192ac1c-1d80-7000-8000-000000000000"


def small(change: Callable[[dict[str, Any]], object]) -> Wrong | None:
    """A file of one order, changed, with the root of what it then says."""
    log = [("new", "began", "processing"), ("processing", "declined", "declined")]
    own = {"merchant_id": MERCHANT, "order_id": ORDER}
    content = [
        MERCHANT,
        "attempt",
        ORDER,
        "collected",
        "USD",
        "2024-10-01T00:00:00Z",
        [["a", "", 5], ["b", "", -5]],
    ]
    order: dict[str, Any] = {
        "orders": [own],
        "order_states": [own | {"stage": "declined", "version": 2}],
        "order_log": [
            own | {"seq": seq, "src": src, "happening": happening, "dst": dst}
            for seq, (src, happening, dst) in enumerate(log, 1)
        ],
        "attempts": [own | {"attempt_no": 1}],
        "postings": [
            {
                "posting": ORDER,
                "content": content,
                "hash": hashlib.sha256(encode_sorted(content)).hexdigest(),
            }
        ],
    }
    change(order)
    postings = order.pop("postings")
    rows = {table: [json.dumps(row) for row in rows] for table, rows in order.items()}
    lines = [head_line(ORDER, MERCHANT, "2024-10"), order_line(ORDER, rows, postings)]
    root = hashlib.sha256(b"".join(lines)).hexdigest()
    proved = prove([*lines, end_line(1, root)])
    return proved if isinstance(proved, Wrong) else None


def test_a_file_proves_its_orders() -> None:
    assert small(lambda order: None) is None
    for change, field in (
        (lambda o: o["order_log"].pop(0), "place in the log"),
        (lambda o: o["order_log"].pop(), "end of the log"),
        (lambda o: o["order_log"][1].update(src="held"), "line 2 of the log"),
        (lambda o: o["order_log"][1].update(happening="began"), "line 2 of the log"),
        (lambda o: o["order_states"][0].update(version=3), "state"),
        (lambda o: o["attempts"][0].update(attempt_no=2), "attempts"),
        (lambda o: o["attempts"][0].update(order_id=MERCHANT), "owner of a row in attempts"),
        (lambda o: o["attempts"][0].update(merchant_id=ORDER), "owner of a row in attempts"),
        (lambda o: o["orders"].clear(), "line"),
        (lambda o: o["attempts"].append(7), "line"),
        (lambda o: o["postings"][0]["content"][6][0].__setitem__(2, 6), "sum of posting"),
        (lambda o: o["postings"][0].update(hash="00"), "hash of posting"),
    ):
        wrong = small(change)
        assert wrong is not None, field
        assert wrong.field.startswith(field), wrong


def test_a_late_notice_waits_until_its_order_is_back(server: ServerAddress, tmp_path: Path) -> None:
    async def story() -> None:
        async with past(server) as shop:
            _, path = await written(shop, tmp_path)
            paid = await shop.value("SELECT order_id FROM order_heads WHERE refunded_units > 0")
            notice = await notice_of(shop, paid)
            await tell_issuer(shop, notice)
            await take_archive_out(shop.world, path)
            for _ in range(2):
                late = await sent(shop, notice)
                assert (late.state, late.why) == ("unmatched", "archived")
            await put_archive_back(shop.world, path)
            assert (await sent(shop, notice)).state == "applied"
            await shop.settle()
            await holds(shop)

    asyncio.run(story())


def test_orders_leave_and_come_back_beside_all_that_happens_to_them(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call is answered as for an order that is here or as for one that left; what was done is
    done once."""

    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = (await make_shop(*made)).patient()
            asked = [await shop.declined(pan=APPROVES, days=None) for _ in range(12)]
            for request in asked:
                await shop.evaluate.evaluate(shop.scope, request)
            await shop.settle()
            await shop.publish()
            await shop.close_pages()
            order_ids = [row[0] for row in await shop.world.db.fetch("SELECT order_id FROM orders")]
            payers = await shop.world.db.fetch("SELECT payer_id FROM payers")
            for world in (made[0], shop.world):
                change_world(world, clocks=Later())
            _, path = await written(shop, tmp_path)
            notices = [await notice_of(shop, order_id) for order_id in order_ids[::4]]
            for move in (take_archive_out, put_archive_back):
                calls = [
                    *(refunded(shop, order_id) for order_id in order_ids),
                    *(shop.evaluate.evaluate(shop.scope, request) for request in asked),
                    *(sent(shop, notice) for notice in notices),
                    *(erase_person(shop.world, shop.scope, row[0]) for row in payers[::3]),
                ]
                moves = [move(shop.world, path) for _ in range(2)]
                answers = await asyncio.gather(
                    *moves, *(later(call) for call in calls), return_exceptions=True
                )
                for answer in answers:
                    if isinstance(answer, BaseException):
                        assert isinstance(answer, Problem), repr(answer)
                        assert answer.code in ("not_found", "conflict", "wrong_state")
            await shop.settle()
            await shop.publish()
            await shop.close_pages()
            given = await shop.world.db.fetch("SELECT refunded_units FROM order_heads")
            assert {row[0] for row in given} <= {0, 100}
            assert len(given) == len(asked)
            proved = await verify(shop.world)
            assert not [each for each in proved.differences if "issuer" not in each.field]

    async def refunded(shop: Shop, order_id: UUID) -> object:
        once = RefundRequest(amount="1.00", key=f"key-{order_id}")
        return await refund(shop.world, shop.orders, shop.scope, order_id, once)

    async def later(call: Awaitable[object]) -> object:
        await asyncio.sleep(random.random() / 8)
        return await call

    monkeypatch.setattr(flows, "AT_ONCE", 1)
    asyncio.run(story())


def test_an_order_leaves_from_its_merchants_cell(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        async with two_cells(server, tmp_path) as here:
            first, second = (cell.world for cell in here.running.cells)
            seller = await here.seller()
            made = await here.evaluate(seller, expiryDateUtc=None)
            assert made.json()["status"] == "APPROVED", made.text
            month, archive = Clocks().wall().date().replace(day=1), None
            async with asyncio.timeout(20):
                while archive is None:
                    await asyncio.sleep(0.1)
                    await close_pages_of(second, seller.merchant_id)
                    archive = await write_archive(second, seller.merchant_id, month, tmp_path)
            orders = "SELECT count(*) FROM cell_2.orders"
            assert (await take_archive_out(first, tmp_path / archive.file)).gone == 1
            assert await here.sql(orders) == 0
            assert (await put_archive_back(first, tmp_path / archive.file)).gone == 0
            assert await here.sql(orders) == 1
            assert not (await verify(second)).differences

    monkeypatch.setattr(flows, "KEPT_MONTHS", -1)
    asyncio.run(story())


def test_a_statement_of_orders_that_left_is_refused(server: ServerAddress, tmp_path: Path) -> None:
    """Its lines would be missing here, and might be booked a second time."""

    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            await sold(shop)
            await shop.publish()
            await shop.close_pages()
            lines = await statement(shop)
            change_world(shop.world, clocks=Later())
            _, path = await written(shop, tmp_path)
            await take_archive_out(shop.world, path)
            with pytest.raises(Problem, match="of this period were archived, in "):
                await compare(shop, lines)
            await put_archive_back(shop.world, path)
            assert await outcomes(shop, await compare(shop, lines)) == {"matched": 4}
            await holds(shop)

    asyncio.run(story())
