"""Network tokens: a number in a card's place, made by its network, which stays when the card is replaced."""

from pathlib import Path
from typing import Final

from recoup.core.kit.credential import InPlace
from recoup.core.kit.feature import Feature
from recoup.features.network_tokens import flows
from recoup.features.network_tokens.rules import BY_NUMBER_VERSION, TokenInput, decide_token, token_for
from recoup.features.network_tokens.store import OF_CARD
from recoup.features.network_tokens.words import AUDITS, MISSING, PAGE
from recoup.flows.merchants.card_switches import CardSwitch
from recoup.flows.signed_notices import RouteNotice

NETWORK_TOKENS: Final = Feature(
    name="network_tokens",
    folder=Path(__file__).parent,
    facet=OF_CARD,
    after_plan=flows.want_token,
    in_place=InPlace(
        chosen=lambda order, attempt, now: token_for(order.facet(OF_CARD), order, attempt, now),
        shown=lambda order: order.facet(OF_CARD),
        gone=flows.gone,
        opened=flows.token_credential,
        keep_news=flows.keep_token_news,
    ),
    before_erasure=flows.delete_tokens,
    checks=flows.undeleted,
    due={flows.DUE: flows.work_network_token},
    deciders={BY_NUMBER_VERSION: lambda data: decide_token(TokenInput.from_dict(data))},
    switches={
        "network_tokens": CardSwitch(
            "network_tokens",
            "order.network_tokens",
            usual=False,
            offered=lambda world: bool(world.token_services),
            missing=MISSING,
            page=PAGE,
            option=("network-tokens", "Have network tokens made for cards, and charge by them."),
            meaning="Make a network token for each card with a further attempt, and charge by it.",
            example={"networkTokens": True},
        )
    },
    audits=AUDITS,
    notices_of_routes=(RouteNotice("network-tokens", "noticeId", flows.take_token_notice),),
    verbs={
        "sandbox token": (
            "Changes the network token of an order's card, as its network would; see docs/cards.md.",
            "recoup.features.network_tokens.cli",
        )
    },
    tables=("network_tokens",),
    portal="recoup.features.network_tokens.page",
)
