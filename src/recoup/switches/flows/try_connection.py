"""Tries the way that an order of one kind would go, hop by hop, without making one and without
touching a card.

A hop that fails does not end the test: the answer names all that is missing at once.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable
from itertools import chain
from typing import Final, Literal
from uuid import UUID

from recoup.kernel.feature import Place
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, Sentence, joined
from recoup.kernel.scope import Scope
from recoup.keys.rules.key_scopes import covers
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import caller_settings
from recoup.merchants.rules.switches import KINDS, check_kind, refused, where_off
from recoup.merchants.store.merchants import MerchantSettings
from recoup.merchants.store.switches import last_actors
from recoup.orders.flows.external_call import call_with_timeout
from recoup.processors.gateways.port import Inquiry, Processor
from recoup.rescue.rules.origin import Named, Origin, origin_of
from recoup.rescue.rules.pause import check_taking
from recoup.routes.store.connection import count_keys

PROCESSOR_SECONDS: Final = 5.0
LEVELS: Final = ("merchant", "site", "campaign")


@frozen
class Hop:
    """A step of the way. `finding`: what was found, or why it was not looked for; `cure`: what to
    do about it."""

    name: str
    state: Literal["ok", "failed", "skipped"]
    finding: str
    cure: str | None = None
    latency_ms: int = 0


# What else is on the way: tried beside the processors.
HOPS: Final = Place[Callable[[World, Scope], Awaitable[list[Hop]]]]("hops")


async def try_connection(
    world: World,
    scope: Scope,
    kind: str,
    site_id: UUID | None = None,
    campaign: str | None = None,
    scopes: frozenset[str] | None = None,
) -> list[Hop]:
    """The hops in the order of an order's way. `scopes`: what the caller's key allows; None for a
    person, whose merchant's keys are looked at instead.

    Raises: Problem(invalid) for an unknown kind or site; Problem(forbidden) for a merchant that is
    not in this world.
    """
    check_kind(kind)
    known = await caller_settings(world.db, scope.merchant_id)
    keys = await count_keys(world.db, scope.merchant_id, world.clocks.wall())
    origin = origin_of(known.sites, known.campaigns, Named(site_id, campaign=campaign))
    hops = [
        _credential(scopes, keys.api_keys),
        _merchant(known),
        *await _switches(world, scope, known, kind, origin, campaign),
        _token_key(world, keys.tokenization_keys),
    ]
    tried = await asyncio.gather(_processors(world, scope), *(way(world, scope) for way in HOPS))
    hops += chain.from_iterable(tried)
    return [*hops, _outcome(hops, scopes)]


def _credential(scopes: frozenset[str] | None, api_keys: int) -> Hop:
    if scopes is None and not api_keys:
        return Hop(
            "credential",
            "failed",
            "There is no key that allows payments.",
            "Ask the operator for a key.",
        )
    if scopes is None:
        return Hop(
            "credential",
            "ok",
            Sentence("{0} key{1} may send orders.", api_keys, "" if api_keys == 1 else "s"),
        )
    if not covers(scopes, "payments:write"):
        return Hop(
            "credential",
            "failed",
            "This key does not allow payments.",
            "Use a key with payments:write.",
        )
    return Hop("credential", "ok", "The key is valid and may send orders.")


def _merchant(settings: MerchantSettings) -> Hop:
    try:
        check_taking(settings.merchant)
    except Problem as problem:
        return Hop("merchant", "failed", problem.message, problem.cure)
    if settings.merchant.killed:
        return Hop(
            "merchant",
            "failed",
            "The operator has stopped all sending: orders are accepted and wait.",
            "Ask the operator when sending resumes.",
        )
    return Hop("merchant", "ok", Sentence("{0} takes orders.", settings.merchant.name))


async def _switches(
    world: World,
    scope: Scope,
    settings: MerchantSettings,
    kind: str,
    origin: Origin,
    campaign: str | None,
) -> list[Hop]:
    """Hops of the switches, one a level."""
    offs = where_off(kind, settings.merchant, origin.site, origin.campaign)
    last: dict[UUID, str] = {}
    if offs:
        last = await last_actors(
            world.db, scope.merchant_id, [off.subject_id for off in offs], kind
        )
    hops = []
    names = (
        settings.merchant.name,
        origin.site.name,
        origin.campaign.name if origin.campaign else "",
    )
    for level, name in zip(LEVELS, names, strict=True):
        off = next((off for off in offs if off.level == level), None)
        if off is not None:
            problem = refused(kind, [off._replace(actor=last.get(off.subject_id))])
            hops.append(Hop(f"switch_{level}", "failed", problem.message, problem.cure))
        elif level == "campaign" and origin.campaign is None:
            hops.append(_no_campaign(origin, campaign))
        else:
            hops.append(
                Hop(f"switch_{level}", "ok", Sentence("{0} is on for {1}.", KINDS[kind], name))
            )
    return hops


def _no_campaign(origin: Origin, campaign: str | None) -> Hop:
    if campaign:
        return Hop(
            "switch_campaign",
            "failed",
            Sentence("The site {0} has no campaign {1}.", origin.site.name, repr(campaign)),
            Sentence("Create it: POST /v1/sites/{0}/campaigns.", origin.site.site_id),
        )
    return Hop("switch_campaign", "skipped", "No campaign was named.")


def _token_key(world: World, tokenization_keys: int) -> Hop:
    """Hop that checks that there is a key, and that what the vault seals it opens again."""
    probe = secrets.token_bytes(16)
    try:
        opened = world.keys.open_secret("probe", world.keys.seal_secret("probe", probe))
    except Exception:  # noqa: BLE001 - whatever is wrong with the keys, it is this hop that fails
        opened = b""
    if opened != probe:
        return Hop(
            "token_key",
            "failed",
            "The vault cannot decrypt what it encrypted.",
            "Tell the operator.",
        )
    if not tokenization_keys:
        return Hop(
            "token_key",
            "failed",
            "There is no tokenization key.",
            "Ask the operator for one; or send /tokenize with a token of /oauth2/token.",
        )
    return Hop("token_key", "ok", "Cards can be tokenized and decrypted.")


async def _processors(world: World, scope: Scope) -> list[Hop]:
    """An inquiry with an unknown id: the processor must say so."""
    names = world.routes.visible(world.processors, scope.merchant_id)
    return list(
        await asyncio.gather(*(_processor(world, world.processors[name]) for name in names))
    )


async def _processor(world: World, processor: Processor) -> Hop:
    if processor.asks in ("none", "by_replay"):
        return Hop(
            "processor",
            "skipped",
            Sentence("{0} cannot be tested without a payment.", processor.name),
        )
    begun = world.clocks.monotonic()
    outcome = await call_with_timeout(
        processor.inquire(Inquiry(new_id(), "probe")), PROCESSOR_SECONDS
    )
    latency = ms_since(world, begun)
    if outcome.state == "not_found":
        return Hop("processor", "ok", Sentence("{0} answers.", processor.name), latency_ms=latency)
    why = "did not answer in time" if outcome.text == "time-out" else "could not be reached"
    return Hop(
        "processor",
        "failed",
        Sentence("{0} {1}.", processor.name, why),
        "Orders wait until it answers; tell the operator.",
        latency,
    )


def _outcome(hops: Iterable[Hop], scopes: frozenset[str] | None) -> Hop:
    """Hop that checks how the end of an order would be learnt."""
    pushed = any(hop.name == "webhook" and hop.state == "ok" for hop in hops)
    readable = scopes is None or covers(scopes, "orders:read")
    if pushed or readable:
        ways = [
            way for way, there in (("by webhook", pushed), ("by /v1/outcome", readable)) if there
        ]
        return Hop(
            "outcome",
            "ok",
            Sentence("Outcomes of orders are available {0}.", joined(ways, " and ")),
        )
    return Hop(
        "outcome",
        "failed",
        "Nothing tells what becomes of an order: no webhook works, and this key may not read "
        "orders.",
        "Fix the webhook, or use a key with orders:read.",
    )


def ms_since(world: World, begun: float) -> int:
    return round((world.clocks.monotonic() - begun) * 1000)
