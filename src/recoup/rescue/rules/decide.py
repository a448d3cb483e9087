"""Evidence and policy in, decision out: pure, so that the same two give the same decision again,
always.

Another way of deciding is another version in another file; this one then stays for replays.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from recoup.kernel.time import BusinessTime
from recoup.kit.slots import month_start_slot, next_day_slot, next_minute, pay_day_slot
from recoup.networks.challenge import TRIES_MAX, asks_of
from recoup.networks.other_card import CHANCE as OTHER_CARD_CHANCE
from recoup.networks.other_card import RULE as OTHER_CARD
from recoup.orders.rules.decision import Alternative, Decision, Verdict
from recoup.policies.rules.in_force import InForce
from recoup.policies.rules.policy import Group, RetryPolicy, Schedule, group_of
from recoup.policies.rules.words import FORBIDDEN, time_words
from recoup.rescue.rules.amount import sized
from recoup.rescue.rules.evidence import Evidence
from recoup.rescue.rules.sentences import decided, last_answer_of, unlisted

DECIDER_VERSION: Final = "decide-1"

_GROUP_WORDS: Final[dict[Group, str]] = {
    "technical": "a technical failure",
    "soft": "a general decline",
    "funds": "insufficient funds",
    "limits": "a card limit",
}
_OTHER_CARD_WORDS: Final = (
    "Another card of the same customer, which you have charged before, is tried in its place."
)
_OTHER_CARD_LATER: Final = (
    "Another card of the same customer is tried as soon as the retry policy allows an attempt."
)
OTHER_CARD_WAITS: Final = "other_card_waits"
AT_THE_END: Final = "last_try_at_end"
_BEFORE_THE_END: Final = timedelta(hours=1)  # so that an answer that is late still comes in time
CANNOT_CONFIRM: Final = "customer_cannot_confirm"
_CANNOT_CONFIRM_WORDS: Final = (
    "No route can ask the customer to confirm this payment with 3-D Secure."
)
_CONFIRM_CURE: Final = "A route that can ask for 3-D Secure, or another card, would change it."
CARD_RESTS: Final = (
    "The bank has just declined another of your orders with this card for "
    "insufficient funds; this one waits too."
)
_ENDS_BEFORE: Final = "The order ends before that time, so it is tried once at its end."
_SLOT_WORDS: Final = {
    "after_wait": "The wait grows with each attempt.",
    "pay_day": "Pay days are tried: the 1st, the 15th, the last business day of a month and "
    "Fridays.",
    "next_day_then_month_start": "A card limit opens again with the next day, later with the next "
    "month.",
}


class _Asked(NamedTuple):
    """Input of a decision. `within`: the policies that hold for the order; none for one whose
    customer waits."""

    evidence: Evidence
    policy: RetryPolicy
    within: InForce | None


def decide(evidence: Evidence, policy: RetryPolicy, within: InForce | None = None) -> Decision:
    """Decides what to do about the last decline, and the attempts that would follow if each were
    declined the same way. `within`: the policies that were set for the order; a customer who waits
    is asked whatever they say."""
    if within is None or evidence.kind == "cit":
        return sized(evidence, _decide(_Asked(evidence, policy, None)))
    decision = sized(evidence, _decide(_Asked(evidence, within.bounded(policy), within)))
    return replace(decision, versions={**decision.versions, "policies": within.name})


def _decide(asked: _Asked) -> Decision:
    evidence, policy, _ = asked
    group = group_of(evidence.reading)
    may_answer = evidence.may_confirm or evidence.may_enter_card
    if evidence.kind == "cit" and 0 < evidence.challenge_tries < TRIES_MAX and may_answer:
        # With another card, if need be.
        return _decision(asked, "challenge", (), None, ["customer_may_try_again"])
    forbidden = _forbidden(asked)
    other_card = (
        evidence.other_card
        and evidence.kind == "managed_mit"
        and evidence.now < evidence.expires_at
    )
    if other_card and forbidden in (None, "policy_code"):
        return _with_other_card(asked)
    if evidence.reading.terminal and evidence.payer_link and evidence.now < evidence.expires_at:
        return _decision(asked, "wait", (), None, ["payer_may_pay_by_link"])
    if evidence.reading.terminal:
        return _end(asked, "hard_decline")
    if evidence.kind == "cit":
        return _with_customer(asked, group)
    if evidence.now >= evidence.expires_at:
        return _decision(asked, "wait", (), None, ["expired"])
    if forbidden is not None:
        return _decision(asked, "wait", (), None, [forbidden])
    if (
        evidence.magic_first_send
        and evidence.kind == "sync_mit"
        and not evidence.attempts
        and _is_open(asked)
    ):
        return _decision(
            asked, "attempt_now", _plan(asked, group, 1), group, ["sandbox_first_send"]
        )
    if group is None:
        return _decision(asked, "wait", (), None, ["no_cure_by_waiting"])
    if _may_try_now(asked, group):
        return _decision(
            asked,
            "attempt_now",
            _plan(asked, group, 1),
            group,
            ["due" if evidence.due_at else "sync"],
        )
    plan = _plan(asked, group, 0)
    if not plan and (at := _at_the_end(asked, group)) is not None:
        return _decision(asked, "plan", (at,), group, [AT_THE_END])
    verdict: Verdict = "plan" if plan else "wait"
    return _decision(asked, verdict, plan, group, [f"{group}_ladder" if plan else "plan_used_up"])


def _forbidden(asked: _Asked) -> str | None:
    """The rule of the policies by which nothing is tried."""
    evidence, within = asked.evidence, asked.within
    if within is None:
        return None
    return within.forbids(evidence.units, evidence.currency, evidence.reading.code)


def _is_open(asked: _Asked) -> bool:
    """True when the policies let a send leave now."""
    evidence, _, within = asked
    if within is None:
        return True
    end = within.end(evidence.first_declined_at, evidence.expires_at)
    if within.fresh(evidence.now, evidence.month_sends) > evidence.now:
        return False
    return evidence.now < end and within.is_open(evidence.now, evidence.utc_offset)


def _opens(asked: _Asked, at: datetime) -> datetime | None:
    """The first minute from then on at which a send may leave; None where that is too late, or
    never."""
    evidence, within = asked.evidence, asked.within
    if within is None:
        return next_minute(at)
    opening = within.opens(
        max(next_minute(at), within.fresh(evidence.now, evidence.month_sends)), evidence.utc_offset
    )
    return (
        opening
        if opening is not None
        and opening < within.end(evidence.first_declined_at, evidence.expires_at)
        else None
    )


def _with_other_card(asked: _Asked) -> Decision:
    """Decision to use another card: now; or, where the policies keep it waiting, once they let it
    leave: it is looked for again then."""
    if _is_open(asked):
        return _decision(asked, "attempt_now", (), None, [OTHER_CARD])
    at = _opens(asked, asked.evidence.now)
    if at is None:
        return _decision(asked, "wait", (), None, ["plan_used_up"])
    return _decision(asked, "plan", (BusinessTime(at.astimezone(UTC)),), None, [OTHER_CARD_WAITS])


def _with_customer(asked: _Asked, group: Group | None) -> Decision:
    """A customer waits for the answer: one try, a question to the customer, or no."""
    evidence = asked.evidence
    if not evidence.attempts and (group or evidence.magic_first_send):
        return _decision(asked, "attempt_now", (), group, ["customer_waits"])
    if not evidence.may_confirm:
        return _end(asked, CANNOT_CONFIRM)
    if asks_of(evidence.reading) is not None and not evidence.challenge_tries:
        return _decision(asked, "challenge", (), None, ["customer_can_cure"])
    return _end(asked, "customer_answered" if evidence.attempts else "no_cure_by_waiting")


def _end(asked: _Asked, rule: str) -> Decision:
    return _decision(asked, "decline_at_once", (), None, [rule])


def _may_try_now(asked: _Asked, group: Group) -> bool:
    """A planned instant has come; or a sync MIT's first question, where no network asked to
    wait."""
    evidence = asked.evidence
    if _left(asked, group) <= 0 or not _is_open(asked) or evidence.card_rests_until is not None:
        return False
    if asked.within is not None and evidence.now < _last_send(evidence) + asked.within.gap:
        return False
    if evidence.due_at is not None:
        return evidence.due_at <= evidence.now
    first = evidence.kind == "sync_mit" and not evidence.attempts
    return first and group in ("soft", "technical") and not evidence.reading.wait_by_rule


def _used(evidence: Evidence, group: Group) -> int:
    return sum(1 for attempt in evidence.attempts if attempt.group == group)


def _left(asked: _Asked, group: Group) -> int:
    evidence, policy, _ = asked
    return min(
        policy.schedules[group].tries_max - _used(evidence, group),
        policy.sends_max - len(evidence.attempts),
    )


def _last_send(evidence: Evidence) -> datetime:
    return max([evidence.first_declined_at, *(attempt.at for attempt in evidence.attempts)])


def _plan(asked: _Asked, group: Group | None, sent_now: int) -> tuple[BusinessTime, ...]:
    """Due times after now and before expiry; `sent_now` = 1 when a try leaves at this very
    moment."""
    if group is None:
        return ()
    evidence, policy, within = asked
    schedule, used, plan = (
        policy.schedules[group],
        _used(evidence, group) + sent_now,
        list[BusinessTime](),
    )
    last = evidence.now if sent_now else _last_send(evidence)
    end = evidence.expires_at
    if schedule.within is not None and not _is_timed(asked):
        end = min(end, max(evidence.first_declined_at, evidence.started_at) + schedule.within)
    for number in range(used, used + _left(asked, group) - sent_now):
        gap = within.gap if within is not None else timedelta(0)
        if _is_timed(asked):
            instant = max(last + max(_asked_wait(evidence), gap), _soonest(evidence))
        else:
            instant = _instant(evidence, schedule, number, last, gap)
        due = _opens(asked, instant)
        if due is None or due >= end:
            break
        plan.append(BusinessTime(due.astimezone(UTC)))
        last = plan[-1]
    return tuple(plan)


def _is_timed(asked: _Asked) -> bool:
    """True when the network names the time of the next attempt, and the policy keeps to it."""
    return asked.policy.network_times and asked.evidence.reading.wait_by_rule


def _soonest(evidence: Evidence) -> datetime:
    soonest = evidence.now + timedelta(microseconds=1)
    return (
        max(soonest, evidence.card_rests_until)
        if evidence.card_rests_until is not None
        else soonest
    )


def _asked_wait(evidence: Evidence) -> timedelta:
    return timedelta(hours=evidence.reading.min_wait_hours or 0)


def _at_the_end(asked: _Asked, group: Group) -> BusinessTime | None:
    """Time of one attempt, where the order ends before the network's time; None where that has
    passed, or no attempt is left."""
    evidence, _, within = asked
    if not _is_timed(asked) or _left(asked, group) <= 0:
        return None
    end = evidence.expires_at
    if within is not None:
        end = min(end, within.end(evidence.first_declined_at, end))
    last, gap = _last_send(evidence), within.gap if within is not None else timedelta(0)
    at = _opens(asked, end - _BEFORE_THE_END)
    if (
        at is None
        or not max(evidence.now, last + gap)
        < at
        < end
        < last + _asked_wait(evidence) + _BEFORE_THE_END
    ):
        return None
    return BusinessTime(at.astimezone(UTC))


def _instant(
    evidence: Evidence, schedule: Schedule, number: int, last: datetime, gap: timedelta
) -> datetime:
    """Best instant for attempt `number` (from 0) of a schedule, the send before it having been at
    `last`, `gap` before it at least."""
    wait = max(_wait(evidence, schedule, number), gap)
    earliest = max(last + wait, _soonest(evidence))
    debit, offset = evidence.funding == "debit", evidence.utc_offset
    if schedule.slots == "pay_day":
        return pay_day_slot(earliest, offset, debit)
    if schedule.slots == "next_day_then_month_start":
        if number == 0:
            return next_day_slot(last, earliest, offset, debit)
        return month_start_slot(earliest, offset, debit)
    return earliest


def _wait(evidence: Evidence, schedule: Schedule, number: int) -> timedelta:
    wait = max(schedule.waits[min(number, len(schedule.waits) - 1)], _asked_wait(evidence))
    return wait if evidence.reading.wait_by_rule else wait - schedule.slack


def _decision(
    asked: _Asked,
    verdict: Verdict,
    plan: tuple[BusinessTime, ...],
    group: Group | None,
    rules: list[str],
) -> Decision:
    evidence, policy, within = asked
    if evidence.reading.wait_by_rule:
        rules.append("network_wait")
    if evidence.card_rests_until is not None:
        rules.append("card_rests")
    versions = {
        "decider": DECIDER_VERSION,
        "policy": policy.version,
        "knowledge": evidence.knowledge,
        "model": None,
    }
    reasons = (
        decided(evidence, verdict, plan),
        last_answer_of(evidence),
        *unlisted(evidence.reading),
        *([] if evidence.may_confirm else [_CANNOT_CONFIRM_WORDS]),
        *([_OTHER_CARD_WORDS] if OTHER_CARD in rules else []),
        *([_OTHER_CARD_LATER] if OTHER_CARD_WAITS in rules else []),
        *([CARD_RESTS] if evidence.card_rests_until is not None else []),
        *(words for rule, words in FORBIDDEN.items() if rule in rules),
        *_why(evidence, policy, group, plan, rules),
        *_times(asked, verdict, group),
        _change(evidence, verdict, rules),
    )
    return Decision(
        verdict,
        plan,
        group,
        reasons,
        tuple(rules),
        versions,
        _alternatives(policy, verdict, group, rules),
    )


def _times(asked: _Asked, verdict: Verdict, group: Group | None) -> list[str]:
    evidence, _, within = asked
    if within is None or group is None or verdict not in ("plan", "wait"):
        return []
    return time_words(within, evidence.now, evidence.month_sends)


def _why(
    evidence: Evidence,
    policy: RetryPolicy,
    group: Group | None,
    plan: tuple[BusinessTime, ...],
    rules: list[str],
) -> list[str]:
    if group is None:
        return []
    schedule = policy.schedules[group]
    most, used = schedule.tries_max, _used(evidence, group)
    lines = [f"For {_GROUP_WORDS[group]} the policy allows {most} attempts; {used} made so far."]
    if evidence.reading.wait_by_rule and policy.network_times:
        hours = f"{evidence.reading.min_wait_hours:g}"
        lines.append(
            f"The network names the time of the next attempt: {hours} hours after the one before."
        )
        return [*lines, _ENDS_BEFORE] if AT_THE_END in rules else lines
    if plan:
        lines.append(_SLOT_WORDS[schedule.slots])
    if evidence.reading.wait_by_rule:
        lines.append(
            f"The network asks to wait {evidence.reading.min_wait_hours:g} hours at least."
        )
    return lines


def _change(evidence: Evidence, verdict: Verdict, rules: list[str]) -> str:
    if rules and rules[0] in FORBIDDEN:
        return (
            "Another version of the retry policy would change it, for the next decision about "
            "the order."
        )
    if verdict in ("plan", "attempt_now"):
        return "An approval elsewhere, a hard decline or the order's expiry would end the attempts."
    if (
        verdict == "wait" and group_of(evidence.reading) is not None
    ):  # its cure is waiting, and that is used up
        if evidence.now >= evidence.expires_at:
            return "Its time is up: nothing is tried any more."
        return "Another card of the customer, or an approval elsewhere, may still pay it."
    return evidence.reading.cure if evidence.may_confirm else _CONFIRM_CURE


def _alternatives(
    policy: RetryPolicy, verdict: Verdict, group: Group | None, rules: list[str]
) -> tuple[Alternative, ...]:
    chance = OTHER_CARD_CHANCE if OTHER_CARD in rules or OTHER_CARD_WAITS in rules else None
    other_card = Alternative("other_card", chance, "Another card of the customer.")
    if group is None or verdict in ("wait", "decline_at_once", "challenge"):
        return (other_card,)
    schedule = policy.schedules[group]
    return (
        Alternative("planned", schedule.chance, "The next attempt as planned; a rough prior."),
        Alternative(
            "daily", schedule.chance_daily, "A try at the same hour each day; a rough prior."
        ),
        other_card,
    )
