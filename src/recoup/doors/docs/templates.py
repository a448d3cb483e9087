"""Turns values into pages. Everything is escaped; a name that is not given is an error, never an empty string."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from recoup.doors.docs.reference import as_text
from recoup.doors.edge.html_headers import CONTENT_SECURITY_POLICY
from recoup.doors.edge.kept_page import KeptPage

FOLDER: Final = Path(__file__).parent
STATIC: Final = {file.name: file for file in sorted((FOLDER / "static").iterdir())}
CONSUMERS: Final = {file.name: file for file in sorted((FOLDER / "consumers").glob("consumer.*"))}
HEADERS: Final = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
}


def _inline(text: str) -> Markup:
    from recoup.doors.docs.markdown import inline

    return Markup(inline(text))  # noqa: S704 - made by the Markdown renderer, which escapes


def _paragraphs(text: str) -> Markup:
    from recoup.doors.docs.markdown import paragraphs

    return Markup(paragraphs(text))  # noqa: S704 - as above


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER / "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "inline": _inline,
        "paragraphs": _paragraphs,
        "as_text": as_text,
        "capitalize_first": lambda text: text[:1].upper() + text[1:],
    }
    made.globals["static_version"] = sha256(b"".join(file.read_bytes() for file in STATIC.values())).hexdigest()[:8]
    return made


_TEMPLATES: Final = _environment()


def render(name: str, values: Mapping[str, Any], *, status: int = 200) -> HTMLResponse:
    return HTMLResponse(rendered(name, values), status_code=status, headers={**HEADERS, "cache-control": "no-store"})


def rendered(name: str, values: Mapping[str, Any]) -> bytes:
    return _TEMPLATES.get_template(name).render(values).encode()


def kept(page: bytes) -> KeptPage:
    return KeptPage(page, "text/html; charset=utf-8", HEADERS)
