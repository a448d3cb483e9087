"""/operator: the operator's home. All merchants, money that waits for approval, and the installation's health."""

from datetime import timedelta
from typing import Annotated, Final

from recoup.doors.portal.form_shape import Text
from recoup.doors.portal.menu import Entry, for_operator
from recoup.doors.portal.pages import Values, member
from recoup.doors.portal.people import names_of_actors
from recoup.doors.portal.processors.page import BREAKERS
from recoup.doors.portal.rights import operator
from recoup.doors.portal.visit import Visit
from recoup.flows.merchants.route_switches import WHY_MAX, checked_reason, read_route_states
from recoup.flows.merchants.sending import switch_sending_off, switch_sending_on
from recoup.flows.people.second_factor import has_factor, prove_code
from recoup.flows.upkeep import LATE_SECONDS_MAX
from recoup.store.merchants.operator_home import operated_merchants
from recoup.store.merchants.partner_merchants import rescued_of
from recoup.store.merchants.sending_stops import standing_stop
from recoup.store.operation.backlog import read_backlog
from recoup.store.operation.partitions import read_days_left

PLACE: Final = "/operator"
ROWS_MAX: Final = 100
RECOVERED_WITHIN: Final = timedelta(days=30)
_switch = operator("switch all sending off or on")


@member.page(
    PLACE,
    "operator/operator.html",
    may=operator("see the operator's home"),
    menu=Entry("", 1, "Operator home", "home", sees=for_operator),
)
async def home(visit: Visit) -> Values:
    text = visit.request.query_params.get("q", "").replace("\0", "")[:128].strip()
    known = [one.merchant_id for one in visit.session.merchants]
    async with visit.world.db.read() as connection:
        rows = await operated_merchants(connection, known, text, ROWS_MAX + 1)
        shown = rows[:ROWS_MAX]
        recovered = await rescued_of(connection, [row.merchant_id for row in shown], visit.wall - RECOVERED_WITHIN)
        backlog = await read_backlog(connection, visit.wall)
        days_left = await read_days_left(connection, visit.wall)
        off = await standing_stop(connection)
    routes = [one for one in await read_route_states(visit.world) if one.listed]
    return dict(
        rows=shown,
        more=len(rows) > ROWS_MAX,
        text=text,
        recovered=recovered,
        days=RECOVERED_WITHIN.days,
        late_seconds=round(backlog.oldest_seconds),
        late=backlog.oldest_seconds > LATE_SECONDS_MAX,
        waiting=sum(backlog.waiting.values()),
        days_left=int(min(days_left.values())),
        routes=routes,
        breakers=BREAKERS,
        off=off,
        who=await names_of_actors(visit, [off.actor]) if off is not None else {},
        why_max=WHY_MAX,
        live=_refuses_live(visit),
        has_factor=await has_factor(visit.world, visit.me),
    )


def _refuses_live(visit: Visit) -> bool | None:
    """Whether a line of the live check refused, when it was last looked at; None without a live world."""
    worlds = [one for one in (visit.world, visit.world.other) if one is not None and one.opening is not None]
    return any(line.verdict == "refuse" for line in worlds[0].opening.lines) if worlds and worlds[0].opening else None


@home.post("/operator/sending-off", may=_switch)
async def post_off(visit: Visit, *, reason: Annotated[str, Text(1_000)], code: Annotated[str, Text(32)] = "") -> None:
    """`code`: of the second factor, of who has one."""
    reason = checked_reason(reason)
    await prove_code(visit.world, visit.me, code)
    await switch_sending_off(visit.world, reason, visit.operator_scope.actor.text(), visit.operator_scope)


@home.post("/operator/sending-on", may=_switch)
async def post_on(visit: Visit, *, code: Annotated[str, Text(32)] = "") -> None:
    await prove_code(visit.world, visit.me, code)
    await switch_sending_on(visit.world, visit.operator_scope.actor.text(), visit.operator_scope)
