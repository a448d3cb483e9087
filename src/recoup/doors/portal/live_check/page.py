"""/live-check: what keeps live shut and what warns, each line with its cure; as `recoup live check` says it."""

from typing import Final

from recoup.doors.portal.menu import Entry, for_operator
from recoup.doors.portal.pages import Values, member
from recoup.doors.portal.rights import operator
from recoup.doors.portal.visit import Visit

PLACE: Final = "/live-check"
WORDS: Final = {
    "pass": ("In order", "ok", "check"), "wait": ("Wait", "hold", "clock"), "refuse": ("Refuses", "prob", "problem"),
    "waived": ("Waived", "off", "onhold"),
}  # fmt: skip


@member.page(
    PLACE,
    "live_check/live_check.html",
    may=operator("see the live check"),
    menu=Entry("Operator", 6, "Live check", "pulse", sees=for_operator),
)
async def live_check(visit: Visit) -> Values:
    live = visit.world if visit.world.opening is not None else visit.world.other
    opening = live.opening if live is not None else None
    lines = await opening.look() if opening is not None else ()
    return dict(
        opening=opening,
        lines=lines,
        refuses=sum(one.verdict == "refuse" for one in lines),
        waits=sum(one.verdict == "wait" for one in lines),
    )
