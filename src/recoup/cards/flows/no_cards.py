"""Guard against card numbers in a call besides the card itself: every door asks here before
anything else reads a body.

Identifiers that look like a card are compared with the cards that are held, and a refusal says that
one of them is. Unlimited questions would reveal the cards: a stranger is compared with nothing, and
who sent a few held cards hears for a day that all that looks like a card is refused, held or not.
"""

from collections.abc import Callable, Collection
from typing import Any, Final
from uuid import UUID

import structlog

from recoup.cards.store.vault import find_prints
from recoup.kit.world import World
from recoup.networks.card_guard import Names, guard, refused
from recoup.networks.card_text import CHARS_MAX, STRANGER_CHARS_MAX
from recoup.networks.magic import classify

PROCESSOR: Final = UUID(int=0)  # a processor's own notices: it has the cards
log = structlog.get_logger()


async def refuse_cards(
    world: World,
    body: Any,
    names: Names | None = None,
    path_name: Callable[[str], str] = str,
    *,
    caller: UUID | None,
) -> None:
    """`names`: of the fields that are read; without them all are looked at. `path_name`: the
    dialect's name of a path. `caller`: the merchant or partner who sent it, None for a stranger, or
    `PROCESSOR`. Only a body with an identifier that looks like a card costs a look-up.

    Raises: Problem(invalid) naming the fields, never the number.
    """
    guarded = guard(body, names, STRANGER_CHARS_MAX if caller is None else CHARS_MAX)
    wrong = list(guarded.refused)
    if guarded.numbers and not wrong:
        held = await held_cards(world, {digits for _, digits in guarded.numbers}, caller)
        wrong = [path for path, digits in guarded.numbers if digits in held]
    if wrong:
        raise refused(list(dict.fromkeys(path_name(path) for path in wrong)))


async def held_cards(world: World, numbers: Collection[str], caller: UUID | None) -> set[str]:
    """The refused ones of numbers that look like cards: those that are held, by their fingerprints,
    of whichever merchant; all of them from a `caller` who sent too many that were. The sandbox's
    documented cards are, whether or not they came before."""
    documented = set[str]()
    if world.policy.magic_inputs:
        documented = {
            number
            for number in numbers
            if classify(number, with_world=world.policy.world_cards) is not None
        }
    if caller is None or not numbers:
        return documented
    hits = world.card_hits
    if hits.left(caller, world.clocks.monotonic()) <= 0:
        return set(numbers)
    prints = {
        fingerprint: number
        for number in set(numbers) - documented
        for fingerprint in world.keys.print_of(number)
    }
    if not prints:
        return documented
    held = {prints[fingerprint] for fingerprint in await find_prints(world.db, list(prints))}
    if not held or caller == PROCESSOR:
        return documented | held
    # Read once more: others may have been answered meanwhile.
    left = hits.take(caller, len(held), world.clocks.monotonic())
    log.warning("identifiers were cards that are held", caller=str(caller), left=max(0, left))
    return documented | held if left >= 0 else set(numbers)
