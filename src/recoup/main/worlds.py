"""Builds what flows work with: databases, keys, processors, the way out. The only place that knows
a world's parts."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import field, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

import structlog

from recoup.bank.gateways import COMPANY_ID_LENGTH, ByHand, Originator, SandboxBank
from recoup.db.cells import addresses, at_node, further_cells, node_of
from recoup.db.installation_worlds import note_world
from recoup.db.migrate import schema_of
from recoup.db.operation.damaged_pages import noted, said
from recoup.db.operation.replica import Replica
from recoup.db.pool import LOST, Database
from recoup.db.statement import FIRST_CELL
from recoup.insight.flows.learn_risk import RISK
from recoup.kernel.frozen import frozen
from recoup.kernel.policy import Policy
from recoup.kernel.problem import Problem, in_words, invalid
from recoup.kernel.texts import is_printable
from recoup.kernel.time import Clocks, DatabaseClocks
from recoup.keys.flows.key_checks import check_first, check_keys, check_there, enter_installation
from recoup.kit.beside import beside
from recoup.kit.world import Trainer, World
from recoup.main.card_processors import Ground, card_processors
from recoup.main.databases import Databases, has_live, is_embedded, watched, with_name
from recoup.main.live_opening import LiveOpening
from recoup.main.open_world import OpenWorld
from recoup.main.own_process import NoAnswerError, backtester_of, done_apart, environment_of
from recoup.main.settings import Settings
from recoup.merchants.flows.standing import Watch
from recoup.outside.keys.keyring import Keyring, has_keys, open_keyring, place_of
from recoup.outside.mail.mailbox import Mailbox
from recoup.outside.mail.smtp import LOOPBACK, SmtpMail, SmtpServer
from recoup.outside.marks import MarkFile, place_of_folder
from recoup.outside.sms.webhook import WebhookSms
from recoup.outside.web.client import WebClient
from recoup.processors.gateways.bridge import Bridge
from recoup.processors.gateways.channels import Channel
from recoup.processors.gateways.kinds import SimulatedIssuer
from recoup.processors.gateways.port import Processor
from recoup.processors.gateways.sandbox.methods import SandboxUpdater
from recoup.processors.gateways.sandbox.tokens import SandboxTokens
from recoup.processors.gateways.token_service import TokenService
from recoup.processors.gateways.updater import RouteUpdater, RouteUpdaters, Updater
from recoup.processors.rules.bank_account import check_routing
from recoup.processors.rules.credential import TOKEN
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.models import Models
from recoup.rescue.flows.places import GATEWAYS
from recoup.stablecoin.gateways.channel import mock_channels
from recoup.stablecoin.rules.channels import MOCKS
from recoup.webhooks.flows.deliver import Deliveries

log = structlog.get_logger()
_NONE: Final[Mapping[str, RouteUpdater]] = MappingProxyType({})
_NO_TOKENS: Final[Mapping[str, TokenService]] = MappingProxyType({})


def check_services(settings: Settings) -> None:
    """Raises: Problem(invalid) for what the live world's bridge shall offer where none is set."""
    for name, offered in _OFFERED.items():
        if getattr(settings, name) and not settings.live_processor_url:
            cure = f"Set live_processor_url, or take {name} away."
            raise invalid(f"{offered} by the live world's bridge, and none is set.", name, cure)


_OFFERED: Final = {
    "live_processor_updater": "The account updater is reached",
    "live_processor_tokens": "Network tokens are made",
}


def updaters_of(
    settings: Settings,
    world: str,
    processors: Mapping[str, Processor],
    own: Mapping[str, RouteUpdater] = _NONE,
) -> Updater | None:
    """`own`: the world's, beside the bridges whose settings say that they answer."""
    able = {
        name: bridge
        for name, bridge in bridges_of(settings, world, processors).items()
        if bridge.updates
    }
    if not own and not able:
        return None
    numbers = {name for name, bridge in able.items() if "card" in bridge.takes}
    return RouteUpdaters({**own, **able}, frozenset({*own, *numbers}))


def token_services_of(
    settings: Settings,
    world: str,
    processors: Mapping[str, Processor],
    own: Mapping[str, TokenService] = _NO_TOKENS,
) -> Mapping[str, TokenService]:
    """`own`: the world's, before the bridges whose settings say so."""
    bridges = bridges_of(settings, world, processors)
    return {**own, **{name: bridge for name, bridge in bridges.items() if TOKEN in bridge.takes}}


def bridges_of(
    settings: Settings, world: str, processors: Mapping[str, Processor]
) -> dict[str, Bridge]:
    """Bridges of the settings, in their order."""
    names = ["bridge", *(route.name for route in settings.routes if route.world == world)]
    named = {name: processors.get(name) for name in names}
    return {name: processor for name, processor in named.items() if isinstance(processor, Bridge)}


def mode_of(settings: Settings) -> str:
    """`auto`: a better model is stored and waits for a person."""
    return "candidate" if settings.training == "auto" else settings.training


def trainer_of(settings: Settings, databases: Databases, world: str) -> Trainer:
    """Trainer for a worker of this world."""
    environment = environment_of(settings, databases)

    async def trainer(mode: str) -> Mapping[str, Any]:
        try:
            if mode == RISK:
                return await done_apart(environment, world, RISK)
            return await done_apart(environment, world, "training", mode)
        except NoAnswerError as error:
            return {"result": "failed", "note": str(error)}

    return trainer


DOORS: Final = "recoup-doors"  # the process of doors, as its connections are called
WORKER: Final = "recoup-worker"
FOLLOWS_SECONDS: Final = 5.0
VERBS: Final = (
    "recoup-cli",
    "recoup-keys",
    "recoup-start",
)  # which write nothing in a quarantine, as doors


@frozen
class Running:
    """A world opened in this process."""

    settings: Settings
    world: World
    orders: Orders
    deliveries: Deliveries
    further: list["Running"] = field(default_factory=list)  # cells, of the first one

    @property
    def cells(self) -> list["Running"]:
        return [self, *self.further]


def _running(settings: Settings, world: World, name: str) -> Running:
    if name in VERBS:
        world.db.before_write = world.people.before_write = world.standing.check
    return Running(settings, world, Orders(world), Deliveries(world))


def sandbox_policy(settings: Settings) -> Policy:
    return replace(
        _chosen(settings),
        call_timeout=timedelta(seconds=2),
        settled_after=timedelta(seconds=1),
        loopback_webhooks=settings.takes_loopback,
        world_cards=bool(settings.sandbox_processor_url),
    )


def live_policy(settings: Settings) -> Policy:
    """Source: design §5 (a recurring payment's expiry under 14 days is refused live and warned of
    in the sandbox)."""
    return replace(
        _chosen(settings),
        test_mode=False,
        magic_inputs=False,
        loopback_webhooks=False,
        short_recurring_refused=True,
        staff_second_factor=True,
    )


def _chosen(settings: Settings) -> Policy:
    """Policy that the operator sets for both worlds."""
    return Policy(
        visa_limit=settings.visa_limit,
        expiry_max=timedelta(days=settings.expiry_max_days),
        refund_cap_percent=settings.refund_cap_percent or None,
        file_rows_max=settings.file_rows_max,
        digest_hour=settings.digest_hour,
        training=mode_of(settings),
        risk_training="take" if settings.training == "auto" else settings.training,
        training_hour=settings.training_hour,
    )


def mail_server(settings: Settings, *, test_mode: bool) -> SmtpMail | None:
    """Raises: Problem(invalid) for a server that would hear mails in the clear, or real ones from
    the sandbox."""
    if not settings.smtp_host:
        return None
    if test_mode and settings.smtp_host not in LOOPBACK:
        message = (
            "The sandbox sends e-mails only to a mail server on this machine, because its "
            "payers are not real."
        )
        raise invalid(message, "smtp_host", "Remove smtp_host; /mailbox shows the e-mails.")
    return SmtpMail(
        SmtpServer(
            settings.smtp_host,
            settings.smtp_port,
            settings.smtp_from,
            settings.smtp_user,
            settings.smtp_password,
            settings.smtp_tls,
        )
    )


@asynccontextmanager
async def open_worlds(
    settings: Settings, databases: Databases, name: str = "recoup", machine: Clocks | None = None
) -> AsyncIterator[tuple[Running, Running | None]]:
    """The sandbox, and the live world where there is one; each knows the other. `machine`: this
    machine's clocks. Raises: Problem(unavailable) when they are too far from the database's."""
    async with AsyncExitStack() as stack:
        sandbox = await _with_cells(stack, open_sandbox, settings, databases, name, machine)
        if not await has_live(databases):
            yield sandbox, None
            return
        live = await _with_cells(stack, open_live, settings, databases, name, machine)
        for mine, other in ((sandbox, live), (live, sandbox)):
            for running in mine.cells:
                running.world.others[other.world.name] = other.world
        yield sandbox, live


async def _with_cells(
    stack: AsyncExitStack,
    opens: Callable[..., AbstractAsyncContextManager[Running]],
    settings: Settings,
    databases: Databases,
    name: str,
    machine: Clocks | None,
) -> Running:
    """A world with all its cells."""
    dsn = databases.live if opens is open_live else databases.sandbox
    at = await _cells_at(dsn)
    if len(at) > 1 and settings.pooler_url:
        raise invalid("Through a pooler there is one cell.", "pooler_url", "Take the setting away.")
    first = await stack.enter_async_context(
        opens(settings, databases, name, machine, _Cell(FIRST_CELL, at.pop(FIRST_CELL)))
    )
    for number, address in at.items():
        cell = _Cell(number, address, first)
        further = opens(settings, databases, name, machine, cell)
        first.further.append(await stack.enter_async_context(further))
    if first.further:
        worlds = {running.world.cell: running.world for running in first.cells}
        for world in worlds.values():
            world.cells.update(worlds)
    await stack.enter_async_context(beside(_heed(first.world)))
    return first


async def _heed(world: World) -> None:
    """Sees that a cell was added since: calls of its merchants are refused here, not taken for
    unknown ones."""
    known = set[int]()
    while True:
        with suppress(Problem, *LOST):
            async with world.db.connection() as connection:
                listed = await further_cells(connection)
            if unknown := set(listed) - {each.cell for each in world.every} - known:
                known |= unknown
                log.warning(
                    "cell not open here", cells=sorted(unknown), cure="Restart this process."
                )
                for each in world.every:
                    each.cells.setdefault(each.cell, each)
        await asyncio.sleep(FOLLOWS_SECONDS)


async def _cells_at(dsn: str) -> dict[int, str]:
    """Addresses by cell. Of a database that is away the first only: calls of other cells' merchants
    are refused until this process is started again."""
    try:
        return await addresses(dsn)
    except LOST as error:
        log.warning("cells not known", why=in_words(error))
        return {FIRST_CELL: dsn}


@frozen
class _Cell:
    """A cell to open. `first`: whose keys, people and way out it shares."""

    number: int
    dsn: str
    first: Running | None = None

    @property
    def keys(self) -> Keyring:
        keys = self.first.world.keys if self.first else None
        assert isinstance(keys, Keyring)
        return keys


@asynccontextmanager
async def open_live(
    settings: Settings,
    databases: Databases,
    name: str = "recoup",
    machine: Clocks | None = None,
    cell: _Cell | None = None,
) -> AsyncIterator[Running]:
    """Opens live inside a running loop. Raises: Problem(invalid) for settings that no card may be
    sent by."""
    check_services(settings)
    cell = cell or _Cell(FIRST_CELL, databases.live)
    clocks, first = DatabaseClocks(machine), cell.first.world if cell.first else None
    opening = (first and first.opening) or LiveOpening(settings, databases, opens=name == DOORS)
    async with (
        _parts(settings, databases, "live", name, clocks, cell, loopback=False) as parts,
        card_processors(settings, Ground("live", parts.db, parts.keys, clocks)) as cards,
    ):
        world = OpenWorld(
            name="live",
            db=parts.db,
            cell=cell.number,
            replica=parts.replica,
            keys=parts.keys,
            clocks=clocks,
            web=parts.web,
            processors=cards.processors,
            routes=cards.routes,
            channels=_channels("live", parts.db, clocks),
            updater=updaters_of(settings, "live", cards.processors),
            token_services=token_services_of(settings, "live", cards.processors),
            policy=live_policy(settings),
            mail=mail_server(settings, test_mode=False),
            sms=WebhookSms(parts.web, clocks, settings.sms_url, settings.sms_secret)
            if settings.sms_url
            else None,
            bank=ByHand(originator_of(settings)),
            models=Models(parts.db, clocks),
            people_database=parts.people,
            standing=parts.standing,
            opening=opening,
            url=settings.url,
            owner_dsn=databases.owned("live"),
            exports=settings.data_dir / "exports" / "live",
            trainer=trainer_of(settings, databases, "live"),
            backtester=backtester_of(settings, databases, "live"),
        )
        if first is not None:
            yield _running(settings, world, name)
            return
        assert isinstance(opening, LiveOpening)
        async with opening.running(world, keeps=name in (DOORS, WORKER)):
            yield _running(settings, world, name)


def _channels(world: str, db: Database, clocks: DatabaseClocks) -> dict[str, Channel]:
    """Channels that features bring."""
    return {
        code: channel
        for gateways in GATEWAYS
        for code, channel in gateways(world, db, clocks).items()
    }


def originator_of(settings: Settings) -> Originator | None:
    """Raises: Problem(invalid) for some of the settings without the others, or ones that no bank
    takes."""
    given = {
        name: getattr(settings, f"live_ach_{name}")
        for name in ("routing", "bank", "company_id", "company")
    }
    if not any(given.values()):
        return None
    for name, text in given.items():
        if not text or not is_printable(text):
            raise invalid(
                "NACHA files name who sends them, in plain letters and digits.",
                f"live_ach_{name}",
                "Set all four live_ach settings, or none.",
            )
    check_routing(given["routing"], field="live_ach_routing")
    if len(given["company_id"]) != COMPANY_ID_LENGTH:
        raise invalid(
            f"A company id has {COMPANY_ID_LENGTH} characters.",
            "live_ach_company_id",
            "Your bank gave it to you for ACH files.",
        )
    return Originator(**given)


@asynccontextmanager
async def open_sandbox(
    settings: Settings,
    databases: Databases,
    name: str = "recoup",
    machine: Clocks | None = None,
    cell: _Cell | None = None,
) -> AsyncIterator[Running]:
    """Opens the sandbox inside a running loop. Connections are made when they are needed, so a
    database may still be coming up."""
    cell = cell or _Cell(FIRST_CELL, databases.sandbox)
    clocks, loopback = DatabaseClocks(machine), settings.takes_loopback
    async with AsyncExitStack() as stack:
        made = _parts(settings, databases, "sandbox", name, clocks, cell, loopback=loopback)
        parts = await stack.enter_async_context(made)
        issuer = SimulatedIssuer(databases.sandbox, parts.keys.mac("issuer", b"book"))
        ground = Ground("sandbox", parts.db, parts.keys, clocks, issuer)
        cards = await stack.enter_async_context(card_processors(settings, ground))
        mocks = mock_channels(databases.sandbox, tuple(MOCKS))
        mailbox = Mailbox(databases.sandbox)
        tokens = SandboxTokens(issuer.source, issuer.mac_key)
        stack.push_async_callback(tokens.close)
        world = OpenWorld(
            name="sandbox",
            db=parts.db,
            cell=cell.number,
            replica=parts.replica,
            keys=parts.keys,
            clocks=clocks,
            web=parts.web,
            processors=cards.processors,
            routes=cards.routes,
            channels={**mocks, **_channels("sandbox", parts.db, clocks)},
            updater=updaters_of(
                settings, "sandbox", cards.processors, {"sandbox": SandboxUpdater()}
            ),
            token_services=token_services_of(
                settings, "sandbox", cards.processors, {"sandbox": tokens}
            ),
            policy=sandbox_policy(settings),
            mail=mail_server(settings, test_mode=True) or mailbox,
            sms=mailbox,
            bank=SandboxBank(),
            models=Models(parts.db, clocks),
            people_database=parts.people,
            standing=parts.standing,
            url=settings.url,
            owner_dsn=databases.owned("sandbox"),
            exports=settings.data_dir / "exports" / "sandbox",
            trainer=trainer_of(settings, databases, "sandbox"),
            backtester=backtester_of(settings, databases, "sandbox"),
            sign_up=settings.sign_up,
        )
        try:
            yield _running(settings, world, name)
        finally:
            for channel in mocks.values():
                await channel.close()
            await mailbox.close()


@frozen
class _Parts:
    """Parts that every world is made of."""

    keys: Keyring
    db: Database
    replica: Replica | None
    people: Database
    web: WebClient
    standing: Watch


@asynccontextmanager
async def _parts(
    settings: Settings,
    databases: Databases,
    world: str,
    name: str,
    clocks: DatabaseClocks,
    cell: _Cell,
    *,
    loopback: bool,
) -> AsyncIterator[_Parts]:
    """`clocks` follow the cell's database."""
    dsn, marked = cell.dsn, world if cell.first is None else f"{world}-{cell.number}"
    async with AsyncExitStack() as stack:
        db = await Database(
            dsn,
            size=settings.connections,
            name=name,
            clocks=clocks,
            reads=None if name == DOORS else 1,
            schema=schema_of("world"),
            pooler=_there(settings.pooler_url, dsn),
            cell=cell.number,
        ).open()
        stack.push_async_callback(db.close)
        db.on_damage = noted
        if cell.first is not None:
            persons, keys = cell.first.world.people, cell.keys
            await note_world(persons.alone, marked, clocks.wall())
        else:
            persons = await Database(
                databases.people,
                size=3,
                name=name,
                schema=schema_of("people"),
                pooler=_there(settings.pooler_url, databases.people),
            ).open()
            stack.push_async_callback(persons.close)
            persons.on_damage = said
            keys = await _own_keys(settings, db, persons, world)
        web = WebClient(loopback=loopback)
        stack.push_async_callback(web.close)
        await stack.enter_async_context(watched(db, clocks, name))
        place = place_of_folder(settings.data_dir) if is_embedded(dsn, settings.data_dir) else ""
        file = MarkFile(settings.data_dir, marked, place)
        await stack.enter_async_context(beside(_follow(db, cell.number)))
        standing = Watch(marked, db, persons, file, clocks, cell.number)
        await stack.enter_async_context(standing.running(at_once=cell.first is None))
        replica = None
        if settings.replica_url and cell.first is None:
            standby = Database(
                _there(settings.replica_url, dsn),
                size=settings.connections,
                name=name,
                schema=schema_of("world"),
                is_replica=True,
            )
            stack.push_async_callback(standby.close)
            replica = Replica(db, await standby.open(), settings.replica_late_seconds)
        yield _Parts(keys, db, replica, persons, web, standing)


async def _follow(db: Database, cell: int) -> None:
    """Goes to the node of Citus that a cell was moved to."""
    while True:
        await asyncio.sleep(FOLLOWS_SECONDS)
        there = db.dsn
        with suppress(Problem, *LOST):
            async with db.connection() as connection:
                there = at_node(there, await node_of(connection, cell))
        if there != db.dsn and urlsplit(there).netloc != urlsplit(db.dsn).netloc:
            log.warning("cell moved", cell=cell, to=urlsplit(there).netloc.rpartition("@")[2])
            db.move(there)


def _there(template: str, dsn: str) -> str:
    """The same database by another address; empty without one."""
    return template and with_name(template, urlsplit(dsn).path.lstrip("/"))


async def _own_keys(settings: Settings, db: Database, people: Database, world: str) -> Keyring:
    """The keys of the databases; a new installation makes them. Raises: Problem(unavailable) for
    others, or none."""
    folder = settings.data_dir / "keys"
    place = place_of(folder, os.environ)
    if not has_keys(folder, os.environ):
        await check_there(people, place, people=True)
        await check_there(db, place, people=False)
    await enter_installation(
        people, world
    )  # before the keys are read: from here on none is forgotten without it
    keys = open_keyring(folder, os.environ)
    await check_first(people, keys, place, world, people=True)
    await check_first(db, keys, place, world, people=False)
    await check_keys(people, keys.checks(), place)
    await check_keys(db, keys.checks(), place, kept_by=people)
    return keys
