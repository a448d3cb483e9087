"""/connections: a merchant's own accounts at processors. Keys and secrets are typed once and never
shown again."""

from typing import Annotated, Final

from recoup.orders.rules.lifecycle import REASONS
from recoup.people.page.endpoint import redirect
from recoup.people.page.form_shape import Text, among
from recoup.people.page.menu import Entry
from recoup.people.page.pages import Answer, Values, member, shown
from recoup.people.page.portal_visit import Visit, named
from recoup.people.page.rights import role
from recoup.processors.rules.billing import LEFT_OUT
from recoup.processors.rules.connect_form import NOT_INSTALLED
from recoup.routes.flows import connect as flow
from recoup.routes.flows.connections import connections_of, notices_of
from recoup.routes.store.connections import Billing
from recoup.routes.store.processor_notices import left_invoices

PLACE: Final = "/connections"
BILLING: Final[dict[Billing, str]] = {
    "off": "Nothing: payments are handed over by the API or files",
    "take_over": "Take over: Stripe's own retries of an invoice stop while it is rescued",
    "beside": "Beside: Stripe goes on retrying, and each of its retries counts",
}
WHYS: Final = {**REASONS, **LEFT_OUT}
STATES: Final = {
    "connected": "connected",
    "waiting": "waits for what is missing",
    "disconnected": "ended",
}
_CHANGE: Final = role("keys", "connect a processor", or_operator=True)


@member.page(
    PLACE, "routes/connections.html", menu=Entry("Integration", 6, "Processor accounts", "plug")
)
async def page(visit: Visit, *, kind: str) -> Values:
    rows, forms = await connections_of(visit.world, visit.scope.merchant_id), flow.connectable()
    kind = kind if kind in forms else next(iter(forms), "")
    name = await flow.next_name(visit.world, visit.scope, kind)
    return {
        "rows": rows,
        "notices": await notices_of(visit.world, [row.route for row in rows]),
        "left": await left_invoices(visit.world.db.reader, visit.scope.merchant_id),
        "kind": kind,
        "choices": forms,
        "forms": {**{row.kind: NOT_INSTALLED for row in rows}, **forms},
        "names": await named(visit, [row.changed_by for row in rows]),
        "place_of": lambda route: f"{visit.world.url}/inbound/{route}/notices",
        "next_place": f"{visit.world.url}/inbound/{name}/notices",
        "may": visit.may("keys", or_operator=True),
        "ending": "",
    }


@page.post(may=_CHANGE)
async def post(
    visit: Visit,
    *,
    secret_key: Annotated[str, Text(512, strip=True)],
    signing_secret: Annotated[str, Text(512, strip=True)],
    account: Annotated[str, Text(512, strip=True)],
    prefix: Annotated[str, Text(120, strip=True)],
    country: Annotated[str, Text(32, strip=True)],
    kind: Annotated[str, Text(32)],
    billing: Annotated[Billing, among(BILLING)] = "off",
) -> None:
    request = flow.ConnectRequest(
        kind, secret_key, signing_secret, billing, account=account, prefix=prefix, country=country
    )
    await flow.connect(visit.world, visit.acting("keys", "connect a processor"), request)


@page.post("/connections/change", may=_CHANGE)
async def post_change(
    visit: Visit,
    *,
    route: Annotated[str, Text(64)],
    secret_key: Annotated[str, Text(512, strip=True)],
    signing_secret: Annotated[str, Text(512, strip=True)],
    account: Annotated[str, Text(512, strip=True)],
    country: Annotated[str, Text(32, strip=True)],
    billing: Annotated[Billing, among(BILLING)] | None,
) -> None:
    """Changes a connection; empty fields stay as they are."""
    request = flow.ChangeRequest(secret_key, signing_secret, billing, account, country)
    await flow.change(visit.world, visit.acting("keys", "connect a processor"), route, request)


@page.post("/connections/check", may=_CHANGE)
async def post_check(visit: Visit, *, route: Annotated[str, Text(64)]) -> None:
    await flow.check(visit.world, visit.acting("keys", "connect a processor"), route)


@page.post("/connections/disconnect", may=_CHANGE)
async def post_disconnect(visit: Visit, *, route: Annotated[str, Text(64)], sure: bool) -> Answer:
    """Disconnects a route, with a confirmation first."""
    if not sure:
        return shown(ending=route)
    await flow.disconnect(visit.world, visit.acting("keys", "connect a processor"), route)
    return redirect(PLACE)
