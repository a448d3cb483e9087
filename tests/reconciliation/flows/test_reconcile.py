"""Statements against the ledger: what was lost, doubled or changed is found, and booked when a
person says so."""

import asyncio
import gzip
import io
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.comparing import YES, books, compare, outcomes, person, sold, statement, verdicts
from tests.left_processes import Killer, dying_process, run_until_killed, second_process
from tests.settling import DAY, payouts, terms, with_account
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.bank.flows import approve
from recoup.bank.rules.reading import Reading
from recoup.db.server import ServerAddress
from recoup.disputes.flows.sandbox import dispute_on_demand
from recoup.insight.flows.verify import verify
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor
from recoup.reconciliation.flows.book_differences import Booked, book_lines
from recoup.reconciliation.flows.reconcile import File, reconcile
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.stablecoin.flows.charge import Charges, StablecoinChargeRequest
from recoup.stablecoin.flows.pay import simulate

CHAIN = Reading(kind="chain")


def run(server: ServerAddress, story: Any, shops: int = 1) -> None:
    async def tell() -> None:
        async with sandbox_world(server) as made:
            await story(*[await make_shop(*made, fee_basis_points=290) for _ in range(shops)])
            proved = await verify(made[0])
            assert proved.difference is None, proved.difference

    asyncio.run(tell())


def test_the_processors_own_statement_matches_wholly(server: ServerAddress) -> None:
    async def story(shop: Shop, other: Shop) -> None:
        await sold(shop)
        await sold(other)
        held = await shop.ask(
            is_mit=False, days=None, code="05", pan=YES, facts={"transaction_type": "AUTHORIZATION"}
        )
        assert held.evaluate
        lines = await statement(shop)
        assert len(lines) == 5
        ran = await compare(shop, lines)
        assert await outcomes(shop, ran) == {"matched": 4}
        assert not ran.before
        assert (ran.run.lines, ran.run.kind) == (4, "processor")
        # Known by the processor's reference alone, as most files have it.
        without = [lines[0], *("," + line.partition(",")[2] for line in lines[1:])]
        assert await outcomes(shop, await compare(shop, without)) == {"matched": 4}
        # The same amounts under other ids are no match, and the other merchant's lines are not
        # ours.
        strange = await outcomes(shop, await compare(shop, await statement(other)))
        assert strange == {"missing_here": 4, "missing_there": 4}

    run(server, story, shops=2)


def test_a_fee_beside_its_charge_is_a_line_of_its_own(server: ServerAddress) -> None:
    """As processors write it: gross, fee and net in one record, and what cannot be read names its
    column."""

    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            await sold(shop, 1, 0)
            header, line = (row.split(",") for row in (await statement(shop))[:2])
            cells = dict(zip(header, line, strict=True))
            gross, date = cells["amount"], cells["date"]
            rest = f"{float(gross) - 0.5:.2f}"
            rows = [
                "reporting_category,source_id,gross,fee,net,currency,created",
                f"charge,{cells['reference']},{gross},0.50,{rest},{cells['currency']},{date}",
                f"charge,9.87654E+11,{gross},0.50,{rest},{cells['currency']},{date}",
            ]
            ran = await compare(shop, gzip.compress("\r".join(rows).encode()))
            assert await outcomes(shop, ran) == {"matched": 1, "missing_here": 1, "refused": 1}
            told = {
                (row.outcome, row.line_no, row.type, row.units, row.recipe)
                for row in await verdicts(shop, ran)
            }
            assert ("missing_here", 2, "fee", 50, "processing_cost") in told
            [refused] = [row for row in await verdicts(shop, ran) if row.outcome == "refused"]
            assert str(refused.finding).startswith(
                "Line 3 could not be read: column source_id: holds what a spreadsheet"
            )

    asyncio.run(story())


def test_a_fee_that_came_back_lowers_the_cost(server: ServerAddress) -> None:
    """5.00 were taken, 5.00 given back and 0.30 taken; booked, they were costs of 10.30."""

    async def story(shop: Shop) -> None:
        await sold(shop, 1, 0)
        rows = [
            (
                "balance_transaction_id,created_utc,currency,"
                "gross,fee,net,reporting_category,source_id"
            ),
            "txn_F1,2026-11-03 10:00:00,usd,-5.00,0.00,-5.00,fee,fee_1",
            "txn_F2,2026-11-04 10:00:00,usd,5.00,0.00,5.00,fee,fee_2",
            "txn_F3,2026-11-04 11:00:00,usd,-0.30,0.00,-0.30,fee,fee_3",
        ]
        ran = await compare(shop, rows)
        told = [
            (row.type, row.units, row.recipe) for row in await verdicts(shop, ran) if row.line_no
        ]
        assert told == [
            ("fee", 500, "processing_cost"),
            ("fee_returned", 500, "processing_cost_returned"),
            ("fee", 30, "processing_cost"),
        ]
        for _ in range(2):
            await book_lines(shop.world, person(shop), ran.run.run_id, None, "Radar for November")
        cost = (
            "SELECT sum(units) FROM entries WHERE merchant_id = $1 AND account = 'processing_cost'"
        )
        assert await shop.value(cost, shop.merchant_id) == 30
        again = await compare(
            shop, rows, again=True
        )  # what was booked is known again, the returned one too
        assert [row.outcome for row in await verdicts(shop, again) if row.line_no] == [
            "matched"
        ] * 3

    run(server, story)


def test_a_file_in_another_unit_is_refused_and_changes_nothing(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await sold(shop, 3, refunds=1)
        lines = await statement(shop)
        cents = [lines[0], *(line.replace(".", "", 1) for line in lines[1:])]
        assert cents != lines
        count = "SELECT count(*) FROM reconciliation_runs WHERE merchant_id = $1"
        with pytest.raises(Problem, match="in the smallest unit") as refused:
            await compare(shop, cents)
        assert (refused.value.field, "--amounts minor" in str(refused.value.cure)) == (
            "amounts",
            True,
        )
        assert await shop.value(count, shop.merchant_id) == 0
        with pytest.raises(Problem, match="in whole units"):
            await compare(shop, lines, Reading(amounts="minor"))
        ran = await compare(shop, cents, Reading(amounts="minor"))
        assert await outcomes(shop, ran) == {"matched": 4}
        assert any("smallest unit" in str(note) for note in ran.run.notes)

    run(server, story)


def test_each_difference_is_found_and_named(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await sold(shop, 4, refunds=2)
        lines = await statement(shop)
        charges = [at for at, line in enumerate(lines) if ",charge," in line]
        edited = list(lines)
        lost = edited.pop(charges[0])
        edited[edited.index(lines[charges[1]])] = lines[charges[1]].replace("45.90", "44.90")
        edited.append(lines[charges[2]])
        edited.append(f"{new_id()},sbx_unknown,charge,12.00,USD,{lines[1].split(',')[5]},sandbox")
        edited.append(f",,fee,1.25,USD,{lines[1].split(',')[5]},sandbox")
        edited += ["broken", f"{new_id()},x,charge,1.00,EUR,{lines[1].split(',')[5]},sandbox"]
        ran = await compare(shop, edited)
        assert await outcomes(shop, ran) == {
            "matched": 4,
            "missing_there": 1,
            "amount_differs": 1,
            "duplicate": 1,
            "missing_here": 2,
            "refused": 2,
        }
        rows = {row.outcome: row for row in await verdicts(shop, ran)}
        assert str(rows["missing_there"].our_id) == lost.split(",")[0]
        assert (rows["amount_differs"].units, rows["amount_differs"].our_units) == (4490, 4590)
        assert rows["duplicate"].finding.startswith("It says again what line ")
        assert rows["missing_there"].recipe is None
        assert rows["refused"].reason == "mixed_currencies"
        assert await books(shop) == (0, 0)

    run(server, story)


def test_a_second_charge_under_the_same_id_is_no_duplicate(server: ServerAddress) -> None:
    """Of 50.00 and 9,999.00 under one id the file said that the second line repeats the first;
    nothing was to book."""

    async def story(shop: Shop) -> None:
        await sold(shop, 3, refunds=0)
        header, one, two, three = await statement(shop)
        large, again = (
            one.replace("45.90", "9999.00"),
            three.replace(three.split(",")[5], "2026-11-30T10:00:00Z"),
        )
        parts = [two.replace("45.90", amount) for amount in ("20.00", "25.90")]
        lines = [header, one, large, one, *parts, three, again]
        ran = await compare(shop, lines)
        told = {
            row.row_no: (row.outcome, row.reason, row.recipe) for row in await verdicts(shop, ran)
        }
        assert told == {
            2: ("matched", "by_id", None),
            3: ("missing_here", "another_amount", "suspended"),
            4: ("duplicate", "same_as_another_line", None),
            5: ("matched", "in_parts", None),
            6: ("matched", "in_parts", None),
            7: ("matched", "by_id", None),
            8: ("missing_here", "another_date", "suspended"),
        }
        [row] = [row for row in await verdicts(shop, ran) if row.row_no == 3]
        assert (row.units, row.our_units) == (999_900, None)
        assert row.finding.startswith("Line 2 is this payment already, with another amount.")
        assert await book_lines(
            shop.world, person(shop), ran.run.run_id, [3], "asked them"
        ) == Booked(1, 0)
        assert await books(shop) == (1, -999_900)
        anew = await compare(shop, [header, large, one])
        assert await outcomes(shop, anew) == {"matched": 2, "missing_there": 2}
        assert {row.reason for row in await verdicts(shop, anew) if row.line_no} == {
            "by_id",
            "by_booked",
        }

    run(server, story)


def test_a_second_run_changes_nothing_and_says_so(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await sold(shop)
        lines = [*await statement(shop), ",fee-1,fee,3.00,USD,2026-11-20,sandbox"]
        first = await compare(shop, lines)
        again = await compare(shop, lines)
        assert (first.before, again.before) == (False, True)
        assert again.run == first.run
        assert await book_lines(
            shop.world, person(shop), first.run.run_id, None, "monthly fee"
        ) == Booked(1, 0)
        assert await book_lines(
            shop.world, person(shop), first.run.run_id, None, "monthly fee"
        ) == Booked(0, 0)
        # Another file with the same line: it was booked, and matches.
        anew = await compare(shop, [lines[0], lines[-1], *lines[1:-1]])
        assert await outcomes(shop, anew) == {"matched": 5}
        assert {row.reason for row in await verdicts(shop, anew)} == {"by_id", "by_booked"}
        compared = await compare(shop, lines, again=True)
        assert not compared.before
        assert await outcomes(shop, compared) == {"matched": 5}
        assert await books(shop) == (1, 0)

    run(server, story)


def test_a_statement_whose_name_or_mapping_holds_a_card_number_is_refused(
    server: ServerAddress,
) -> None:
    """By the command: the portal's form had refused it, and the run kept both as they were."""

    async def story(shop: Shop) -> None:
        card = "4" + "1" * 15
        with pytest.raises(Problem, match="file name holds a card number"):
            await reconcile(
                shop.world, person(shop), File(f"of {card}.csv", io.BytesIO(b"")), Reading()
            )
        with pytest.raises(Problem, match="mapping holds a card number"):
            await compare(shop, ["a,b"], Reading(columns={"reference": card}))

    run(server, story)


def test_a_booking_says_who_and_why_and_counts_once(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await sold(shop, 2, refunds=0)
        header, one, two = await statement(shop)
        file = [
            header,
            one.replace("45.90", "47.00"),
            f"{new_id()},s1,refund,5.00,USD,{two.split(',')[5]},sandbox",
        ]
        ran = await compare(shop, file)
        run_id, olga = ran.run.run_id, person(shop)
        for numbers, note, code in (
            ([2], " ", "invalid"),
            ([99], "why", "not_found"),
            ([4], "why", "wrong_state"),
        ):
            with pytest.raises(Problem) as refused:
                await book_lines(shop.world, olga, run_id, numbers, note)
            assert refused.value.code == code
        assert await books(shop) == (0, 0)
        assert await book_lines(shop.world, olga, run_id, [2], "they charged more") == Booked(1, 0)
        with pytest.raises(Problem, match="booked by user:olga"):
            await book_lines(shop.world, olga, run_id, [2, 3], "again")
        assert await books(shop) == (1, -110)
        # The same unknown refund in the next file, booked from there, counts once here too.
        other = await compare(shop, [header, file[2]])
        assert await book_lines(shop.world, olga, other.run.run_id, None, "asked them") == Booked(
            1, 0
        )
        assert await book_lines(shop.world, olga, run_id, [3], "asked them") == Booked(0, 1)
        assert await books(shop) == (2, 390)
        assert {r.row_no: r.note for r in await verdicts(shop, ran) if r.note} == {
            2: "they charged more",
            3: "asked them",
        }
        await shop.close_pages()

    run(server, story)


def test_two_runs_and_two_bookers_at_once(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await sold(shop)
        lines = [*await statement(shop), ",fee-1,fee,3.00,USD,2026-11-20,sandbox"]
        async with second_process(shop.world) as world:
            twin = replace(shop, world=world)
            ran = await asyncio.gather(*(compare(s, lines) for s in (shop, twin, shop, twin)))
            assert sorted(r.before for r in ran) == [False, True, True, True]
            assert len({r.run.run_id for r in ran}) == 1
            other = await compare(shop, [lines[0], lines[-1]])
            ids = [ran[0].run.run_id, other.run.run_id] * 2
            told = await asyncio.gather(
                *(
                    book_lines(s.world, person(s), run_id, None, "fee")
                    for s, run_id in zip((shop, twin) * 2, ids, strict=True)
                )
            )
            assert sum(t.now for t in told) == 1
        assert await books(shop) == (1, 0)

    run(server, story)


def test_a_kill_between_any_two_statements(server: ServerAddress) -> None:
    """Of a comparison that died nothing is left; the next one finds the same. Of a booking all or
    nothing."""

    async def story(shop: Shop) -> None:
        await sold(shop)
        lines = [*(await statement(shop))[:-1], ",fee-1,fee,3.00,USD,2026-11-20,sandbox"]
        for step in range(1, 60):
            killer = Killer(step, after=bool(step % 2))
            async with dying_process(shop, killer) as dying:
                told = await run_until_killed(
                    killer, compare(dying, [*lines, f",fee-{step},fee,1.00,USD,2026-11-20,"])
                )
            assert not isinstance(told, BaseException), told
            known = await compare(shop, [*lines, f",fee-{step},fee,1.00,USD,2026-11-20,"])
            assert await outcomes(shop, known) == {
                "matched": 3,
                "missing_there": 1,
                "missing_here": 2,
            }
            if told is not None:
                break
        assert step > 8
        for more in range(1, 60):
            killer = Killer(more, after=bool(more % 2))
            async with dying_process(shop, killer) as dying:
                told = await run_until_killed(
                    killer, book_lines(dying.world, person(shop), known.run.run_id, None, "fees")
                )
            assert (await books(shop))[0] in (0, 2)
            if told is not None:
                break
        assert more > 4
        assert await books(shop) == (2, 0)

    run(server, story)


def test_wrong_periods_and_what_lies_near_their_edges(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await sold(shop, 1, refunds=0)
        await shop.advance(timedelta(days=5))
        await sold(shop, 1, refunds=0)
        await shop.advance(timedelta(days=5))
        lines, now = await statement(shop), await shop.now()
        reading = Reading(period=(now - timedelta(days=5, hours=5), now))
        ran = await compare(shop, lines, reading)
        assert await outcomes(shop, ran) == {"refused": 1, "matched": 1}
        assert [row.reason for row in await verdicts(shop, ran)] == ["other_period", "by_id"]
        ran = await compare(
            shop,
            lines[:1] + [lines[1].replace("charge", "refund")],
            Reading(period=(now - timedelta(days=20), now)),
        )
        assert {row.reason for row in await verdicts(shop, ran)} == {"unknown", "not_in_the_file"}

    run(server, story)


def test_a_channels_statement_covers_payments_refunds_settlements_and_payouts(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        for channel, amount in (("mock", "49.90"), ("mock_direct", "20.00"), ("mock", "7.00")):
            asked = StablecoinChargeRequest(f"order-{new_id().hex}", amount, "USDT", channel)
            order = (await Charges(shop.world, shop.merchants).charge(shop.scope, asked)).order
            await simulate(
                shop.world,
                shop.orders,
                (shop.merchant_id, order.order_id),
                approve=True,
                actor=Actor("payer", "checkout"),
            )
            if amount == "7.00":
                await refund(
                    shop.world, shop.orders, shop.scope, order.order_id, RefundRequest(all=True)
                )
        await shop.settle()
        await shop.run_due()
        lines = await statement(shop, "channel")
        types = sorted(line.split(",")[2] for line in lines[1:])
        assert types == ["charge", "charge", "charge", "refund", "settlement"]
        assert await outcomes(shop, await compare(shop, lines, CHAIN)) == {"matched": 5}
        hashes = [
            lines[0],
            *("," + line.partition(",")[2].replace(".9", ".8") for line in lines[1:-1]),
        ]
        found = await outcomes(shop, await compare(shop, hashes, CHAIN))
        assert found["matched"] == 3
        assert found["amount_differs"] == 1
        assert found["missing_there"] == 1
        # Cards and chains do not mix.
        assert await outcomes(shop, await compare(shop, lines[:2])) == {"refused": 1}

    run(server, story)


def test_a_banks_statement_covers_payouts_what_comes_back_and_what_processors_pay(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        await with_account(shop, "000123450002")  # the bank gives it back
        await terms(shop, period="day", delay_days=0)
        await shop.advance(4 * DAY)
        await sold(shop, 2, refunds=0)
        await shop.advance(DAY)
        (payout,) = await payouts(shop)
        await approve(shop.world, person(shop), payout["payout_id"])
        await shop.advance(2 * DAY)
        lines = await statement(shop, "bank")
        assert [line.split(",")[2] for line in lines[1:]] == ["payout", "payout_return"]
        bank = Reading(kind="bank")
        assert await outcomes(shop, await compare(shop, lines, bank)) == {"matched": 2}
        # A bank knows the reference only, writes money out with a minus, and shows what the
        # processor paid.
        day = lines[1].split(",")[5]
        plain = [
            lines[0],
            f",{payout['reference']},payout,-{lines[1].split(',')[3]},USD,{day},",
            f",NTRF-1,funding,80.00,USD,{day},",
        ]
        ran = await compare(shop, plain, bank)
        assert await outcomes(shop, ran) == {
            "matched": 1,
            "missing_here": 1,
        }  # it came back a day later
        assert await book_lines(
            shop.world, person(shop), ran.run.run_id, [3], "paid for November"
        ) == Booked(1, 0)
        sums = await shop.world.db.fetch(
            "SELECT account, sum(units)::bigint FROM entries WHERE merchant_id = $1"
            " AND account IN ('bank', 'clearing') GROUP BY 1",
            shop.merchant_id,
        )
        assert dict(sums) == {"bank": 8000, "clearing": 9180 - 8000}

    run(server, story)


def test_disputes_and_their_fees_are_in_the_processors_statement(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        orders = await sold(shop, 2, refunds=0)
        for order_id in orders:
            await dispute_on_demand(shop.world, shop.orders, shop.key(order_id))
        lines = await statement(shop)
        types = sorted(line.split(",")[2] for line in lines[1:])
        assert types == ["charge"] * 2 + ["dispute"] * 2 + ["dispute_fee"] * 2
        ran = await compare(shop, lines)
        assert await outcomes(shop, ran) == {"matched": 6}
        assert {row.reason for row in await verdicts(shop, ran) if row.type != "charge"} == {
            "by_reference"
        }

    run(server, story)


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        (
            "UPDATE reconciliation_lines SET booked_at = NULL, booked_by = NULL",
            "booked line of posting processing_cost",
        ),
        ("UPDATE reconciliation_lines SET entries = '[]'", "entries of posting processing_cost"),
        ("DELETE FROM reconciliation_lines WHERE outcome = 'matched'", "lines of run"),
        ("UPDATE reconciliation_runs SET counts = '{}'", "counts of run"),
        ("DELETE FROM due_work WHERE kind = 'reconciliation'", "due work reconciliation"),
    ],
)
def test_verify_finds_what_was_changed(server: ServerAddress, sql: str, words: str) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            await sold(shop, 1, refunds=0)
            ran = await compare(
                shop, [*await statement(shop), ",fee-1,fee,3.00,USD,2026-11-20,sandbox"]
            )
            await book_lines(shop.world, person(shop), ran.run.run_id, None, "fee")
            assert (await verify(made[0])).difference is None
            async with owner(made[0]) as connection:
                await connection.execute(sql)
            found = (await verify(made[0])).difference
            assert found is not None
            assert words in found.field

    asyncio.run(story())
