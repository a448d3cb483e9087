"""Certificates of simulated months with faults and crashes, against a count over the issuer's own
book that imports nothing of what it judges: four schemes, two acceptors that change places, cards
that merchants share, joined prints."""

import asyncio
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from tests.databases import drop, empty
from tests.worlds import KEYRING

from recoup.cards.flows.joined_cards import join
from recoup.certificates.flows import certificate_file, certificates_of, show_certificate
from recoup.certificates.rules.certificate_file import prove
from recoup.db.server import ServerAddress
from recoup.insight.flows.certify import certify_month
from recoup.kit.proved_file import Wrong
from recoup.networks.magic import script_card
from recoup_lab.simulate import books, clock, engine, run, sim
from recoup_lab.simulate.faults import Faults
from recoup_lab.simulate.report import as_text
from recoup_lab.simulate.sim import Deal, Plan

BEGIN = datetime(2026, 1, 27, tzinfo=UTC)  # so that a few days reach into two months
MONTHS = (
    datetime(2026, 1, 1, tzinfo=UTC),
    datetime(2026, 2, 1, tzinfo=UTC),
    datetime(2026, 3, 1, tzinfo=UTC),
)
# By shop. Dispute reasons are those of Visa, where somebody is liable.
SCHEMES = ("mastercard", "amex", "visa", "discover", "visa")
ACCEPTORS = ("acceptor one", "acceptor two")
DAY = timedelta(days=1)
FEW = (("51", 99), ("51", 2), ("05", 1), ("91", 2))  # of all scripts, so that orders share cards
CHANGED_ON, JOINED_ON = 3, 4


@pytest.mark.timeout(600)
@pytest.mark.prove("simulate")
@pytest.mark.parametrize("seed", [41, 42, 43])
def test_counts_are_those_of_the_issuers_book_after_months_with_faults(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    story = Story(monkeypatch)
    done = played(
        server, Plan(seed, days=9, orders=360, faults=replace(Faults().times(2), crash=0.01))
    )
    assert done.wrong is None, as_text(done)
    assert done.deaths, "no process died"
    judged = story.judged
    print(dict(judged))
    assert judged["certificates"] >= 10
    assert judged["two acceptors"] >= 1
    assert {f"scheme {name}" for name in SCHEMES} <= set(judged)
    assert judged["joined cards counted together"] >= 1
    assert judged["windows from the month before"] >= 1
    assert judged["refusals"] >= 1
    assert judged["corrections"] >= 1


def played(server: ServerAddress, plan: Plan) -> run.Simulated:
    async def tell() -> run.Simulated:
        name = f"s_{uuid.uuid4().hex[:12]}"
        dsn = await empty(server, "world", name)
        try:
            return await run.simulate(dsn, KEYRING, plan)
        finally:
            await drop(server, name)

    return asyncio.run(tell())


class Story:
    """The usual simulation with cards that count for real, other schemes, and what happens to it
    from outside."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.judged: Counter[str] = Counter()
        self.days = 0
        self.one_card: dict[
            str, str
        ] = {}  # fingerprint of a number in the issuer's book -> that of the one it is too
        self._scheme = ""
        patch.setattr(engine, "POLICY", replace(engine.POLICY, magic_inputs=False))
        patch.setattr(clock, "START", BEGIN)
        patch.setattr(sim, "START", BEGIN)
        patch.setattr(run, "script_card", lambda _, *script: script_card(self._scheme, *script))
        self._open_shop, self._deals_of = run.open_shop, run.deals_of
        self._each_day, self._at_the_end = books.each_day, books.at_the_end
        patch.setattr(run, "open_shop", self.open_shop)
        patch.setattr(run, "deals_of", self.deals_of)
        patch.setattr(books, "each_day", self.each_day)
        patch.setattr(books, "at_the_end", self.at_the_end)

    async def open_shop(self, simulated: sim.Sim, number: int) -> sim.Shop:
        self._scheme = SCHEMES[number]
        shop = await self._open_shop(simulated, number)
        await self._set_acceptor(simulated, shop, number)
        return shop

    async def _set_acceptor(self, simulated: sim.Sim, shop: sim.Shop, number: int) -> None:
        acceptor = ACCEPTORS[number % 2]
        await simulated.owner.execute(
            "UPDATE merchants SET acceptor_id = $2, version = version + 1 WHERE merchant_id = $1",
            shop.scope.merchant_id,
            acceptor,
        )
        simulated.engine.merchants.forget(shop.scope.merchant_id)

    def deals_of(self, plan: Plan) -> Iterator[Deal]:
        """Few cards and amounts."""
        for deal in self._deals_of(plan):
            if deal.kind == "stable" or deal.card[0] in ("04", "14"):
                yield deal
            else:
                number = int(deal.name.rpartition("-")[2])
                low = deal.units % 2
                yield replace(deal, units=5_000 + low, card=FEW[number % len(FEW)])

    async def each_day(self, simulated: sim.Sim) -> str | None:
        if self.days == CHANGED_ON:
            for shop in simulated.shops[:3]:
                await self._set_acceptor(simulated, shop, shop.number + 1)
        if self.days == JOINED_ON:
            await self._join(simulated)
        self.days += 1
        return await self._each_day(simulated)

    async def _join(self, simulated: sim.Sim) -> None:
        """Two Mastercard numbers turn out to be one card, and two Visa numbers."""
        for number, (first, second) in ((0, (FEW[0], FEW[1])), (2, (FEW[0], FEW[2]))):
            shop = simulated.shops[number]
            tokens = [shop.tokens[one] for one in (first, second)]
            rows = await simulated.owner.fetch(
                "SELECT token_id, pan_id FROM vault WHERE token_id = ANY($1)", tokens
            )
            cards = {row["token_id"]: row["pan_id"] for row in rows}
            await join(simulated.engine.world, cards[tokens[0]], (cards[tokens[1]],))
            mac = [sha_of(script_card(SCHEMES[number], *one)) for one in (first, second)]
            self.one_card[mac[1]] = mac[0]

    async def at_the_end(self, simulated: sim.Sim, for_ever: Any) -> str | None:
        wrong = await self._at_the_end(simulated, for_ever)
        return wrong or await self._judge(simulated)

    # the judge
    # ----------------------------------------------------------------------------------------------

    async def _judge(self, simulated: sim.Sim) -> str | None:
        world = simulated.engine.world
        rows = await simulated.owner.fetch(
            "SELECT id, merchant_id, encode(card_mac, 'hex') AS card, scheme, units, currency, "
            "initiator, acceptor_id,"
            " decided_at AS at, decision FROM issuer.sends"
        )
        for shop in simulated.shops:
            merchant_id = shop.scope.merchant_id
            mine = [row for row in rows if row["merchant_id"] == merchant_id]
            for begin in MONTHS:
                await certify_month(world, merchant_id, begin)
                if await certify_month(world, merchant_id, begin):
                    return "a month that was made again came out otherwise"
                wrong = await self._month(simulated, merchant_id, mine, begin)
                if wrong:
                    return f"merchant {shop.number}, {begin:%B}: {wrong}"
        return None

    async def _month(
        self, simulated: sim.Sim, merchant_id: UUID, mine: list[Any], begin: datetime
    ) -> str | None:
        world, end = simulated.engine.world, (begin + 31 * DAY).replace(day=1)
        listed = await certificates_of(world, merchant_id, begin)
        newest = {row.acceptor_id: row for row in reversed(listed)}
        self.judged["corrections"] += len(listed) - len(newest)
        self.judged["two acceptors"] += len(newest) > 1
        inside = [row for row in mine if begin <= row["at"] < end]
        if {row["acceptor_id"] for row in inside} - newest.keys():
            return "an acceptor has no certificate"
        for acceptor, row in newest.items():
            shown = await show_certificate(world, merchant_id, row.certificate_id)
            file = await certificate_file(world, merchant_id, row.certificate_id)
            proved = prove(iter(file.splitlines(keepends=True)), row.root.hex())
            if isinstance(proved, Wrong):
                return f"the file does not hold: {proved}"
            wrong = self._one(
                shown, mine, [one for one in inside if one["acceptor_id"] == acceptor], begin
            )
            if wrong:
                return f"{acceptor}: {wrong}"
            self.judged["certificates"] += 1
        return None

    def _one(self, shown: Any, mine: list[Any], inside: list[Any], begin: datetime) -> str | None:
        told = {line["scheme"]: line for line in shown.part("scheme")}
        for scheme in {*told, *(row["scheme"] for row in inside)}:
            of_scheme = [row["decision"] for row in inside if row["scheme"] == scheme]
            line = told.get(scheme, {"sends": 0, "approved": 0, "declined": 0, "unanswered": 0})
            expected = (len(of_scheme), of_scheme.count("approved"), of_scheme.count("declined"), 0)
            found = (line["sends"], line["approved"], line["declined"], line["unanswered"])
            if expected != found:
                return (
                    f"{scheme} sends, approved, declined, unanswered: the issuer has "
                    f"{expected}, counted are {found}"
                )
            self.judged[f"scheme {scheme}"] += len(of_scheme)
        for line in shown.part("rule"):
            if line["windowHours"] is None or line["limit"] == 0:
                continue
            fullest = self._fullest(line, mine, inside, begin)
            for name in ("closestSent", "closestRecounted"):
                count = line[name]["count"] if line[name] else 0
                if count != fullest:
                    return (
                        f"{name} of {line['rule']}: the issuer's book has {fullest}, counted "
                        f"are {count}"
                    )
            if line["closest"]["count"] > line["limit"] and not line["beyond"]:
                return f"{line['rule']} was passed and nothing says so"
        (recount,) = shown.part("recount")
        if (recount["by"], recount["sends"], recount["differing"]) != ("issuer", len(inside), 0):
            return f"recount: {recount}, {shown.part('difference')}"
        self.judged["refusals"] += shown.head["refusals"]
        return f"breaches: {shown.part('excess')}" if shown.head["breaches"] else None

    def _fullest(self, line: Any, mine: list[Any], inside: list[Any], begin: datetime) -> int:
        """Of the windows that end with a send of the month and acceptor: how many of the merchant's
        sends it holds."""
        span, best = timedelta(hours=line["windowHours"]), 0
        by_key: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
        for row in mine:
            by_key[self._key(line["rule"], row)].append(row)
        for row in inside:
            if row["scheme"] != line["scheme"]:
                continue
            held = [
                one
                for one in by_key[self._key(line["rule"], row)]
                if row["at"] - span < one["at"] <= row["at"]
            ]
            self.judged["windows from the month before"] += any(one["at"] < begin for one in held)
            self.judged["joined cards counted together"] += len({one["card"] for one in held}) > 1
            best = max(best, len(held))
        return best

    def _key(self, rule: str, row: Any) -> tuple[Any, ...]:
        """As networks count, by a list of its own."""
        card, amount = self.one_card.get(row["card"], row["card"]), (row["units"], row["currency"])
        if rule == "mc-attempts-24h":
            return card, row["acceptor_id"]
        if rule == "mc-attempts-30d":
            return card, row["acceptor_id"], *amount
        return (
            (card, *amount, row["initiator"]) if rule == "visa-reattempt-30d" else (card, *amount)
        )


def sha_of(number: str) -> str:
    return sha256(number.encode()).hexdigest()
