"""The part of the live check that the live world itself answers: people, routes, worker, bank files
and marks."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from recoup.db.operation.backlog import read_backlog
from recoup.db.operation.live_marks import LiveMark, set_mark
from recoup.db.operation.partitions import read_days_left
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, Sentence, in_words
from recoup.kernel.time import WallTime
from recoup.kit.live_check import CheckLine, Verdict, is_nobodys
from recoup.kit.upkeep import ALIVE_WITHIN, LATE_SECONDS_MAX, beaten_ago
from recoup.kit.world import World
from recoup.merchants.flows.cells import ask_each
from recoup.merchants.store.merchants import located
from recoup.merchants.store.sending_stops import standing_stop
from recoup.orders.flows.external_call import call_with_timeout
from recoup.people.store.live_people import live_people
from recoup.processors.gateways.bank import Transfer
from recoup.processors.gateways.bridge import NoProcessor
from recoup.processors.gateways.connector import is_connector
from recoup.processors.gateways.port import Inquiry, Processor
from recoup.processors.rules.bank_account import read_account
from recoup.routes.flows.connect import examined
from recoup.routes.flows.own_routes import connection_context
from recoup.routes.store.card_routes import sealed_connections

READ_WITHIN: Final = timedelta(hours=1)
DAYS_LEFT_MIN: Final = 5
PROBE_SECONDS: Final = 5.0
ACTOR: Final = "operator:live-check"
PASSED_WITHIN: Final = timedelta(hours=1)
MAIL_ANSWERED: Final = "mail answered"
ANSWERED_WITHIN: Final = timedelta(minutes=5)
METRICS_READ: Final = "metrics read"
Marks = Mapping[str, LiveMark]


async def check_world(world: World, marks: Marks) -> list[CheckLine]:
    return [
        *await _routes(world, marks),
        *await _countries(world),
        *await _people(world),
        await _mail(world, marks),
        _monitoring(world, marks),
        *await _work(world),
        _clock(world),
        _quarantine(world),
        await _sending(world),
    ]


async def _people(world: World) -> list[CheckLine]:
    people = await live_people(world.people.reader)
    strangers = [person.email for person in people if is_nobodys(person.email)]
    own = [person for person in people if person.is_operator and person.email not in strangers]
    without = [person.email for person in own if not person.has_factor]
    if not own:
        cure = "Run `recoup people add-operator YOU@YOUR.DOMAIN`."
        operator = CheckLine("operator", "refuse", "Nobody decides for the operator in live.", cure)
    elif without:
        finding = Sentence("Without a second factor: {0}.", ", ".join(without))
        operator = CheckLine("operator", "refuse", finding, "Each sets it up at the next sign-in.")
    else:
        finding = Sentence("With a second factor: {0}.", ", ".join(person.email for person in own))
        operator = CheckLine("operator", "pass", finding)
    if strangers:
        ends = ", ".join(f"`recoup people end-operator {stranger}`" for stranger in strangers)
        cure = Sentence("Run {0}, once you have people of your own.", ends)
        finding = Sentence("People of the sandbox can act in live: {0}.", ", ".join(strangers))
        return [operator, CheckLine("passwords", "refuse", finding, cure)]
    return [operator, CheckLine("passwords", "pass", "Nobody of the sandbox can act in live.")]


async def _mail(world: World, marks: Marks) -> CheckLine:
    """Asks the server anew when it last answered some minutes ago."""
    if world.mail is None:
        cure = "Set smtp_host and smtp_from."
        return CheckLine("mail", "refuse", "There is no mail server: alerts reach nobody.", cure)
    now, before = world.clocks.wall(), marks.get(MAIL_ANSWERED)
    if before is None or now - WallTime(before.marked_at) > ANSWERED_WITHIN:
        posted = await world.mail.greet(PROBE_SECONDS)
        if posted.state != "sent":
            finding = Sentence("The mail server takes no mails: {0}.", posted.why)
            return CheckLine(
                "mail", "refuse", finding, "Look at the smtp_ settings, and at that server."
            )
        await set_mark(world.db.alone, MAIL_ANSWERED, "", ACTOR, now)
    return CheckLine("mail", "pass", "The mail server answers; alerts go to the operator's people.")


def _monitoring(world: World, marks: Marks) -> CheckLine:
    read = marks.get(METRICS_READ)
    if read is None or world.clocks.wall() - WallTime(read.marked_at) > READ_WITHIN:
        cure = "Let Prometheus read /metrics; see docs/operate.md."
        return CheckLine("monitoring", "refuse", "Nobody has read the metrics for an hour.", cure)
    return CheckLine(
        "monitoring", "pass", Sentence("The metrics were read at {0}.", moment(read.marked_at))
    )


async def _routes(world: World, marks: Marks) -> list[CheckLine]:
    """Each route of the settings, asked once an hour, and for each of its configurations."""
    countries = {
        term.name: term.country
        for term in world.routes.terms(world.processors)
        if world.processors[term.name].kind != NoProcessor.kind
    }
    sealed = await sealed_connections(world.db.reader, list(countries))
    lines = []
    for name, country in countries.items():
        processor, before = world.processors[name], marks.get(f"route {name}")
        blob = sealed.get(name)
        made = b"" if blob is None else world.keys.open_secret(connection_context(None, name), blob)
        mark = world.keys.mac("live-check", made + processor.kind.encode()).hex()
        if (
            before
            and before.mark == mark
            and world.clocks.wall() - WallTime(before.marked_at) <= PASSED_WITHIN
        ):
            finding = Sentence(
                "Passed at {0}, and nothing was changed since.", moment(before.marked_at)
            )
            lines.append(CheckLine("routes", "pass", finding, subject=name))
            continue
        line = await _examine(processor, country)
        if line.verdict == "pass":
            await set_mark(world.db.alone, f"route {name}", mark, ACTOR, world.clocks.wall())
        lines.append(line._replace(subject=name))
    return lines


async def _countries(world: World) -> list[CheckLine]:
    """Each send has a country: its route's, or else its merchant's."""
    terms = world.routes.terms(world.processors)
    without = [
        term.name
        for term in terms
        if not term.country and world.processors[term.name].kind != NoProcessor.kind
    ]
    if not without or await _each_merchant_has_one(world):
        return [
            CheckLine("countries", "pass", "Each route, or else each merchant, names its country.")
        ]
    finding = "The field country is empty: nobody says where this account is."
    cure = (
        "Write country in the route's table, or live_processor_country, as DE; or set it for each "
        "merchant with"
        " `recoup --live terms country DE`."
    )
    return [CheckLine("countries", "refuse", finding, cure, name) for name in without]


async def _each_merchant_has_one(world: World) -> bool:
    """False while there is no merchant."""
    answers = await ask_each(world, lambda cell: located(cell.db.reader))
    answers.check()
    counts = [count for _, count in answers.said]
    merchants = sum(count.merchants for count in counts)
    return 0 < merchants == sum(count.with_country for count in counts)


async def _examine(processor: Processor, country: str) -> CheckLine:
    """Its own check of the account; of a bridge the answer to a question about an id that nobody
    has."""
    if is_connector(processor):
        wrong = [check for check in await examined(processor, country) if not check.ok]
        if not wrong:
            return CheckLine("routes", "pass", "The account passed its check.")
        verdict: Verdict = "wait" if wrong[0].unclear else "refuse"
        return CheckLine("routes", verdict, wrong[0].finding, wrong[0].cure or "")
    if processor.asks in ("none", "by_replay"):
        return CheckLine("routes", "pass", "It cannot be asked without a payment.")
    outcome = await call_with_timeout(processor.inquire(Inquiry(new_id(), "probe")), PROBE_SECONDS)
    if outcome.state == "not_found":
        return CheckLine("routes", "pass", "It answers, and knows the secret.")
    cure = "Check its address and secret; it must say not_found of an id that it does not know."
    return CheckLine("routes", "refuse", "It does not answer as it should.", cure)


async def _work(world: World) -> list[CheckLine]:
    wall = world.clocks.wall()
    backlog, ago = await read_backlog(world.db.reader, wall), await beaten_ago(world)
    days = int(min((await read_days_left(world.db.reader, wall)).values()))
    cure = "Start a worker: `recoup worker`, or `recoup up`."
    if ago is None or ago > ALIVE_WITHIN:
        worker = CheckLine("worker", "wait", "No worker lives.", cure)
    elif backlog.oldest_seconds > LATE_SECONDS_MAX:
        finding = Sentence(
            "The oldest due work is {0} seconds late.", round(backlog.oldest_seconds)
        )
        worker = CheckLine("worker", "refuse", finding, cure)
    else:
        worker = CheckLine("worker", "pass", "It lives, and is on time.")
    if days < DAYS_LEFT_MIN:
        cure = (
            "Give a worker the owner's log-in (owner_database_user), or run `recoup schema "
            "apply` daily."
        )
        upkeep = CheckLine(
            "upkeep", "refuse", Sentence("Tables are prepared for {0} more days.", days), cure
        )
    else:
        upkeep = CheckLine(
            "upkeep", "pass", Sentence("Tables are prepared for {0} more days.", days)
        )
    return [worker, upkeep, _bank(world, backlog.failing.get("bank_payout", 0))]


def _bank(world: World, failing: int) -> CheckLine:
    """A file is made as for a payout, of which nothing leaves."""
    cure = "Look at the live_ach_ settings, the disk and the worker's log."
    if failing:
        return CheckLine(
            "bank", "refuse", Sentence("{0} payouts fail again and again.", failing), cure
        )
    try:
        account = read_account("LIVE CHECK", routing="011000015", account="000123456789")
        file = world.bank.file(
            Transfer(UUID(int=0), account, 1, "USD", "LIVECHECK", world.clocks.wall())
        )
        world.keys.seal_secret("live-check", file.content)
    except (Problem, OSError, ValueError) as error:
        return CheckLine(
            "bank", "refuse", Sentence("No bank file can be written: {0}", in_words(error)), cure
        )
    return CheckLine("bank", "pass", "A bank file can be written.")


def _clock(world: World) -> CheckLine:
    ahead = getattr(world.clocks, "ahead_seconds", 0.0)
    return CheckLine(
        "clock", "pass", Sentence("{0} seconds from the database's.", round(abs(ahead), 1))
    )


def _quarantine(world: World) -> CheckLine:
    if world.standing.is_quarantined:
        return CheckLine("quarantine", "refuse", world.standing.reason, world.standing.cure)
    return CheckLine("quarantine", "pass", "The database knows all that was seen.")


async def _sending(world: World) -> CheckLine:
    if off := await standing_stop(world.db.reader):
        finding = Sentence("All sending is off since {0}.", moment(off.stopped_at))
        return CheckLine(
            "sending", "refuse", finding, "When it is mended, run `recoup --live sending on`."
        )
    return CheckLine("sending", "pass", "Nothing is switched off.")


def moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
