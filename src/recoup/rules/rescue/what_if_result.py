"""What a decision would have come to with one of its inputs changed. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from recoup.rules.rescue.evidence import Decision
from recoup.rules.rescue.parts import RULE as PART
from recoup.rules.rescue.verdict import Offered, Verdict

Change = Literal[
    "no_draw",
    "no_network_wait",
    "one_more_send",
    "pay_day_known",
    "another_card",
    "no_parts",
    "expiry_a_week_later",
    "one_more_try_allowed",
    "sends_without_cost",
    "no_block",
    "no_request",
    "no_signal",
    "no_policy",
    "no_policy_line",
    "route_on",
    "route_reachable",
    "no_failure",
    "routes_cost_the_same",
    "no_sign_against",
    "no_sign_for",
    "half_the_amount",
    "may_confirm",
    "half_the_order",
    "room_left",
    "any_loss_allowed",
    "no_loss_allowed",
    "closed_orders_paid",
    "no_try_out",
    "new_card_known",
    "nothing_newer",
    "account_closed",
    "attempts_wanted",
    "link_open",
    "no_link",
]


@dataclass(frozen=True, slots=True)
class WhatIf:
    """`next_at`: when the next try would have been, `tries` how many would have been planned in all, `chance` the
    model's of the next one, None where no model decided. `differs`: from what was decided without the change. `about`:
    the route that would have taken the attempt, or what is taken away: the sign of risk, the line of the policy."""

    change: Change
    verdict: Verdict
    next_at: datetime | None
    tries: int
    chance: float | None
    differs: bool
    about: str = ""


def compared(change: Change, found: Decision, base: Decision, about: str = "") -> WhatIf:
    differs = (found.verdict, found.plan, PART in found.rules) != (base.verdict, base.plan, PART in base.rules)
    tries = len(found.plan) + (found.verdict == "attempt_now")
    return WhatIf(change, found.verdict, found.next_attempt_at, tries, _chance(found), differs, about)


def _chance(found: Decision) -> float | None:
    return next(
        (one.chance for one in found.alternatives if isinstance(one, Offered) and one.name == found.taken), None
    )
