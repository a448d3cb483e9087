"""Evidence as files: told by their bytes, sealed, bounded, sent along with the answer, gone with
the customer."""

import asyncio
from datetime import timedelta

import pytest
from tests.disputes.flows.test_disputes import open_case, story, the_dispute
from tests.rings import each
from tests.worlds import Shop, owner

from recoup.db.server import ServerAddress
from recoup.desk.flows.persons import erase_person
from recoup.disputes.flows.answer import answer_dispute, note_evidence
from recoup.disputes.flows.files import add_file, list_files, read_file
from recoup.disputes.rules import BYTES_MAX, COUNT_MAX, evidence_type
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.networks.magic import COUNTING_CARDS

PDF = b"%PDF-1.7\nZzyx was here\n%%EOF"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\0" * 20
JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 20
TEXT = "Geliefert am Montag an Zzyx, 3 Stück.\r\n\tUnterschrift liegt bei.\n".encode()
GROUPED = " ".join(COUNTING_CARDS[0][n : n + 4] for n in range(0, 16, 4))


@each(
    ("content", "found"),
    [
        (PDF, "application/pdf"),
        (PNG, "image/png"),
        (JPEG, "image/jpeg"),
        (TEXT, "text/plain"),
        (b"\xef\xbb\xbfwith a mark", "text/plain"),
        (b"<script>alert(1)</script>", "text/plain"),
    ],
)
def test_a_file_is_what_its_bytes_say(content: bytes, found: str) -> None:
    assert evidence_type(content) == found


@each(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04" + b"\0" * 30, "nor plain text"),
        (b"MZ\x90\0", "nor plain text"),
        (b"%PDF-1.7 cut off \xff\0", "nor plain text"),
        (b"\xff\xfe\0a", "nor plain text"),
        (b"x" * (BYTES_MAX + 1), "is larger than 700 KiB"),
        (PDF + b" " * BYTES_MAX, "is larger than 700 KiB"),
        (f"They paid with {GROUPED}.".encode(), "holds a card number"),
        (COUNTING_CARDS[0].encode(), "holds a card number"),
        (b"1" * 200_000, "long numbers"),
    ],
)
def test_what_is_none_of_the_four_or_holds_a_card_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(Problem, match=why) as refused:
        evidence_type(content)
    assert refused.value.field == "Content"
    assert COUNTING_CARDS[0] not in refused.value.sentence()


def test_a_dispute_is_contested_by_a_file_which_the_processor_gets(server: ServerAddress) -> None:
    async def tell(shop: Shop) -> None:
        order_id, dispute_id = await open_case(shop)
        with pytest.raises(Problem, match="no evidence"):
            await answer_dispute(shop.world, shop.orders, shop.scope, dispute_id, "contest")
        made = await add_file(shop.world, shop.scope, dispute_id, "..\\Zzyx's\tproof.pdf", PDF)
        again = await add_file(shop.world, shop.scope, dispute_id, "other name.pdf", PDF)
        assert (made.file_id, again.name) == (again.file_id, made.name)
        await add_file(shop.world, shop.scope, dispute_id, "delivery.txt", TEXT)
        async with owner(shop.world) as connection:
            kept = await connection.fetch("SELECT sealed FROM dispute_files")
        assert len(kept) == 2
        assert not any(b"Zzyx" in row["sealed"] for row in kept)
        row, content = await read_file(shop.world, shop.merchant_id, dispute_id, made.file_id)
        assert (row.media_type, content) == ("application/pdf", PDF)
        await answer_dispute(shop.world, shop.orders, shop.scope, dispute_id, "contest")
        await shop.run_due()
        assert (await the_dispute(shop, order_id))["state"] == "answered"
        async with owner(shop.world) as connection:
            heard = await connection.fetch(
                "SELECT name, media_type, content FROM issuer.answer_files ORDER BY file_no"
            )
        assert [tuple(one) for one in heard] == [
            (made.name, "application/pdf", PDF),
            ("delivery.txt", "text/plain", TEXT),
        ]
        lines = "SELECT count(*) FROM audit_lines WHERE action = 'dispute.file_added'"
        assert await shop.value(lines) == 2

    story(server, tell)


def test_an_accepted_dispute_takes_no_file_along(server: ServerAddress) -> None:
    async def tell(shop: Shop) -> None:
        _, dispute_id = await open_case(shop)
        await add_file(shop.world, shop.scope, dispute_id, "a.png", PNG)
        await answer_dispute(shop.world, shop.orders, shop.scope, dispute_id, "accept")
        await shop.run_due()
        async with owner(shop.world) as connection:
            assert await connection.fetchval("SELECT count(*) FROM issuer.answer_files") == 0
        with pytest.raises(Problem, match="no longer accepts evidence"):
            await add_file(shop.world, shop.scope, dispute_id, "b.png", PNG + b"b")

    story(server, tell)


def test_files_at_once_are_no_more_than_five(server: ServerAddress) -> None:
    async def tell(shop: Shop) -> None:
        _, dispute_id = await open_case(shop)
        said = await asyncio.gather(
            *(
                add_file(shop.world, shop.scope, dispute_id, f"{n}.png", PNG + b"%d" % n)
                for n in range(COUNT_MAX + 3)
            ),
            return_exceptions=True,
        )
        assert sum(isinstance(one, Problem) and one.code == "wrong_state" for one in said) == 3
        assert await shop.value("SELECT count(*) FROM dispute_files") == COUNT_MAX

    story(server, tell)


def test_nobody_elses_file_is_read_or_added(server: ServerAddress) -> None:
    async def tell(shop: Shop) -> None:
        order_id, dispute_id = await open_case(shop)
        made = await add_file(shop.world, shop.scope, dispute_id, "a.png", PNG)
        for merchant_id, dispute, file, order in (
            (new_id(), dispute_id, made.file_id, None),
            (shop.merchant_id, new_id(), made.file_id, None),
            (shop.merchant_id, dispute_id, new_id(), None),
            (shop.merchant_id, dispute_id, made.file_id, new_id()),
        ):
            with pytest.raises(Problem, match="There is no such"):
                await read_file(shop.world, merchant_id, dispute, file, order)
        with pytest.raises(Problem, match="There is no such dispute"):
            await add_file(shop.world, shop.scope, dispute_id, "b.png", PNG, new_id())
        with pytest.raises(Problem, match="There is no such dispute"):
            await list_files(shop.world, shop.merchant_id, dispute_id, new_id())
        assert len(await list_files(shop.world, shop.merchant_id, dispute_id, order_id)) == 1

    story(server, tell)


def test_files_are_gone_with_the_customers_data(server: ServerAddress) -> None:
    async def tell(shop: Shop) -> None:
        order_id, dispute_id = await open_case(shop)
        made = await add_file(shop.world, shop.scope, dispute_id, "Zzyx.pdf", PDF)
        payer = await shop.value("SELECT payer_id FROM order_payer WHERE order_id = $1", order_id)
        await erase_person(shop.world, shop.scope, payer)
        async with owner(shop.world) as connection:
            row = await connection.fetchrow("SELECT name, sha256, sealed FROM dispute_files")
        assert tuple(row) == ("", b"", None)
        with pytest.raises(Problem, match="There is no such file"):
            await read_file(shop.world, shop.merchant_id, dispute_id, made.file_id)
        with pytest.raises(Problem, match="no evidence"):
            await answer_dispute(shop.world, shop.orders, shop.scope, dispute_id, "contest")
        await note_evidence(shop.world, shop.scope, dispute_id, "Delivered.")
        await answer_dispute(shop.world, shop.orders, shop.scope, dispute_id, "contest")
        await shop.run_due()
        await shop.advance(timedelta(days=1))
        assert (await the_dispute(shop, order_id))["state"] == "answered"

    story(server, tell)
