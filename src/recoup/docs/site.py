"""All pages of the door, made once: navigation, references, guides, and what a search looks
through."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from recoup.docs.guides import Guide, Section, read_guides
from recoup.docs.reference import Reference, make_reference
from recoup.kernel.frozen import frozen
from recoup.kit.edge.dialect import Dialect
from recoup.kit.edge.kept_page import KeptPage
from recoup.kit.world import World
from recoup.orders.rules.events import CATALOGUE, Event, Rendered, render
from recoup.stablecoin.rules.event_names import NAMES
from recoup.stablecoin.rules.stable_events import render_stable
from recoup.webhooks.rules.samples import STABLE_SAMPLE_ORDER, sample_data, stable_sample

_AT: Final = datetime(2026, 3, 9, 9, 15, 31, 120_000, UTC)
_ORDER: Final = UUID("01a1f82b-0393-73f8-88eb-5a2e6e630a87")
_THING: Final = UUID("01a1f82c-7c10-7d22-9a3e-0d9c4b7f1e55")
_MERCHANT: Final = UUID("01a1f7aa-51be-7b60-8f0d-2c1e9d7a4b36")
_SITE: Final = UUID("01a1f7aa-51c9-7e14-a2f5-7b8c3d2e1f40")
_KEY: Final = "c2FtcGxlIGtleSBvZiB0aGUgZG9jdW1lbnRhdGlvbg=="  # signs samples only
_ABOUT_ORDERS: Final = ("order.", "payment.", "challenge.", "attempt.", "settlement.completed")
_STABLE: Final[dict[str, str]] = {
    "payment.succeeded": "The payer has paid.", "payment.failed": "The payment failed.",
    "payment.refunded": "Some or all of it goes back.",
    "settlement.completed": "Direct money reached the merchant's own wallet.",
    "subscription.charged": "A cycle was paid.",
    "subscription.completed": "Its last cycle was paid.",
    "subscription.payment_failed": "A cycle was not paid.", "order.expired": "Nobody paid in time.",
}  # fmt: skip


@frozen
class EventSample:
    """`anchor` names it on the page."""

    name: str
    meaning: str
    anchor: str
    headers: dict[str, str]
    body: str


def event_samples() -> list[EventSample]:
    """Samples of every event in the rescue API's catalogue."""
    return [_rescue(name) for name in CATALOGUE]


def stable_samples() -> list[EventSample]:
    """Samples of every event of the stablecoin API."""
    return [_stable(name) for name in NAMES]


def _rescue(name: str) -> EventSample:
    of_order = name.startswith(_ABOUT_ORDERS)
    event = _event(
        name, sample_data(name, _AT + timedelta(days=3)), "SUB-7731-2026-03" if of_order else None
    )
    sent = render(
        event, "rescue", [_KEY], "hooks.example.com", "0f1e2d3c4b5a69788796a5b4c3d2e1f0", _AT
    )
    return _shown(name, CATALOGUE[name].meaning, "", sent)


def _stable(name: str) -> EventSample:
    event = _event(NAMES[name], stable_sample(name), STABLE_SAMPLE_ORDER)
    sent = render_stable(event, "whsec_sample", _AT, encrypt=False)
    assert sent is not None
    return _shown(name, _STABLE[name], "stablecoin-", sent)


def _event(name: str, data: dict[str, Any], external_id: str | None) -> Event:
    site, order, sequence = (_SITE, _ORDER, 7) if external_id else (None, None, 0)
    return Event(_THING, _MERCHANT, site, order, external_id, name, sequence, _AT, data, True)


def _shown(name: str, meaning: str, prefix: str, sent: Rendered) -> EventSample:
    body = json.dumps(json.loads(sent.body), indent=2)
    return EventSample(name, meaning, prefix + name.replace(".", "-"), sent.headers, body)


class Link(NamedTuple):
    """A link of the navigation. `about`: a few words for the overview, empty for what it describes
    at length."""

    path: str
    label: str
    about: str


@frozen
class Site:
    world: World
    references: Mapping[str, Reference]
    events: Sequence[EventSample]
    stable_events: Sequence[EventSample]
    rendered: dict[tuple[str, ...], bytes] = field(
        default_factory=dict
    )  # references, with what stands for the fresh
    kept: dict[tuple[str, ...], KeptPage] = field(
        default_factory=dict
    )  # pages, by name and what narrows them
    fresh: dict[str, int] = field(default_factory=dict)  # of which ten minutes a kept reference is

    @property
    def guides(self) -> Mapping[str, Guide]:
        return read_guides()

    @property
    def navigation(self) -> dict[str, list[Link]]:
        """Links of the navigation by section."""
        made = {"Start": [Link("/docs", "Overview", "")], "APIs": []}
        made["APIs"] = [
            Link(f"/docs/{reference.dialect.name}", reference.dialect.title, "")
            for reference in self.references.values()
        ]
        for guide in self.guides.values():
            link = Link(
                f"/docs/{guide.name}", guide.label, _first_sentence(guide.page.sections[0].text)
            )
            made.setdefault(guide.section, []).append(link)
        return made

    def values(
        self, path: str, title: str, contents: Sequence[Section] = (), **more: Any
    ) -> dict[str, Any]:
        """Values that every page needs, and `more`. `contents`: what the navigation shows of the
        page itself."""
        return {
            "path": path,
            "title": title,
            "contents": contents,
            "navigation": self.navigation,
            "sandbox": self.world.policy.test_mode,
        } | more


def make_site(world: World, dialects: Sequence[Dialect], version: str) -> Site:
    references = {
        dialect.name: make_reference(dialect, version) for dialect in dialects if dialect.operations
    }
    return Site(world, references, event_samples(), stable_samples())


def _first_sentence(text: str) -> str:
    head, dot, _ = text.partition(". ")
    return head + "." * bool(dot)
