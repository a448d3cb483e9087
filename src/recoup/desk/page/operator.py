"""/operator: the operator's home. All merchants, money that waits for approval, and the
installation's health."""

from typing import Annotated, Final

from recoup.db.operation.backlog import Backlog, read_backlog
from recoup.db.operation.partitions import read_days_left
from recoup.kernel.scope import Actor, Scope
from recoup.kernel.time import WallTime
from recoup.kit.edge.tracing import request_id
from recoup.kit.upkeep import LATE_SECONDS_MAX
from recoup.kit.world import World
from recoup.merchants.flows.cells import ask_each, first_rows
from recoup.merchants.store.sending_stops import standing_stop
from recoup.onboarding.flows.partners import rescued_by_merchant
from recoup.people.flows.second_factor import has_factor, prove_code
from recoup.people.page.account.visit import AccountVisit
from recoup.people.page.form_shape import Text
from recoup.people.page.menu import Entry
from recoup.people.page.pages import Values, operating
from recoup.people.page.portal_visit import names_for
from recoup.people.page.rights import operator
from recoup.people.store.operator_home import operated_merchants
from recoup.routes.flows.route_switches import WHY_MAX, checked_reason, read_route_states
from recoup.routes.page.processors import BREAKERS
from recoup.switches.flows.sending import switch_sending_off, switch_sending_on

PLACE: Final = "/operator"
ROWS_MAX: Final = 100
RECOVERED_WITHIN: Final = 30  # days
_switch = operator("switch all sending off or on")


@operating.page(
    PLACE,
    "desk/operator.html",
    may=operator("see the operator's home"),
    menu=Entry("", 1, "Operator home", "home"),
)
async def home(visit: AccountVisit, *, q: Annotated[str, Text(128)]) -> Values:
    text = q.strip()
    known = [merchant.merchant_id for merchant in visit.session.merchants]
    world = visit.world
    rows, missing = await first_rows(
        world,
        lambda cell: operated_merchants(cell.db.reader, known, text, ROWS_MAX + 1),
        lambda row: (-row.approvals, -row.attention, row.name.lower(), row.merchant_id),
        ROWS_MAX + 1,
    )
    shown = rows[:ROWS_MAX]
    ids = [row.merchant_id for row in shown]
    recovered = await rescued_by_merchant(world, ids, RECOVERED_WITHIN)
    backlogs = (await ask_each(world, lambda cell: _health(cell, visit.wall))).said
    late_seconds = max((backlog.oldest_seconds for _, (backlog, _) in backlogs), default=0)
    off = await standing_stop(world.db.reader)
    routes = [state for state in await read_route_states(visit.world) if state.listed]
    return dict(
        rows=shown,
        more=len(rows) > ROWS_MAX,
        text=text,
        recovered=recovered,
        days=RECOVERED_WITHIN,
        missing=missing,
        late_seconds=round(late_seconds),
        late=late_seconds > LATE_SECONDS_MAX,
        waiting=sum(sum(backlog.waiting.values()) for _, (backlog, _) in backlogs),
        days_left=int(min((days for _, (_, days) in backlogs), default=0)),
        routes=routes,
        breakers=BREAKERS,
        off=off,
        who=await names_for(visit.portal, [off.actor], staff=True) if off is not None else {},
        why_max=WHY_MAX,
        live=_refuses_live(visit),
        has_factor=await has_factor(visit.world, visit.me),
    )


async def _health(cell: World, wall: WallTime) -> tuple[Backlog, float]:
    """What waits, and days until the first partition ends."""
    async with cell.db.read() as connection:
        days_left = await read_days_left(connection, wall)
        return await read_backlog(connection, wall), min(days_left.values())


def _refuses_live(visit: AccountVisit) -> bool | None:
    """True when a line of the live check refused, when it was last looked at; None without a live
    world."""
    worlds = [
        world
        for world in (visit.world, visit.world.other)
        if world is not None and world.opening is not None
    ]
    return (
        any(line.verdict == "refuse" for line in worlds[0].opening.lines)
        if worlds and worlds[0].opening
        else None
    )


def _doer(visit: AccountVisit) -> tuple[str, Scope | None]:
    """The actor, and the scope for the audit log of the merchant that is looked at."""
    actor, at = Actor("operator", str(visit.session.user_id)), visit.session.merchant
    return actor.text(), Scope(
        at.merchant_id, actor, request_id(visit.request.scope)
    ) if at is not None else None


@home.post("/operator/sending-off", may=_switch)
async def post_off(
    visit: AccountVisit, *, reason: Annotated[str, Text(1_000)], code: Annotated[str, Text(32)] = ""
) -> None:
    """`code`: of the second factor, of who has one."""
    reason = checked_reason(reason)
    await prove_code(visit.world, visit.me, code)
    await switch_sending_off(visit.world, reason, *_doer(visit))


@home.post("/operator/sending-on", may=_switch)
async def post_on(visit: AccountVisit, *, code: Annotated[str, Text(32)] = "") -> None:
    await prove_code(visit.world, visit.me, code)
    await switch_sending_on(visit.world, *_doer(visit))
