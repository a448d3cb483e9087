"""Notifications to the people of a merchant or partner: the kinds, who may have each, and what a
person wants.

Source: decision 0038.
"""

from collections.abc import Callable, Mapping
from dataclasses import field
from functools import cache
from typing import Any, Final, NamedTuple

from recoup.kernel.extended import Extended
from recoup.kernel.feature import Place
from recoup.kernel.frozen import frozen
from recoup.kit.languages.locale import Locale

RANKS: Final = ("owner", "operations", "developer", "analyst")  # the strongest first
ALL: Final = frozenset(RANKS)
_MONEY: Final = frozenset({"owner", "operations", "analyst"})
DECIDES: Final = frozenset({"owner", "operations"})  # for the operator


class Kind(NamedTuple):
    """`roles`: who may hear of it; none: only those who decide for the operator. `page`, `mail`:
    unless chosen. `only_requester`: only the requester gets it, wherever they belong. `partner`: a
    partner's people get it, of what is the partner's own, by their role there. `routine`: nobody
    has to do anything about it; it is listed, by week, and not counted at the bell."""

    name: str
    title: str
    meaning: str
    roles: frozenset[str]
    page: bool = True
    mail: bool = True
    only_requester: bool = False
    partner: bool = False
    routine: bool = False


Notified = tuple[str, list[str], str]
Says = Callable[[Mapping[str, Any], Locale], Notified]


class Notice(NamedTuple):
    """An alert that people are notified of: who may hear of it, and what it says."""

    kind: Kind
    says: Says


_KINDS: Final[Mapping[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind(
            "orders",
            "Orders that need attention",
            "in Problem or On hold; at most one e-mail an hour",
            ALL,
        ),
        Kind("dispute", "Disputes", "a dispute was opened or entered its next stage", _MONEY),
        Kind(
            "elsewhere",
            "Made at the processor",
            "a refund, void or capture that was made there and not here, or a capture that failed "
            "later",
            _MONEY,
            mail=False,
            routine=True,
        ),
        Kind(
            "deadline",
            "Evidence that is due",
            "7, 3 and 1 days before the deadline, while no evidence was sent",
            _MONEY,
        ),
        Kind(
            "capture_due",
            "Holds that end soon",
            "an authorisation ends within a day, and was not captured",
            _MONEY,
        ),
        Kind(
            "payout",
            "Payouts",
            "a payout is scheduled, was sent, or was confirmed by the bank",
            _MONEY,
            mail=False,
            routine=True,
        ),
        Kind("payout_failed", "Payouts that failed", "the bank refused or returned it", _MONEY),
        Kind(
            "approval",
            "Payouts to approve",
            "a payout waits for the operator’s second approval",
            frozenset(),
        ),
        Kind(
            "settlement", "Settlements", "a settlement was closed", _MONEY, mail=False, routine=True
        ),
        Kind(
            "webhook",
            "Webhooks that are down",
            "an endpoint no longer accepts events, or was switched off",
            frozenset({"owner", "operations", "developer"}),
        ),
        Kind(
            "partner_webhook",
            "The partner’s webhooks that are down",
            "an endpoint of the partner no longer accepts events, or was switched off",
            frozenset({"owner", "operations", "developer"}),
            partner=True,
        ),
        Kind(
            "rate",
            "Rescue rate that fell",
            "the last day compared with the seven before, at the same age",
            ALL,
        ),
        Kind(
            "drift",
            "A model that no longer fits",
            "its expected approvals compared with those of the last four weeks",
            ALL,
        ),
        Kind(
            "unlisted_code",
            "Codes that nobody here knows",
            "a decline came with a code that is on no list; once a week for each",
            frozenset({"owner", "operations", "developer"}),
        ),
        Kind(
            "alike_amounts",
            "Amounts that differ by cents",
            "a decline came of one card for nearly the amount of another order; once a week for "
            "each card",
            frozenset({"owner", "operations"}),
            mail=False,
        ),
        Kind(
            "monitoring",
            "Monitoring programmes",
            "disputes and fraud reached half of a card network’s threshold, or the whole",
            _MONEY,
        ),
        Kind(
            "uplift",
            "What the engine brings",
            "shown for the first time, gone again, harm was found, or the engine was stopped",
            ALL,
        ),
        Kind(
            "processor",
            "Card processors that refuse us",
            "a processor refuses a shared account or its key; payments wait",
            frozenset(),
        ),
        Kind(
            "own_processor",
            "Your processor account",
            "a processor refuses your own account or its key; payments wait",
            frozenset({"owner", "operations", "developer"}),
        ),
        Kind(
            "go_live",
            "Going live",
            "the operator decided",
            frozenset({"owner", "operations", "developer"}),
        ),
        Kind("export", "Your exports", "an export is ready or failed", ALL, only_requester=True),
        Kind(
            "backtest",
            "Your back-tests",
            "a back-test that took a while is made or failed",
            ALL,
            only_requester=True,
        ),
        Kind(
            "digest",
            "Daily digest",
            "each morning, yesterday's figures: rescued, refunded, disputed, waiting",
            _MONEY,
            page=False,
            mail=False,
        ),
    )
}

NOTICE: Final = Place[Notice]("notice")
KINDS: Final = Extended(_KINDS, NOTICE, lambda notice: {notice.kind.name: notice.kind}, "processor")


class Ways(NamedTuple):
    """The ways by which a person is notified."""

    page: bool
    mail: bool


@frozen
class Reader:
    """Somebody who reaches a merchant. `own_role`: by its own or its partner's membership;
    `operator_role`: by one at the operator. `choices`: what they chose for this merchant, by kind.
    `mails`: whether they take any."""

    own_role: str | None
    operator_role: str | None = None
    choices: Mapping[str, Any] = field(default_factory=dict)
    mails: bool = True


def may_hear(kind: Kind, own_role: str | None, operator_role: str | None) -> bool:
    if not kind.roles:
        return operator_role in DECIDES
    return own_role in kind.roles or operator_role in kind.roles


def usual(kind: Kind, own_role: str | None) -> Ways:
    """Unless chosen. The operator's people see every merchant: of each they get only what needs
    them, and what they requested."""
    if kind.roles and own_role is None and not kind.only_requester:
        return Ways(False, False)
    return Ways(kind.page, kind.mail)


def ways_of(kind: Kind, reader: Reader) -> Ways:
    """The ways in which a person is notified; none for what their role may not have."""
    if not may_hear(kind, reader.own_role, reader.operator_role):
        return Ways(False, False)
    chosen = reader.choices.get(kind.name)
    page, mail = chosen if chosen is not None else usual(kind, reader.own_role)
    return Ways(bool(page), bool(mail) and reader.mails)


def kinds_for(
    own_role: str | None, operator_role: str | None, *, partner: bool = False
) -> list[Kind]:
    """The kinds of a merchant, or of a partner itself."""
    return [
        kind
        for kind in KINDS.values()
        if kind.partner == partner and may_hear(kind, own_role, operator_role)
    ]


def kinds_of(alert: str, facts: Mapping[str, Any]) -> tuple[str, ...]:
    """The kinds that an alert of the world is, the most particular first: a person is notified by
    one of them."""
    if alert == "processor" and facts.get("own"):
        return ("own_processor", "processor")
    if alert != "payout":
        return (alert,)
    status = facts.get("status")
    if status in ("scheduled", "pending"):
        return ("approval", "payout")
    if status == "waits_again":
        return ("approval",)
    return ("payout",) if status in ("sent", "completed") else ("payout_failed",)


@cache
def may() -> tuple[str, ...]:
    """role/kind of what may be heard; operator:role/kind of what only those hear who decide for the
    operator; partner:role/kind of what is a partner's own."""
    return tuple(
        [
            f"{'partner:' * kind.partner}{role}/{kind.name}"
            for kind in KINDS.values()
            for role in sorted(kind.roles)
        ]
        + [
            f"operator:{role}/{kind.name}"
            for kind in KINDS.values()
            if not kind.roles
            for role in sorted(DECIDES)
        ]
    )


@cache
def may_at_bell() -> tuple[str, ...]:
    """Names of the kinds that are no routine."""
    return tuple(name for name in may() if not KINDS[name.rpartition("/")[2]].routine)
