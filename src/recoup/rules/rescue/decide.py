"""Evidence and policy in, decision out: pure, so that the same two give the same decision again, always.

Another way of deciding is another version in another file; this one then stays for replays.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from recoup.kernel.time import BusinessTime
from recoup.rules.rescue.challenge import TRIES_MAX, asks_of
from recoup.rules.rescue.evidence import Alternative, Decision, Evidence, Verdict
from recoup.rules.rescue.other_card import CHANCE as OTHER_CARD_CHANCE
from recoup.rules.rescue.other_card import RULE as OTHER_CARD
from recoup.rules.rescue.policy import Group, RetryPolicy, Schedule, group_of
from recoup.rules.rescue.sentences import decided, last_answer_of, unlisted
from recoup.rules.rescue.slots import month_start_slot, next_day_slot, next_minute, pay_day_slot

DECIDER_VERSION: Final = "decide-1"

_GROUP_WORDS: Final[dict[Group, str]] = {
    "technical": "technical failure",
    "soft": "general decline",
    "funds": "lack of money",
    "limits": "card limit",
}
_OTHER_CARD_WORDS: Final = "Another card of the same customer, which you have charged before, is tried in its place."
_SLOT_WORDS: Final = {
    "after_wait": "The wait grows with each try.",
    "pay_day": "Pay days are tried: the 1st, the 15th, the last business day of a month and Fridays.",
    "next_day_then_month_start": "A card limit opens again with the next day, later with the next month.",
}


def decide(evidence: Evidence, policy: RetryPolicy) -> Decision:
    """What to do about the last decline, and the tries that would follow if each were declined the same way."""
    group = group_of(evidence.reading)
    if evidence.kind == "cit" and 0 < evidence.challenge_tries < TRIES_MAX:
        # With another card, if need be.
        return _decision(evidence, policy, "challenge", (), None, ["customer_may_try_again"])
    if evidence.other_card and evidence.kind == "managed_mit" and evidence.now < evidence.expires_at:
        return _decision(evidence, policy, "attempt_now", (), None, [OTHER_CARD])
    if evidence.reading.terminal and evidence.payer_link and evidence.now < evidence.expires_at:
        return _decision(evidence, policy, "wait", (), None, ["payer_may_pay_by_link"])
    if evidence.reading.terminal:
        return _end(evidence, policy, "hard_decline")
    if evidence.kind == "cit":
        return _with_customer(evidence, policy, group)
    if evidence.now >= evidence.expires_at:
        return _decision(evidence, policy, "wait", (), None, ["expired"])
    if evidence.magic_first_send and evidence.kind == "sync_mit" and not evidence.attempts:
        plan = _plan(evidence, policy, group, 1)
        return _decision(evidence, policy, "attempt_now", plan, group, ["sandbox_first_send"])
    if group is None:
        return _decision(evidence, policy, "wait", (), None, ["no_cure_by_waiting"])
    if _may_try_now(evidence, policy, group):
        plan = _plan(evidence, policy, group, 1)
        return _decision(evidence, policy, "attempt_now", plan, group, ["due" if evidence.due_at else "sync"])
    plan = _plan(evidence, policy, group, 0)
    verdict: Verdict = "plan" if plan else "wait"
    return _decision(evidence, policy, verdict, plan, group, [f"{group}_ladder" if plan else "plan_used_up"])


def _with_customer(evidence: Evidence, policy: RetryPolicy, group: Group | None) -> Decision:
    """A customer waits for the answer: one try, a question to the customer, or no."""
    if not evidence.attempts and (group or evidence.magic_first_send):
        return _decision(evidence, policy, "attempt_now", (), group, ["customer_waits"])
    if asks_of(evidence.reading) is not None and not evidence.challenge_tries:
        return _decision(evidence, policy, "challenge", (), None, ["customer_can_cure"])
    return _end(evidence, policy, "customer_answered" if evidence.attempts else "no_cure_by_waiting")


def _end(evidence: Evidence, policy: RetryPolicy, rule: str) -> Decision:
    return _decision(evidence, policy, "decline_at_once", (), None, [rule])


def _may_try_now(evidence: Evidence, policy: RetryPolicy, group: Group) -> bool:
    """A planned instant has come; or a sync MIT's first question, where no network asked to wait."""
    if _left(evidence, policy, group) <= 0:
        return False
    if evidence.due_at is not None:
        return evidence.due_at <= evidence.now
    first = evidence.kind == "sync_mit" and not evidence.attempts
    return first and group in ("soft", "technical") and not evidence.reading.wait_by_rule


def _used(evidence: Evidence, group: Group) -> int:
    return sum(1 for one in evidence.attempts if one.group == group)


def _left(evidence: Evidence, policy: RetryPolicy, group: Group) -> int:
    return min(policy.schedules[group].tries_max - _used(evidence, group), policy.sends_max - len(evidence.attempts))


def _plan(evidence: Evidence, policy: RetryPolicy, group: Group | None, sent_now: int) -> tuple[BusinessTime, ...]:
    """Due times after now and before expiry; `sent_now` = 1 when a try leaves at this very moment."""
    if group is None:
        return ()
    schedule, used, plan = policy.schedules[group], _used(evidence, group) + sent_now, list[BusinessTime]()
    last = evidence.now if sent_now else max([evidence.first_declined_at, *(one.at for one in evidence.attempts)])
    end = evidence.expires_at
    if schedule.within is not None:
        end = min(end, max(evidence.first_declined_at, evidence.started_at) + schedule.within)
    for number in range(used, used + _left(evidence, policy, group) - sent_now):
        due = next_minute(_instant(evidence, schedule, number, last)).astimezone(UTC)
        if due >= end:
            break
        plan.append(BusinessTime(due))
        last = due
    return tuple(plan)


def _instant(evidence: Evidence, schedule: Schedule, number: int, last: datetime) -> datetime:
    """When try `number` (from 0) of a schedule is best, the send before it having been at `last`."""
    earliest = max(last + _wait(evidence, schedule, number), evidence.now + timedelta(microseconds=1))
    debit, offset = evidence.funding == "debit", evidence.utc_offset
    if schedule.slots == "pay_day":
        return pay_day_slot(earliest, offset, debit)
    if schedule.slots == "next_day_then_month_start":
        if number == 0:
            return next_day_slot(last, earliest, offset, debit)
        return month_start_slot(earliest, offset, debit)
    return earliest


def _wait(evidence: Evidence, schedule: Schedule, number: int) -> timedelta:
    wait = max(
        schedule.waits[min(number, len(schedule.waits) - 1)], timedelta(hours=evidence.reading.min_wait_hours or 0)
    )
    return wait if evidence.reading.wait_by_rule else wait - schedule.slack


def _decision(
    evidence: Evidence,
    policy: RetryPolicy,
    verdict: Verdict,
    plan: tuple[BusinessTime, ...],
    group: Group | None,
    rules: list[str],
) -> Decision:
    if evidence.reading.wait_by_rule:
        rules.append("network_wait")
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
        *([_OTHER_CARD_WORDS] if OTHER_CARD in rules else []),
        *_why(evidence, policy, group, plan),
        _change(evidence, verdict),
    )
    return Decision(verdict, plan, group, reasons, tuple(rules), versions, _alternatives(policy, verdict, group, rules))


def _why(evidence: Evidence, policy: RetryPolicy, group: Group | None, plan: tuple[BusinessTime, ...]) -> list[str]:
    if group is None:
        return []
    schedule = policy.schedules[group]
    most, used = schedule.tries_max, _used(evidence, group)
    lines = [f"For a {_GROUP_WORDS[group]} the policy allows {most} tries; {used} made so far."]
    if plan:
        lines.append(_SLOT_WORDS[schedule.slots])
    if evidence.reading.wait_by_rule:
        lines.append(f"The network asks to wait {evidence.reading.min_wait_hours:g} hours at least.")
    return lines


def _change(evidence: Evidence, verdict: Verdict) -> str:
    if verdict in ("plan", "attempt_now"):
        return "An approval elsewhere, a hard decline or the order's expiry would end the tries."
    if verdict == "wait" and group_of(evidence.reading) is not None:  # its cure is waiting, and that is used up
        if evidence.now >= evidence.expires_at:
            return "Its time is up: nothing is tried any more."
        return "Another card of the customer, or an approval elsewhere, may still pay it."
    return evidence.reading.cure


def _alternatives(
    policy: RetryPolicy, verdict: Verdict, group: Group | None, rules: list[str]
) -> tuple[Alternative, ...]:
    chance = OTHER_CARD_CHANCE if OTHER_CARD in rules else None
    other_card = Alternative("other_card", chance, "Another card of the customer.")
    if group is None or verdict in ("wait", "decline_at_once", "challenge"):
        return (other_card,)
    schedule = policy.schedules[group]
    return (
        Alternative("planned", schedule.chance, "The next try as planned; a rough prior."),
        Alternative("daily", schedule.chance_daily, "A try at the same hour each day; a rough prior."),
        other_card,
    )
