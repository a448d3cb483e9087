"""Texts about settlement addresses and chains, in the log of acts and in notifications."""

from datetime import datetime
from typing import Final

from recoup.audit.rules import Noun
from recoup.chains.channels import NETWORK_PRESETS
from recoup.kit.languages.locale import Locale
from recoup.notifications.rules.notification_words import Facts
from recoup.notifications.rules.notifications import Kind, Notice, Notified

PATH: Final = "/settlement-addresses"
SENDER: Final = "chain_sender"  # the notification of what the sender cannot do
AUDITS: Final = {
    "chain.lifted": "let a halted chain go on",
    "refund_address.named": "named the wallet that an order’s refund goes to",
    "settlement_address.approved": "approved a settlement address",
    "settlement_address.entered": "entered a settlement address",
    "settlement_address.withdrawn": "withdrew a settlement address",
    "settlement_address.tolerance": "set how much less pays a stablecoin order",
    "stablecoin_payout.approved": "approved a stablecoin payout",
    "stablecoin_payout.refused": "refused a stablecoin payout",
    "chain.swept": "had another token or a coin swept to where an order’s terms say",
}
NOUNS: Final = (
    Noun("chain", "money"),
    Noun("settlement_address", "money", "settlement address", "/settlement-addresses"),
    Noun("refund_address", "money"), Noun("stablecoin_payout", "money", "payout"),
)  # fmt: skip
# Why a channel takes no payments.
UNPROVED: Final = "not proved yet"
PROVED_LONG_AGO: Final = "not proved lately"
NO_FACTORY: Final = "no factory yet"
OTHER_FACTORY: Final = "the factory's code is not ours"
OTHER_CONTRACT: Final = "the code behind deposit addresses is not ours"
OTHER_PLACE: Final = "it puts a deposit address where we do not derive it"
_TITLES: Final = {
    "entered": "A settlement address was entered",
    "approved": "A settlement address was approved",
    "withdrawn": "A settlement address was withdrawn",
}


def _changed(facts: Facts, to: Locale) -> Notified:
    lines = [facts["address"]]
    if facts["did"] == "approved":
        when = to.moment(datetime.fromisoformat(facts["holds_from"]))
        lines.append(to.say("New orders settle to it from {when} on.", when=when))
    elif facts["did"] == "entered":
        lines.append(to.say("If it is not yours, withdraw it now."))
    return to.say(_TITLES[facts["did"]]), lines, PATH


def _waits(facts: Facts, to: Locale) -> Notified:
    return to.say("A settlement address waits for approval"), [facts["address"]], PATH


_SENDING: Final = {
    "failed": "A send on {chain} failed",
    "waits": "Sends on {chain} need attention",
    "halted": "The sender on {chain} has stopped",
    "payout": "A payout on {chain} waits for approval",
}


def _sending(facts: Facts, to: Locale) -> Notified:
    where = "/approvals" if facts["what"] == "payout" else "/chains"
    return to.say(_SENDING[facts["what"]], chain=_title(facts["chain"])), [facts["why"]], where


def _halted(facts: Facts, to: Locale) -> Notified:
    title = to.say(
        "Chain {chain} is halted: nothing of it is credited", chain=_title(facts["chain"])
    )
    return (
        title,
        [facts["why"], to.say("Look at it, then let it go on with `recoup chain lift`.")],
        "/chains",
    )


def _title(chain: str | int) -> str:
    """Title of a network by its name, or by a chain's id, which it keeps where no preset has it."""
    known = (
        network.title
        for name, network in NETWORK_PRESETS.items()
        if str(chain) in (name, str(network.chain_id))
    )
    return next(known, str(chain))


_OWNERS: Final = frozenset({"owner", "operations"})
NOTICES: Final = (
    Notice(Kind("chain_halted", "Chains that were halted",
                "its blocks changed behind what was final, or a node is on another chain",
                frozenset()), _halted),
    Notice(Kind("settlement_address", "Settlement addresses",
                "a wallet for stablecoins was entered, approved or withdrawn", _OWNERS), _changed),
    Notice(Kind("address_approval", "Settlement addresses to approve",
                "a merchant’s wallet waits for the operator’s approval", frozenset()), _waits),
    Notice(Kind(SENDER, "Stablecoin sends",
                "a settlement, refund or payout on a chain waits or failed, or its sender has "
                "stopped", frozenset()),
           _sending),
)  # fmt: skip
