"""Network tokens: a number in a card's place, made by its network, which stays when the card is
replaced."""

from pathlib import Path
from typing import Final

from recoup.audit.rules import AUDIT
from recoup.cards.store.vault import KEPT_FOR
from recoup.kernel.facet import FACET
from recoup.kernel.feature import Feature
from recoup.kit.cli.verb_group import VERB
from recoup.kit.retention import GOOD, RETENTION, lines
from recoup.network_tokens import flows
from recoup.network_tokens.rules import BY_NUMBER_VERSION, TokenInput, decide_token, token_for
from recoup.network_tokens.store import IN_VAULT, OF_CARD
from recoup.network_tokens.words import AUDITS, MISSING, PAGE
from recoup.people.page.feature_parts import PORTAL
from recoup.rescue.flows.places import BEFORE_ERASURE, CHECKS, DUE, SENT_BY, SentBy
from recoup.rescue.moves.in_place import IN_PLACE, InPlace
from recoup.rescue.moves.plan import AFTER_PLAN
from recoup.rescue.rules.deciders import DECIDER, without_policy
from recoup.routes.flows.signed_notices import ROUTE_NOTICE, RouteNotice
from recoup.switches.flows.card_switches import SWITCH, CardSwitch

NETWORK_TOKENS: Final = Feature(
    name="network_tokens",
    folder=Path(__file__).parent,
    tables=("network_tokens",),
    adds=(
        RETENTION(lines("network_tokens", f"{GOOD}; its number until erased", "erase_tokens")),
        FACET(OF_CARD),
        KEPT_FOR(IN_VAULT),
        AFTER_PLAN(flows.want_token),
        IN_PLACE(
            InPlace(
                chosen=lambda order, attempt, now: token_for(
                    order.facet(OF_CARD), order, attempt, now
                ),
                shown=lambda order: order.facet(OF_CARD),
                gone=flows.gone,
            )
        ),
        SENT_BY(SentBy(opened=flows.token_credential, keep_news=flows.keep_token_news)),
        BEFORE_ERASURE(flows.delete_tokens),
        CHECKS(flows.undeleted),
        DUE({flows.DUE: flows.work_network_token}),
        DECIDER(
            without_policy(BY_NUMBER_VERSION, lambda data: decide_token(TokenInput.from_dict(data)))
        ),
        SWITCH(
            CardSwitch(
                "network_tokens",
                "order.network_tokens",
                usual=False,
                offered=lambda world: bool(world.token_services),
                missing=MISSING,
                page=PAGE,
                option=(
                    "network-tokens",
                    "Have network tokens made for cards, and charge by them.",
                ),
                meaning="Make a network token for each card with a further attempt, and charge by "
                "it.",
                example={"networkTokens": True},
            )
        ),
        AUDIT(AUDITS),
        ROUTE_NOTICE(RouteNotice("network-tokens", "noticeId", flows.take_token_notice)),
        VERB(
            {
                "sandbox token": (
                    "Changes the network token of an order's card, as its network would; see "
                    "docs/cards.md.",
                    "recoup.network_tokens.cli",
                )
            }
        ),
        PORTAL("recoup.network_tokens.page"),
    ),
)
