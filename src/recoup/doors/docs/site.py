"""All pages of the door, made once: navigation, references, guides, and what a search looks through."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from recoup.doors.docs.guides import Guide, Section, read_guides
from recoup.doors.docs.reference import Reference, make_reference
from recoup.doors.docs.webhooks import EventSample, event_samples, stable_samples
from recoup.doors.edge.dialect import Dialect
from recoup.doors.edge.kept_page import KeptPage
from recoup.flows.world import World


class Link(NamedTuple):
    """`about`: a few words for the overview, empty for what it describes at length."""

    path: str
    label: str
    about: str


@dataclass(frozen=True, slots=True)
class Site:
    world: World
    references: Mapping[str, Reference]
    events: Sequence[EventSample]
    stable_events: Sequence[EventSample]
    rendered: dict[tuple[str, ...], bytes] = field(default_factory=dict)  # references, with what stands for the fresh
    kept: dict[tuple[str, ...], KeptPage] = field(default_factory=dict)  # pages, by name and what narrows them
    fresh: dict[str, int] = field(default_factory=dict)  # of which ten minutes a kept reference is

    @property
    def guides(self) -> Mapping[str, Guide]:
        return read_guides()

    @property
    def navigation(self) -> dict[str, list[Link]]:
        """By section."""
        made = {"Start": [Link("/docs", "Overview", "")], "APIs": []}
        made["APIs"] = [Link(f"/docs/{one.dialect.name}", one.dialect.title, "") for one in self.references.values()]
        for guide in self.guides.values():
            link = Link(f"/docs/{guide.name}", guide.label, _first_sentence(guide.page.sections[0].text))
            made.setdefault(guide.section, []).append(link)
        return made

    def values(self, path: str, title: str, contents: Sequence[Section] = (), **more: Any) -> dict[str, Any]:
        """What every page needs, and `more`. `contents`: what the navigation shows of the page itself."""
        return {
            "path": path,
            "title": title,
            "contents": contents,
            "navigation": self.navigation,
            "sandbox": self.world.policy.test_mode,
        } | more


def make_site(world: World, dialects: Sequence[Dialect], version: str) -> Site:
    references = {one.name: make_reference(one, version) for one in dialects if one.operations}
    return Site(world, references, event_samples(), stable_samples())


def _first_sentence(text: str) -> str:
    head, dot, _ = text.partition(". ")
    return head + "." * bool(dot)
