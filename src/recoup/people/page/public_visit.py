"""Visit of a public page, without a session."""

from dataclasses import field
from typing import Any

from starlette.requests import Request

from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem
from recoup.kit.world import World
from recoup.people.page.endpoint import layout_values
from recoup.people.page.forms import Form, is_form, read_form, same_origin
from recoup.people.page.portal import Portal


@frozen
class PublicVisit:
    """`problem` and `typed`: what was refused in the form that the page is shown again for, and
    what it held."""

    portal: Portal
    request: Request
    problem: Problem | None = None
    typed: Form = field(default_factory=dict)

    @property
    def world(self) -> World:
        return self.portal.world

    def values(self, **more: Any) -> dict[str, Any]:
        """The values that the layout needs, and `more`."""
        return (
            layout_values(self.portal, self.request) | {"problem": self.problem, "other": ""} | more
        )


async def any_fields(visit: PublicVisit) -> Form:
    """The fields of a form, whoever sent it; what is no form has none. Raises: Problem(too_large),
    Problem(malformed)."""
    return await read_form(visit.request) if is_form(visit.request) else {}


async def fields_from_here(visit: PublicVisit) -> Form:
    """The same, of our own pages. Raises: also Problem(forbidden) for what another site sent."""
    same_origin(visit.request)
    return await any_fields(visit)


async def from_here(visit: PublicVisit) -> None:
    """Checks a form whose fields say nothing. Raises: Problem(forbidden) for one that another site
    sent."""
    same_origin(visit.request)


async def public_form(visit: PublicVisit) -> Form:
    """Raises: Problem(forbidden) for a form that another site sent."""
    same_origin(visit.request)
    return await read_form(visit.request)
