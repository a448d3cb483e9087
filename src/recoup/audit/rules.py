"""Rules of what an audit line may say: the acts that no other log keeps, and which facts stand
beside them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from recoup.kernel.extended import Extended
from recoup.kernel.feature import Place
from recoup.kernel.money import shown
from recoup.kernel.time import iso

CHARS_MAX: Final = 300
LIST_MAX: Final = 50
# action -> what was done, after who did it. Its first part is the kind of what it was done to.
_OWN: Final[Mapping[str, str]] = {
    "adjustment.booked": "approved an adjustment",
    "adjustment.made": "created an adjustment",
    "adjustment.refused": "refused an adjustment",
    "arms.changed": "changed the settings of the rescue engine",
    "import.sent": "imported a file of past attempts",
    "import.stopped": "stopped an import of past attempts",
    "risk.changed": "changed the settings of the risk check",
    "backtest.asked": "asked for a back-test",
    "bank_account.approved": "approved a bank account",
    "bank_account.entered": "entered a bank account",
    "bank_account.not_proved": "entered two wrong amounts for a bank account",
    "bank_account.proved": "verified a bank account by its two amounts",
    "bank_account.refused": "refused or withdrew a bank account",
    "block.lifted": "unblocked a customer or card",
    "block.made": "blocked a customer or card",
    "bulk.begun": "started a bulk action",
    "campaign.changed": "changed a campaign",
    "card_join.joined": "joined two cards for good",
    "card_join.proposed": "proposed to join two cards",
    "card_join.refused": "refused to join two cards",
    "campaign.made": "created a campaign",
    "campaign.retired": "retired a campaign",
    "customer.erased": "erased a customer's data",
    "customer.exported": "exported a customer's data",
    "customer.revealed": "viewed a customer's unmasked data",
    "decline.simulated": "simulated a decline",
    "dispute.simulated": "simulated a dispute",
    "dispute.file_added": "added a file of evidence to a dispute",
    "dispute.noted": "added evidence to a dispute",
    "dispute_terms.set": "set dispute terms",
    "engine.resumed": "let the rescue engine decide again",
    "engine.return_set": "set whether the rescue engine stops by itself",
    "engine.stopped": "stopped the rescue engine",
    "policy.set": "set the retry policy",
    "processor.changed": "changed a connection to a processor",
    "processor.connected": "connected a processor",
    "processor.disconnected": "disconnected a processor",
    "route.off": "switched a card processor off",
    "route.on": "switched a card processor on",
    "sending.off": "switched all sending off",
    "sending.on": "switched sending on",
    "export.asked": "requested an export of orders",
    "export.fetched": "downloaded an export of orders",
    "exposure.set": "set the limits of advances",
    "fees.set": "set fees",
    "file.taken": "downloaded a file",
    "go_live.approved": "approved going live",
    "go_live.asked": "asked to go live",
    "go_live.refused": "refused going live",
    "go_live.withdrawn": "withdrew the request to go live",
    "handover.opened": "opened a link to credentials",
    "key.decided": "decided what a key may",
    "key.ended": "ended a key",
    "key.made": "created a key",
    "key.named": "named a key",
    "country.changed": "changed the country of the account",
    "limits.changed": "changed refund limits of a role",
    "notice.settled": "resolved a processor's notice",
    "notice.tried": "retried a processor's notice",
    "notices.changed": "switched an e-mail to customers",
    "order.card_updates": "switched queries about replaced cards",
    "order.other_cards": "switched attempts on another card of the same customer",
    "order.noted": "added a note to an order",
    "order.revealed": "viewed the unmasked customer data of an order",
    "payout.approved": "approved a payout",
    "payout.asked_again": "requested a returned payout again",
    "payout.paid": "marked a payout as paid",
    "payout.returned": "marked a payout as returned",
    "settlement_terms.set": "set settlement terms",
    "sight.changed": "changed a role's access to customers' data",
    "site.changed": "changed a site",
    "site.made": "created a site",
    "site.retired": "retired a site",
    "stablecoin_payout.asked": "requested a stablecoin payout",
    "statement.booked": "booked lines of a compared file",
    "statement.compared": "compared a file",
    "subscription.changed": "paused, resumed or ended a subscription",
    "subscription.made": "created a subscription",
    "unknown_sites.changed": "changed the handling of unknown sites",
    "upload.stopped": "stopped a file of payments",
    "view.changed": "changed a shared view of orders",
    "view.deleted": "deleted a shared view of orders",
    "view.shared": "shared a view of orders",
    "view.unshared": "stopped sharing a view of orders",
    "webhook.changed": "changed a webhook",
    "webhook.deleted": "deleted a webhook",
    "webhook.made": "created a webhook",
    "webhook.redelivered": "sent an event again",
    "webhook.replayed": "replayed events",
    "webhook.tested": "sent a sample event",
    "webhook_key.replaced": "replaced a webhook signing key",
}  # fmt: skip
AUDIT: Final = Place[Mapping[str, str]]("audit")  # acts in words
ACTIONS: Final = Extended(_OWN, AUDIT, dict)


class Noun(NamedTuple):
    """What an act is done to: the first part of its name. `section`: of the log's page. `said`:
    where the word is another. `page`: where one is looked at, or the list of them."""

    name: str
    section: str
    said: str = ""
    page: str = ""


_NOUNS: Final = (
    Noun("order", "orders", page="/orders/{0}"), Noun("bulk", "orders", page="/orders/bulk/{0}"),
    Noun("customer", "customers", page="/customers/{0}"), Noun("block", "customers"),
    Noun("card_join", "customers", "join of cards", "/cards"),
    Noun("dispute", "disputes", page="/disputes/{0}"), Noun("notice", "disputes"),
    Noun("adjustment", "money", page="/settlements"),
    Noun("bank_account", "money", "bank account", "/bank"),
    Noun("dispute_terms", "money", "terms"), Noun("exposure", "money"), Noun("fees", "money"),
    Noun("limits", "money", "limit", "/roles"), Noun("payout", "money", page="/settlements"),
    Noun("settlement_terms", "money", "terms"),
    Noun("statement", "money", page="/reconciliation/files/{0}"), Noun("subscription", "money"),
    Noun("arms", "settings"), Noun("backtest", "settings", "back-test", "/backtests/{0}"),
    Noun("campaign", "settings", page="/switches/campaigns/{0}"),
    Noun("clock", "settings", page="/developers"),
    Noun("country", "settings", "setting", "/switches"), Noun("decline", "settings"),
    Noun("engine", "settings"), Noun("notices", "settings", "mail", "/mailbox"),
    Noun("policy", "settings", page="/policy"), Noun("risk", "settings"),
    Noun("route", "settings"), Noun("sending", "settings"),
    Noun("sight", "settings", "setting", "/roles"), Noun("site", "settings", page="/switches"),
    Noun("switch", "settings", page="/switches"),
    Noun("unknown_sites", "settings", "setting", "/switches"),
    Noun("view", "settings", page="/orders?view={0}"), Noun("handover", "keys"),
    Noun("key", "keys", page="/keys"), Noun("processor", "keys"),
    Noun("webhook", "keys", page="/webhooks/{0}"),
    Noun("webhook_key", "keys", "signing key", "/webhooks"),
    Noun("account", "people", "member", "/invitations"), Noun("look", "people"),
    Noun("people", "people", "member", "/invitations"), Noun("export", "files", page="/exports"),
    Noun("file", "files"), Noun("import", "files", page="/imports/{0}"),
    Noun("upload", "files", page="/uploads/{0}"),
    Noun("application", "onboarding", page="/applications/{0}"),
    Noun("go_live", "onboarding", "going live", "/onboarding"), Noun("partner", "onboarding"),
)  # fmt: skip
NOUN: Final = Place[Noun]("noun")
NOUNS: Final = Extended({noun.name: noun for noun in _NOUNS}, NOUN, lambda noun: {noun.name: noun})


def checked(action: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts as they are kept: names, and plain values or pairs of old and new.

    Raises: ValueError for an act that has no words.
    """
    if action not in ACTIONS:
        raise ValueError(f"an act without words: {action!r}")
    return {name: _plain(value) for name, value in facts.items()}


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Differences of `new` from `old`, as facts: {what: [old, new]}; of what there was not, {what:
    new}."""
    return {
        name: [old[name], value] if name in old else value
        for name, value in new.items()
        if name not in old or old[name] != value
    }


def amount(units: int, asset: str) -> str:
    """The amount as a fact: `-45.90 USD`."""
    return f"{'-' if units < 0 else ''}{shown(abs(units), asset)} {asset}"


def _plain(value: Any) -> Any:
    """Makes a value plain. No act fails for what its line says: what is no plain value is kept as
    text."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in list(value.items())[:LIST_MAX]}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value[:LIST_MAX]]
    return (iso(value) if isinstance(value, datetime) else str(value)).replace("\0", "")[:CHARS_MAX]
