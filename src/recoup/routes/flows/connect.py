"""A merchant connects its own account at a processor: key and signing secret are examined, sealed,
never shown again.

The connection is a card route of this merchant alone. It waits until a check of the account finds
nothing in the way.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import field, replace
from functools import cache
from typing import Final

from recoup.audit.moves import note
from recoup.db.statement import Read, Tx
from recoup.db.table import hex_of
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.scope import Scope
from recoup.kernel.time import WallTime
from recoup.kit.world import World
from recoup.merchants.rules.countries import checked_country
from recoup.merchants.store.merchants import load_merchant, offset_of
from recoup.merchants.store.sites import lock_merchant
from recoup.orders.store.due_work import make_due
from recoup.processors.gateways.connector import Connector, Finding, is_connector
from recoup.processors.gateways.kinds import KINDS, Connection, is_reached_safely, usable_kinds
from recoup.processors.rules.connect_form import Form
from recoup.routes.flows.own_routes import open_connection, seal_connection
from recoup.routes.rules.connection_state import WARNINGS, Needs, State, state_after
from recoup.routes.store import connections
from recoup.routes.store.card_routes import (
    NewCardRoute,
    add_route,
    is_open_at,
    sealed_connections,
    set_sealed,
)
from recoup.routes.store.connections import Billing, KeptFinding, ProcessorConnection, keep_finding

CONNECTIONS_MAX: Final = 8
CHECK_SECONDS: Final = 30.0
BILLING: Final[tuple[Billing, ...]] = ("off", "take_over", "beside")


@frozen
class ConnectRequest:
    """`account`: as the settings name it, where the kind needs one. `prefix`: of the account's own
    live address at Adyen. `url`: the vendor's where it is empty. `country`: the account's; empty:
    as the vendor tells it, or the merchant's."""

    kind: str
    key: str = field(repr=False)
    notice_secret: str = field(default="", repr=False)
    billing: Billing = "off"
    url: str = ""
    account: str = ""
    prefix: str = ""
    country: str = ""


def route_name(world: World, scope: Scope, kind: str, number: int = 1) -> str:
    """Name of the merchant's connection of this kind; its notices are sent to this name. It says
    the world, too, since both worlds take notices at one address."""
    name = f"{kind}-{scope.merchant_id.hex[-12:]}" + (f"-{number}" if number > 1 else "")
    return name + ("-test" if world.policy.test_mode else "")


async def next_name(world: World, scope: Scope, kind: str) -> str:
    """Name that the merchant's next connection of the kind will have."""
    return await _next_name(world.db, world, scope, kind)


async def _next_name(db: Read, world: World, scope: Scope, kind: str) -> str:
    before = await connections.merchant_connections(db, scope.merchant_id)
    return route_name(world, scope, kind, 1 + sum(connection.kind == kind for connection in before))


async def connect(world: World, scope: Scope, request: ConnectRequest) -> ProcessorConnection:
    """The same key again is the same connection, with what else was given.

    Raises: Problem(invalid) for a key or secret that cannot be, of the other mode above all;
    Problem(not_found) for an unknown merchant; Problem(conflict) for too many, or another one made
    meanwhile.
    """
    form, test = form_of(request.kind), world.policy.test_mode
    request = replace(request, notice_secret=form.secret_of(request.notice_secret, request.key))
    form.check(request, test=test)
    country = checked_country(request.country) if request.country else ""
    if request.url and not is_reached_safely(request.url):
        message = "Keys go over HTTPS only, or to this machine."
        raise invalid(message, "url", "Write https://host, without a user or a query.")
    if request.url and not test and not request.url.lower().startswith("https:"):
        raise invalid(
            "In live keys go over HTTPS only.",
            "url",
            "Write https://host, without a user or a query.",
        )
    if await offset_of(world.db, scope.merchant_id) is None:
        cure = "Check its id; a merchant goes live from its Onboarding page in the sandbox."
        raise Problem("not_found", "This merchant does not exist in this environment.", cure=cure)
    same = await _with_key(world, scope, request)
    if same is not None:
        again = ChangeRequest("", request.notice_secret, request.billing, request.account, country)
        return await change(world, scope, same.route, again)
    name = await next_name(world, scope, request.kind)
    connection = Connection(
        name,
        url=request.url or address_of(request.kind, request.prefix, test=test),
        key=request.key,
        notice_secret=request.notice_secret,
        account=request.account,
        world="sandbox" if test else "live",
        country=country,
    )
    findings, wall = await examine(request.kind, connection), world.clocks.wall()
    findings, country = await _placed(world, scope, findings, country)
    made = ProcessorConnection(
        route=name,
        merchant_id=scope.merchant_id,
        kind=request.kind,
        account=request.account,
        billing=request.billing,
        state=state_after("waiting", findings, Needs(request.billing != "off")),
        version=1,
        findings=_kept(findings, request.billing),
        checked_at=wall,
        secret_rolled_at=None,
        created_at=wall,
        created_by=scope.actor.text(),
        changed_at=wall,
        changed_by=scope.actor.text(),
        country=country,
    )
    async with world.db.transaction() as tx:
        await lock_merchant(tx, scope.merchant_id)
        if name != await _next_name(tx, world, scope, request.kind):
            raise _changed()
        before = await connections.merchant_connections(tx, scope.merchant_id)
        if len(before) >= CONNECTIONS_MAX:
            message = Sentence("A merchant has at most {0} connections.", CONNECTIONS_MAX)
            raise Problem("conflict", message, cure="Give one that is there a new key.")
        if not await add_route(tx, _new_route(world, request.kind, connection, wall)):
            raise _changed()
        await connections.add_connection(tx, made)
        await make_due(tx, scope.merchant_id, "missed_notices", scope.merchant_id, wall)
        await note(
            tx,
            scope,
            wall,
            "processor.connected",
            name,
            {"state": made.state, "billing": made.billing},
        )
    world.routes.forget()
    return made


@frozen
class ChangeRequest:
    """A change of a connection; empty fields stay as they are. The previous signing secret holds on
    for some days beside a new one."""

    key: str = field(default="", repr=False)
    notice_secret: str = field(default="", repr=False)
    billing: Billing | None = None
    account: str = ""
    country: str = ""


async def change(
    world: World, scope: Scope, route: str, request: ChangeRequest
) -> ProcessorConnection:
    """A new key, a new signing secret, another choice about invoices; what was disconnected is
    connected again by a key and a secret. The account is examined with it.

    Raises: Problem(not_found) for another merchant's route; Problem(invalid); Problem(conflict).
    """
    before = await _find(world, scope, route)
    held = await _reached(world, route)
    form, test = form_of(before.kind), world.policy.test_mode
    request = replace(request, notice_secret=form.secret_of(request.notice_secret, request.key))
    if before.state == "disconnected" and not (request.key and request.notice_secret):
        message = "This connection has ended."
        raise invalid(message, "key", "Give both a key and a signing secret to begin it again.")
    form.check_change(request, before.account, test=test)
    country = checked_country(request.country) if request.country else before.country
    rolls = bool(request.notice_secret) and request.notice_secret not in held.notice_secret.split()
    first = request.notice_secret if rolls else ""
    secrets = [first, *held.notice_secret.split()][:2] if rolls else held.notice_secret.split()
    connection = replace(
        held,
        name=route,
        url=held.url or address_of(before.kind, "", test=test),
        key=request.key or held.key,
        notice_secret=" ".join(secrets),
        account=request.account or held.account or before.account,
        world="sandbox" if test else "live",
        country=country,
    )
    billing = request.billing or before.billing
    findings, wall = await examine(before.kind, connection), world.clocks.wall()
    findings, country = await _placed(world, scope, findings, country)
    begun: State = "waiting" if before.state == "disconnected" or request.key else before.state
    after = state_after(begun, findings, Needs(billing != "off"))
    async with world.db.transaction() as tx:
        await _lock(tx, before)
        await set_sealed(tx, route, seal_connection(world.keys, connection), wall)
        rolled = wall if rolls and held.notice_secret else before.secret_rolled_at
        await connections.set_connection(
            tx,
            route,
            billing,
            after,
            _kept(findings, billing),
            wall,
            rolled,
            wall,
            scope.actor.text(),
        )
        await make_due(tx, scope.merchant_id, "missed_notices", scope.merchant_id, wall)
        await connections.set_account(tx, route, connection.account, country)
        facts = {
            "state": after,
            "billing": billing,
            "key": "new" if request.key else "",
            "secret": "new" if rolls else "",
            "country": country if country != before.country else "",
        }
        await note(
            tx,
            scope,
            wall,
            "processor.changed",
            route,
            {name: value for name, value in facts.items() if value},
        )
    world.routes.forget()
    return await _find(world, scope, route)


async def check(world: World, scope: Scope, route: str) -> ProcessorConnection:
    """Examines the account once more; a connection that waits may go on with that, and one whose
    key lost a right waits. Raises: Problem(not_found); Problem(invalid) for one that has ended."""
    before = await _find(world, scope, route)
    held = await _reached(world, route)
    if before.state == "disconnected" or not held.key:
        raise invalid("This connection has ended.", "route", "Connect it again.")
    findings, wall = (
        await examine(before.kind, replace(held, country=before.country)),
        world.clocks.wall(),
    )
    findings, country = await _placed(world, scope, findings, before.country)
    after = state_after(before.state, findings, Needs(before.billing != "off"))
    async with world.db.transaction() as tx:
        now = await _lock(tx, before)
        kept = _kept(findings, before.billing)
        await connections.set_connection(
            tx, route, now.billing, after, kept, wall, now.secret_rolled_at, wall, now.changed_by
        )
        await connections.set_account(tx, route, now.account, country)
        await make_due(tx, scope.merchant_id, "missed_notices", scope.merchant_id, wall)
    world.routes.forget()
    return await _find(world, scope, route)


async def disconnect(world: World, scope: Scope, route: str) -> ProcessorConnection:
    """New charges stop; what is open is still asked about. Key and secret are erased as soon as
    nothing is open.

    Raises: Problem(not_found).
    """
    before, wall = await _find(world, scope, route), world.clocks.wall()
    if before.state != "disconnected":
        async with world.db.transaction() as tx:
            now = await _lock(tx, before)
            findings, rolled, by = now.findings, now.secret_rolled_at, scope.actor.text()
            await connections.set_connection(
                tx, route, now.billing, "disconnected", findings, now.checked_at, rolled, wall, by
            )
            await note(tx, scope, wall, "processor.disconnected", route, {})
        world.routes.forget()
    await erase_ended(world)
    return await _find(world, scope, route)


async def erase_ended(world: World) -> int:
    """Erases key and secret of connections that have ended and have nothing open; returns how
    many."""
    ended = await connections.ended_connections(world.db)
    done = 0
    for connection in ended:
        async with world.db.transaction() as tx:
            now = await connections.lock_connection(tx, connection.route)
            if (
                now is None
                or now.state != "disconnected"
                or await is_open_at(tx, connection.merchant_id, connection.route)
            ):
                continue
            await set_sealed(tx, connection.route, None, world.clocks.wall())
            done += 1
    return done


@cache
def connectable() -> Mapping[str, Form]:
    """Kinds of processors that merchants may connect, with their forms."""
    forms = [
        (kind, entry.form) for kind, entry in usable_kinds()[0].items() if entry.form is not None
    ]
    return dict(sorted(forms, key=lambda pair: (pair[1].order, pair[0])))


def form_of(kind: str) -> Form:
    """Raises: Problem(invalid)."""
    form = connectable().get(kind)
    if form is None:
        message = "There is no such kind of processor to connect."
        raise invalid(message, "kind", Sentence("One of {0}.", ", ".join(connectable())))
    return form


def address_of(kind: str, prefix: str, *, test: bool) -> str:
    """The vendor's, of that mode; in live with the account's own prefix, where it has one. Raises:
    Problem(invalid)."""
    entry = KINDS[kind]
    usual = entry.sandbox_url if test and entry.sandbox_url else entry.url
    return usual or form_of(kind).live_address(prefix)


async def examine(kind: str, connection: Connection) -> list[Finding]:
    """Findings of a check of the account, in bounded time. Raises: Problem(invalid) for a key of
    the other mode."""
    made = KINDS[kind].make(connection, None)
    try:
        return await examined(made, connection.country) if is_connector(made) else []
    finally:
        await made.close()


async def examined(connector: Connector, country: str = "") -> list[Finding]:
    """Findings of the connector's check, in bounded time; also where the account gives another
    country than `country`."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            findings = await connector.check()
    except TimeoutError:
        message = "The processor did not answer the check in time."
        return [Finding("check", False, message, "Try again in a few minutes.", unclear=True)]
    its = _own_country(findings)
    if country and its and its != country:
        finding = Sentence(
            "The account says that it is in {0}, and the route's country is {1}.", its, country
        )
        cure = "Correct the country, or use an account there."
        return [
            *(finding for finding in findings if not finding.country),
            Finding("country", False, finding, cure, country=its),
        ]
    return findings


def _own_country(findings: list[Finding]) -> str:
    return next((finding.country for finding in findings if finding.country), "")


async def _placed(
    world: World, scope: Scope, findings: list[Finding], country: str
) -> tuple[list[Finding], str]:
    """Findings with the country of the account: as given, or as the account itself has it. In live
    it is missing where the merchant has none either."""
    country = country or _own_country(findings)
    known = (
        None
        if country or world.policy.test_mode
        else await load_merchant(world.db, scope.merchant_id)
    )
    if known is None or known.merchant.country is not None:
        return findings, country
    message = "Nobody says in which country the account is."
    cure = "Name it, or set the merchant's country."
    return [*findings, Finding("country", False, message, cure, unclear=True)], ""


async def _with_key(
    world: World, scope: Scope, request: ConnectRequest
) -> ProcessorConnection | None:
    """The merchant's connection that already has this key."""
    before = await connections.merchant_connections(world.db, scope.merchant_id)
    for connection in before:
        if (
            connection.kind == request.kind
            and (await _reached(world, connection.route)).key == request.key
        ):
            return connection
    return None


async def _find(world: World, scope: Scope, route: str) -> ProcessorConnection:
    connection = await connections.find_connection(world.db, route)
    if connection is None or connection.merchant_id != scope.merchant_id:
        cure = "Look at the list of connections."
        raise Problem("not_found", "There is no such connection.", field="route", cure=cure)
    return connection


async def _reached(world: World, route: str) -> Connection:
    """The connection by which the route is reached; nothing is known of one whose secrets were
    erased."""
    sealed = (await sealed_connections(world.db, [route])).get(route)
    return open_connection(world.keys, route, sealed) if sealed is not None else Connection(route)


async def _lock(tx: Tx, before: ProcessorConnection) -> ProcessorConnection:
    """Locks a connection that is as it was read before. Raises: Problem(conflict)."""
    now = await connections.lock_connection(tx, before.route)
    if now is None or now.version != before.version:
        raise _changed()
    return now


def _changed() -> Problem:
    return Problem(
        "conflict", "The connection has just been changed.", cure="Look at it, and try again."
    )


def _kept(findings: list[Finding], billing: Billing) -> list[KeptFinding]:
    """Findings to keep: what nobody needs is left out. Retries of invoices that are taken over stop
    one by one."""
    needed = [finding for finding in findings if billing != "off" or not finding.billing]
    if billing == "take_over":
        needed = [finding for finding in needed if finding.name not in WARNINGS]
    return [
        keep_finding(finding.name, finding.ok, finding.finding, finding.cure) for finding in needed
    ]


def _new_route(world: World, kind: str, connection: Connection, wall: WallTime) -> NewCardRoute:
    return NewCardRoute(
        name=connection.name,
        kind=kind,
        account=connection.account,
        acceptor=connection.acceptor,
        connection=hex_of(seal_connection(world.keys, connection)),
        first_at=wall,
        listed_at=wall,
        window_from=wall,
    )
