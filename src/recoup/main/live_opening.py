"""Opening of the doors of live: the lines of the live check, what is waived of them, and what that
means here.

A door of live answers 503 while a line refuses that keeps it shut (`kit/live_check.py` says which),
and looks again each minute, so that what was mended needs no restart. Live that was open once stays
open, whatever comes to refuse in time: that warns.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import asyncpg
import structlog

from recoup.db.operation.live_marks import drop_mark, live_marks, set_mark
from recoup.db.pool import LOST
from recoup.kernel.problem import Problem, Sentence, in_words
from recoup.kernel.time import Clocks
from recoup.kit.beside import beside
from recoup.kit.live_check import LINES, WAIVABLE, CheckLine, Verdict
from recoup.kit.world import World
from recoup.main.backup.configuration import AGE_HOURS_MAX
from recoup.main.backup.copies import age_seconds
from recoup.main.certificate import SOON, certificate_of
from recoup.main.databases import Databases, is_embedded
from recoup.main.settings import Settings
from recoup.onboarding.flows.live_check import ACTOR, METRICS_READ, Marks, check_world, moment
from recoup.outside.keys.files import FILE_NAME as KEY_FILE
from recoup.processors.gateways.kinds import KINDS

EVERY_SECONDS: Final = 60.0
LOOK_SECONDS_MAX: Final = 30.0
FRESH_SECONDS: Final = 5.0
ENDS_SOON: Final = timedelta(days=3)
FREE_BYTES_MIN: Final = 2e9
OPENED: Final = "opened"
# Also while live is shut: pages are read, people sign in and go back to the sandbox, and look after
# their own account.
_OPEN_PATHS: Final = ("/world", "/sign", "/account")
_CALLS: Final = ("/v1/", "/api/", "/inbound/")
log = structlog.get_logger()


class LiveOpening:
    """The live check of one process. `opens`: it is a door, whose first look without a refusal
    opens live for good."""

    def __init__(self, settings: Settings, databases: Databases, *, opens: bool) -> None:
        self._settings, self._embedded = settings, is_embedded(databases.live, settings.data_dir)
        self._opens = opens
        self._world: World | None = None
        self.lines: Sequence[CheckLine] = ()  # of the last look
        self.is_shut = True
        self._looked_at = self._read_at = float("-inf")
        self._turn = asyncio.Lock()
        self._warned: list[str] = []

    @property
    def stops_sending(self) -> bool:
        """True when a setting is wrong with which nothing may be sent."""
        return any(line.shuts(is_open=True) for line in self.lines) or not self.lines

    async def look(self) -> Sequence[CheckLine]:
        """Checks, at most once in five seconds. Raises: Problem(unavailable)."""
        world = self._of()
        async with self._turn:
            if world.clocks.monotonic() - self._looked_at >= FRESH_SECONDS:
                async with asyncio.timeout(LOOK_SECONDS_MAX):
                    self.lines = await self._look(world)
                self._looked_at = world.clocks.monotonic()
        return self.lines

    async def _look(self, world: World) -> list[CheckLine]:
        marks = {mark.name: mark for mark in await live_marks(world.db.reader)}
        folder = self._settings.data_dir
        checks = [
            *settings_lines(self._settings, embedded=self._embedded),
            _disk(folder),
            _copies(folder, world.clocks),
            keys_line(world, marks, folder),
            *await check_world(world, marks),
        ]
        lines = [_or_waived(line, marks) for line in checks]
        lines.sort(key=lambda line: list(LINES).index(line.name))
        self.is_shut = any(line.shuts(is_open=OPENED in marks) for line in lines)
        if self._opens and not self.is_shut and OPENED not in marks:
            await set_mark(world.db.alone, OPENED, "", ACTOR, world.clocks.wall())
            log.info("live is open")
        return lines

    def _of(self) -> World:
        assert self._world is not None, "it is given its world first"
        return self._world

    @asynccontextmanager
    async def running(self, world: World, *, keeps: bool) -> AsyncIterator[None]:
        """Binds it to its world. `keeps`: it looks at once, then each minute; else only when
        asked."""
        self._world = world
        if not keeps:
            yield
            return
        await self._again()
        async with beside(self._keep()):
            yield

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            await self._again()

    async def _again(self) -> None:
        try:
            lines = await self.look()
        except (Problem, TimeoutError, OSError, asyncpg.PostgresError, *LOST) as error:
            log.warning("live check failed", error=in_words(error))
            return
        wrong = [line.name for line in lines if line.verdict == "refuse"]
        if wrong != self._warned and wrong:
            log.warning("live check", shut=self.is_shut, refuse=wrong)
        self._warned = wrong

    def check(self, path: str, method: str) -> None:
        """Raises: Problem(unavailable) for a call that is not taken while live is shut."""
        reads = method in ("GET", "HEAD") or path.startswith(_OPEN_PATHS)
        if not self.is_shut or reads and not path.startswith(_CALLS):
            return
        cure = "Send it again later; the operator runs `recoup live check`."
        raise Problem(
            "unavailable", "Live is not open: its check refuses.", cure=cure, retry_after_seconds=60
        )

    async def note_read(self) -> None:
        """Notes that the metrics were read."""
        world = self._of()
        now = world.clocks.monotonic()
        if now - self._read_at >= EVERY_SECONDS:
            self._read_at = now
            await set_mark(world.db.alone, METRICS_READ, "", ACTOR, world.clocks.wall())


def _or_waived(line: CheckLine, marks: Marks) -> CheckLine:
    waived = marks.get(f"waived {line.name}")
    if waived is None or line.verdict not in ("refuse", "wait"):
        return line
    return line._replace(verdict="waived", cure=Sentence("Waived: {0}", waived.mark))


async def waive(world: World, names: Sequence[str], why: str, actor: str) -> None:
    """Lets live open in spite of these lines. Raises: Problem(invalid)."""
    for name in names:
        if name not in WAIVABLE:
            message = Sentence("{0} is no line that can be waived.", repr(name[:40]))
            raise Problem(
                "invalid",
                message,
                field="name",
                cure=Sentence("There are {0}.", ", ".join(WAIVABLE)),
            )
    async with world.db.transaction() as tx:
        for name in names:
            await set_mark(tx, f"waived {name}", why, actor, world.clocks.wall())


async def unwaive(world: World, names: Sequence[str]) -> None:
    async with world.db.transaction() as tx:
        for name in names:
            await drop_mark(tx, f"waived {name}")


def settings_lines(settings: Settings, *, embedded: bool) -> list[CheckLine]:
    """Lines that follow from settings alone."""
    return [
        _https(settings),
        _address(settings),
        *_certificate(settings),
        _server(embedded=embedded),
        _others(settings),
        _processors(settings),
    ]


def _https(settings: Settings) -> CheckLine:
    if settings.tls_cert:
        return CheckLine("https", "pass", "Recoup answers under TLS.")
    if settings.behind_proxy:
        return CheckLine("https", "pass", "A proxy answers under TLS.")
    cure = "Set tls_cert and tls_key, or behind_proxy."
    return CheckLine(
        "https", "refuse", "Calls come in the clear: there is neither TLS nor a proxy.", cure
    )


def _address(settings: Settings) -> CheckLine:
    url = settings.public_url
    parts = urlsplit(url)
    cure = "Set public_url to the address with HTTPS that callers use."
    if not url:
        return CheckLine("address", "refuse", "The public address is not set.", cure)
    if parts.scheme != "https" or not parts.hostname:
        return CheckLine("address", "refuse", Sentence("{0} is not reached by HTTPS.", url), cure)
    if settings.tls_cert and not _is_for(settings.tls_cert, parts.hostname):
        finding = Sentence("The certificate is not for {0}.", parts.hostname)
        return CheckLine(
            "address", "refuse", finding, "Use a certificate of that name, or correct public_url."
        )
    return CheckLine("address", "pass", url)


def _is_for(chain: str, host: str) -> bool:
    """True when the certificate names the host; an unreadable one is another line's."""
    from cryptography import x509

    try:
        first = x509.load_pem_x509_certificates(Path(chain).read_bytes())[0]
        names = first.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        hosts = {
            *names.get_values_for_type(x509.DNSName),
            *map(str, names.get_values_for_type(x509.IPAddress)),
        }
    except (OSError, ValueError, x509.ExtensionNotFound):
        return True
    return host in hosts or f"*.{host.partition('.')[2]}" in hosts


def _certificate(settings: Settings) -> list[CheckLine]:
    """Empty without TLS of our own."""
    cure = "Renew it; the doors read it by themselves."
    try:
        certificate = certificate_of(settings)
    except Problem as problem:
        return [CheckLine("certificate", "refuse", problem.message, problem.cure or cure)]
    if certificate is None:
        return []
    left, finding = (
        certificate.ends - Clocks().wall(),
        Sentence("It ends on {0}.", f"{certificate.ends:%Y-%m-%d}"),
    )
    verdict: Verdict = "refuse" if left < ENDS_SOON else "wait" if left < SOON else "pass"
    return [CheckLine("certificate", verdict, finding, cure)]


def _server(*, embedded: bool) -> CheckLine:
    if not embedded:
        return CheckLine("server", "pass", "The database is on a server of its own.")
    cure = "Set RECOUP_LIVE_DATABASE_URL, or say that it is meant: `recoup live init --embedded`."
    return CheckLine("server", "refuse", "The database is on the embedded server.", cure)


def _others(settings: Settings) -> CheckLine:
    if settings.takes_loopback and not settings.is_local:
        finding = "Who signs up to the sandbox may post webhooks to this machine's own ports."
        return CheckLine("settings", "refuse", finding, "Remove loopback_webhooks.")
    if settings.log_level == "debug":
        return CheckLine("settings", "refuse", "The log has all details.", "Remove log_level.")
    if not settings.drain and not settings.is_local:
        finding = "Doors stop before a proxy hears of it."
        return CheckLine("settings", "refuse", finding, "Remove drain_seconds.")
    return CheckLine("settings", "pass", "None is for tests only.")


def _processors(settings: Settings) -> CheckLine:
    """Every kind is installed here, or nothing would have started."""
    mine = [
        (route.name, route.connection.url, route.connection.key)
        for route in settings.routes
        if route.world == "live"
    ]
    if settings.live_processor_url:
        mine.append(("bridge", settings.live_processor_url, settings.live_processor_secret))
    tests = {route.connection.key for route in settings.routes if route.world == "sandbox"}
    tests |= {settings.sandbox_processor_secret}
    hosts = {urlsplit(KINDS[route.kind].sandbox_url).hostname for route in settings.routes}
    if settings.sandbox_processor_url:
        hosts.add(urlsplit(settings.sandbox_processor_url).netloc)
    for name, url, key in mine:
        parts = urlsplit(url)
        if (
            (url and {parts.hostname, parts.netloc} & (hosts - {None}))
            or key
            and key in tests - {""}
        ):
            why = Sentence(
                "{0} is a processor of the sandbox: nothing that it approves is paid.", name
            )
            return CheckLine(
                "processors", "refuse", why, "Name the address and key of your live account."
            )
    if not mine:
        finding = "No route is set: only accounts of merchants and chains take payments."
        return CheckLine("processors", "pass", finding)
    return CheckLine("processors", "pass", ", ".join(name for name, _, _ in mine))


def _disk(folder: Path) -> CheckLine:
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        finding = Sentence(
            "{0} cannot be read: {1}.", folder, error.strerror or type(error).__name__
        )
        return CheckLine("disk", "refuse", finding, "Mount the disk, or make the folder yours.")
    finding = Sentence("Free on the disk of the data folder: {0} GB.", round(free / 1e9, 1))
    verdict: Verdict = "refuse" if free < FREE_BYTES_MIN else "pass"
    return CheckLine("disk", verdict, finding, "Make room, or move the data folder.")


def _copies(folder: Path, clocks: Clocks) -> CheckLine:
    try:
        age = age_seconds(folder, clocks.wall())
    except Problem as problem:
        return CheckLine("copies", "refuse", problem.message, "See `recoup backup check`.")
    if age is None:
        cure = (
            "Run `recoup backup init`; on a server of your own `recoup backup at FOLDER` for its "
            "Barman, or"
            " `recoup backup done` after each copy by another tool."
        )
        return CheckLine("copies", "refuse", "No copy of the databases was set up.", cure)
    if age == float("inf"):
        return CheckLine(
            "copies", "wait", "The first copy is not complete.", "See `recoup backup check`."
        )
    finding = Sentence("The newest copy is {0} hours old.", round(age / 3600, 1))
    is_late = age > AGE_HOURS_MAX * 3600
    return CheckLine(
        "copies", "refuse" if is_late else "pass", finding, "See `recoup backup check`."
    )


def keys_mark(world: World) -> str:
    """A fingerprint of the keys in use."""
    return world.keys.mac(
        "live-check", repr(sorted(world.keys.current_ids().items())).encode()
    ).hex()


def keys_line(world: World, marks: Marks, folder: Path) -> CheckLine:
    """Passes for given keys: whoever gives them keeps them."""
    if not world.keys.is_from_folder:
        return CheckLine("keys", "pass", "They are given by RECOUP_KEYS.")
    held = marks.get("keys")
    if held is not None and held.mark == keys_mark(world):
        return CheckLine(
            "keys", "pass", Sentence("A copy held them at {0}.", moment(held.marked_at))
        )
    path = str(folder / "keys" / KEY_FILE)
    cure = Sentence("Copy {0} to another place, then run `recoup keys copied COPY`.", path)
    return CheckLine("keys", "refuse", "No copy was seen that holds the keys in use.", cure)
