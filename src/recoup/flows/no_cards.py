"""No card number stays in a call besides the card itself: every door asks here before anything else reads a body."""

from collections.abc import Callable, Collection
from typing import Any

from recoup.kernel.world import World
from recoup.rules.network.card_guard import Names, guard, refused
from recoup.rules.network.magic import classify
from recoup.store.write.vault import find_prints


async def refuse_cards(
    world: World, body: Any, names: Names | None = None, told: Callable[[str], str] = str
) -> None:
    """`names`: of the fields that are read; without them all are looked at. `told`: a path as the dialect names it.
    Only a body with an identifier that looks like a card costs a look-up.

    Raises: Problem(invalid) naming the fields, never the number.
    """
    found = guard(body, names)
    wrong = list(found.refused)
    if found.numbers and not wrong:
        held = await held_cards(world, {digits for _, digits in found.numbers})
        wrong = [path for path, digits in found.numbers if digits in held]
    if wrong:
        raise refused(list(dict.fromkeys(told(path) for path in wrong)))


async def held_cards(world: World, numbers: Collection[str]) -> set[str]:
    """Of numbers that look like cards those that are held here, by their fingerprints, of whichever merchant. The
    sandbox's documented cards are, whether or not they came before."""
    found = {number for number in numbers if world.policy.magic_inputs and classify(number) is not None}
    prints = {one: number for number in set(numbers) - found for one in world.keys.print_of(number)}
    if prints:
        async with world.db.connection() as connection:
            found |= {prints[one] for one in await find_prints(connection, list(prints))}
    return found
