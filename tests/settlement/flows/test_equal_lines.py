"""Equal lines are counted: as many as there are, however the file was split,
ordered or read again."""

import asyncio
import random
from dataclasses import replace
from typing import Any

from tests.comparing import compare, outcomes, person, sold, statement, verdicts
from tests.refund_states import authorised
from tests.worlds import Shop, change_world, make_shop, sandbox_world

from recoup.bank.rules.reading import Reading
from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kit.report_spans import days
from recoup.reconciliation.flows.book_differences import book_lines
from recoup.refunds.flows.capture import CaptureRequest, capture

HEAD = "type,reference,amount,currency,date"
FEE = "fee,,0.30,USD,2026-11-20"


def run(server: ServerAddress, story: Any) -> None:
    async def tell() -> None:
        async with sandbox_world(server) as made:
            await story(await make_shop(*made))
            proved = await verify(made[0])
            assert proved.difference is None, proved.difference

    asyncio.run(tell())


async def costs(shop: Shop) -> int:
    """What processors cost, as booked."""
    sql = (
        "SELECT coalesce(sum(units), 0) FROM entries WHERE merchant_id = $1 AND account = "
        "'processing_cost'"
    )
    return int(await shop.value(sql, shop.merchant_id))


async def booked(
    shop: Shop, lines: list[str], reading: Reading | None = None, **more: Any
) -> dict[str, int]:
    """The outcomes, after everything that was suggested is booked."""
    ran = await compare(shop, lines, reading, **more)
    await book_lines(shop.world, person(shop), ran.run.run_id, None, "fees")
    return dict(await outcomes(shop, ran))


def test_three_equal_fees_of_a_day_are_three_and_the_next_files_is_a_new_one(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        file = [HEAD, FEE, FEE, FEE]
        assert await booked(shop, file) == {"missing_here": 3}
        assert await costs(shop) == 90
        # The same file again, as it was read and anew.
        await booked(shop, file)
        assert await booked(shop, file, again=True) == {"matched": 3}
        assert await booked(shop, file, Reading(columns={"amount": "Amount"}), again=True) == {
            "matched": 3
        }
        assert await costs(shop) == 90
        # The same fee in the next file is a new one, and it says that there is another.
        ran = await compare(shop, [HEAD, FEE])
        [line] = await verdicts(shop, ran)
        assert (line.outcome, line.recipe) == ("missing_here", "processing_cost")
        assert "Another file has an equal line" in line.finding
        assert await booked(shop, [HEAD, FEE]) == {"missing_here": 1}
        assert await costs(shop) == 120
        # Two files that both say which days they hold share the days that both hold.
        first = Reading(period=days("2026-11-01", "2026-11-20", "UTC"))
        second = Reading(period=days("2026-11-10", "2026-11-30", "UTC"))
        other = "fee,,0.40,USD,2026-11-20"
        assert await booked(shop, [HEAD, other, other], first) == {"missing_here": 2}
        assert await booked(shop, [HEAD, other, other, other], second) == {
            "matched": 2,
            "missing_here": 1,
        }
        assert await costs(shop) == 240
        # Unless they are of two processors.
        change_world(
            shop.world, processors={"sandbox": shop.world.processors["sandbox"], "second": None}
        )
        for route, total in (("sandbox", 290), ("second", 340)):
            await booked(
                shop,
                [HEAD, FEE.replace("0.30", "0.50"), f"{route},,,,"],
                replace(first, values={"route": route}),
            )
            assert await costs(shop) == total

    run(server, story)


def test_overlapping_files_and_any_split_come_to_the_same_sum(server: ServerAddress) -> None:
    """Lines with an id tell which files overlap: fees beside them count once in both."""

    async def story(shop: Shop) -> None:
        chance = random.Random(36)
        for month in range(1, 7):
            day = f"2025-{month:02}-20"
            fees = [
                f"fee,,0.{30 + kind},USD,{day}"
                for kind in range(3)
                for _ in range(chance.randint(1, 3))
            ]
            named = [f"fee,inv-{month}-{number},1.00,USD,{day}" for number in range(4)]
            cents = (
                sum(30 + kind for kind in range(3) for fee in fees if f"0.{30 + kind}" in fee) + 400
            )
            before, lines = await costs(shop), [*fees, *named]
            chance.shuffle(lines)
            if month % 2:  # parts have nothing in common
                cut = chance.randint(1, len(lines) - 1)
                await booked(shop, [HEAD, *lines[:cut]])
                await booked(shop, [HEAD, *lines[cut:]])
            else:  # the first file ends in the middle of the second
                early = [*fees[: chance.randint(0, len(fees))], *named[:2]]
                await booked(shop, [HEAD, *early])
                await booked(shop, [HEAD, *lines])
            assert await costs(shop) - before == cents, (month, lines)
            chance.shuffle(lines)
            assert await booked(shop, [HEAD, *lines, ""]) == {"matched": len(lines)}
            assert await costs(shop) - before == cents, (month, lines)

    run(server, story)


def test_equal_captures_of_one_charge_match_in_parts(server: ServerAddress) -> None:
    """They were `amount_differs` and `duplicate`, with a wrong booking into suspense."""

    async def story(shop: Shop) -> None:
        order_id = await authorised(shop)
        for key in (
            "first",
            "second",
        ):  # the ledger has two movements of the same amount, id and reference
            asked = CaptureRequest(order_id, 2295, "USD", key, key == "second")
            assert (await capture(shop.world, shop.orders, shop.scope, asked)).done
        header, *captures = await statement(shop)
        assert len(captures) == 2
        bare = ["," + line.partition(",")[2] for line in captures]
        for lines in (captures, captures[::-1], bare):
            ran = await compare(shop, [header, *lines])
            assert await outcomes(shop, ran) == {"matched": 2}, lines
        # One line for both is the payment, too, and with another line what it is alone.
        for line in (captures[0], bare[0]):
            once = line.replace("22.95", "45.90")
            for lines, told in (
                ([once], {"matched": 1}),
                ([once, once], {"matched": 1, "duplicate": 1}),
                ([once, line], {"matched": 1, "missing_here": 1, "missing_there": 1}),
            ):
                assert await outcomes(shop, await compare(shop, [header, *lines])) == told, lines
        await sold(shop, 3, refunds=0)
        one, two, three = [line for line in await statement(shop) if ",45.90," in line]
        half, third = one.replace("45.90", "22.95"), two.replace("45.90", "15.30")
        plain = "," + three.partition(",")[2].replace("45.90", "22.95")
        lines = [header, *captures, half, half, third, third, third, third, plain, plain]
        ran = await compare(shop, lines)
        told = {
            row.row_no: (row.outcome, row.reason, row.recipe) for row in await verdicts(shop, ran)
        }
        part = ("matched", "in_parts", None)
        assert told == {
            2: ("matched", "by_id", None),
            3: ("matched", "by_id", None),
            **dict.fromkeys((4, 5, 6, 7, 8, 10, 11), part),
            9: ("duplicate", "same_as_another_line", None),  # one more than the charge has
        }

    run(server, story)
