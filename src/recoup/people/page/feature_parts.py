"""Parts that features add to pages that are not their own. Each names the module that holds it as
`PORTAL`."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, ParamSpec, TypeVar
from uuid import UUID

from recoup.kernel.feature import Place
from recoup.kernel.frozen import frozen

if TYPE_CHECKING:
    from recoup.db.statement import Read
    from recoup.orders.store.order_page import OrderPage
    from recoup.people.page.portal_visit import Visit
    from recoup.people.page.timeline_entry import LogContext, TimelineEntry


P = ParamSpec("P")
R = TypeVar("R")
Shown = dict[str, Any] | None
RefundsTo = Callable[["Read", UUID, Sequence[UUID]], Awaitable[Mapping[UUID, str]]]


@frozen
class Panel(Generic[P, R]):
    """`values`: what the template needs, None where it is not shown."""

    template: str
    values: Callable[P, R]


class InPlaceWords(NamedTuple):
    """Words of an attempt that was sent by what takes its card's place: the template of a note
    beside it, and its line in the timeline."""

    template: str
    sent: "Callable[[LogContext], TimelineEntry]"


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalPart:
    """Portal parts of an order's page, a customer's, that of an order's card, that of what is done
    for cards, and that of approvals. `refunds_to`: where refunds of these orders go that wait for a
    second person, by the request's id."""

    order: "Panel[[OrderPage], Shown] | None" = None
    customer: "Panel[[Read, UUID, UUID], Awaitable[Shown]] | None" = None
    card: "Panel[[Read, UUID, UUID], Awaitable[Shown]] | None" = None
    rescue: "Panel[[Visit], Awaitable[Shown]] | None" = None
    approvals: "Panel[[Visit], Awaitable[Shown]] | None" = None
    in_place: InPlaceWords | None = None
    refunds_to: "RefundsTo | None" = None
    timeline: "Mapping[str, Callable[[LogContext], TimelineEntry]]" = field(default_factory=dict)


PORTAL: Final = Place[str]("portal")  # the module of a `PortalPart` of that name


def part_in(module: str) -> PortalPart:
    part: PortalPart = import_module(module).PORTAL
    return part


def parts() -> list[PortalPart]:
    return [part_in(module) for module in PORTAL]


def in_place_words() -> InPlaceWords | None:
    return next((words for part in parts() if (words := part.in_place) is not None), None)


def order_panels(page: "OrderPage") -> dict[str, Any]:
    shown = [panel for part in parts() if (panel := part.order)]
    return _joined({panel.template: panel.values(page) for panel in shown})


async def panels(
    panel_in: Callable[[PortalPart], Panel[P, Awaitable[Shown]] | None],
    *of: P.args,
    **named: P.kwargs,
) -> dict[str, Any]:
    """The panels of one page, whichever `panel_in` a part it takes, and what they show."""
    shown = [panel for part in parts() if (panel := panel_in(part))]
    return _joined({panel.template: await panel.values(*of, **named) for panel in shown})


async def refunds_to(db: "Read", merchant_id: UUID, order_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The destinations of refunds, by the id of the request."""
    flows = [work for part in parts() if (work := part.refunds_to) is not None] if order_ids else []
    return {
        request: to
        for work in flows
        for request, to in (await work(db, merchant_id, order_ids)).items()
    }


def _joined(values: Mapping[str, Shown]) -> dict[str, Any]:
    """The templates as `panels`, and what they need."""
    shown = {template: values_of for template, values_of in values.items() if values_of is not None}
    return {"panels": tuple(shown)} | {
        name: value for values_of in shown.values() for name, value in values_of.items()
    }
