"""Lines of the audit log in words: what was done, to what, and where that is looked at."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from recoup.audit.rules import ACTIONS, NOUNS
from recoup.kernel.ids import parse_id
from recoup.kernel.money import EXPONENTS, shown
from recoup.kernel.scope import Actor
from recoup.kit.languages.times import Times
from recoup.orders.rules.attention import sentence_of

_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")
# What other logs call their happenings, after who did it.
OTHERS: Final[Mapping[str, str]] = {
    "account.codes_guessed": "entered too many wrong codes",
    "account.other_sessions_ended": "ended all other sessions",
    "account.password_changed": "changed their password",
    "account.recovery_code_used": "used a recovery code",
    "account.password_link_asked": "prepared an e-mail with a link for a new password",
    "account.password_link_made": "created a link for a new password",
    "account.password_set": "set a new password with a link",
    "account.recovery_codes_made": "created new recovery codes",
    "account.renamed": "changed their name",
    "account.second_factor_moved": "moved their second factor",
    "account.session_ended": "ended a session",
    "account.second_factor_off": "turned their second factor off",
    "account.second_factor_on": "turned a second factor on",
    "account.sign_in_failed": "entered a wrong password",
    "account.signed_in": "signed in",
    "account.rule_ended": "made the second factor optional",
    "account.rule_made": "made the second factor mandatory",
    "account.second_factor_removed": "removed a lost second factor",
    "application.approved": "approved an application",
    "application.cancelled": "cancelled an application",
    "application.changed": "changed an application", "application.converted": "created a merchant "
                                                                              "from an application",
    "application.created": "started an application",
    "application.declined": "declined an application",
    "application.document_added": "added a document to an application",
    "application.document_removed": "removed a document from an application",
    "application.submitted": "submitted an application", "clock.moved": "moved the sandbox's clock",
    "look.began": "started to impersonate somebody", "look.ended": "ended an impersonation",
    "order.cancelled": "cancelled an order", "order.capture_asked": "requested a capture",
    "order.card_replaced": "changed an order's card",
    "order.dispute_answer_owed": "answered a dispute",
    "order.expiry_moved": "changed an order's expiry", "order.held": "put an order on hold",
    "order.notes_changed": "changed an order's metadata", "order.planned": "retried an order now",
    "order.refund_asked": "requested a refund that needs approval",
    "order.refund_by_hand_proposed": "marked a refund as paid by hand",
    "order.refund_done": "completed a refund", "order.refund_owed": "refunded an order",
    "order.refund_refused": "refused a refund",
    "order.refund_request_refused": "refused a refund request",
    "order.refund_request_withdrawn": "withdrew a refund request",
    "order.refund_retried": "sent a refund again", "order.released": "released an order from hold",
    "order.dealt_with": "marked an order's problem as resolved",
    "order.retries_resumed": "resumed an order's attempts",
    "order.retries_stopped": "stopped an order's attempts",
    "order.reversal_by_hand_proposed": "marked a reversal as paid by hand",
    "order.reversal_owed": "returned a late payment",
    "order.reversal_retried": "sent a reversal again", "order.reversed": "completed a reversal",
    "order.settled_by_hand": "settled a late payment by hand",
    "order.settlement_replaced": "repeated an order's settlement",
    "order.void_retried": "retried a void", "partner.key_decided": "decided what a partner key may",
    "partner.key_made": "created a partner key", "partner.key_named": "named a partner key",
    "partner.merchant_changed": "changed a merchant",
    "partner.merchant_keys_made": "created a merchant's keys",
    "partner.merchant_made": "created a merchant",
    "partner.policy_set": "set the bounds of retry policies",
    "partner.quota_set": "set a partner's quota or state",
    "partner.webhook_changed": "changed a partner's webhook",
    "partner.webhook_deleted": "deleted a partner's webhook",
    "partner.webhook_key_replaced": "replaced a partner's signing key",
    "partner.webhook_made": "created a partner's webhook",
    "partner.webhook_replayed": "replayed a partner's events",
    "partner.webhook_tested": "sent a partner a sample event", "people.ended": "ended a membership",
    "people.invited": "invited somebody", "people.joined": "joined",
    "people.revoked": "revoked an invitation", "switch.off": "switched an order type off",
    "switch.on": "switched an order type on", "upload.sent": "sent a file of payments",
}  # fmt: skip
SECTIONS: Final[Mapping[str, str]] = {
    "orders": "Orders and refunds",
    "customers": "Customers and blocks",
    "disputes": "Disputes",
    "money": "Money, terms and bank accounts",
    "settings": "Settings and switches",
    "keys": "Keys and webhooks",
    "people": "People and sign-ins",
    "files": "Files and exports",
    "onboarding": "Applications and going live",
}


def what(action: str) -> str:
    return ACTIONS.get(action) or OTHERS.get(action) or action.replace("_", " ").replace(".", ": ")


def kind_of(action: str) -> str:
    return action.partition(".")[0]


def object_word(action: str) -> str:
    kind = kind_of(action)
    return NOUNS[kind].said or kind if kind in NOUNS else kind


def kinds_of(section: str) -> tuple[str, ...]:
    return tuple(noun.name for noun in NOUNS.values() if noun.section == section)


def place(action: str, subject: str, facts: Mapping[str, Any]) -> str:
    """The page of the object, empty when there is none."""
    if action in ("dispute.simulated", "decline.simulated"):
        return f"/orders/{subject}"
    if action == "payout.asked_again":
        return f"/settlements/{subject}"
    if action == "webhook.deleted" or action == "webhook.changed" and not subject:
        return "/webhooks"
    if kind_of(action) == "block":
        return f"/customers/{subject}" if facts.get("kind") == "customer" else "/customers"
    return NOUNS[kind_of(action)].page.format(subject) if kind_of(action) in NOUNS else ""


def facts_with_sentence(action: str, facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """The facts, with a sentence in place of a code of why in an order's log; elsewhere `why` is
    what somebody typed."""
    why = facts.get("why")
    return {**facts, "why": sentence_of(why)} if why and kind_of(action) == "order" else facts


def facts_in_words(facts: Mapping[str, Any], times: Times) -> list[tuple[str, str, str | None]]:
    """(name, value or old value, new value where there is one); moments as `times` has them."""
    values = {name: value for name, value in facts.items() if name != "place"}
    units, asset = values.pop("units", None), values.pop("asset", None)
    facts_said: list[tuple[str, str, str | None]] = []
    if isinstance(units, int) and asset in EXPONENTS:
        facts_said.append(("amount", f"{shown(units, asset)} {asset}", None))
    for name, value in values.items():
        if value in (None, "", [], {}):
            continue
        pair = isinstance(value, list) and len(value) == 2 and name not in ("events", "kinds")
        old, new = (value[0], value[1]) if pair else (value, None)
        facts_said.append(
            (name.replace("_", " "), _word(old, times), _word(new, times) if pair else None)
        )
    return facts_said


def _word(value: Any, times: Times) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == "":
        return "none"
    if isinstance(value, list):
        return ", ".join(_word(part, times) for part in value)
    if isinstance(value, dict):
        return (
            ", ".join(
                f"{name.replace('_', ' ')} {_word(part, times)}" for name, part in value.items()
            )
            or "none"
        )
    return _moment(value, times) or str(value)


def _moment(value: Any, times: Times) -> str:
    """Empty for what is none: a name, too, may look like one."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        return ""
    try:
        return times.full(datetime.fromisoformat(value.replace("Z", "+00:00")))
    except (ValueError, OverflowError):
        return ""


def door(actor: str) -> str:
    """The door by which it came, as far as the actor says."""
    who = Actor.of(actor)
    return {
        "user": "portal",
        "partner": "partner",
        "api": "API",
        "link": "link",
        "worker": "Recoup",
    }.get(who.kind, "portal" if parse_id(who.id) else "command line")
