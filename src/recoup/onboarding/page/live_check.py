"""/live-check: what keeps live shut and what warns, each line with its cure; as `recoup live check`
says it."""

from typing import Final

from recoup.people.page.account.visit import AccountVisit
from recoup.people.page.menu import Entry
from recoup.people.page.pages import Values, operating
from recoup.people.page.rights import operator

PLACE: Final = "/live-check"
WORDS: Final = {
    "pass": ("In order", "ok", "check"),
    "wait": ("Wait", "hold", "clock"),
    "refuse": ("Refuses", "prob", "problem"),
    "waived": ("Waived", "off", "onhold"),
}


@operating.page(
    PLACE,
    "onboarding/live_check.html",
    may=operator("see the live check"),
    menu=Entry("Operator", 6, "Live check", "pulse"),
)
async def live_check(visit: AccountVisit) -> Values:
    live = visit.world if visit.world.opening is not None else visit.world.other
    opening = live.opening if live else None
    lines = await opening.look() if opening is not None else ()
    return dict(
        opening=opening,
        lines=lines,
        refuses=sum(line.verdict == "refuse" for line in lines),
        waits=sum(line.verdict == "wait" for line in lines),
    )
