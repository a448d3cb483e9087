"""A payout to a bank: two people, one file, one posting, whatever dies; what comes back is paid
again."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.left_processes import dying_process, kills, run_until_killed, second_process
from tests.rings import deep
from tests.settlement.flows.test_settle import balance, proved
from tests.settling import ACCOUNT, DAY, payouts, person, rows, sold, terms, with_account
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.bank import flows
from recoup.bank.flows import (
    approve,
    approve_account,
    enter_account,
    go_on,
    prove_account,
    read_file,
    take_answers,
    tell_outcome,
)
from recoup.db.operation.standing import begin_epoch
from recoup.db.server import ServerAddress
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kit.as_of import Window
from recoup.processors.rules.bank_account import read_account
from recoup.settlement.flows.report import kind_of, report_lines
from recoup.settlement.flows.settle import pay_again

CLOSED = "000123450002"
SILENT = "000123450099"


async def closed(shop: Shop, account: str = ACCOUNT) -> dict[str, Any]:
    """A batch whose payout waits for its approval, and an account that may take it."""
    await with_account(shop, account)
    await terms(shop, period="day", delay_days=0)
    await shop.advance(4 * DAY)
    await sold(shop)
    await shop.advance(DAY)
    return (await payouts(shop))[-1]


async def events(shop: Shop, payout_id: UUID) -> list[tuple[str, str]]:
    sql = "SELECT event, body FROM outbox WHERE merchant_id = $1 AND subject_id = $2 ORDER BY seq"
    return [(r["event"], r["body"]["Status"]) for r in await rows(shop, sql, payout_id)]


async def paid(shop: Shop) -> list[Any]:
    """What the reconciliation report says was paid out."""
    now = await shop.now()
    span = Window(now - timedelta(days=300), now + timedelta(seconds=1))
    lines = [row async for part in report_lines(shop.world, shop.merchant_id, span) for row in part]
    return [row for row in lines if kind_of(row.recipe) == "payout"]


def test_bank_accounts_entered_without_end_slow_nobody_down(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of a merchant's are locked when one is decided on, and looked through for each page's
    menu."""
    monkeypatch.setattr(flows, "ACCOUNTS_MAX", 1)

    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            await with_account(shop)
            with pytest.raises(Problem, match="at most 1 bank accounts"):
                await with_account(shop)

    asyncio.run(story())


def test_after_a_restore_no_file_is_made_before_the_bank_s_statement(server: ServerAddress) -> None:
    """The bank may have had one for this settlement already."""

    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            payout = (await closed(shop))["payout_id"]
            wall = shop.world.clocks.wall()
            lost, until = (wall - DAY, wall - timedelta(hours=1)), wall + 400 * DAY
            await begin_epoch(
                shop.world.db.alone, 2, *lost, until, 0, wall - timedelta(minutes=1), "ana"
            )
            await approve(shop.world, person(shop, "olga"), payout)
            await shop.run_due()
            (row,) = await payouts(shop)
            assert (row["state"], row["file"]) == ("approved", None)
            for kind, end, state in (
                ("processor", wall, "approved"),
                ("bank", lost[1] - timedelta(minutes=1), "approved"),
                ("bank", wall, "sent"),
            ):
                await shop.world.db.execute(
                    "INSERT INTO reconciliation_runs (merchant_id, run_id, run_key, kind, "
                    "file_name, file_hash,"
                    " reading, period_from, period_to, actor, created_at)"
                    " VALUES ($1, $2, $3, $4, '', '', '{}', $5, $6, 't', $7)",
                    *(shop.merchant_id, new_id(), new_id().bytes, kind, lost[0], end, wall),
                )
                await go_on(shop.world, shop.merchant_id, payout)
                (row,) = await payouts(shop)
                assert row["state"] == state, (kind, end)
            await read_file(shop.world, shop.merchant_id, payout)
            await begin_epoch(
                shop.world.db.alone, 3, *lost, until, 0, wall + timedelta(minutes=1), "ana"
            )
            with pytest.raises(
                Problem, match="wait for a bank statement"
            ):  # the same file would be paid twice
                await read_file(shop.world, shop.merchant_id, payout)

    asyncio.run(story())


def test_a_payout_goes_its_way(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            payout = await closed(shop)
            assert (payout["state"], payout["units"], payout["requested_by"]) == (
                "created",
                4590,
                "worker:clock",
            )
            assert not await events(shop, payout["payout_id"]), "nothing was sent yet"
            assert not await paid(shop), "and nothing is booked as paid"
            await approve(shop.world, person(shop, "olga"), payout["payout_id"])
            await shop.run_due()
            (payout,) = await payouts(shop)
            assert payout["state"] == "sent"
            assert await events(shop, payout["payout_id"]) == [("payout.created", "pending")]
            (line,) = await paid(shop)
            assert (line.units, line.batch_id, line.reference) == (
                -4590,
                payout["batch_id"],
                payout["reference"],
            )
            assert ACCOUNT.encode() not in payout["file"]
            name, content = await read_file(shop.world, shop.merchant_id, payout["payout_id"])
            assert (name, await read_file(shop.world, shop.merchant_id, payout["payout_id"])) == (
                f"{payout['reference']}.ach",
                (name, content),
            )
            assert ACCOUNT.encode() in content
            assert await balance(shop, "bank") == -4590
            assert not await balance(shop, "settlement_due")
            await shop.advance(2 * DAY)
            assert (await payouts(shop))[0]["state"] == "paid"
            told = await events(shop, payout["payout_id"])
            assert told == [("payout.created", "pending"), ("payout.updated", "completed")]
            await proved(shop)

    asyncio.run(story())


def test_what_the_bank_gives_back_is_due_again_and_paid_to_a_new_account(
    server: ServerAddress,
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            payout = await closed(shop, CLOSED)
            batch_id = payout["batch_id"]
            with pytest.raises(Problem, match="only one that came back"):
                await pay_again(shop.world, person(shop, "maya"), batch_id)
            await approve(shop.world, person(shop, "olga"), payout["payout_id"])
            await shop.advance(2 * DAY)
            (payout,) = await payouts(shop)
            assert (payout["state"], payout["reason"]) == ("returned", "R02, the account is closed")
            assert await events(shop, payout["payout_id"]) == [
                ("payout.created", "pending"),
                ("payout.updated", "failed"),
            ]
            assert await balance(shop, "settlement_due") == -4590
            assert not await balance(shop, "bank")
            await proved(shop)
            await with_account(shop, "000999888777")
            again = await pay_again(shop.world, person(shop, "maya"), batch_id)
            with pytest.raises(Problem, match="only one that came back"):
                await pay_again(shop.world, person(shop, "maya"), batch_id)
            with pytest.raises(Problem, match="changed on"):
                await approve(shop.world, person(shop, "olga"), again)
            await shop.advance(3 * DAY)
            with pytest.raises(Problem, match="second person"):
                await approve(shop.world, person(shop, "maya"), again)
            await approve(shop.world, person(shop, "olga"), again)
            await shop.advance(2 * DAY)
            assert [p["state"] for p in await payouts(shop)] == ["returned", "paid"]
            assert await balance(shop, "bank") == -4590
            await proved(shop)
            await tell_outcome(shop.world, person(shop, "olga"), again, "returned", "R16, frozen")
            assert (await events(shop, again))[-1] == ("payout.updated", "reversed")
            await proved(shop)

    asyncio.run(story())


def test_a_silent_bank_is_given_the_same_file_again_and_nothing_is_booked(
    server: ServerAddress,
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            payout = await closed(shop, SILENT)
            await approve(shop.world, person(shop, "olga"), payout["payout_id"])
            await go_on(shop.world, shop.merchant_id, payout["payout_id"])
            (before,) = await payouts(shop)
            await go_on(shop.world, shop.merchant_id, payout["payout_id"])
            (after,) = await payouts(shop)
            assert (before["state"], after["state"], after["tries"]) == (
                "approved",
                "approved",
                before["tries"] + 1,
            )
            assert before["file"] == after["file"]
            assert not await balance(shop, "bank")
            await proved(shop)

    asyncio.run(story())


def test_approvals_are_one_even_when_many_come_at_once(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made, second_process(made[0]) as other:
            shop = await make_shop(*made)
            payout = await closed(shop)
            told = await asyncio.gather(
                *(
                    approve(world, person(shop, f"olga{n}"), payout["payout_id"])
                    for n, world in enumerate((shop.world, other) * 4)
                ),
                return_exceptions=True,
            )
            assert sum(one is None for one in told) == 1
            assert all(one is None or isinstance(one, Problem) for one in told)
            await asyncio.gather(
                *(go_on(w, shop.merchant_id, payout["payout_id"]) for w in (shop.world, other) * 4)
            )
            assert (await payouts(shop))[0]["state"] in (
                "sent",
                "paid",
            )  # who comes after the sending asks the bank
            assert await balance(shop, "bank") == -4590
            await proved(shop)

    asyncio.run(story())


@deep("kills")
@pytest.mark.timeout(300)
def test_a_process_that_dies_on_the_way_to_the_bank_pays_once(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            await with_account(shop)
            await terms(shop, period="day", delay_days=0)
            await shop.advance(4 * DAY)
            for killer in kills("payout", least=8):
                await sold(shop)
                await shop.advance(DAY)
                payout_id = (await payouts(shop))[-1]["payout_id"]

                async def work(dying: Shop, payout_id: UUID = payout_id) -> None:
                    await approve(dying.world, person(dying, "olga"), payout_id)
                    await go_on(dying.world, dying.merchant_id, payout_id)
                    await tell_outcome(
                        dying.world, person(dying, "olga"), payout_id, "returned", "R01"
                    )

                async with dying_process(shop, killer) as dying:
                    told = await run_until_killed(killer, work(dying))
                assert not isinstance(told, BaseException), told
                if (await payouts(shop))[-1]["state"] == "created":
                    await approve(shop.world, person(shop, "olga"), payout_id)
                await go_on(shop.world, shop.merchant_id, payout_id)
            await shop.advance(3 * DAY)
            found = await payouts(shop)
            assert {p["state"] for p in found} == {"paid", "returned"}
            assert await balance(shop, "bank") == -4590 * sum(p["state"] == "paid" for p in found)
            await proved(shop)

    asyncio.run(story())


def test_an_answer_file_is_taken_line_by_line_and_once(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            payout = await closed(shop)
            await approve(shop.world, person(shop, "olga"), payout["payout_id"])
            await go_on(shop.world, shop.merchant_id, payout["payout_id"])
            olga, reference = person(shop, "olga"), payout["reference"]
            content = (
                f"payout,outcome,reason\r\n{reference},paid,\r\n"
                f"RC000,paid,\n,paid,\n{reference},maybe,\n"
                f"{reference},returned,\n".encode()
            )
            done = await take_answers(shop.world, olga, content)
            assert [one.done for one in done] == ["paid", *["not_done"] * 4]
            told = [one.why for one in done]
            assert told[0] == ""
            assert "no such payout" in told[1]
            assert "names no payout" in told[2]
            assert "neither" in told[3]
            assert "needs its reason" in told[4]
            assert (await take_answers(shop.world, olga, content))[0].done == "known"
            for wrong in (b"\xff\xfe", b"a,b\n1,2\n", b"", b"x" * 5_000_001):
                with pytest.raises(Problem):
                    await take_answers(shop.world, olga, wrong)
            await proved(shop)

    asyncio.run(story())


def test_a_card_number_in_a_banks_reason_is_masked(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            payout, card = await closed(shop), "4" + "1" * 15
            await approve(shop.world, person(shop, "olga"), payout["payout_id"])
            await go_on(shop.world, shop.merchant_id, payout["payout_id"])
            content = (
                f"payout,outcome,reason\n{payout['reference']},returned,refund of {card} refused\n"
            ).encode()
            [taken] = await take_answers(shop.world, person(shop, "olga"), content)
            assert taken.done == "returned"
            [kept] = await payouts(shop)
            assert kept["reason"] == "refund of 411111…1111 refused"

    asyncio.run(story())


def test_an_account_is_proved_by_its_owner_and_approved_by_another(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            world, maya, olga = shop.world, person(shop, "maya"), person(shop, "olga")
            iban = read_account("Brightleaf Tea GmbH", iban="DE89370400440532013000")
            account_id = await enter_account(world, maya, iban, "EUR")
            (row,) = await rows(shop, "SELECT * FROM bank_accounts WHERE merchant_id = $1")
            assert b"DE893704" not in row["sealed"]
            assert row["masked"] == "DE89 •••• 3000"
            with pytest.raises(Problem, match="is added"):
                await approve_account(world, olga, account_id)
            for tries in range(3):
                assert not await prove_account(world, maya, account_id, (100 + tries, 200))
            with pytest.raises(Problem, match="is refused"):
                await prove_account(world, maya, account_id, (1, 2))
            us = read_account("Brightleaf", routing="011000015", account="12345")
            with pytest.raises(Problem, match="USD"):
                await enter_account(world, maya, us, "EUR")
            first = await with_account(shop)
            second = await with_account(shop, "000555444333")
            found = await rows(
                shop, "SELECT account_id, state FROM bank_accounts WHERE merchant_id = $1"
            )
            states = {r["account_id"]: r["state"] for r in found}
            assert (states[first], states[second]) == ("replaced", "active")

    asyncio.run(story())


def test_a_payout_that_the_bank_is_just_taking_cannot_be_called_returned_and_paid_again(
    server: ServerAddress,
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            payout = await closed(shop)
            bank, taken = shop.world.bank, []
            begun, answer = asyncio.Event(), asyncio.Event()
            send = bank.send

            async def slow(transfer: Any, file: Any) -> Any:
                taken.append(transfer.payout_id)
                begun.set()
                await answer.wait()
                return await send(transfer, file)

            bank.send = slow
            olga = person(shop, "olga")
            await approve(shop.world, olga, payout["payout_id"])
            out = asyncio.create_task(go_on(shop.world, shop.merchant_id, payout["payout_id"]))
            await begun.wait()
            with pytest.raises(Problem, match="at this moment"):
                await tell_outcome(shop.world, olga, payout["payout_id"], "returned", "a mistake")
            with pytest.raises(Problem, match="only one that came back"):
                await pay_again(shop.world, person(shop, "maya"), payout["batch_id"])
            answer.set()
            await out
            await shop.advance(2 * DAY)
            assert taken == [payout["payout_id"]]
            assert await balance(shop, "bank") == -4590
            await proved(shop)

    asyncio.run(story())


def test_a_payout_that_a_silent_bank_never_took_can_be_ended_by_a_person(
    server: ServerAddress,
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            payout = await closed(shop, SILENT)
            await approve(shop.world, person(shop, "olga"), payout["payout_id"])
            await go_on(shop.world, shop.merchant_id, payout["payout_id"])
            await tell_outcome(
                shop.world, person(shop, "olga"), payout["payout_id"], "returned", "never arrived"
            )
            assert (await payouts(shop))[0]["state"] == "returned"
            await proved(shop)

    asyncio.run(story())


def test_a_shorter_delay_is_for_accounts_that_come_after_it_and_a_longer_one_for_all(
    server: ServerAddress,
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            await terms(shop, period="day", delay_days=0)
            payout = await closed_now(shop)
            olga = person(shop, "olga")
            with pytest.raises(Problem, match="3 days later"):
                await approve(shop.world, olga, payout["payout_id"])
            await terms(shop, account_delay_days=0)
            with pytest.raises(Problem, match="3 days later"):
                await approve(shop.world, olga, payout["payout_id"])
            await terms(shop, account_delay_days=9)
            await terms(shop, account_delay_days=1)
            await shop.advance(4 * DAY)
            with pytest.raises(Problem, match="9 days later"):
                await approve(shop.world, olga, payout["payout_id"])
            await with_account(shop, "000999888777")
            with pytest.raises(Problem, match="1 days later"):
                await approve(shop.world, olga, payout["payout_id"])
            await shop.advance(DAY)
            await approve(shop.world, olga, payout["payout_id"])
            await proved(shop)

    asyncio.run(story())


def test_the_audit_log_says_which_state_a_payout_had_before_it_was_marked(
    server: ServerAddress,
) -> None:
    """It said that a payout went from returned to returned."""

    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            payout = await closed(shop)
            await approve(shop.world, person(shop, "olga"), payout["payout_id"])
            await shop.run_due()
            await tell_outcome(
                shop.world, person(shop, "olga"), payout["payout_id"], "returned", "never arrived"
            )
            sql = (
                "SELECT facts FROM audit_lines WHERE merchant_id = $1 AND action = "
                "'payout.returned'"
            )
            (line,) = await rows(shop, sql)
            assert line["facts"] == {"state": ["sent", "returned"]}

    asyncio.run(story())


async def closed_now(shop: Shop) -> dict[str, Any]:
    """A payout that waits, and an account that has just come into use."""
    await sold(shop)
    await shop.advance(DAY)
    await with_account(shop)
    return (await payouts(shop))[-1]


def test_an_approved_payout_whose_account_was_replaced_stops_and_is_asked_for_again(
    server: ServerAddress,
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            payout = await closed(shop)
            await approve(shop.world, person(shop, "olga"), payout["payout_id"])
            await with_account(shop, "000999888777")
            await go_on(shop.world, shop.merchant_id, payout["payout_id"])
            (stopped,) = await payouts(shop)
            assert (stopped["state"], stopped["account_id"], stopped["approved_by"]) == (
                "created",
                None,
                None,
            )
            assert "replaced" in stopped["reason"]
            assert (stopped["file"], stopped["tries"], await balance(shop, "bank")) == (None, 0, 0)
            assert await shop.value("SELECT count(*) FROM due_work WHERE kind = 'bank_payout'") == 0
            await proved(shop)
            with pytest.raises(Problem, match="changed on"):
                await approve(shop.world, person(shop, "olga"), payout["payout_id"])
            await shop.advance(3 * DAY)
            await approve(shop.world, person(shop, "olga"), payout["payout_id"])
            await shop.advance(2 * DAY)
            (paid,) = await payouts(shop)
            assert (paid["state"], paid["reason"]) == ("paid", None)
            assert (
                b"000999888777"
                in (await read_file(shop.world, shop.merchant_id, payout["payout_id"]))[1]
            )
            assert await balance(shop, "bank") == -4590
            await proved(shop)

    asyncio.run(story())


def test_a_file_that_the_bank_may_have_goes_to_its_account_whatever_replaced_it(
    server: ServerAddress,
) -> None:
    """To stop it might pay twice: the bank has perhaps taken it. A person can end it, or the bank
    answers."""

    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            payout = await closed(shop, SILENT)
            await approve(shop.world, person(shop, "olga"), payout["payout_id"])
            await go_on(shop.world, shop.merchant_id, payout["payout_id"])
            (before,) = await payouts(shop)
            await with_account(shop, "000999888777")
            await go_on(shop.world, shop.merchant_id, payout["payout_id"])
            (after,) = await payouts(shop)
            assert (after["state"], after["account_id"], after["file"]) == (
                "approved",
                before["account_id"],
                before["file"],
            )
            await proved(shop)

    asyncio.run(story())
