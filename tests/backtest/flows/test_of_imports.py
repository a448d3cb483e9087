"""A back-test of an import says what the same file says at the command: what was, bounds, and no
interval elsewhere."""

import asyncio
import io
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from tests.backtest.flows.test_kept import run_later
from tests.worlds import make_shop, sandbox_world

from recoup.backtest.flows.backtest_file import backtest_history
from recoup.backtest.flows.kept import ask
from recoup.backtest.flows.questions import BacktestRequest, question_for
from recoup.backtest.rules import history
from recoup.backtest.store import backtest_payments
from recoup.db.server import ServerAddress
from recoup.imports.flows import finish, read_import
from recoup.imports.rules.answers import Answers
from recoup.imports.rules.attempt import Attempt
from recoup.imports.rules.file import look_over
from recoup.kernel.problem import Problem
from recoup.kit.files.source import source_of

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def lines(payments: int) -> bytes:
    """One decline each; a second try three days later, which every other is paid by.
    Over 120 days."""
    found = []
    for number in range(payments):
        first = BEGIN + timedelta(days=120 * number / payments)
        for place, at in enumerate((first, first + timedelta(days=3))):
            approved = bool(place and number % 2)
            found.append(
                {
                    "ref": f"a{number}-{place}",
                    "customerId": f"c{number}",
                    "orderId": f"o{number}",
                    "attempt": place + 1,
                    "at": at.isoformat().replace("+00:00", "Z"),
                    "amount": 1000 + number,
                    "currency": "USD",
                    "approved": approved,
                    "schemeCode": "00" if approved else "51",
                    "card": {"first6": "411111", "last4": "1111", "scheme": "visa"},
                    "cardId": f"k{number}",
                }
            )
    return b"".join(
        json.dumps(one).encode() + b"\n" for one in sorted(found, key=lambda one: str(one["at"]))
    )


def test_what_was_is_exact_and_nothing_else_has_an_interval(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            read = await read_import(
                shop.world,
                shop.scope,
                "past.jsonl",
                io.BytesIO(lines(400)),
                Answers("", "", "", ""),
                dry_run=False,
            )
            assert read.stored is not None
            import_id = read.stored.import_id
            request = BacktestRequest("retry-2", import_id=import_id)
            await finish(shop.world, (shop.merchant_id, import_id))
            row = await ask(
                shop.world, shop.scope, await question_for(shop.world, shop.merchant_id, request)
            )
            assert row.made_at is None, "an import is read beside the request"
            await run_later(shop)
            again = await ask(
                shop.world, shop.scope, await question_for(shop.world, shop.merchant_id, request)
            )
            report = again.report
            assert report is not None, again.failed
            assert (report["basis"], report["missing"]) == ("history", [])
            assert report["then"]["value"] == pytest.approx(0.5, abs=0.01)
            assert (
                report["bounds"]["atLeast"] <= report["then"]["value"] <= report["bounds"]["atMost"]
            )
            assert not {"rescued", "difference"} & report.keys(), (
                "no interval is given for another policy"
            )
            async with shop.world.db.read() as connection:
                rows = await backtest_payments(
                    connection, shop.merchant_id, again.backtest_id, 0, 5
                )
            assert len(rows) == 5
            assert again.payment_count == report["plannedOf"][0] > 200
            stranger = await make_shop(*made)
            with pytest.raises(Problem, match="no such import"):
                await question_for(stranger.world, stranger.merchant_id, request)

    asyncio.run(story())


def past_of(content: bytes) -> list[Attempt]:
    looked = look_over(source_of(io.BytesIO(content)), Answers())
    return [
        one
        for one in looked.read(BEGIN + timedelta(days=400), world=False)
        if isinstance(one, Attempt)
    ]


def test_hashed_customers_are_sampled_as_those_of_the_file() -> None:
    """The command reads a file's own ids, the portal keyed hashes of them."""
    told = past_of(lines(400))
    kept = [one._replace(customer=sha256(one.customer.encode()).hexdigest()) for one in told]
    of_file, of_import = (backtest_history(some, "retry-2", None, "world") for some in (told, kept))
    assert [one.facts.order for one in of_file.orders] == [
        one.facts.order for one in of_import.orders
    ]
    assert {one.facts.payer for one in of_file.orders} < {one.customer for one in told}


def test_payments_of_guests_are_judged_each_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "PERSON_MAX", 50)
    past = [
        one._replace(customer="guest" if one.units % 2 else one.customer)
        for one in past_of(lines(400))
    ]
    found = backtest_history(past, "retry-2", None, "world")
    assert len({one.facts.payer for one in found.orders}) == len(found.orders) > 200
