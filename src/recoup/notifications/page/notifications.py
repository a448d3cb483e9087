"""/notifications: a person's notifications, newest first; each opens its subject."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from starlette.responses import Response

from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.kit.edge.cookies import cookie
from recoup.kit.languages.locale import Locale
from recoup.kit.lists.paging import cut
from recoup.notifications.flows import notifications
from recoup.notifications.flows.notifications import subscription_of, unsubscribe
from recoup.notifications.rules.notification_words import words_of
from recoup.notifications.rules.notifications import KINDS, may
from recoup.notifications.store.notifications import (
    NamedNotification,
    Notification,
    find_notification,
)
from recoup.notifications.store.notifications import notifications_page as read_page
from recoup.people.flows.notices import inbox
from recoup.people.flows.sessions import switch_merchant
from recoup.people.page.any_visit import AnyVisit
from recoup.people.page.endpoint import COOKIE, redirect
from recoup.people.page.form_shape import As
from recoup.people.page.pages import Answer, Values, either, nothing, public
from recoup.people.page.public_visit import PublicVisit, any_fields
from recoup.people.page.rights import anybody
from recoup.people.page.templates import render

PLACE: Final = "/notifications"
ROWS: Final = 50
_NO_ACTION: Final = Problem("invalid", "This action does not exist.", "Reload the page.")
_NO_END: Final = Problem(
    "invalid",
    "This form does not name the last notification.",
    "Reload the page and send it again.",
)


@either.page(PLACE, "notifications/notifications.html")
async def notifications_page(
    visit: AnyVisit, *, unread: Annotated[bool, As("1".__eq__)], only: str, before: UUID | None
) -> Values:
    session, merchant_id = visit.session, _here(visit) if only == "here" else None
    rows = await read_page(
        visit.world.people.reader,
        session.user_id,
        visit.world.name,
        may(),
        before=before,
        unread=unread,
        subject_id=merchant_id,
        limit=ROWS + 1,
    )
    shown, last = cut(rows, ROWS)
    mails = await inbox(visit.world, [row.notification_id for row in shown]) if shown else {}
    to = Locale(visit.language, session.zone)
    entries: dict[
        Any, list[dict[str, Any]]
    ] = {}  # what is routine by merchant and week, all else by itself
    for row in shown:
        words = words_of(row.kind, row.facts, to)
        orders = words.orders if row.subject_id == _here(visit) else ()
        item = {
            "row": row,
            "kind": KINDS[row.kind],
            "words": words,
            "mail": mails.get(row.notification_id),
            "lines": [linked(line, orders) for line in words.lines],
        }
        week = row.created_at.astimezone(ZoneInfo(session.zone)).isocalendar()[:2]
        key = (row.subject_id, week) if KINDS[row.kind].routine else row.notification_id
        entries.setdefault(key, []).append(item)
    chosen = {"unread": "1"} if unread else {}
    chosen |= {"only": "here"} if merchant_id else {}
    return dict(
        entries=list(entries.values()),
        newest=shown[0].notification_id if shown else None,
        fresh=any(row.read_at is None for row in shown),
        unread_only=unread,
        only_here=merchant_id is not None,
        chosen=chosen,
        first=before is None,
        older=last and last.notification_id,
        several=len(session.merchants) > 1,
    )


def linked(line: str, orders: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """(text, the page that it leads to or nothing): a line in pieces, the orders that it names as
    links."""
    parts = [(line, "")]
    for name, path in sorted(orders, key=lambda order: -len(order[0])):
        pieces: list[tuple[str, str]] = []
        for text, to in parts:
            head, it, rest = text.partition(name) if not to else (text, "", "")
            pieces += [(head, to), (it, path), (rest, "")] if it else [(text, to)]
        parts = pieces
    return [(text, to) for text, to in parts if text]


@either.page("/notifications/{notification_id}", "notifications/notifications_elsewhere.html")
async def notification(visit: AnyVisit) -> Values | Answer:
    """Leads from a mail to what it is about, or first to the merchant that it is about."""
    row = await _mine(visit)
    words = words_of(row.kind, row.facts, Locale(visit.language, visit.session.zone))
    if not KINDS[row.kind].partner and row.subject_id != _here(visit):
        return {"row": row, "words": words, "kind": KINDS[row.kind]}
    await notifications.read(visit.world, visit.session.user_id, row.notification_id)
    return redirect(words.path)


async def _mine(visit: AnyVisit) -> Notification:
    """Raises: Problem(not_found)."""
    wanted = parse_id(visit.request.path_params["notification_id"])
    row = None
    if wanted:
        row = await find_notification(
            visit.world.people.reader, *(visit.session.user_id, visit.world.name, may(), wanted)
        )
    if row is None:
        raise Problem(
            "not_found",
            "There is no such notification, or it is no longer for you.",
            "Open your notifications.",
        )
    return row


def _list(unread: str, only: str) -> str:
    """The list that a form stood on: of the `unread` alone where it says 1; `only` here, of all
    merchants otherwise."""
    wanted = ["unread=1"] * (unread == "1") + ["only=here"] * (only == "here")
    return PLACE + ("?" + "&".join(wanted) if wanted else "")


@notification.post(may=anybody, find=_mine, shows=nothing, while_paused=True)
async def act(
    visit: AnyVisit,
    row: Notification,
    *,
    unread: str,
    only: str,
    do: Annotated[Literal["open", "read", "unread"], _NO_ACTION],
) -> Answer:
    """Opens it at its merchant, or says that it was read or is to be read again."""
    world, session = visit.world, visit.session
    await notifications.read(world, session.user_id, row.notification_id, unread=do == "unread")
    if do != "open":
        return redirect(_list(unread, only))
    if not KINDS[row.kind].partner:
        await switch_merchant(world, cookie(visit.request, COOKIE), session, row.subject_id)
    return redirect(words_of(row.kind, row.facts).path)


@notifications_page.post("/notifications/read", may=anybody, shows=nothing, while_paused=True)
async def read_all(
    visit: AnyVisit, *, unread: str, only: str, until: Annotated[UUID, _NO_END]
) -> Answer:
    """Marks all notifications read. `until`: the newest notification that the list showed."""
    await notifications.read_all(
        visit.world, visit.session.user_id, until, _here(visit) if only == "here" else None
    )
    return redirect(_list(unread, only))


def _here(visit: AnyVisit) -> UUID | None:
    return visit.session.merchant.merchant_id if visit.session.merchant else None


@public.page("/unsubscribe/{token}", "notifications/notifications_unsubscribe.html")
async def subscription(visit: PublicVisit) -> Values:
    return _values(
        visit, await subscription_of(visit.world, visit.request.path_params["token"]), ""
    )


@public.no_page.post("/unsubscribe/{token}", may=anybody, reads=any_fields)
async def take(visit: PublicVisit, *, what: str) -> Response:
    """The link is the right to it: it needs no session and no form of ours. `what`: all, for every
    mail; else those of the kind."""
    everything = what == "all"
    subscription = await unsubscribe(
        visit.world, visit.request.path_params["token"], all_mails=everything
    )
    values = visit.values(**_values(visit, subscription, "all" if everything else "kind"))
    return render("notifications/notifications_unsubscribe.html", values)


def _values(visit: PublicVisit, subscription: NamedNotification, done: str) -> Values:
    return {
        "found": subscription,
        "kind": KINDS[subscription.kind],
        "done": done,
        "world": visit.world.name,
    }
