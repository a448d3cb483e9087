"""Tabs over the list: the views that everybody has, one's own, those that others share.
A changed filter leaves the view."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import parse_qs

from starlette.datastructures import QueryParams

from recoup.desk.page.orders.query import Query
from recoup.desk.page.orders.reading import read_query
from recoup.kernel.frozen import frozen
from recoup.kit.lists.bounded import Count
from recoup.merchants.store.merchants import MerchantSettings
from recoup.people.store.list_preferences import ListPreferences, SavedView

# tab -> its word, and what narrows it
USUAL: Final[Mapping[str, tuple[str, dict[str, Any]]]] = {
    "all": ("All", {}), "attention": ("Needs attention", {"attention": True}),
    "processing": ("Processing", {"statuses": (4,)}),
    "completed": ("Completed", {"statuses": (7,)}),
    "refunded": ("Refunded", {"refunded": True}),
    "chargebacks": ("Chargebacks", {"statuses": (8,)}),
}  # fmt: skip
_HOT: Final = frozenset({"attention", "chargebacks"})


@frozen
class Left:
    """The saved view that the list belongs to. `changed`: its filters were; `reset` leads back to
    what was saved."""

    view: SavedView
    changed: bool
    reset: str


def own(query: Query, habits: ListPreferences, settings: MerchantSettings) -> Left | None:
    """The saved view that the address names, if it is there."""
    view = next((saved for saved in habits.views if str(saved.view_id) == query.view), None)
    if view is None:
        return None
    saved = opened(view, query, settings)
    changed = not saved.same_orders(query) or (saved.sort, saved.up) != (query.sort, query.up)
    return Left(view, changed, saved.link())


def opened(view: SavedView, query: Query, settings: MerchantSettings) -> Query:
    """The view's list, in the zone it was saved with or else that of the list that is looked at."""
    saved = read_query(QueryParams(view.query), settings, zone=query.zone)
    return replace(saved, view=str(view.view_id), size=query.size)


def tabs(
    query: Query,
    habits: ListPreferences,
    settings: MerchantSettings,
    attention: Count,
    by_status: dict[int, Count],
) -> list[dict[str, Any]]:
    """`view`: the one that somebody saved, whose word it is."""
    counts = {"attention": attention}
    if query.is_plain() and by_status:
        counts |= {"processing": by_status[4], "chargebacks": by_status[8]}
    left, look = own(query, habits, settings), query.without_filters()
    shown_tabs: list[dict[str, Any]] = []
    for tab, (word, narrowed) in USUAL.items():
        wanted, count = replace(look, **narrowed), counts.get(tab)
        is_open = left is None and query.same_orders(wanted)
        shown = count if count and count.value else None
        shown_tabs.append(
            dict(
                word=word, link=wanted.link(), here=is_open, count=shown, hot=tab in _HOT, view=None
            )
        )
    for view in habits.views:
        is_open = left is not None and left.view == view and not left.changed
        link = opened(view, query, settings).link()
        shown_tabs.append(
            dict(word=view.name, link=link, here=is_open, count=None, hot=False, view=view)
        )
    return shown_tabs


def searches(view: SavedView) -> bool:
    """True when the view looks for words, which may name a customer."""
    return "q" in parse_qs(view.query)


def kept(query: Query) -> str:
    """Query that a view keeps of a list: everything but the place in it."""
    wanted = replace(query, view="", cursor="", size=Query().size)
    return wanted.link().partition("?")[2]
