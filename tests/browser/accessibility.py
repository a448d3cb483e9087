"""Asks axe about the page that a browser shows: in light and dark, wide and on a phone, menus
closed and open.

axe's time goes by the elements of a page. So it is spared what it has seen: of neighbours of one
shape the first ones stand for all, and a menu that stands on every page in the same words is opened
on the first.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, ViewportSize
from tests import rings
from tests.browser.visiting import DESKTOP, PHONE

TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
EVERYTHING: Final[dict[str, Any]] = {"runOnly": {"type": "tag", "values": TAGS},
                                     "rules": {"target-size": {"enabled": True}}}  # fmt: skip
COLOURS: Final[dict[str, Any]] = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
# Of long lists of the same kind the first ones stand for all; the rest is taken away before axe
# looks.
ALIKE: Final = "tbody tr:nth-child(n+26), .op:nth-of-type(n+8)"
# of one shape in the same surroundings: equal elements, classes and attributes all the way down
ALIKE_MAX: Final = 5
_THIN_OUT: Final = """([alike, most]) => {
  document.querySelectorAll(alike).forEach((one) => one.remove());
  const refers = ["aria-labelledby", "aria-describedby", "aria-controls", "for"];
  const referred = new Set(refers.flatMap((by) => [...document.querySelectorAll(`[${by}]`)].flatMap(
    (one) => one.getAttribute(by).split(" "))));
  const stays = (one) =>
    one.matches("h1, h2, h3, h4, h5, h6, td, th, label, summary, input, select, textarea")
    || [one, ...one.querySelectorAll("[id]")].some(({ id }) => id && referred.has(id));
  const wording = new Set([...refers, "aria-label", "id", "href", "name", "value", "src", "alt",
    "action", "title", "datetime"]);
  const drawing = /^(d|x|y|[xyc][xy12]|r|points|transform|width|height|data-.*)$/;
  const shape = (one) => `${one.tagName}(${[
    ...[...one.attributes].filter(({ name }) => !drawing.test(name)).map(
      ({ name, value }) => `${name}=${wording.has(name) ? value !== "" : value}`).sort(),
    [...one.childNodes].some((inner) => inner.nodeType === Node.TEXT_NODE && inner.data.trim()),
    ...[...one.children].map(shape)].join()})`;
  const count = {};
  const thin = (one, around) => {
    if (one.matches("a, button, summary, label, select, svg, th, [role]")) return;
    if (/^H[1-6]$/.test(one.tagName)) return;
    for (const inner of [...one.children]) {
      const own = `${around}>${shape(inner)}`;
      count[own] = (count[own] || 0) + 1;
      if (count[own] > most && !stays(inner)) inner.remove();
      else thin(inner, `${around}>${inner.tagName}.${inner.className}`);
    }
  };
  thin(document.body, "");
}"""
FOLDED_MAX: Final = 12  # of a page: a reference folds the fields of each call, all in the same way
_RUN: Final = """async ([part, options]) => {
  const where = part ? document.querySelectorAll(part) : document;
  const found = await axe.run(where, {...options, resultTypes: ["violations"]});
  return found.violations.flatMap((one) => one.nodes.map((node) => [
    one.id, node.target.join(" "), node.html.slice(0, 160), node.failureSummary.slice(0, 240),
  ]));
}"""
_FOLDED: Final = (
    "[...document.querySelectorAll('details:not([open]), "
    ".dialog:not(.open):not(.still), [popover]')]"
)
_LEFT: Final = f"{_FOLDED}.slice(0, {FOLDED_MAX}).filter((one) => !one.dataset.seen)"
# What makes room for itself and lies over nothing can stand open together with others, and is
# looked at with them.
_OPEN_IN_PLACE: Final = f"""() => {{
  const unfolds = (one) => {{
    const outer = one.parentElement.closest("details");
    if (outer && !unfolds(outer)) return false;
    if (one.open) return true;
    const before = one.offsetHeight;
    one.open = true;
    return one.open = one.offsetHeight > before;
  }};
  let opened = 0;
  for (const one of {_FOLDED}) {{
    if (opened === {FOLDED_MAX}) break;
    if (one.matches("details") && unfolds(one)) opened += one.dataset.seen = one.dataset.opened = 1;
  }}
  return opened;
}}"""
_OPEN_NEXT: Final = f"""() => {{
  const next = {_LEFT}[0];
  for (let one = next; one; one = one.parentElement.closest("details")) one.open = true;
  if (next.popover) next.showPopover(); else next.classList.add("open");
  next.dataset.seen = next.dataset.opened = "1";
  return (next.id || next.textContent).trim().slice(0, 60);
}}"""
_CLOSE_AGAIN: Final = """() => {
  for (const last of document.querySelectorAll("[data-opened]")) {
    delete last.dataset.opened;
    delete last.dataset.unseen;
    last.classList.remove("open");
    for (let one = last; one; one = one.parentElement.closest("details")) one.open = false;
    if (last.popover) last.hidePopover();
  }
}"""
# Each open part with what decides how it looks: all it stands in, and the style sheets of the page.
_OPEN_PARTS: Final = """() => [...document.querySelectorAll("[data-opened]")].map((one) => {
  const about = [...document.querySelectorAll("link[rel=stylesheet]")].map(({ href }) => href);
  for (let outer = one.parentElement; outer; outer = outer.parentElement) {
    about.push(`${outer.tagName}.${outer.className}`);
  }
  return [one.outerHTML, ...about].join();
})"""
_LEAVE_OUT: Final = """(seen) => [...document.querySelectorAll("[data-opened]")].filter((_,
  at) => !seen[at])
  .forEach((one) => one.dataset.unseen = "1")"""
_WIDER: Final = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# Ids, what signs a form, and which entry of a menu is marked.
_OF_THE_VISIT: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=value=\")[\w-]{20,}| aria-current=\"\w+\""
)
_LOOKED_AT: Final[set[tuple[str, bool]]] = set()


@dataclass(frozen=True)
class Fault:
    rule: str
    where: str
    about: str

    def __str__(self) -> str:
        return f"{self.rule} at {self.where}: {self.about}"


def faults(page: Page, *, every_look: bool = rings.proving == "browser") -> list[Fault]:
    """Of the page as it stands now: in every look,
    or on a light desktop and as wide as on a phone."""
    page.wait_for_load_state()
    found = fits_a_phone(page)
    page.evaluate(_THIN_OUT, [ALIKE, ALIKE_MAX])
    found += (
        [*_looks(page), *_opened(page)] if every_look else _ask(page, EVERYTHING, DESKTOP, "light")
    )
    _see(page, DESKTOP)
    page.emulate_media(color_scheme="light")
    return found


def faults_at_a_glance(page: Page) -> list[Fault]:
    """In one look only: for pages that differ from others by a message. Nothing of a page that was
    looked at before."""
    page.wait_for_load_state()
    return list(_ask(page, EVERYTHING, PHONE, "light")) if _is_new(page.content()) else []


def fits_a_phone(page: Page) -> list[Fault]:
    return [*_too_wide(page, PHONE[0]), *_too_wide(page, 320)]


def _looks(page: Page) -> Iterator[Fault]:
    yield from _ask(page, EVERYTHING, DESKTOP, "light")
    yield from _ask(page, COLOURS, DESKTOP, "dark")
    yield from _ask(page, COLOURS, PHONE, "dark")
    yield from _ask(page, EVERYTHING, PHONE, "light")


def _opened(page: Page) -> Iterator[Fault]:
    """What is folded away: menus, and dialogs that open by their address."""
    _see(page, PHONE)
    if page.evaluate(_OPEN_IN_PLACE):
        yield from _while_open(page, "what unfolds in the page")
    for _ in range(page.evaluate(f"{_LEFT}.length")):
        yield from _while_open(page, page.evaluate(_OPEN_NEXT))


def _while_open(page: Page, what: str) -> Iterator[Fault]:
    seen = [not _is_new(part) for part in page.evaluate(_OPEN_PARTS)]
    page.evaluate(_LEAVE_OUT, seen)
    for scheme in () if all(seen) else ("light", "dark"):
        yield from _ask(
            page, EVERYTHING if scheme == "light" else COLOURS, PHONE, scheme, "[data-unseen]"
        )
    yield from _too_wide(page, PHONE[0], what)
    page.evaluate(_CLOSE_AGAIN)


def _is_new(html: str) -> bool:
    """Whether this process has not looked at the same yet; ids, secrets and which entry is the
    page's make no odds."""
    same, is_marked = _OF_THE_VISIT.sub("", html), "aria-current" in html
    if (same, is_marked) in _LOOKED_AT:
        return False
    _LOOKED_AT.add((same, is_marked))
    return True


def _ask(
    page: Page, options: dict[str, Any], size: tuple[int, int], scheme: Any, part: str | None = None
) -> Iterator[Fault]:
    _see(page, size)
    page.emulate_media(color_scheme=scheme)
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE_SCRIPT)
    for rule, target, html, why in page.evaluate(_RUN, [part, options]):
        yield Fault(rule, f"{target} ({scheme}, {size[0]} wide)", f"{html} {why}")


def _too_wide(page: Page, width: int, what: str = "the page") -> Iterator[Fault]:
    """WCAG 1.4.10: nobody has to scroll in two directions."""
    _see(page, (width, PHONE[1]))
    if page.evaluate(_WIDER) > 0:
        yield Fault(
            "reflow", f"{width} wide", f"{what} is {page.evaluate(_WIDER)} px wider than the screen"
        )


def _see(page: Page, size: tuple[int, int]) -> None:
    wanted: ViewportSize = {"width": size[0], "height": size[1]}
    if page.viewport_size != wanted:
        page.set_viewport_size(wanted)
