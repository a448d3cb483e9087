"""The caller's own figures of what was played, in the world's terms, and the comparison with what
the world counted."""

from collections.abc import Iterator
from statistics import median
from typing import Final

from recoup_lab.compare.ground import Ground
from recoup_lab.compare.played import Played
from recoup_lab.world.port import Score, WorldBroke

FREE_OF_HARM: Final = 4  # sends of an order
SHARE_DIGITS: Final = 4  # to which a world may have rounded its share


def net_of(ground: Ground, played: Played) -> Iterator[float]:
    """Values of each order after costs and harm, in minor units: sends and excess cost, and so does
    each send beyond the fourth of an order that is not recovered."""
    costs = ground.hello.costs
    for order, sends, days, excess in zip(
        ground.orders, played.sends, played.days, played.excess, strict=True
    ):
        spent = sends * costs.send + excess * costs.excess
        if days is not None:
            yield order.amount - spent
        else:
            yield -spent - costs.harm * order.amount * max(0, sends - FREE_OF_HARM)


def harm_share(ground: Ground, played: Played) -> float:
    rows = zip(ground.orders, played.sends, played.days, strict=True)
    harmed = sum(
        one.amount * max(0, sends - FREE_OF_HARM) for one, sends, days in rows if days is None
    )
    return ground.hello.costs.harm * harmed / sum(order.amount for order in ground.orders)


def own_score(ground: Ground, played: Played) -> Score:
    amount = sum(order.amount for order in ground.orders)
    recovered = [
        one.amount for one, days in zip(ground.orders, played.days, strict=True) if days is not None
    ]
    waited = [days for days in played.days if days is not None]
    return Score(
        orders=len(ground.orders),
        recovered=len(recovered),
        amount_share=sum(recovered) / amount,
        attempts=sum(played.sends),
        breaches=sum(played.excess),
        net_share=sum(net_of(ground, played)) / amount,
        days_median=median(waited) if waited else None,
    )


def check_scores(what: str, ours: Score, worlds: Score) -> None:
    """Net value and days are the world's to define, and only shown. Raises: WorldBroke, with both
    sides' figures."""
    differ = [
        f"{name} {own:,} by our count, {other:,} by the world's"
        for name, own, other in (
            ("orders", ours.orders, worlds.orders),
            ("recovered", ours.recovered, worlds.recovered),
            ("attempts", ours.attempts, worlds.attempts),
            ("breaches", ours.breaches, worlds.breaches),
        )
        if own != other
    ]
    if abs(ours.amount_share - worlds.amount_share) > 10**-SHARE_DIGITS:
        differ.append(
            f"amount share {ours.amount_share:.6f} by our count, {worlds.amount_share:.6f} by the "
            f"world's"
        )
    if differ:
        raise WorldBroke(f"The scores differ, {what}: {'; '.join(differ)}.")
