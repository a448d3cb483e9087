"""All addresses of the documentation. Open to everybody: they hold nothing about anybody."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from recoup.docs.guides import Section, pictures
from recoup.docs.reference import Field, Reference, Shown, as_text
from recoup.docs.site import Site, make_site
from recoup.kernel.encode import encode
from recoup.kit.edge.dialect import Dialect
from recoup.kit.edge.example_values import Fresh, fresh_at
from recoup.kit.edge.kept_page import KeptPage
from recoup.kit.world import World
from recoup.networks import magic

FOLDER: Final = Path(__file__).parent
STATIC: Final = {file.name: file for file in sorted((FOLDER / "static").iterdir())}
CONSUMERS: Final = {file.name: file for file in sorted((FOLDER / "consumers").glob("consumer.*"))}
HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src "
        "'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
}


def _inline(text: str) -> Markup:
    from recoup.docs.markdown import inline

    return Markup(inline(text))  # noqa: S704 - made by the Markdown renderer, which escapes


def _paragraphs(text: str) -> Markup:
    from recoup.docs.markdown import paragraphs

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
    made.globals["static_version"] = sha256(
        b"".join(file.read_bytes() for file in STATIC.values())
    ).hexdigest()[:8]
    return made


_TEMPLATES: Final = _environment()


def render(name: str, values: Mapping[str, Any], *, status: int = 200) -> HTMLResponse:
    return HTMLResponse(
        rendered(name, values), status_code=status, headers={**HEADERS, "cache-control": "no-store"}
    )


def rendered(name: str, values: Mapping[str, Any]) -> bytes:
    return _TEMPLATES.get_template(name).render(values).encode()


def kept(page: bytes) -> KeptPage:
    return KeptPage(page, "text/html; charset=utf-8", HEADERS)


TEXT_MAX = 6_000
# title, page's title, address, text
Entry = tuple[str, str, str, str]


def entries(site: Site) -> list[tuple[str, ...]]:
    """Each with what else the field calls its page, from `synonyms.json`."""
    every: list[Entry] = []
    for reference in site.references.values():
        every += _of_reference(reference)
    for guide in site.guides.values():
        for section in guide.page.sections:
            address = f"/docs/{guide.name}" + (f"#{section.anchor}" if section.anchor else "")
            every.append(
                (section.title or guide.page.title, guide.label, address, section.text[:TEXT_MAX])
            )
    if "webhooks" in site.guides:
        events = (*site.events, *site.stable_events)
        every += [
            (event.name, "Webhooks", f"/docs/webhooks#{event.anchor}", event.meaning)
            for event in events
        ]
    synonyms = json.loads((FOLDER / "synonyms.json").read_text(encoding="utf-8"))
    return [(*entry, "|".join(synonyms.get(entry[2], ()))) for entry in every]


def _of_reference(reference: Reference) -> Iterator[Entry]:
    dialect = reference.dialect
    page = f"/docs/{dialect.name}"
    for several in reference.groups.values():
        for shown in several:
            yield (
                shown.operation.summary,
                dialect.title,
                f"{page}#{shown.anchor}",
                _search_words(shown),
            )
    for webhook in reference.webhooks:
        names = " ".join(field.name for field in _flat(webhook.fields))
        text = f"{webhook.meaning} {names}"[:TEXT_MAX]
        yield webhook.name, f"{dialect.title}: webhooks", f"{page}#{webhook.anchor}", text
    for row in dialect.error_table:
        yield (
            row.wire_code,
            f"{dialect.title}: errors",
            f"{page}#errors",
            f"{row.status} {row.code} {row.meaning}",
        )


def _search_words(shown: Shown) -> str:
    answers = [field for answer in shown.answers for field in answer.fields]
    fields = _flat([*shown.path_fields, *shown.query_fields, *shown.body_fields, *answers])
    head = f"{shown.operation.method} {shown.operation.path} {shown.operation.text}"
    words = dict.fromkeys(
        text for field in fields for text in (field.name, field.meaning, *field.choices) if text
    )
    return " ".join([head, *words])[:TEXT_MAX]


def _flat(fields: Sequence[Field]) -> Iterator[Field]:
    for field in fields:
        yield field
        yield from _flat(field.inside)


# In the place of what is fresh, in its form; nothing else of a page is like it.
STANDING: Final = Fresh("f0e5a17c3b", "1901-02-03T04:05:06.789Z", "1902-03-04T05:06:07.891Z")


def freshened(page: bytes, fresh: Fresh) -> bytes:
    """A page that was rendered with `STANDING`, as it is with `fresh`: to render the reference
    takes a fifth of a second, while everybody's calls wait, and strangers may ask for it as often
    as they like."""
    for name in ("number", "now", "expiry"):
        standing, wanted = getattr(STANDING, name), getattr(fresh, name)
        page = page.replace(standing.encode(), wanted.encode())
        page = page.replace(
            quote(standing, safe="").encode(), quote(wanted, safe="").encode()
        )  # in a query
    return page


Page = Callable[[Site, Request], Response]
FRESH_SECONDS: Final = 600
ORIGINS_MAX: Final = 16  # hosts that this answers to, of which each page is kept
_FILTERS: Final = ("scheme", "kind", "answer")
SETUP: Final = """eval "$(.venv/bin/recoup bootstrap --json | python3 -c '
import json, shlex, sys
names = {"base_url": "BASE"}
for name, value in json.load(sys.stdin).items():
    print("export", names.get(name, name.upper()) + "=" + shlex.quote(value))')"

export TOKEN=$(curl -sS "$BASE/v1/oauth2/token" -H "Content-Type: application/json" \\
  -d "{\\"AppKey\\": \\"$APP_KEY\\", \\"AppSecret\\": \\"$APP_SECRET\\"}" \\
  | python3 -c 'import json, sys; print(json.load(sys.stdin)["accessToken"])')

export PARTNER_TOKEN=$(curl -sS "$BASE/v1/oauth2/token" -H "Content-Type: application/json" \\
  -d "{\\"AppKey\\": \\"$PARTNER_APP_KEY\\", \\"AppSecret\\": \\"$PARTNER_APP_SECRET\\"}" \\
  | python3 -c 'import json, sys; print(json.load(sys.stdin)["accessToken"])')"""


def routes(world: World, dialects: Sequence[Dialect], version: str) -> list[Route]:
    """Needs the portal's style sheets beside it."""
    site = make_site(world, dialects, version)

    def at(path: str, page: Page) -> Route:
        async def endpoint(request: Request) -> Response:
            return page(site, request)

        return Route(path, endpoint, methods=["GET"])

    return [
        at("/docs", _overview),
        Route(
            "/favicon.ico", _icon, methods=["GET"]
        ),  # browsers ask for it on pages that name none
        at("/docs/search.json", _search),
        at("/docs/static/{name}", _static),
        at("/docs/consumers/{name}", _consumer),
        at("/docs/images/{name}", _picture),
        Route("/docs/test-cards.json", _inputs_json, methods=["GET"]),
        *(
            at(f"{reference.dialect.prefix}/openapi.json", _described(reference))
            for reference in site.references.values()
        ),
        at("/docs/{name:path}", _named),
    ]


def _search(site: Site, request: Request) -> Response:
    key = ("search.json",)
    if key not in site.kept:
        site.kept[key] = KeptPage(encode(entries(site)), "application/json", {})
    return site.kept[key].answer(request)


def _described(reference: Reference) -> Page:
    document = KeptPage(encode(reference.document), "application/json", {})
    return lambda site, request: document.answer(request)


async def _icon(request: Request) -> Response:
    return RedirectResponse(
        "/static/favicon.svg", status_code=308, headers={"cache-control": "public, max-age=86400"}
    )


def _consumer(site: Site, request: Request) -> Response:
    return _file(CONSUMERS, request, {}, "text/plain")


def _picture(site: Site, request: Request) -> Response:
    return _file(pictures(), request, {"cache-control": "public, max-age=3600"}, "image/webp")


def _static(site: Site, request: Request) -> Response:
    return _file(STATIC, request, {"cache-control": "public, max-age=3600"})


def _file(
    files: Mapping[str, Path], request: Request, headers: dict[str, str], kind: str | None = None
) -> Response:
    file = files.get(request.path_params["name"])
    if file is None:
        return Response("There is no such file.", status_code=404, media_type="text/plain")
    return FileResponse(
        file, media_type=kind, headers=headers | {"x-content-type-options": "nosniff"}
    )


def _overview(site: Site, request: Request) -> Response:
    origin = str(request.base_url).rstrip("/")
    key = ("", origin)
    if key not in site.kept:
        for other in [kept for kept in site.kept if kept[0] == ""][ORIGINS_MAX - 1 :]:
            del site.kept[other]
        references = list(site.references.values())
        values = site.values("/docs", "Overview", references=references, origin=origin, setup=SETUP)
        site.kept[key] = kept(rendered("overview.html", values))
    return site.kept[key].answer(request)


def _named(site: Site, request: Request) -> Response:
    name = request.path_params["name"]
    if name in site.references:
        return _reference(site, site.references[name]).answer(request)
    if name in site.guides:
        return _guide(site, name, request)
    return render("missing.html", site.values(f"/docs/{name}", "Not found"), status=404)


def _reference(site: Site, reference: Reference) -> KeptPage:
    """The same for whoever asks within ten minutes; `fresh.js` makes each visit's samples an order
    of its own."""
    name, wall = reference.dialect.name, site.world.clocks.wall()
    key, of = (name,), int(wall.timestamp()) // FRESH_SECONDS
    if site.fresh.get(name) != of:
        if key not in site.rendered:
            site.rendered[key] = reference_page(site, reference, STANDING)
        site.kept[key], site.fresh[name] = kept(freshened(site.rendered[key], fresh_at(wall))), of
    return site.kept[key]


def reference_page(site: Site, reference: Reference, fresh: Fresh) -> bytes:
    dialect = reference.dialect
    contents = [
        Section(shown.anchor, shown.operation.summary, "")
        for several in reference.groups.values()
        for shown in several
    ]
    samples = reference.samples(fresh)
    values = site.values(
        f"/docs/{dialect.name}",
        dialect.title,
        [*contents, Section("webhooks", "Webhooks", ""), Section("errors", "Errors", "")],
        dialect=dialect,
        groups=reference.groups,
        webhooks=reference.webhooks,
        samples=samples,
        number=fresh.number,
    )
    return rendered("reference.html", values)


def _guide(site: Site, name: str, request: Request) -> Response:
    more = {"test-cards": _inputs, "webhooks": _events}.get(name)
    extra: dict[str, Any] = more(site, request) if more is not None else {"extra": None}
    key = (name, *extra.get("chosen", {}).values())
    page = site.kept.get(key) or kept(_guide_page(site, name, extra))
    if extra.get("inputs", True):  # of words that nobody documents none is kept
        site.kept[key] = page
    return page.answer(request)


def _guide_page(site: Site, name: str, extra: dict[str, Any]) -> bytes:
    page = site.guides[name].page
    html = Markup(page.html)  # noqa: S704 - made by the Markdown renderer, which escapes
    contents = [section for section in page.sections if section.anchor]
    return rendered(
        "guide.html", site.values(f"/docs/{name}", page.title, contents, html=html, **extra)
    )


def _events(site: Site, request: Request) -> dict[str, Any]:
    return {"extra": "events.html", "events": site.events, "stable_events": site.stable_events}


def _inputs(site: Site, request: Request) -> dict[str, Any]:
    """Filtered by a form, so that it works without script."""
    shown, chosen = _narrowed(request)
    unknown = " ".join(text for texts in _unknown_words(chosen).values() for text in texts)
    return {
        "extra": "inputs.html",
        "inputs": shown,
        "filters": _words(),
        "chosen": chosen,
        "unknown": unknown,
    }


async def _inputs_json(request: Request) -> Response:
    """The same for programs, narrowed by the same words; a word that nothing has is refused with
    those that exist."""
    unknown = _unknown_words(_chosen(request))
    if unknown:
        return Response(encode({"errors": unknown}), 400, media_type="application/json")
    answer = {"inputs": [test_input.to_dict() for test_input in _narrowed(request)[0]]}
    return Response(encode(answer), media_type="application/json")


def _narrowed(request: Request) -> tuple[list[magic.MagicInput], dict[str, str]]:
    """The chosen inputs, and by which filters."""
    chosen = _chosen(request)
    wanted = [
        test_input
        for test_input in magic.inputs()
        if all(word in ("", getattr(test_input, name)) for name, word in chosen.items())
    ]
    return wanted, chosen


def _chosen(request: Request) -> dict[str, str]:
    return {name: request.query_params.get(name, "") for name in _FILTERS}


def _unknown_words(chosen: dict[str, str]) -> dict[str, list[str]]:
    known = _words()
    return {
        name: [f"{value[:64]!r} is no {name}. Known are {', '.join(known[name])}."]
        for name, value in chosen.items()
        if value and value not in known[name]
    }


@cache
def _words() -> dict[str, list[str]]:
    """Values that the magic inputs have of each filter."""
    return {
        name: list(dict.fromkeys(getattr(test_input, name) for test_input in magic.inputs()))
        for name in _FILTERS
    }
