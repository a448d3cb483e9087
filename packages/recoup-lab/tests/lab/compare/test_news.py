"""What arms hear of networks: only what they listen to, in the product's own rules, and no arm sees
another's world."""

from datetime import timedelta

from lab.compare.tiny_world import DAY, NOW, TinyWorld, card, order

from recoup_lab.compare.arms.schedules import SCHEDULES
from recoup_lab.compare.catalogue import CATALOGUE, chosen
from recoup_lab.compare.gate import CardSends
from recoup_lab.compare.ground import survey
from recoup_lab.compare.news import Hears, NewsPlay, approvals_of
from recoup_lab.compare.seam import Arm, Attempt, Choice, Known, SendAt, Stop
from recoup_lab.world.port import Signal, WorldAnswer, WorldCharge

HOUR = timedelta(hours=1)


class Renewed(TinyWorld):
    """The first card pays nothing, another pays; networks report it after two days."""

    def answer(self, charge: WorldCharge) -> WorldAnswer:
        is_new = charge.card.number != card(0).number
        return WorldAnswer(
            charge.id, "approved" if is_new else "declined", "00" if is_new else "14"
        )


class OnceMore:
    """Sends with a card that the order did not have, and else not."""

    def __init__(self) -> None:
        self.heard: list[Known] = []

    def decide(self, known: Known) -> Choice:
        self.heard.append(known)
        return SendAt(known.earliest) if known.card != known.order.card else Stop("same card")

    def hear(self, known: Known, attempt: Attempt) -> None: ...


def played(world: TinyWorld, arm: Arm, hears: Hears) -> NewsPlay:
    play = NewsPlay(
        survey(world, 1), "arm", arm, lambda _: None, None, None, CardSends.refusal, hears=hears
    )
    play.run()
    return play


def renewed_world() -> Renewed:
    # The second order's arrival is a moment at which somebody listens.
    world = Renewed(
        [order(0, scheme_code="14"), order(1, declined_at=NOW + 5 * DAY, expires_at=NOW + 20 * DAY)]
    )
    world.signals_of = [Signal(NOW + 2 * DAY, "new_number", card(0).number, card(7))]
    return world


def test_an_arm_without_an_updater_hears_of_no_new_card() -> None:
    assert played(renewed_world(), OnceMore(), Hears()).sent == []


def test_a_new_card_is_tried_and_has_the_sends_of_the_old_one() -> None:
    play = played(renewed_world(), OnceMore(), Hears(updates=True))
    assert [(one.card, one.state) for one in play.sent] == [(card(7).number, "approved")]
    counted = play.cards[card(7).number].counted
    assert len(counted.sends) == 2
    assert counted.sends[0].visa_category is None, "what was said of the old number stays with it"


def test_an_approval_elsewhere_brings_a_planned_send_forward() -> None:
    def made() -> TinyWorld:
        class Paying(TinyWorld):
            def answer(self, charge: WorldCharge) -> WorldAnswer:
                return WorldAnswer(charge.id, "approved", "00")

        return Paying([order(number) for number in range(20)])

    plain = played(made(), SCHEDULES["4-in-21-days"], Hears())
    early = played(made(), SCHEDULES["4-in-21-days"], Hears(approvals=True))
    assert len(plain.sent) == len(early.sent) == 20, "no send is added"
    pairs = zip(
        sorted(plain.sent, key=lambda one: one.order),
        sorted(early.sent, key=lambda one: one.order),
        strict=True,
    )
    gaps = [before.at - after.at for before, after in pairs]
    assert min(gaps) >= timedelta(0)
    assert max(gaps) > HOUR


def test_what_is_bought_elsewhere_stands_in_no_arms_world() -> None:
    world = TinyWorld([order(number) for number in range(5)])
    ground = survey(world, 1)
    first = list(approvals_of(ground))
    assert approvals_of(ground) == first
    assert approvals_of(survey(TinyWorld([order(number) for number in range(5)]), 1)) == first
    assert all(name.startswith("elsewhere/") for name, _ in world.batches)


def test_these_arms_are_played_when_they_are_named() -> None:
    news = {name for name, entry in CATALOGUE.items() if entry.hears is not None}
    assert news == {"no-news", "updater", "signals"}
    assert not news & set(chosen(None, oracle=True, options=[]))
