"""Bounds on what somebody of the operator may do while they impersonate somebody. What
`rights.toml` does not open is refused."""

from typing import Final

from starlette.requests import Request

from recoup.kernel.problem import Problem
from recoup.kit.edge.called import template_of
from recoup.kit.rights import RIGHTS, closed
from recoup.people.flows.sessions import Session

END: Final = "/look-as/end"
CLOSED, OPEN = (frozenset(RIGHTS["impersonators"][state]) for state in ("closed", "open"))


def check_behind(request: Request, session: Session) -> None:
    """Checks the bounds before a page of somebody who is impersonated. Raises:
    Problem(forbidden)."""
    if session.behind is None:
        return
    path = template_of(request.scope)
    if path == END:
        return
    if path.split("/")[1] in CLOSED:
        raise Problem(
            "forbidden",
            "This is not shown while you impersonate somebody.",
            "End the impersonation first.",
        )
    if request.method in ("GET", "HEAD"):
        return
    if not session.behind.may_act:
        raise Problem(
            "forbidden",
            "View only: nothing was done.",
            "End the impersonation, or start one in which you may act.",
        )
    if path not in OPEN:
        raise closed()
