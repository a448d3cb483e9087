"""Network tokens: a number in a card's place, made by its network, which stays when the card is replaced."""

from pathlib import Path
from typing import Final

from recoup.core.kit.credential import InPlace
from recoup.core.kit.feature import Feature
from recoup.features.network_tokens import flows
from recoup.features.network_tokens.api import SWITCH
from recoup.features.network_tokens.rules import BY_NUMBER_VERSION, TokenInput, decide_token
from recoup.features.network_tokens.store import OF_CARD
from recoup.flows.signed_notices import RouteNotice

NETWORK_TOKENS: Final = Feature(
    name="network_tokens",
    folder=Path(__file__).parent,
    facet=OF_CARD,
    after_plan=flows.want_token,
    in_place=InPlace(
        chosen=flows.chosen,
        shown=flows.shown,
        gone=flows.gone,
        opened=flows.token_credential,
        keep_news=flows.keep_token_news,
    ),
    before_erasure=flows.delete_tokens,
    checks=flows.undeleted,
    due={flows.DUE: flows.work_network_token},
    deciders={BY_NUMBER_VERSION: lambda data: decide_token(TokenInput.from_dict(data))},
    switches={SWITCH.setting: SWITCH},
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
