"""A whole sandbox world for a test: database, keys, processor, web, as `main` builds it, but quick
to make.

    async with sandbox_world(server) as (world, orders, deliveries):
        shop = await make_shop(world, orders, deliveries)
        order_id = await shop.admit(units=4590)
        await shop.advance(timedelta(days=2))

Each world has databases of its own, see `tests/kept.py`.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from tests.kept import Kept, WarmDatabase, lent

from recoup.bank.gateways import SandboxBank
from recoup.db.server import ServerAddress
from recoup.kernel.ids import new_id
from recoup.kernel.policy import Policy
from recoup.kernel.scope import Actor, Scope
from recoup.kernel.time import Clocks
from recoup.main.open_world import OpenWorld
from recoup.merchants.flows.merchant_cache import Merchants
from recoup.networks.magic import script_card
from recoup.onboarding.flows.make_merchant import Keys, NewSite, make_keys, make_merchant
from recoup.outside.keys.keyring import Keyring
from recoup.outside.keys.material import fresh, without_vault
from recoup.outside.mail.mailbox import Mailbox
from recoup.outside.web.client import WebClient, tls_context
from recoup.processors.gateways.sandbox.processor import SandboxProcessor
from recoup.processors.gateways.sandbox.tokens import SandboxTokens
from recoup.rescue.flows.evaluate import Evaluate
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.models import Models
from recoup.rescue.flows.run_due import run_due
from recoup.rescue.flows.taken import EvaluateRequest, EvaluateResult, Person
from recoup.rescue.flows.tokenize import Vault
from recoup.rescue.flows.transmit import Transmit, Transmitted
from recoup.sandbox.flows.advance_clock import advance_clock
from recoup.settlement.flows.fee_terms import FeeTermRequest, set_fee_term
from recoup.settlement.flows.settle import close_pages_of
from recoup.stablecoin.gateways.channel import mock_channels
from recoup.stablecoin.rules.channels import MOCKS
from recoup.terms.rules.fees import Tariff
from recoup.webhooks.flows.deliver import Deliveries
from recoup.webhooks.flows.endpoints import new_signing_key
from recoup.webhooks.flows.publish import publish_now

TLS = tls_context()  # reads the authorities of the machine: once is enough
KEYRING = Keyring(fresh())  # one for the whole process: a clone of a world can be opened too
NO_VAULT = Keyring(without_vault(KEYRING._material))  # the same, where no card number is ever taken
POLICY = Policy(call_timeout=timedelta(seconds=2), settled_after=timedelta(seconds=1))
PATIENCE = timedelta(seconds=20)
FUNDS_CARD = script_card("visa", "51", 99)  # declines for want of funds, always
HARD_CARD = script_card("visa", "04", 99)  # a hard decline


@dataclass(frozen=True, slots=True, eq=False)
class OwnWorld(OpenWorld):
    """A test's: it knows the name of its database, and the addresses of both as their owner."""

    database: str = ""
    dsn: str = ""
    people_dsn: str = ""
    kept: Kept | None = None


def change_world(world: OpenWorld, **parts: Any) -> None:
    """Other parts for everybody who has this world, on the way."""
    for name, part in parts.items():
        object.__setattr__(world, name, part)


@asynccontextmanager
async def sandbox_world(
    server: ServerAddress,
    *,
    policy: Policy = POLICY,
    clocks: Clocks | None = None,
    template: str | None = None,
    keep: bool = False,
) -> AsyncIterator[tuple[OwnWorld, Orders, Deliveries]]:
    """A fresh world. Its databases are as good as new, and emptied or dropped at the end.

    `template`: a database to clone instead of the empty one (see `clone`), nobody connected to it.
    `keep`: the world's database stays, for others to clone.
    """
    kept = await (
        Kept(server, "world", template) if keep else lent(server, "world", template)
    ).make()
    kept_people = lent(server, "people")
    db = await WarmDatabase(kept, size=8).open()
    people = await WarmDatabase(kept_people, size=2).open()
    processor = SandboxProcessor(
        kept.connect, mac_key=KEYRING.mac("issuer", b"book"), acceptor_id="sandbox"
    )
    channels = mock_channels(kept.connect, tuple(MOCKS))
    tokens = SandboxTokens(kept.connect, KEYRING.mac("issuer", b"book"))
    web = WebClient(loopback=True, tls=TLS)
    mailbox = Mailbox(kept.connect)
    world = OwnWorld(
        name="sandbox",
        db=db,
        keys=KEYRING,
        processors={processor.name: processor},
        web=web,
        channels=channels,
        token_services={"sandbox": tokens},
        clocks=clocks or Clocks(),
        policy=policy,
        mail=mailbox,
        sms=mailbox,
        bank=SandboxBank(),
        models=Models(db, clocks or Clocks()),
        people_database=people,
        url="http://recoup.test",
        owner_dsn=kept.dsn,
        database=kept.name,
        dsn=kept.dsn,
        people_dsn=kept_people.dsn,
        kept=kept,
    )
    well = False
    try:
        yield world, Orders(world), Deliveries(world)
        well = True
    finally:
        await processor.close()
        await tokens.close()
        for channel in channels.values():
            await channel.close()
        await mailbox.close()
        await web.close()
        await db.close()
        await people.close()
        await kept_people.leave(well=well)
        if keep:
            kept.close()
        else:
            await kept.leave(well=well)


async def people_dsn(world: OwnWorld) -> str:
    """For who connects by themselves to the database of people."""
    await world.people.fetch("SELECT")
    return world.people_dsn


@asynccontextmanager
async def owner(world: OwnWorld) -> AsyncIterator[Any]:
    """A connection as the owner, beside the application: may do what `recoup_app` may not. jsonb
    stays text."""
    kept = world.kept
    connection = await (
        kept.connect() if kept and kept.dsn == world.dsn else asyncpg.connect(world.dsn, timeout=10)
    )
    try:
        yield connection
    finally:
        await connection.close()


# a merchant, and what its developer and its customers do
# ------------------------------------------------------


@dataclass(frozen=True)
class Shop:
    """A merchant with keys, and the flows a door would call for it."""

    world: OwnWorld
    orders: Orders
    deliveries: Deliveries
    merchant_id: UUID
    site_id: UUID
    keys: Keys
    webhook_key: str
    merchants: Merchants
    evaluate: Evaluate
    transmit: Transmit
    scope: Scope

    def key(self, order_id: UUID) -> tuple[UUID, UUID]:
        return self.merchant_id, order_id

    def patient(self) -> "Shop":
        """The same, where customers and we wait for the processor: a busy machine makes no other
        word of an answer."""
        policy = replace(self.world.policy, call_timeout=PATIENCE, cit_deadline=PATIENCE)
        world = replace(self.world, policy=policy)
        return replace(
            self, world=world, evaluate=Evaluate(world, self.orders, self.merchants, Vault(world))
        )

    async def now(self) -> datetime:
        """The merchant's business time."""
        self.merchants.forget(self.merchant_id)
        return (await self.merchants.get(self.merchant_id)).merchant.business(
            self.world.clocks.wall()
        )

    async def declined(self, **more: Any) -> EvaluateRequest:
        """A managed MIT of 45.90 USD, declined for want of funds, on a card that approves; 21 days
        to rescue it.

        `days=None`: a synchronous MIT. Everything else as the fields of `Declined`; `code` and
        `email` besides.
        """
        now = await self.now()
        number = uuid.uuid4().hex[:10]
        days = more.pop("days", 21)
        code, email = more.pop("code", "51"), more.pop("email", f"payer-{number}@example.test")
        usual: dict[str, Any] = {
            "external_id": f"SUB-{number}",
            "key": f"key-{number}",
            "is_mit": True,
            "order_source": "ecommerce",
            "expires_at": now + timedelta(days=days) if days else None,
            "units": 4590,
            "currency": "USD",
            "token_id": None,
            "pan": script_card("visa", "51", 0),
            "cvv": "",
            "exp_month": 9,
            "exp_year": 2031,
            "transaction_id": f"tx-{number}",
            "decline": {
                "code": code,
                "source": "visa",
                "text": "",
                "advice": None,
                "at": now.isoformat(),
            },
            "site_id": None,
            "site_url": None,
            "descriptor": None,
            "payer": Person(first_name="Ana", last_name="Roe", email=email),
            "facts": {},
        }
        return EvaluateRequest(**(usual | more))

    async def ask(self, **more: Any) -> EvaluateResult:
        """One /evaluate."""
        return await self.evaluate.evaluate(self.scope, await self.declined(**more))

    async def admit(self, **more: Any) -> UUID:
        """One /evaluate; the order's id."""
        return (await self.ask(**more)).order_id

    async def admit_many(self, count: int, **more: Any) -> list[UUID]:
        """Together, as a busy door would."""
        return list(await asyncio.gather(*(self.admit(**more) for _ in range(count))))

    async def transmitted(self, external_id: str, *, declined: bool = True, **more: Any) -> UUID:
        """One /transmit."""
        usual: dict[str, Any] = {
            "external_id": external_id,
            "transaction_id": f"tx-{uuid.uuid4().hex[:10]}",
            "is_declined": declined,
            "is_mit": True,
            "units": 4590,
            "currency": "USD",
            "code_source": "visa",
            "code": "51" if declined else "00",
            "bin": None,
            "last4": None,
            "payer": {"external_id": "", "email": "", "phone": "", "name": ""},
            "transacted_at": await self.now(),
            "facts": {},
        }
        return (await self.transmit.transmit(self.scope, Transmitted(**(usual | more))))[0]

    async def run_due(self) -> int:
        """Runs what is due now, until nothing is; answers how much it was."""
        total = 0
        while ran := await run_due(self.world, self.orders, merchant_id=self.merchant_id):
            total += ran
        return total

    async def settle(self, seconds: float = 30.0) -> None:
        """Runs due work until no attempt and no refund is out."""
        give_up = self.world.clocks.monotonic() + seconds
        sql = (
            "SELECT count(*) FROM due_work WHERE merchant_id = $1 AND kind IN ('inquire', "
            "'modification')"
        )
        while True:
            await self.run_due()
            if not await self.value(sql, self.merchant_id):
                return
            assert self.world.clocks.monotonic() < give_up, "something stays out"
            await asyncio.sleep(0.02)

    async def advance(self, by: timedelta) -> datetime:
        """`recoup clock advance`: runs what falls due on the way, feeds and delivers its events."""
        reached = await advance_clock(self.world, self.orders, self.merchant_id, by, self._publish)
        self.merchants.forget(self.merchant_id)
        return reached

    async def to_day(self, first: int, last: int) -> None:
        """Until the calendar is from that day of a month to before that other one."""
        now = await self.now()
        if not first <= now.day < last:
            month = now.replace(day=1) + (now.day >= last) * timedelta(days=32)
            await self.advance(month.replace(day=first) - now)

    async def publish(self) -> int:
        """Events into the feed, and a first delivery try for each."""
        return await self._publish(self.merchant_id)

    async def close_pages(self) -> int:
        return await close_pages_of(self.world, self.merchant_id)

    async def value(self, sql: str, *args: Any) -> Any:
        async with self.world.db.connection() as connection:
            return await connection.fetchval(sql, *args)

    async def order(self, order_id: UUID) -> Mapping[str, Any]:
        """orders and order_heads in one row."""
        async with self.world.db.connection() as connection:
            row = await connection.fetchrow(
                "SELECT * FROM current_orders JOIN order_heads USING (merchant_id, order_id, "
                "placed_at, door, site_id, asset, units) WHERE merchant_id = $1 AND order_id = $2",
                self.merchant_id,
                order_id,
            )
        assert row is not None
        return dict(row)

    async def fees(self, tariff: Tariff, **scope: Any) -> None:
        """The operator sets a term; the shop's flows know at once."""
        await set_fee_term(self.world, self.scope, FeeTermRequest(tariff, **scope))
        self.merchants.forget(self.merchant_id)

    async def happenings(self, order_id: UUID) -> list[str]:
        async with self.world.db.connection() as connection:
            rows = await connection.fetch(
                "SELECT happening FROM order_log WHERE merchant_id = $1 AND order_id = $2 ORDER BY "
                "seq",
                self.merchant_id,
                order_id,
            )
        return [r["happening"] for r in rows]

    async def _publish(self, merchant_id: UUID) -> int:
        return await publish_now(self.world, self.deliveries, merchant_id)


async def make_shop(
    world: OwnWorld,
    orders: Orders,
    deliveries: Deliveries,
    *,
    name: str = "Brightleaf Tea",
    merchant_id: UUID | None = None,
    clock_behind: timedelta = timedelta(0),
    fee_basis_points: int = 0,
) -> Shop:
    """A merchant with one site and new keys."""
    merchant_id, site_id, webhook_key = merchant_id or new_id(), new_id(), new_signing_key()
    site = NewSite(site_id, "https://leaf.example.test", "Leaf", "BRIGHTLEAF*TEA")
    await make_merchant(
        world,
        merchant_id,
        name,
        (site,),
        partner_id=None,
        clock_behind=clock_behind,
        fee_basis_points=fee_basis_points,
    )
    keys = await make_keys(world, merchant_id, webhook_key)
    merchants = Merchants(world)
    return Shop(
        world,
        orders,
        deliveries,
        merchant_id,
        site_id,
        keys,
        webhook_key,
        merchants,
        Evaluate(world, orders, merchants, Vault(world)),
        Transmit(world, orders, merchants),
        Scope(merchant_id, Actor("api", keys.app_key), "test"),
    )
