"""`recoup doctor`: what an operator wants to know in one look, each line ok or what is wrong and
what to do."""

import asyncio
import os
import shutil
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Final, NamedTuple

import asyncpg
import uvloop

from recoup.db.connect import connect
from recoup.db.operation.backlog import failing_work, read_backlog
from recoup.db.operation.condition import count_sessions, read_condition, read_short_limits
from recoup.db.operation.upkeep import has_room
from recoup.kernel.problem import Problem, sentences
from recoup.kernel.scope import Actor, Scope
from recoup.kernel.time import Clocks, iso
from recoup.kit.cli.command import DataDir, Printed
from recoup.kit.damage import still_damaged
from recoup.kit.upkeep import ALIVE_WITHIN, LATE_SECONDS_MAX, beaten_ago
from recoup.kit.world import World
from recoup.mail.flows.post_mail import failing_mails
from recoup.main.backup.examined import examined as copies_examined
from recoup.main.certificate import SOON, certificate_of
from recoup.main.databases import Databases, check_installed, unprepared, used_databases
from recoup.main.extension_check import extension_troubles
from recoup.main.live_opening import FREE_BYTES_MIN
from recoup.main.recover import unexplained
from recoup.main.schema_verb import checked_databases
from recoup.main.settings import Settings, load_settings, settings_file
from recoup.main.worlds import DOORS, open_worlds
from recoup.merchants.cli import verb
from recoup.merchants.flows.cells import ask_each
from recoup.merchants.store.sending_stops import standing_stop
from recoup.notifications.store.unlisted_codes import alerted_codes
from recoup.outside.keys.secret_files import is_mounted
from recoup.processors.gateways.connector import is_connector
from recoup.rescue.flows.places import CHECKS
from recoup.routes.flows.card_routes import silent_routes
from recoup.routes.flows.connect import check, examined
from recoup.routes.store.card_routes import stored_routes, sums_between
from recoup.routes.store.connections import all_connections
from recoup.routes.store.processor_notices import notices_since, unread_kinds

AT_ONCE: Final = 8
AWAY_SECONDS: Final = 5.0
BLOCKED_SECONDS: Final = 5.0
LIMIT_MS_MIN: Final = 10_000
SNAPSHOT_AGE_MAX: Final = 1_000_000  # transactions
WEEK: Final = timedelta(days=7)
DOCTOR: Final = Actor("operator", "doctor")


class Line(NamedTuple):
    """`place`: a database or a world."""

    place: str
    what: str
    ok: bool
    finding: str
    cure: str = ""


@verb(json="Output as one JSON array.")
def doctor(*, data_dir: DataDir = None) -> Printed:
    """Examines this installation: schema, clocks, the worker, and each account at a processor.
    Exits with 1 when something is wrong."""
    settings = load_settings(data_dir=data_dir)
    lines = [*_of_machine(settings), *_settings(settings)]
    try:
        check_installed(settings)
        with used_databases(settings) as databases:
            lines += uvloop.run(_examined(settings, databases))
    except Problem as problem:
        lines.append(_failed("machine", "database", problem))
    text = (
        f"{'ok' if line.ok else '!!'}  {line.place:8} {line.what}: "
        + (line.finding if line.ok else sentences(line.finding, line.cure))
        for line in lines
    )
    failed = not all(line.ok for line in lines)
    return Printed([line._asdict() for line in lines], text, failed)


def _failed(place: str, what: str, problem: Problem) -> Line:
    return Line(place, what, False, problem.message, problem.cure or "")


async def _examined(settings: Settings, databases: Databases) -> list[Line]:
    if (away := await _away(databases)) is not None:
        return [away]  # everything else would only wait for it
    checks = await checked_databases(databases)
    lines = [
        Line(place, what, not trouble, trouble or "in order") for place, what, trouble in checks
    ]
    lines += await _copies(settings, databases)
    if not all(line.ok for line in lines if line.place != "machine"):
        return lines  # what stands on them would only say so again
    try:
        async with open_worlds(settings, databases, "recoup-cli") as worlds:
            for world in worlds:
                if world is not None:
                    lines.append(await _doors(world.world))
                    lines += [line async for line in look_at(world.world)]
                    for cell in world.further:
                        lines += await _cell(cell.world)
    except Problem as problem:
        lines.append(_failed("worlds", "start", problem))
    return lines


async def _away(databases: Databases) -> Line | None:
    """Asks first, and not for long: a stopped server keeps everybody waiting."""
    try:
        async with asyncio.timeout(AWAY_SECONDS):
            connection = await connect(databases.people)
            is_read_only = await connection.fetchval(
                "SELECT current_setting('transaction_read_only')::bool"
            )
            await connection.close()
        if not is_read_only:
            return None
        cure = "Point to the primary, or take back default_transaction_read_only."
        return Line("machine", "writing", False, "the database is read-only", cure)
    except TimeoutError:
        finding = f"it has not answered for {AWAY_SECONDS:.0f} s"
        return Line(
            "machine", "database", False, finding, "Does the server run, and is it at its address?"
        )
    except (Problem, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        problem = error if isinstance(error, Problem) else unprepared(error)
        return _failed("machine", "database", problem)


async def _copies(settings: Settings, databases: Databases) -> list[Line]:
    try:
        return [
            Line("machine", *finding)
            for finding in await copies_examined(settings.data_dir, databases)
        ]
    except Problem as problem:
        return [_failed("machine", "copy", problem)]


def _of_machine(settings: Settings) -> list[Line]:
    try:
        disk = shutil.disk_usage(settings.data_dir if settings.data_dir.exists() else Path.cwd())
    except OSError as error:
        finding = f"{settings.data_dir} cannot be read: {error.strerror}"
        cure = "Mount the disk, or make the folder Recoup's."
        return [Line("machine", "disk", False, finding, cure), *_certificate(settings)]
    finding, cure = (
        f"{disk.free / 1e9:,.1f} GB free",
        "Free some: at nought nothing is taken any more.",
    )
    return [
        Line("machine", "disk", disk.free >= FREE_BYTES_MIN, finding, cure),
        *_certificate(settings),
    ]


def _settings(settings: Settings) -> list[Line]:
    """Checks the settings file; nothing without one. One of another user may be read by our group:
    else we could not."""
    file = settings_file(settings.data_dir)
    if not file.exists() or is_mounted(file) and not os.access(file, os.W_OK):
        return []
    status = file.stat()
    is_closed = not status.st_mode & (0o077 if status.st_uid == os.geteuid() else 0o007)
    finding = f"others {'cannot' if is_closed else 'can'} read {file}"
    return [Line("machine", "settings", is_closed, finding, f"Run: chmod 600 {file}")]


def _certificate(settings: Settings) -> list[Line]:
    """Checks the certificate; nothing without TLS."""
    try:
        certificate = certificate_of(settings)
        if certificate is None:
            return []
    except Problem as problem:
        return [_failed("doors", "certificate", problem)]
    is_late, finding = (
        certificate.ends - Clocks().wall() <= SOON,
        f"ends on {certificate.ends.date()}",
    )
    return [
        Line(
            "doors",
            "certificate",
            not is_late,
            finding,
            "Renew it; the doors read it by themselves.",
        )
    ]


async def _doors(world: World) -> Line:
    count = await count_sessions(world.db, DOORS)
    finding = "they are connected" if count else "none is connected: nobody answers callers"
    return Line(
        world.name, "doors", count > 0, finding, "Start them: `recoup serve`, or `recoup up`."
    )


def _option(world: World) -> str:
    """Option that a command needs so that it is about this world."""
    return "--live " if world.name == "live" else ""


async def _cell(world: World) -> list[Line]:
    """What is a further cell's own."""
    try:
        lines = [line async for line in _standing(world)]
        return [*lines, *await _database(world), *await _failing(world)]
    except Problem as problem:
        return [_failed(world.known_as, "database", problem)]


async def _standing(world: World) -> AsyncIterator[Line]:
    """The worker, and what the database knows."""
    yield await _worker(world)
    lost, cure = world.standing.reason, world.standing.cure
    yield Line(world.known_as, "database", not lost, lost or "knows all that was seen", cure)
    if left := await unexplained(world):
        finding = (
            f"{left:,} movements at processors, of before the database was restored, belong "
            f"to no order"
        )
        cure = (
            "See the page Reconciliation: have it sent again, or refund it at its processor "
            "and book the line."
        )
        yield Line(world.known_as, "restored", False, finding, cure)


async def look_at(world: World) -> AsyncIterator[Line]:
    """The worker, the database, the packages, then each account with a key."""
    async for line in _standing(world):
        yield line
    if world.opening is not None:
        wrong = [line.name for line in await world.opening.look() if line.verdict == "refuse"]
        finding = f"{', '.join(wrong)} refuse" if wrong else "nothing refuses"
        yield Line(world.name, "live check", not wrong, finding, "Run `recoup live check`.")
    if off := await standing_stop(world.db.reader):
        finding = f"all of it is off since {iso(off.stopped_at)}: {off.why}"
        yield Line(
            world.name,
            "sending",
            False,
            finding,
            f"When it is mended, run `recoup {_option(world)}sending on`.",
        )
    for line in await _database(world):
        yield line
    for line in await _failing(world):
        yield line
    async for problem in extension_troubles(world):
        yield _failed(world.name, "packages", problem)
    for line in await _routes(world):
        yield line
    for line in await _accounts(world):
        yield line
    since = world.clocks.wall() - timedelta(days=1)
    counts, unread = (
        await notices_since(world.db.reader, since),
        await unread_kinds(world.db.reader, since),
    )
    for route, number in counts.items():
        yield Line(world.name, f"{route} notices", True, f"{number} since yesterday")
    for route in sorted({notice.route for notice in unread}):
        kinds = ", ".join(
            f"{notice.kind} ({notice.count})" for notice in unread if notice.route == route
        )
        finding = f"of kinds that this release does not read, nothing was done: {kinds}"
        yield Line(world.name, f"{route} unread notices", True, finding)
    for line in await _unlisted(world):
        yield line


async def _unlisted(world: World) -> list[Line]:
    week = world.clocks.wall() - WEEK
    answers = await ask_each(world, lambda cell: alerted_codes(cell.db.reader, week))
    merchants: Counter[tuple[str, str]] = Counter()
    for code in (code for _, codes in answers.said for code in codes):
        merchants[code.scheme, code.code] += code.merchants
    if merchants:
        listed = ", ".join(
            f"{scheme} {code} ({number})" for (scheme, code), number in merchants.items()
        )
        finding = f"on no list, declines are read without them: {listed}"
        return [Line(world.name, "unlisted codes", True, finding)]
    return []


async def _database(world: World) -> list[Line]:
    """Room, limits, locks and snapshots."""
    name = world.known_as
    async with world.db.connection() as connection:
        room = await has_room(connection)
        limits = await read_short_limits(connection, LIMIT_MS_MIN)
        state = await read_condition(connection)
    damaged = await still_damaged(world)
    cure = "Free some on the server's disk: until then callers hear 503, and nothing is lost."
    lines = [
        Line(
            name,
            "room",
            room,
            "the server can write" if room else "the server has no room to write",
            cure,
        )
    ]
    for setting, ms in limits.items():
        finding = f"the server ends what takes longer than {ms} ms, by {setting}"
        cure = f"Take it back for Recoup's log-in: ALTER ROLE … SET {setting} = 0."
        lines.append(Line(name, "limits", False, finding, cure))
    if state.blocked_seconds >= BLOCKED_SECONDS:
        finding = (
            f"somebody has waited {state.blocked_seconds:.0f} s for a lock that process "
            f"{state.blocked_by} holds"
        )
        cure = (
            f"See what it does in pg_stat_activity; SELECT "
            f"pg_terminate_backend({state.blocked_by}) ends it."
        )
        lines.append(Line(name, "locks", False, finding, cure))
    lines += [Line(name, "pages", False, page.finding, page.cure) for page in damaged]
    if state.damaged_pages and not damaged:
        finding = f"{state.damaged_pages:,} pages had a wrong checksum when they were read"
        cure = (
            "Look at the disk, then at docs/monitoring.md#recoupdatabasedamaged; postgres.log "
            "has their files."
        )
        lines.append(Line(name, "pages", False, finding, cure))
    if state.snapshot_age >= SNAPSHOT_AGE_MAX:
        who = (
            f"process {state.snapshot_of}"
            if state.snapshot_of
            else "a slot or a prepared transaction"
        )
        finding = (
            f"{who} holds a snapshot that is {state.snapshot_age:,} transactions old; dead "
            f"rows stay"
        )
        lines.append(
            Line(
                name,
                "snapshot",
                False,
                finding,
                "End it: see pg_stat_activity, pg_replication_slots.",
            )
        )
    return lines


async def _failing(world: World) -> list[Line]:
    lines = []
    for work in await failing_work(world.db.reader, world.clocks.wall()):
        finding = f"{work.number:,} fail again and again, the last with: {work.error[:200]}"
        cure = "Mend what it names; it is tried again within ten minutes."
        lines.append(Line(world.known_as, f"{work.kind} work", False, finding, cure))
    number, why = await failing_mails(world)
    if number:
        finding = f"{number:,} have not left in four tries, one with: {why}"
        lines.append(
            Line(
                world.known_as,
                "mail",
                False,
                finding,
                "Look at the smtp_ settings, and at that server.",
            )
        )
    return lines


async def _worker(world: World) -> Line:
    backlog = await read_backlog(world.db.reader, world.clocks.wall())
    late, ago = round(backlog.oldest_seconds), await beaten_ago(world)
    if ago is None or ago > ALIVE_WITHIN:
        finding = (
            "none has run yet"
            if ago is None
            else f"none has lived for {round(ago.total_seconds())} s"
        )
    elif late <= LATE_SECONDS_MAX:
        return Line(
            world.known_as,
            "worker",
            True,
            f"{sum(backlog.waiting.values())} waiting, the oldest {late} s late",
        )
    else:
        finding = f"the oldest due work is {late} s late, and nobody has taken it"
    cure = (
        "Start a worker: `recoup worker`, or `recoup up`. `up` replaces one that stands still "
        "within two minutes."
    )
    return Line(world.known_as, "worker", False, finding, cure)


async def _routes(world: World) -> list[Line]:
    """Routes whose processor refuses us, or has refused requests as invalid since yesterday."""
    lines, day = list[Line](), timedelta(days=1)
    now = world.clocks.wall()
    rows = await stored_routes(world.db.reader)
    sums = await sums_between(world.db.reader, now - day, now + timedelta(hours=1))
    for row in rows:
        said = (
            ": ".join(text for text in (row.refused_code, row.refused_text) if text)
            or "without a code"
        )
        if row.is_refused:
            finding = f"its processor refuses the account or its key ({said}); its payments wait"
            cure = (
                f"Mend the account or its key, then `recoup {_option(world)}route on {row.name}`."
            )
            lines.append(Line(world.name, f"{row.name} account", False, finding, cure))
        if (refused := sums[row.name].refused if row.name in sums else 0) and not row.is_refused:
            finding = f"{refused:,} requests refused as wrong since yesterday, the last with {said}"
            cure = (
                "See the orders in Problem: their timelines have the processor's words. Mend "
                "it, then retry them."
            )
            lines.append(Line(world.name, f"{row.name} requests", False, finding, cure))
    for row in await silent_routes(world.db.reader, now):
        since = (
            f"since {iso(row.opened_at)}"
            if row.opened_at is not None
            else "in this hour and the one before"
        )
        finding = f"its processor has answered none of the attempts {since}"
        cure = (
            f"See its status page and the way there; `recoup {_option(world)}route off "
            f"{row.name}` lets others send."
        )
        lines.append(Line(world.name, f"{row.name} answers", False, finding, cure))
    return lines


async def _accounts(world: World) -> list[Line]:
    """Some at a time; each in bounded time."""
    turns = asyncio.Semaphore(AT_ONCE)
    own = {
        connection.route: connection.merchant_id
        for connection in await all_connections(world.db.reader)
        if connection.state != "disconnected"
    }

    countries = {term.name: term.country for term in world.routes.terms(world.processors)}

    async def account(route: str) -> list[Line]:
        async with turns:
            if route not in own:
                processor = world.processors[route]
                findings = (
                    await examined(processor, countries.get(route, ""))
                    if is_connector(processor)
                    else []
                )
                return [
                    Line(
                        world.name,
                        f"{route} {finding.name}",
                        finding.ok,
                        finding.finding,
                        finding.cure or "",
                    )
                    for finding in findings
                ]
            try:
                made = await check(world, Scope(own[route], DOCTOR, "doctor"), route)
            except Problem as problem:
                return [_failed(world.name, route, problem)]
            lines = [Line(world.name, route, made.state == "connected", made.state)]
            for account_finding in made.findings:
                finding, cure = account_finding.read
                lines.append(
                    Line(
                        world.name,
                        f"{route} {account_finding.name}",
                        account_finding.ok,
                        finding,
                        cure or "",
                    )
                )
            return lines

    routes = sorted({*own, *world.processors})
    return [line for lines in await asyncio.gather(*map(account, routes)) for line in lines] + [
        *_services(world),
        *await _wrong(world),
    ]


async def _wrong(world: World) -> list[Line]:
    """Lines on what features find."""
    troubles = [await checks(world) for checks in CHECKS]
    return [
        Line(world.name, what, False, finding, cure)
        for several in troubles
        for what, finding, cure in several
    ]


def _services(world: World) -> list[Line]:
    """Lines on what card routes offer beside charges."""
    updaters = world.updater.routes if world.updater is not None else ()
    offered = {"account updater": updaters, "network tokens": tuple(world.token_services)}
    return [
        Line(world.name, what, True, ", ".join(names) or "no route offers it")
        for what, names in offered.items()
    ]
