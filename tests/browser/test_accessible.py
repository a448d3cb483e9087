"""Everybody can use every page: axe has nothing to say about WCAG 2.2 AA or its own best practices,
in light and dark, wide and on a phone, with menus and dialogs closed and open; and nothing is wider
than a screen of 320 pixels.

The pages are those of the route table that tests/isolation holds against the application: none can
be forgotten.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from tests.browser.accessibility import Fault, faults, faults_at_a_glance, fits_a_phone
from tests.browser.visiting import PHONE, sign_in
from tests.browser.walk import FILES as FILE_NAMES
from tests.browser.walk import ROLE, Walked, forms, pages, walked
from tests.isolation.test_every_route import FILES
from tests.rings import draw, drawn
from tests.shop import Shop

from recoup.db.server import ServerAddress
from recoup.main.portal import declared
from recoup.people.page.endpoint import COOKIE, PLACES

PARTS = 3  # of the long walks, for workers side by side
_SUBMIT = """([path, fields, files]) => {
  const form = Object.assign(document.createElement("form"), { method: "post", action: path });
  if (files) form.enctype = "multipart/form-data";
  for (const [name, value] of Object.entries(fields)) {
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  }
  document.body.append(form);
  form.submit();
}"""


@pytest.fixture(scope="module")
def house(server: ServerAddress) -> Iterator[Walked]:
    with walked(server) as made:
        yield made


def looking(
    browser: Browser, house: Walked, role: str, locale: str = "en-GB", **more: Any
) -> BrowserContext:
    context = browser.new_context(base_url=house.address, locale=locale, **more)
    if role:
        context.add_cookies([{"name": COOKIE, "value": house.cookie(role), "url": house.address}])
    return context


def walk(
    page: Page, paths: Sequence[str], faults_of: Callable[[Page], list[Fault]] = faults
) -> list[str]:
    """The faults of all of them. An error page is one of ours and is looked at too, but not one of
    the server's."""
    found = []
    for path in paths:
        answer = page.goto(path)
        assert answer is not None
        assert answer.status < 500, path
        assert answer.headers["content-type"].startswith("text/html"), (
            f"{path} is no page: name it in walk.py"
        )
        found += [f"{path}: {fault}" for fault in faults_of(page)]
    return found


@pytest.mark.timeout(600)
@drawn("browser", "part", range(PARTS), 1)
def test_every_page(browser: Browser, house: Walked, part: int) -> None:
    found = []
    for whose, role in ROLE.items():
        paths = [house.path(path, line) for path, line in pages() if line.whose == whose][
            part::PARTS
        ]
        with looking(browser, house, role) as context:
            found += walk(context.new_page(), paths)
    assert not found, "\n".join(found)


@pytest.mark.timeout(600)
@drawn("browser", "locale", ["de-DE", "es-ES", "fr-FR"], 1)
def test_longer_words_fit_a_phone_too(browser: Browser, house: Walked, locale: str) -> None:
    for whose, role in ROLE.items():
        paths = [
            house.path(path, line)
            for path, line in pages()
            if line.whose == whose and not path.startswith("/docs")
        ]
        paths = draw("browser", paths, 3, label=f"{locale} {whose}")
        with looking(
            browser, house, role, locale, viewport={"width": PHONE[0], "height": PHONE[1]}
        ) as context:
            assert not (found := walk(context.new_page(), paths, fits_a_phone)), "\n".join(found)


def test_the_walk_forgets_no_place_of_the_portal() -> None:
    declared()
    places = {place for place in PLACES if not FILE_NAMES.search(f"/{place}")}
    assert (
        {path.split("/")[1] for path, _ in pages()}
        >= places
        >= {"orders", "overview", "partner", "account"}
    )


@pytest.mark.timeout(600)
def test_what_links_lead_to(browser: Browser, house: Walked) -> None:
    """Pages of payers, of those who were invited or handed something over, and errors."""
    ids = house.ground.a.ids
    paths = [
        f"/checkout/{ids['checkout']}",
        f"/checkout/{ids['pay']}",
        f"/checkout/{ids['pay']}?lang=de",
        f"/handover/{ids['handover']}",
        house.ground.kept["join"],
        "/docs/nothing",
        "/signin?next=/orders",
    ]
    with looking(browser, house, "") as context:
        assert not (found := walk(context.new_page(), paths)), "\n".join(found)
    with looking(browser, house, "nobody") as context:
        assert not (found := walk(context.new_page(), ["/orders", "/nowhere"])), "\n".join(found)


@pytest.mark.timeout(600)
def test_the_documentation(browser: Browser, house: Walked) -> None:
    with looking(browser, house, "") as context:
        page = context.new_page()
        page.goto("/docs")
        links = page.locator("nav a").evaluate_all("all => all.map((one) => one.pathname)")
        paths = sorted({path for path in links if path.startswith("/docs")})
        assert len(paths) >= 15
        assert not (found := walk(page, draw("browser", paths, 3, label="docs"))), "\n".join(found)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("email", ["maya@example.test", "empty@example.test"])
def test_orders_in_every_state_and_a_shop_without_any(
    browser: Browser, shop: Shop, address: str, email: str
) -> None:
    with browser.new_context(base_url=address) as context:
        page = context.new_page()
        sign_in(page, email)
        stories = {
            name: story for name, story in shop.stories.items() if not name.endswith("_items")
        }
        paths = [f"/orders/{story.order_id}" for story in stories.values()]
        paths += [
            f"/orders/{shop.stories['completed_items'].order_id}/refund?how=items&line_1=9",
            "/orders",
            "/orders?q=nothing+like+it",
            "/orders?status=1&attention=1&sort=amount",
            "/overview",
        ]
        if email == "empty@example.test":
            paths = [path for path, line in pages() if line.whose == "owner" and not line.ids]
        assert not (found := walk(page, draw("browser", paths, 4, label=email))), "\n".join(found)


@pytest.mark.timeout(600)
@drawn("browser", "whose", ["owner", "operator", "seat"], 1)
def test_every_form_sent_empty(browser: Browser, house: Walked, whose: str) -> None:
    """Last, for some of them do something: what is wrong is said where it is, on a page that
    everybody can use."""
    role, found = ROLE[whose], []
    with looking(browser, house, role) as context:
        page = context.new_page()
        for path, line in draw(
            "browser", [one for one in forms() if one[1].whose == whose], 5, label=whose
        ):
            page.goto("/nowhere")  # any page of ours may send it
            with page.expect_navigation() as arriving:
                page.evaluate(
                    _SUBMIT, [house.path(path, line), house.fields(line, role), path in FILES]
                )
            assert arriving.value.status < 500, path
            found += [f"POST {path}: {fault}" for fault in faults_at_a_glance(page)]
    assert not found, "\n".join(found)


def test_a_row_that_differs_from_those_before_it_is_looked_at(browser: Browser) -> None:
    """Rows of one shape are left out but for the first; one of another shape is not, however late
    it comes."""
    rows = "<li><b>9.00</b></li>" * 20
    start = "<!doctype html><html lang='en'><title>Rows</title><main><h1>Rows</h1><ul>"
    with browser.new_context() as context:
        page = context.new_page()
        page.set_content(f"{start}{rows}<li style='color:#eee'>9.00</li>{rows}</ul></main>")
        assert {fault.rule for fault in faults(page)} == {"color-contrast"}
        page.set_content(f"{start}{rows}<li><a href='/'></a></li>{rows}</ul></main>")
        assert {fault.rule for fault in faults(page)} == {"link-name"}
        page.set_content(f"{start}{rows}{rows}</ul></main>")
        assert not faults(page)


@pytest.mark.parametrize(
    ("path", "role", "cell"),
    [
        ("/uploads", "owner", "tbody .st"),
        (
            "/partner/report?from=2026-11-01&to=2026-12-31",
            "partner owner",
            "tbody td:nth-of-type(2)",
        ),
    ],
    ids=["files", "report"],
)
def test_on_a_phone_no_column_lies_over_another(
    browser: Browser, house: Walked, path: str, role: str, cell: str
) -> None:
    """The list of files had hidden its status under the last column."""
    with looking(browser, house, role) as context:
        page = context.new_page()
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto(path)
        place = page.locator(cell).first.bounding_box()
        assert place is not None
        own = (
            "([x, y, cell]) => "
            "document.querySelector(cell).closest('td').contains(document.elementFromPoint(x, "
            "y))"
        )
        assert page.evaluate(own, [place["x"] + 20, place["y"] + place["height"] / 2, cell])
