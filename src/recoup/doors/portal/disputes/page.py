"""The desk of disputes: open ones by deadline, the rest newest first; and the notices that fit no charge."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from msgspec.structs import asdict

from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.menu import Entry
from recoup.doors.portal.order.dispute_words import reason_words
from recoup.doors.portal.pages import Answer, Values, member, nothing, shown
from recoup.doors.portal.rights import operator
from recoup.doors.portal.visit import Visit
from recoup.doors.portal.words import DISPUTE_KINDS, DISPUTE_STAGES, DISPUTE_STATES
from recoup.flows.disputes.receive import in_words, take_off, try_notice_again
from recoup.flows.locked import Orders
from recoup.kernel.problem import Problem
from recoup.rules.merchants.personal import SHOWN
from recoup.store.disputes.disputes import COUNTED_MAX, LISTED_MAX, DisputeRow, counts, list_disputes, unmatched

NOBODY: Final = UUID(int=0)
OFFSET_MAX: Final = 100_000
VIEWS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "open": ("Open", ("open",)),
    "answered": ("Answered", ("answered",)),
    "won": ("Won", ("won",)),
    "lost": ("Lost", ("lost", "accepted", "expired")),
    "all": ("All", ()),
}


@member.page(
    "/disputes", "disputes/disputes.html", menu=Entry("Queues", 4, "Disputes", "chargeback", counts="disputes")
)
async def disputes(visit: Visit) -> Values:
    query = visit.request.query_params
    view = query.get("view", "open")
    view = view if view in VIEWS else "open"
    kind = query.get("kind") or None
    kind = kind if kind is None or kind in DISPUTE_KINDS else "unknown"  # which no dispute is
    begin = query.get("from", "")
    offset = min(int(begin), OFFSET_MAX) if begin.isascii() and begin.isdigit() and len(begin) < 9 else 0
    states = VIEWS[view][1]
    async with visit.world.db.read() as connection:
        rows = await list_disputes(
            connection,
            visit.merchant_id,
            states=states,
            kind=kind,
            offset=offset,
            limit=LISTED_MAX + 1,
            clear=visit.pii_access == SHOWN,
        )
        numbers = await counts(connection, visit.merchant_id, DISPUTE_STATES)
        strangers = [visit.merchant_id, NOBODY] if visit.is_operator else []
        notices = await unmatched(connection, strangers) if strangers else []
    views = [
        (name, word, [numbers[state] for state in of or numbers], name == view) for name, (word, of) in VIEWS.items()
    ]
    return dict(
        rows=[_row(row) for row in rows[:LISTED_MAX]],
        views=views,
        most=COUNTED_MAX,
        view=view,
        kind=kind,
        kinds=DISPUTE_KINDS,
        begin=offset,
        more=len(rows) > LISTED_MAX,
        step=LISTED_MAX,
        notices=notices,
        in_words=in_words,
    )


class ListedDispute(DisputeRow, frozen=True):
    """With the page's words. `look`: of its state."""

    kind_word: str
    stage_word: str
    look: tuple[str, str, str]
    reason: str


def _row(row: DisputeRow) -> ListedDispute:
    return ListedDispute(
        **asdict(row),
        kind_word=DISPUTE_KINDS[row.kind],
        stage_word=DISPUTE_STAGES[row.stage],
        look=DISPUTE_STATES[row.state],
        reason=reason_words(row.scheme or "generic", row.reason_code),
    )


@dataclass(frozen=True, slots=True)
class NoticeForm:
    """A processor's notice by its `route` and id; `nobody`: it is of no merchant so far. `what`: again or done."""

    route: str
    notice: str
    nobody: bool
    what: str


@disputes.post("/disputes/notices", may=operator("process notices"), shape=NoticeForm, shows=nothing)
async def notice_again(visit: Visit, form: NoticeForm) -> Answer:
    """The operator has it tried once more, or has dealt with it."""
    world, merchant_id = visit.world, NOBODY if form.nobody else visit.merchant_id
    key = (visit.operator_scope, merchant_id, form.route, form.notice)
    if form.what == "done":
        await take_off(world, *key)
    elif await try_notice_again(world, visit.portal.get(Orders), *key) == "unmatched":
        message = "It still matches no charge."
        return shown(Problem("wrong_state", message, cure="Ask the processor what it is about."))
    return redirect("/disputes")
