"""Words of a notification: a title, a few lines, and the page that it is about. Ids and amounts,
nothing of payers."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from recoup.kernel.extended import Extended
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import tail
from recoup.kernel.kept_sentence import kept
from recoup.kernel.money import money
from recoup.kit.languages.locale import PLAIN, Locale
from recoup.notifications.rules.notifications import NOTICE, Notified, Says

Facts = Mapping[str, Any]


@frozen
class Words:
    """`path`: where the portal shows it. `orders`: those that it names, each with its page."""

    title: str
    lines: tuple[str, ...]
    path: str
    orders: tuple[tuple[str, str], ...] = ()


def words_of(kind: str, facts: Facts, to: Locale = PLAIN) -> Words:
    """The words of a notification, in its reader's language; times in their zone, which is
    named."""
    title, lines, path = _SAYS[kind](facts, to)
    return Words(
        title,
        tuple(lines),
        path,
        tuple((name, f"/orders/{order_id}") for name, order_id in _named(facts)),
    )


def _named(facts: Facts) -> list[tuple[str, str]]:
    """(what their owner calls them, our id); one from before that was kept is named by the end of
    its id."""
    ids = facts.get("first") or ([facts["order_id"]] if "order_id" in facts else [])
    names = facts.get("names") or [
        facts["external_id"] if facts.get("external_id") else tail(UUID(order_id))
        for order_id in ids
    ]
    return list(zip(names, ids, strict=False))


def foot_of(stop: str, settings: str, to: Locale) -> str:
    """The text below every such mail. `stop`, `settings`: links."""
    return (
        f"-- \n{to.say('Stop these e-mails: {link}', link=stop)}\n"
        f"{to.say('Notification settings: {link}', link=settings)}"
    )


def _amount(units: int, asset: str) -> str:
    return f"{money(units, asset)} {asset}"


def _sum(facts: Facts) -> str:
    return _amount(facts["units"], facts["asset"])


def _sums(amounts: list[tuple[str, int]]) -> str:
    return ", ".join(_amount(units, asset) for asset, units in amounts)


def _when(text: str, to: Locale) -> str:
    return to.moment(datetime.fromisoformat(text))


def _day(text: str, to: Locale) -> str:
    return to.day(date.fromisoformat(text[:10]))


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _orders(facts: Facts, to: Locale) -> Notified:
    count, first = facts["orders"], facts["first"]
    orders = ", ".join(name for name, _ in _named(facts))
    if count > len(first):
        orders = to.say("{orders} and others", orders=orders)
    states = [
        to.say(shape, count=f"{facts[name]:,}")
        for name, shape in (("problem", "{count} in Problem"), ("onhold", "{count} on hold"))
        if facts[name]
    ]
    path = f"/orders/{first[0]}" if count == 1 else "/orders?attention=1"
    title = to.say(
        "{count} order needs attention" if count == 1 else "{count} orders need attention",
        count=f"{count:,}{'+' if facts.get('capped') else ''}",
    )
    return title, [f"{', '.join(states)}: {orders}."], path


def _dispute(facts: Facts, to: Locale) -> Notified:
    title = to.say(
        "A dispute over {amount} entered its next stage"
        if facts.get("continued")
        else "A dispute over {amount} was opened",
        amount=_sum(facts),
    )
    until = facts.get("respond_by")
    by = (
        to.say("Answer by {when}.", when=_when(until, to))
        if until
        else to.say("No deadline is known.")
    )
    return title, [f"{of_order(facts, to)} {by}"], f"/disputes/{facts['dispute_id']}"


def of_order(facts: Facts, to: Locale) -> str:
    return to.say("Of order {order}.", order=_named(facts)[0][0])


def _elsewhere(facts: Facts, to: Locale) -> Notified:
    return (
        to.say(_ELSEWHERE[facts["kind"]], amount=_sum(facts)),
        [of_order(facts, to)],
        f"/orders/{facts['order_id']}",
    )


_ELSEWHERE: Final = {
    "refund": "A refund of {amount} was made at the processor",
    "void": "A hold of {amount} was released at the processor",
    "capture": "{amount} were captured at the processor",
    "capture_failed": "A capture of {amount} failed at the processor",
}


def _capture_due(facts: Facts, to: Locale) -> Notified:
    title = to.say("Capture by {when}, or the hold is let go", when=_when(facts["until"], to))
    return title, [of_order(facts, to)], f"/orders/{facts['order_id']}"


def _deadline(facts: Facts, to: Locale) -> Notified:
    days = facts["days"]
    title = to.say(
        "Evidence is due within a day: a dispute over {amount}"
        if days == 1
        else "Evidence is due in {days} days or less: a dispute over {amount}",
        days=str(days),
        amount=_sum(facts),
    )
    lost = to.say(
        "No evidence was sent yet; without an answer by {when} it is lost.",
        when=_when(facts["respond_by"], to),
    )
    return title, [f"{of_order(facts, to)} {lost}"], f"/disputes/{facts['dispute_id']}"


_PAYOUT: Final = {
    "scheduled": (
        "A payout of {amount} is scheduled",
        "Nothing is sent before a bank account is in use and the operator’s second person has "
        "approved it.",
    ),
    "pending": (
        "A payout of {amount} is scheduled",  # the wording before payouts had a time of sending
        "Nothing is sent before a bank account is in use and the operator’s second person has "
        "approved it.",
    ),
    "sent": ("A payout of {amount} was sent", "The bank has it, and has not confirmed it yet."),
    "completed": ("A payout of {amount} was confirmed", "The bank says that it arrived."),
    "failed": ("A payout of {amount} failed", "The bank refused it; it can be paid again."),
    "reversed": ("A payout of {amount} came back", "The bank returned it; it can be paid again."),
    "waits_again": (
        "A payout of {amount} waits for approval again",
        "The earlier approval is no longer valid.",
    ),
}


def _payout(facts: Facts, to: Locale) -> Notified:
    title, line = _PAYOUT[facts["status"]]
    return to.say(title, amount=_sum(facts)), [to.say(line)], f"/settlements/{facts['batch_id']}"


def _approval(facts: Facts, to: Locale) -> Notified:
    title = to.say("A payout of {amount} waits for approval", amount=_sum(facts))
    line = (
        "It is sent when a bank account is in use and somebody other than the requester has "
        "approved it."
    )
    return title, [to.say(line)], "/approvals"


def _settlement(facts: Facts, to: Locale) -> Notified:
    first, last = _day(facts["period_from"], to), _day(facts["last_day"], to)
    days = to.say(
        "For {first}, a day of GMT." if first == last else "For {first} to {last}, days of GMT.",
        first=first,
        last=last,
    )
    return (
        to.say("A settlement was closed: {amount}", amount=_sum(facts)),
        [days],
        f"/settlements/{facts['batch_id']}",
    )


def _webhook(facts: Facts, to: Locale) -> Notified:
    off = facts["state"] == "disabled"
    title = to.say("A webhook endpoint was switched off" if off else "A webhook endpoint is down")
    then = to.say(
        "Nothing is sent there any more."
        if off
        else "It is probed until it answers again; no events are lost."
    )
    return title, [f"{facts['host']}. {then}"], f"/webhooks/{facts['endpoint_id']}"


def _partner_webhook(facts: Facts, to: Locale) -> Notified:
    title, lines, path = _webhook(facts, to)
    return title, lines, f"/partner{path}"


def _go_live(facts: Facts, to: Locale) -> Notified:
    if facts["state"] == "approved":
        return (
            to.say("Going live was approved"),
            [to.say("The live environment is being opened.")],
            "/onboarding",
        )
    return to.say("Going live was refused"), [to.say("The page says why.")], "/onboarding"


def _export(facts: Facts, to: Locale) -> Notified:
    name, path = facts["file_name"], f"/exports#file-{facts['export_id']}"
    if facts["why"]:
        return to.say("An export failed"), [f"{name}: {to.said(kept(facts['why']))}"], path
    line = to.say(
        "{file}, with {count} order{s}. It is deleted on {when}.",
        file=name,
        count=f"{facts['orders']:,}",
        s=_s(facts["orders"]),
        when=_when(facts["gone_at"], to),
    )
    return to.say("Your file is ready"), [line], path


def _backtest(facts: Facts, to: Locale) -> Notified:
    lines = [f"{to.said(kept(facts['payments']))}. {to.said(kept(facts['policy']))}."]
    if facts["why"]:
        lines.append(to.said(kept(facts["why"])))
    title = to.say("A back-test has no figures" if facts["why"] else "Your back-test is made")
    return title, lines, f"/backtests/{facts['backtest_id']}"


def rate(rescued: int, declined: int) -> str:
    return f"{100 * rescued / declined:.1f} %" if declined else "–"


def _rate(facts: Facts, to: Locale) -> Notified:
    (declined, rescued), (declined_before, rescued_before) = facts["recent"], facts["before"]
    now, was = rate(rescued, declined), rate(rescued_before, declined_before)
    lines = [
        to.say(
            "Of {declined} declined payments of the last 24 hours {rescued} are rescued: {rate}.",
            declined=f"{declined:,}",
            rescued=f"{rescued:,}",
            rate=now,
        ),
        to.say(
            "Of {declined} of the seven days before, {rescued} were at the same age: {rate}.",
            declined=f"{declined_before:,}",
            rescued=f"{rescued_before:,}",
            rate=was,
        ),
    ]
    return to.say("The rescue rate fell from {was} to {now}", was=was, now=now), lines, "/overview"


def _drift(facts: Facts, to: Locale) -> Notified:
    low = facts["approved"] < facts["expected"]
    title = to.say(
        "The model expects more approvals than there are"
        if low
        else "The model expects fewer approvals than there are"
    )
    counted = to.say(
        "Of {tries} attempts in {days} days it expected {expected} approvals; there were {count}.",
        tries=f"{facts['tries']:,}",
        days=str(facts["days"]),
        expected=f"{facts['expected']:,}",
        count=f"{facts['approved']:,}",
    )
    return title, [counted, to.say("The operator can train a new model.")], "/overview"


def _unlisted(facts: Facts, to: Locale) -> Notified:
    line = to.say(
        "Orders of the last {days} days with it: {count}. Their declines are classified by their "
        "other data.",
        days=str(facts["days"]),
        count=f"{facts['orders']:,}",
    )
    return to.say("The code {code} is on no list", code=facts["code"]), [line], "/engine"


def _alike(facts: Facts, to: Locale) -> Notified:
    title = to.say(
        "Two orders of one card: {amount} and {other}",
        amount=_sum(facts),
        other=_amount(facts["other_units"], facts["asset"]),
    )
    line = to.say(
        "Both were declined. Card networks take a changed amount for a way around their limits: "
        "send what is owed, "
        "in one amount."
    )
    return title, [line], f"/orders/{facts['order_id']}"


def _monitoring(facts: Facts, to: Locale) -> Notified:
    title = to.say(
        "The threshold of {program} is exceeded"
        if facts["state"] == "over"
        else "Half of the threshold of {program} is reached",
        program=facts["program"],
    )
    ratio = facts["basis_points"]
    line = to.say(
        "Merchant number {acceptor}: {count} cases this month, {ratio} of the sales. The threshold "
        "is {least} "
        "cases and {least_ratio}.",
        acceptor=facts["acceptor"],
        count=f"{facts['cases']:,}",
        ratio=f"{ratio / 100:.2f} %" if ratio is not None else "–",
        least=f"{facts['cases_min']:,}",
        least_ratio=f"{facts['basis_points_min'] / 100:.2f} %",
    )
    return title, [line], "/monitoring"


_UPLIFT: Final = {
    "harm": "The engine brings less than the comparison group",
    "gone": "The uplift of this quarter is below the one that was shown before",
    "other": "The engine changes more than the share of rescued payments",
    "shown": "The engine brings more than the comparison group",
}


_HARMED: Final = {
    "disputes": "More orders have a dispute.",
    "orders_per_payer": "Customers come back less often.",
    "customers_lost": "More customers stay unpaid after their last order.",
}


def _uplift(facts: Facts, to: Locale) -> Notified:
    finding, _, harmed = facts["finding"].partition(":")
    if finding == "floor":
        return _floor(facts, to)
    low, high = (
        f"{100 * facts[name]:+.1f}" if facts[name] is not None else "–" for name in ("low", "high")
    )
    line = to.say(
        "Of {engine} orders of the engine and {holdout} of the comparison group: between {low} and "
        "{high} points.",
        engine=f"{facts['engine']:,}",
        holdout=f"{facts['holdout']:,}",
        low=low,
        high=high,
    )
    return (
        to.say(_UPLIFT[finding]),
        [*(to.say(_HARMED[name]) for name in harmed.split(",") if name), line],
        "/uplift",
    )


def _floor(facts: Facts, to: Locale) -> Notified:
    low, high = (f"{100 * facts[name]:.1f}" for name in ("low", "high"))
    line = to.say(
        "On {count} orders it would have rescued {low} to {high} percentage points more. You can "
        "start it again.",
        count=f"{facts['orders']:,}",
        low=low,
        high=high,
    )
    title = to.say("The engine was stopped: the fixed schedule would have rescued more")
    return title, [line], f"/backtests/{facts['backtest_id']}"


def _processor(facts: Facts, to: Locale) -> Notified:
    title = to.say("The card processor {route} refuses its account or key", route=facts["route"])
    lines = [
        to.say(
            "Its payments wait, or go by another processor. Check the account and its key there."
        )
    ]
    said = ": ".join(part for part in (facts.get("code"), facts.get("text")) if part)
    path = "/connections" if facts.get("own") else "/processors"
    return (
        title,
        [to.say("The processor says: {words}", words=said), *lines] if said else lines,
        path,
    )


def _digest(facts: Facts, to: Locale) -> Notified:
    rescued, declined = f"{facts['rescued']:,}", f"{facts['declined']:,}"
    lines = [
        to.say(
            "Declined {declined}, rescued {rescued}: {rate} of {declined}.",
            declined=declined,
            rescued=rescued,
            rate=rate(facts["rescued"], facts["declined"]),
        )
    ]
    if facts["recovered"]:
        lines.append(to.say("Recovered {amounts}.", amounts=_sums(facts["recovered"])))
    if facts["refunds"]:
        lines.append(
            to.say(
                "{count} refund{s}: {amounts}.",
                count=f"{facts['refunds']:,}",
                s=_s(facts["refunds"]),
                amounts=_sums(facts["refunded"]),
            )
        )
    if facts["disputes"]:
        lines.append(
            to.say(
                "{count} dispute{s} opened.",
                count=f"{facts['disputes']:,}",
                s=_s(facts["disputes"]),
            )
        )
    lines.append(
        to.say(
            "In flight now: {flying}. Waiting for a person: {waiting}.",
            flying=f"{facts['in_flight']:,}",
            waiting=f"{facts['waiting']:,}",
        )
    )
    title = to.say(
        "{day}: {rescued} of {declined} rescued",
        day=_day(facts["day"], to),
        rescued=rescued,
        declined=declined,
    )
    return title, lines, "/overview"


_OWN: Final[Mapping[str, Says]] = {
    "orders": _orders, "dispute": _dispute, "deadline": _deadline, "payout": _payout,
    "payout_failed": _payout, "approval": _approval, "settlement": _settlement, "webhook": _webhook,
    "go_live": _go_live, "partner_webhook": _partner_webhook, "export": _export, "rate": _rate,
    "drift": _drift, "digest": _digest, "uplift": _uplift, "unlisted_code": _unlisted,
    "alike_amounts": _alike, "elsewhere": _elsewhere, "backtest": _backtest,
    "capture_due": _capture_due, "monitoring": _monitoring, "processor": _processor,
    "own_processor": _processor,
}  # fmt: skip
_SAYS: Final = Extended(_OWN, NOTICE, lambda notice: {notice.kind.name: notice.says})
