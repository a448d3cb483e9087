"""What a form did, shown by the page that it leads to. The address carries it with a mark of the session: a link that
somebody else made shows nothing that was not done."""

import hashlib
from hmac import compare_digest, digest
from typing import Final

from starlette.requests import Request

from recoup.flows.people.sessions import Session

NAME: Final = "done"
LENGTH_MAX: Final = 80


def with_done(session: Session, path: str, what: str) -> str:
    """The address of a page that asks `done_of`. `what`: a code of its own."""
    return f"{path}?{NAME}={what}.{_mark(session, path, what)}"


def done_of(session: Session, request: Request) -> str:
    """Empty where nothing was done by a form of this session, at this page and merchant."""
    what, _, mark = request.query_params.get(NAME, "")[:LENGTH_MAX].rpartition(".")
    return what if compare_digest(mark.encode(), _mark(session, request.url.path, what).encode()) else ""


def _mark(session: Session, path: str, what: str) -> str:
    return digest(session.csrf.encode(), f"{path}\0{what}".encode(), hashlib.sha256).hex()[:16]
