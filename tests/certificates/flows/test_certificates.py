"""Compliance certificates: made once a month, provable, made again alike, corrected by name,
recounted by others."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.comparing import compare, sold, statement
from tests.rescue.flows.test_card_limits import PATIENT, started, try_now
from tests.worlds import Shop, change_world, make_shop, owner, sandbox_world

from recoup.certificates.flows import (
    Shown,
    certificate_file,
    certificates_of,
    month_of,
    show_certificate,
)
from recoup.certificates.rules.certificate_file import prove
from recoup.certificates.rules.months import closes_at, month_end, month_start
from recoup.db.server import ServerAddress
from recoup.insight.flows.certify import certify_due, certify_month
from recoup.insight.flows.verify import verify
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kit.proved_file import Wrong
from recoup.networks.magic import script_card

VISA, MASTERCARD = script_card("visa", "51", 99), script_card("mastercard", "51", 99)


def run(server: ServerAddress, story: Any, *, holds: bool = True) -> None:
    async def tell() -> None:
        async with sandbox_world(server, policy=PATIENT) as made:
            await story(await make_shop(*made))
            proved = await verify(made[0])
            assert not holds or proved.difference is None, proved.difference

    asyncio.run(tell())


async def to_the_close(shop: Shop) -> datetime:
    """Until the month that runs now is closed; answers its first instant."""
    now = await shop.now()
    begin = month_start(now)
    await shop.advance(closes_at(begin) - now + timedelta(seconds=1))
    return begin


async def newest(shop: Shop, number: int = 1) -> Shown:
    rows = await certificates_of(shop.world, shop.merchant_id)
    assert len(rows) == number
    return await show_certificate(shop.world, shop.merchant_id, rows[0].certificate_id)


def part(shown: Shown, kind: str, key: str, value: str) -> Any:
    return next(line for line in shown.part(kind) if line[key] == value)


def test_a_month_that_is_closed_is_certified_once(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await started(shop, VISA)
        answers = [await try_now(shop, order_id) for _ in range(22)]
        assert answers == ["declined"] * 19 + [None] * 3
        begin = await to_the_close(shop)
        shown = await newest(shop)
        visa = part(shown, "scheme", "scheme", "visa")
        assert (visa["sends"], visa["declined"], visa["reported"], visa["cards"]) == (19, 19, 1, 1)
        rule = part(shown, "rule", "rule", "visa-reattempt-30d")
        assert (rule["closest"]["count"], rule["closest"]["limit"]) == (20, 20)
        assert (rule["closestSent"]["count"], rule["closestRecounted"]["count"]) == (19, 19)
        assert (shown.head["breaches"], shown.head["beyond"], shown.head["refusals"]) == (0, 0, 3)
        assert part(shown, "fee", "rule", "visa-reattempt-30d")["amount"] == 10, (
            "three refusals avoid one send"
        )
        recount = part(shown, "recount", "by", "issuer")
        assert (recount["sends"], recount["matched"], recount["differing"]) == (19, 19, 0)
        assert await certify_month(shop.world, shop.merchant_id, begin) == [], (
            "made again it is the same"
        )
        event = (
            "SELECT body ->> 'CertificateRoot' FROM outbox WHERE merchant_id = $1 AND event = "
            "'certificate.ready'"
        )
        root = await shop.value(event, shop.merchant_id)
        file = await certificate_file(
            shop.world, shop.merchant_id, shown.certificate.certificate_id
        )
        assert not isinstance(prove(iter(file.splitlines(keepends=True)), root), Wrong)

    run(server, story)


def test_windows_reach_into_the_month_before_and_each_month_has_its_own(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        now = await shop.now()
        last = timedelta(hours=3)
        await shop.advance(month_end(month_start(now + last)) - now - last)
        order_id = await started(shop, VISA, days=25)
        assert [await try_now(shop, order_id) for _ in range(4)] == ["declined"] * 4
        await shop.advance(timedelta(hours=6))
        before = await shop.value("SELECT count(*) FROM network_sends WHERE NOT claimed")
        assert [await try_now(shop, order_id) for _ in range(3)] == ["declined"] * 3
        await to_the_close(shop)
        second, first = [
            await show_certificate(shop.world, shop.merchant_id, row.certificate_id)
            for row in await certificates_of(shop.world, shop.merchant_id)
        ]
        assert second.head["previousRoot"] == first.head["root"]
        assert first.head["sends"] == 4
        rule = part(second, "rule", "rule", "visa-reattempt-30d")
        assert rule["carried"] == 5, "with the decline that came in"
        assert rule["closestSent"]["count"] >= 7
        assert second.head["sends"] + 4 == await shop.value(
            "SELECT count(*) FROM network_sends WHERE NOT claimed"
        )
        assert before >= 4

    run(server, story)


def test_a_decline_that_is_reported_after_the_close_makes_a_correction_that_says_so(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        await shop.to_day(10, 20)
        request = await shop.declined(pan=VISA, days=28)
        order_id = (await shop.evaluate.evaluate(shop.scope, request)).order_id
        await shop.run_due()
        assert await try_now(shop, order_id) == "declined"
        sent_on = await shop.now()
        begin = await to_the_close(shop)
        first = await newest(shop)
        await shop.transmitted(request.external_id, transacted_at=sent_on)
        await shop.run_due()
        (made,) = await certify_month(shop.world, shop.merchant_id, begin)
        second = await newest(shop, 2)
        assert (second.head["number"], second.head["corrects"]) == (2, first.head["certificateId"])
        assert second.head["reasons"][:2] == ["scheme", "rule"]
        assert second.head["reported"] == first.head["reported"] + 1
        change = next(line for line in second.part("change") if line["part"] == "scheme")
        assert (change["before"]["reported"], change["after"]["reported"]) == (1, 2)
        assert (
            await show_certificate(shop.world, shop.merchant_id, first.certificate.certificate_id)
        ).corrected
        assert second.certificate.certificate_id == made
        assert not second.corrected
        assert await certify_month(shop.world, shop.merchant_id, begin) == []

    run(server, story)


def test_several_that_make_it_at_once_make_one(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await try_now(shop, await started(shop, MASTERCARD))
        begin = month_start(await shop.now())
        await shop.world.db.execute(
            "UPDATE merchants SET offset_us = offset_us + $2 WHERE merchant_id = $1",
            shop.merchant_id,
            round((closes_at(begin) - await shop.now() + timedelta(hours=1)).total_seconds())
            * 1_000_000,
        )
        await asyncio.gather(*(certify_due(shop.world, shop.merchant_id) for _ in range(4)))
        assert (await newest(shop)).head["number"] == 1
        due = "SELECT due_at FROM due_work WHERE merchant_id = $1 AND kind = 'certificate'"
        assert await shop.value(due, shop.merchant_id) >= closes_at(month_end(begin))

    run(server, story)


def test_a_month_in_which_nothing_was_sent_has_none(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await to_the_close(shop)
        assert await certificates_of(shop.world, shop.merchant_id) == []

    run(server, story)


def test_each_acceptor_has_its_own(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await started(shop, VISA)
        assert await try_now(shop, order_id) == "declined"
        await shop.world.db.execute(
            "UPDATE merchants SET acceptor_id = 'another' WHERE merchant_id = $1", shop.merchant_id
        )
        assert await try_now(shop, order_id) == "declined"
        await to_the_close(shop)
        rows = await certificates_of(shop.world, shop.merchant_id)
        both = {
            row.acceptor_id: await show_certificate(
                shop.world, shop.merchant_id, row.certificate_id
            )
            for row in rows
        }
        assert set(both) == {"sandbox", "another"}
        near = part(both["another"], "rule", "rule", "visa-reattempt-30d")["closest"]
        assert near["count"] >= 3, "Visa counts by the card, whoever accepts it"

    run(server, story)


def test_nobody_elses_certificate_can_be_read(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await try_now(shop, await started(shop, VISA))
        await to_the_close(shop)
        shown = await newest(shop)
        other = await make_shop(shop.world, shop.orders, shop.deliveries, name="Other")
        for read in (show_certificate, certificate_file):
            with pytest.raises(Problem, match="no such certificate"):
                await read(shop.world, other.merchant_id, shown.certificate.certificate_id)
        assert await certificates_of(shop.world, other.merchant_id) == []
        with pytest.raises(Problem, match="no such merchant"):
            await certify_month(shop.world, new_id(), shown.certificate.month_from)
        with pytest.raises(Problem, match="no such merchant"):
            await month_of(shop.world, new_id(), "2026-01")

    run(server, story)


def test_a_month_is_refused_before_it_is_closed_by_the_merchants_own_clock(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        text = f"{await shop.now():%Y-%m}"
        with pytest.raises(Problem, match="not closed") as wrong:
            await month_of(shop.world, shop.merchant_id, text)
        assert wrong.value.field == "month"
        begin = await to_the_close(shop)
        assert await month_of(shop.world, shop.merchant_id, text) == begin

    run(server, story)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ("UPDATE certificates SET sends = sends + 1", "row"),
        ("UPDATE certificates SET file = overlay(file PLACING '9' FROM 200)", "line"),
        ("UPDATE certificates SET root = sha256('other')", "root"),
        ("UPDATE certificates SET chain_no = 7", "place"),
        ("DELETE FROM outbox WHERE event = 'certificate.ready'", "event"),
    ],
)
def test_verify_finds_what_somebody_changed(server: ServerAddress, change: str, field: str) -> None:
    async def story(shop: Shop) -> None:
        await try_now(shop, await started(shop, VISA))
        await to_the_close(shop)
        assert (await verify(shop.world)).difference is None
        async with owner(shop.world) as connection:
            await connection.execute(change)
        found = [
            one.field
            for one in (await verify(shop.world)).differences
            if "certificate" in one.field
        ]
        assert found, "it got through"
        assert field in found[0]

    run(server, story, holds=False)


def test_a_send_that_only_the_issuer_has_is_a_difference(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await started(shop, VISA)
        for _ in range(3):
            await try_now(shop, order_id)
        async with owner(shop.world) as connection:
            ids = await connection.fetch(
                "SELECT send_id FROM network_sends WHERE NOT claimed ORDER BY send_id"
            )
            await connection.execute(
                "DELETE FROM network_sends WHERE send_id = $1", ids[0]["send_id"]
            )
            await connection.execute(
                "UPDATE issuer.sends SET units = 1 WHERE id = $1", ids[1]["send_id"]
            )
            await connection.execute("DELETE FROM issuer.sends WHERE id = $1", ids[2]["send_id"])
        await to_the_close(shop)
        shown = await newest(shop)
        found = {
            UUID(line["sendId"]): (line["field"], line["theirs"])
            for line in shown.part("difference")
        }
        assert found[ids[0]["send_id"]] == ("not_counted", "declined")
        assert found[ids[1]["send_id"]] == ("amount", "1 USD")
        assert found[ids[2]["send_id"]] == ("never_arrived", None)

    run(server, story, holds=False)


def test_without_an_issuers_book_a_processors_statement_recounts_the_approvals(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        await sold(shop, 3)
        lines, begin = await statement(shop), month_start(await shop.now())
        sandbox = shop.world.processors
        change_world(shop.world, processors={})
        await to_the_close(shop)
        none = await newest(shop)
        assert part(none, "recount", "by", "none")["sends"] == 0
        assert part(none, "unseen", "what", "recount")
        await compare(shop, [line for line in lines if "refund" not in line])
        (made,) = await certify_month(shop.world, shop.merchant_id, begin)
        second = await show_certificate(shop.world, shop.merchant_id, made)
        recount = part(second, "recount", "by", "statement")
        assert (recount["approved"], recount["matched"], recount["differing"]) == (3, 3, 0)
        assert second.head["reasons"] == ["unseen", "recount"]
        await compare(
            shop,
            [
                *lines[:1],
                *(line.replace("45.90", "45.91") for line in lines[1:] if "charge" in line),
            ],
        )
        (made,) = await certify_month(shop.world, shop.merchant_id, begin)
        third = await show_certificate(shop.world, shop.merchant_id, made)
        assert (
            part(third, "recount", "by", "statement")["differing"]
            == len(third.part("difference"))
            == 3
        )
        change_world(shop.world, processors=sandbox)

    run(server, story)
