"""The pages as a browser gets them: complete, connected, under a strict policy, without anything of
anybody."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import cast

import httpx
import msgspec
import pytest
from tests.docs.docs_server import Documented, documented
from tests.docs.operations import own_dialects
from tests.docs.running import ROOT

from recoup.db.server import ServerAddress
from recoup.docs.guides import GUIDES, place
from recoup.docs.markdown import rendered
from recoup.docs.reference import make_reference
from recoup.docs.routes import FRESH_SECONDS, STATIC, _of_reference, _reference
from recoup.docs.site import event_samples, make_site, stable_samples
from recoup.kernel.time import Clocks, WallTime
from recoup.kit.edge.dialect import anchor_of
from recoup.kit.edge.example_values import fresh_at
from recoup.kit.world import World
from recoup.main.docs import dialects
from recoup.networks import magic
from recoup.orders.rules.events import CATALOGUE
from recoup.orders.rules.signature import sign
from recoup.stablecoin.rules.event_names import NAMES

DIALECTS = own_dialects()


@pytest.fixture(scope="module")
def site(server: ServerAddress) -> Iterator[Documented]:
    with documented(server, DIALECTS) as running:
        yield running


class Parsed(HTMLParser):
    """Links, anchors and whatever a strict policy would refuse."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: list[str] = []
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.links += [
            given[name] or "" for name in ("href", "src") if name in given and tag != "use"
        ]
        self.anchors += [given["id"] or ""] if "id" in given else []
        if (tag == "script" and "src" not in given) or tag == "style" or "style" in given:
            self.inline.append(tag)
        self.inline += [name for name in given if name.startswith("on")]


def get(site: Documented, path: str) -> httpx.Response:
    return httpx.get(site.address + path, headers={"accept": "text/html"}, timeout=30)


def test_every_page_leads_somewhere_and_runs_nothing_inline(site: Documented) -> None:
    parsed: dict[str, Parsed] = {}
    others = {"/orders"}
    waiting = ["/docs"]
    while waiting:
        path = waiting.pop()
        answer = get(site, path)
        assert answer.status_code == 200, path
        if not answer.headers["content-type"].startswith("text/html") or not path.startswith(
            "/docs"
        ):
            others.add(path)
            continue
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        parsed[path] = Parsed(answer.text)
        assert not parsed[path].inline, path
        for link in parsed[path].links:
            target = (link.partition("#")[0] or path).partition("?")[0]
            if target.startswith("/") and target not in (*parsed, *waiting, *others):
                waiting.append(target)
    assert {f"/docs/{name}" for name in (*GUIDES, "rescue", "stablecoin")} <= set(parsed)
    assert {"/v1/openapi.json", "/docs/static/page.js"} <= others
    for path, page in parsed.items():
        assert len(page.anchors) == len(set(page.anchors)), f"{path} names an anchor twice"
        for link in page.links:
            target, _, anchor = link.partition("#")
            if anchor and (target or path) in parsed:
                assert anchor in parsed[target or path].anchors, f"{path} points at {link}"


def test_every_guide_is_served() -> None:
    files = {file.stem for file in (ROOT / "docs").glob("*.md")}
    assert files - set(GUIDES) == set(), "not served at /docs"
    assert set(GUIDES) - files == set(), "served, but not there"


def test_every_static_file_is_served_and_named_by_a_page_or_a_script(site: Documented) -> None:
    pages = [f"/docs/static/{name}" for name in STATIC] + ["/docs", "/docs/connect"]
    told = "".join(get(site, page).text for page in pages)
    assert all(name in told for name in STATIC)
    assert get(site, "/docs/static/nothing.js").status_code == 404


def test_a_reference_has_every_operation_with_fields_errors_and_samples(site: Documented) -> None:
    for dialect in DIALECTS:
        text = get(site, f"/docs/{dialect.name}").text
        for operation in dialect.operations:
            part = text.partition(f'id="{anchor_of(operation)}"')[2].partition("</section>")[0]
            assert operation.summary in part
            assert all(f'data-language="{language}"' in part for language in ("curl", "Python"))
            for row in dialect.errors_of(operation):
                assert f"<code>{row.wire_code}</code>" in part
    text = get(site, "/docs/rescue").text
    evaluate = text.partition('id="post-evaluate"')[2].partition("</section>")[0]
    assert "Begins a <em>rescue</em>." in evaluate
    assert "At least 1, at most 100,000,000." in evaluate
    assert evaluate.count('class="tag must"') == 5 + 5 + 1 + 2, (
        "of body, transaction, card and answer"
    )


def test_large_pages_are_kept_packed_and_asked_for_again_by_their_tag(site: Documented) -> None:
    """1.5 MB went out for each 60 bytes that somebody sent."""
    for path in (
        "/docs",
        "/docs/rescue",
        "/docs/webhooks",
        "/docs/search.json",
        "/v1/openapi.json",
    ):
        plain = httpx.get(site.address + path, headers={"accept-encoding": "identity"})
        packed = httpx.get(site.address + path, headers={"accept-encoding": "br, gzip;q=0.5"})
        refused = httpx.get(site.address + path, headers={"accept-encoding": "gzip;q=0"})
        tags = {one.headers["etag"] for one in (plain, packed)}
        assert (packed.headers["content-encoding"], packed.text == plain.text, len(tags)) == (
            "gzip",
            True,
            2,
        ), path
        assert int(packed.headers["content-length"]) * 2 < len(plain.content), path
        assert "content-encoding" not in refused.headers
        for one in (plain, packed):
            again = {"accept-encoding": one.headers.get("content-encoding", "identity")}
            known = httpx.get(
                site.address + path,
                headers={**again, "if-none-match": f'"x", W/{one.headers["etag"]}'},
            )
            assert (known.status_code, known.content) == (304, b""), path


def test_samples_are_one_order_in_each_language_and_another_after_ten_minutes(
    site: Documented,
) -> None:
    keys = re.findall(r"key-([0-9a-f]{10})", get(site, "/docs/rescue").text)
    assert len(set(keys)) == 1, "one page is one order, in each language"
    assert f'data-number="{keys[0]}"' in get(site, "/docs/rescue").text, (
        "fresh.js takes another for each visit"
    )
    made, hour = make_site(_at(0), DIALECTS, "0"), FRESH_SECONDS // 2
    first, soon, later = (
        _reference(replace(made, world=_at(n * hour)), made.references["rescue"]) for n in range(3)
    )
    assert first is soon
    assert first.body != later.body


def _at(seconds: int) -> World:
    wall = WallTime(datetime(2026, 11, 26, 9, tzinfo=UTC) + timedelta(seconds=seconds))
    return cast(
        "World",
        SimpleNamespace(
            clocks=SimpleNamespace(wall=lambda: wall), policy=SimpleNamespace(test_mode=True)
        ),
    )


def test_each_event_has_a_sample_whose_signature_holds(site: Documented) -> None:
    text = get(site, "/docs/webhooks").text
    assert [one.name for one in event_samples()] == list(CATALOGUE)
    for one in event_samples():
        assert f'id="{one.anchor}"' in text
        assert json.loads(one.body)["Event"] == one.name
        assert set(json.loads(one.body)["EventData"]) > {"Mid", "SiteId", "Sequence", "EventId"}
        assert one.headers["x-fc-authorization"].startswith("HMAC-SHA512 ")
    assert [one.name for one in stable_samples()] == list(NAMES)
    for one in stable_samples():
        assert f'id="{one.anchor}"' in text
        assert json.loads(one.body)["event"] == one.headers["x-fluxa-event"] == one.name
    first = event_samples()[0]
    compact = json.dumps(json.loads(first.body), separators=(",", ":")).encode()
    key = "c2FtcGxlIGtleSBvZiB0aGUgZG9jdW1lbnRhdGlvbg=="
    again = sign(
        key, "hooks.example.com", first.headers["x-fc-nonce"], first.headers["x-fc-date"], compact
    )
    assert again.items() <= first.headers.items()


def test_magic_inputs_are_all_there_with_whole_numbers_and_can_be_narrowed(
    site: Documented,
) -> None:
    every = get(site, "/docs/test-cards").text
    assert all(one.card in every for one in magic.inputs())
    scripts = get(site, "/docs/test-cards?kind=script&scheme=amex").text
    wanted = [one for one in magic.inputs() if one.kind == "script" and one.scheme == "amex"]
    assert scripts.count('<span class="id">') == len(wanted) > 0
    assert get(site, "/docs/test-cards?kind=%3Cscript%3Ealert(1)").status_code == 200


def test_a_kind_of_magic_inputs_that_does_not_exist_is_refused_with_those_that_do(
    site: Documented,
) -> None:
    answer = httpx.get(f"{site.address}/docs/test-cards.json?kind=nonsense&scheme=visa")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["kind"])
    told = answer.json()["errors"]["kind"][0]
    assert told.startswith("'nonsense' is no kind. Known are ")
    assert all(one.kind in told for one in magic.inputs())
    assert httpx.get(f"{site.address}/docs/test-cards.json?kind=script").json()["inputs"]
    page = get(site, "/docs/test-cards?kind=%3Cb%3E").text
    assert "&lt;b&gt;" in page
    assert " is no kind. Known are " in page


def test_the_index_of_the_search_names_pages_that_are_there(site: Documented) -> None:
    entries = httpx.get(f"{site.address}/docs/search.json").json()
    titles = [title for title, *_ in entries]
    for wanted in ("Hand a decline over", "409101", "attempt.declined", "When to repeat a call"):
        assert wanted in titles
    pages = {
        path: Parsed(get(site, path).text)
        for path in {path.partition("#")[0] for _, _, path, *_ in entries}
    }
    for _, _, path, *_ in entries:
        page, _, anchor = path.partition("#")
        assert not anchor or anchor in pages[page].anchors, path


def test_each_synonym_belongs_to_one_page_that_is_there(site: Documented) -> None:
    paths = {path for _, _, path, *_ in httpx.get(f"{site.address}/docs/search.json").json()}
    synonyms = json.loads((ROOT / "src/recoup/docs/synonyms.json").read_text())
    assert synonyms.keys() <= paths
    words = [word for several in synonyms.values() for word in several]
    assert sorted(words) == sorted(set(words))
    assert all(word == word.lower() and "|" not in word for word in words)


def test_a_page_that_is_not_there_says_where_to_go(site: Documented) -> None:
    answer = get(site, "/docs/<b>nothing")
    assert answer.status_code == 404
    assert "&lt;b&gt;nothing" in answer.text
    assert 'href="/docs"' in answer.text


def test_documents_are_open_and_carry_no_credential(site: Documented) -> None:
    for path in ("/docs", "/docs/rescue", "/v1/openapi.json"):
        text = get(site, path).text
        assert site.keys.app_key not in text
        assert site.keys.app_secret not in text


def test_markdown_passes_no_html_on_and_keeps_links_inside() -> None:
    links = "[in](errors.md#a) [out](../CONTRIBUTING.md) [web](https://example.com)"
    made = rendered(f"# T\n<!-- gone -->\n\n<b>x</b> {links}\n\n## Two *x*!\n\n## Two x\n", place)
    assert made.title == "T"
    assert "&lt;b&gt;x&lt;/b&gt;" in made.html
    assert "gone" not in made.html
    assert '<a href="/docs/errors#a">in</a> out <a href="https://example.com">web</a>' in made.html
    assert [one.anchor for one in made.sections] == ["", "two-x", "two-x-1"]
    assert (
        rendered("[x](javascript:alert(1))", lambda target: target).html
        == "<p>[x](javascript:alert(1))</p>\n"
    )


def test_what_the_doors_describe_can_be_shown() -> None:
    """Whatever operations there are: their samples are made and name what the reader must know."""
    for dialect in dialects():
        samples = make_reference(dialect, "0").samples(fresh_at(Clocks().wall()))
        assert len(samples) == len(dialect.operations)
        for operation in dialect.operations:
            body = operation.body
            taken = body is not None and any(one.required for one in msgspec.structs.fields(body))
            assert not taken or any(one.request for one in operation.examples), (
                f"{operation.path} needs an example"
            )


def test_the_overview_shows_each_path_beside_its_verb(site: Documented) -> None:
    text = get(site, "/docs").text
    for dialect in DIALECTS:
        for one in dialect.operations:
            assert f"<code>{one.path}</code>" in text, one.path
    assert ".venv/bin/recoup bootstrap" in text


def test_the_search_finds_how_bodies_are_encrypted(site: Documented) -> None:
    found = json.loads(get(site, "/docs/search.json").text)
    found += msgspec.to_builtins(
        [one for d in dialects() for one in _of_reference(make_reference(d, "0"))]
    )
    pages = {path for title, _, path, text, *_ in found if "a256gcm" in f"{title} {text}".lower()}
    wanted = {
        "/docs/stablecoins#webhooks",
        "/docs/rescue#post-webhooks",
        "/docs/stablecoin#put-webhook",
    }
    assert wanted <= pages


def test_the_sample_of_a_charge_is_whole() -> None:
    [stable] = [one for one in dialects() if one.name == "stablecoin"]
    reference = make_reference(stable, "0")
    [charge] = [
        one
        for several in reference.groups.values()
        for one in several
        if (one.operation.method, one.operation.path) == ("POST", "/api/v1/charges")
    ]
    told = json.loads(charge.answers[0].sample)
    assert told["order"]["id"].startswith("ord_")
    assert told["order"]["merchant_order_id"] == "order-1001"
    assert told["order"]["paid_at"] is None
    assert told["payment"]["id"].startswith("pay_")
    assert told["instruction"]["type"] == "redirect"
    assert told["instruction"]["redirect_url"] == told["instruction"]["checkout_url"] != ""
    assert set(told) == {"order", "payment", "instruction", "idempotent"}
    assert len(told["order"]) == 18


def test_every_sample_answer_names_each_field_that_is_always_there() -> None:
    for dialect in dialects():
        reference = make_reference(dialect, "0")
        for one in (one for several in reference.groups.values() for one in several):
            for answer in one.answers:
                told = json.loads(answer.sample) if answer.sample else None
                if isinstance(told, dict):
                    missing = {field.name for field in answer.fields if field.required} - set(told)
                    assert not missing, f"{one.operation.method} {one.operation.path}: {missing}"
