"""The engine with an account updater: a decline that newer card data may cure is tried once with
them, also one that ends an order without an updater."""

from recoup.rescue.rules.card_update import may_be_cured
from recoup_lab.compare.arms.engine import EngineArm
from recoup_lab.compare.seam import Choice, Known, SendAt


class UpdatedEngine(EngineArm):
    def decide(self, known: Known) -> Choice:
        if may_be_cured(known.reading) and self.new_cards.is_new(known):
            return SendAt(known.earliest)
        return super().decide(known)
