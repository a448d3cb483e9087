"""Check whether earlier charges of a card have left what its merchant would else have to send of
its customer's consent."""

from recoup.cards.flows.method_names import method_id_of, with_route
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope
from recoup.kit.world import World
from recoup.orders.store.card_results import has_first_network_id
from recoup.rescue.flows.seen_before import pan_of
from recoup.rescue.flows.taken import EvaluateRequest
from recoup.rescue.flows.tokenize import Vault


async def is_consent_kept(
    world: World, vault: Vault, scope: Scope, request: EvaluateRequest
) -> bool:
    """True when consent is kept for a payment that nobody has taken yet; False for a card that came
    for the first time."""
    method = with_route(world, scope.merchant_id, request.method)
    token_id = request.token_id or (
        method_id_of(world, scope.merchant_id, method) if method is not None else None
    )
    if token_id is None and request.pan is None:
        return False
    try:
        pan_id = await pan_of(world, vault, scope, request, token_id or scope.merchant_id)
    except Problem:
        return False
    return pan_id is not None and await has_first_network_id(world.db, scope.merchant_id, pan_id)
