"""The engine: when to try a declined payment again, learned from how attempts ended. Decision
0055."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from recoup.backtest.flows.backtest_file import HISTORY_MODELS
from recoup.db.upkeep import RETAIN, Retention
from recoup.engine.decide import ENGINES
from recoup.engine.learn.nightly import train, train_nightly
from recoup.engine.learn.prior import take_prior
from recoup.engine.model import model_of
from recoup.kernel.feature import Feature
from recoup.kernel.steady import total
from recoup.kit.places import LOOPS
from recoup.policies.rules.in_force import InForce
from recoup.policies.rules.policy import PRICINGS, RETRY_2
from recoup.rescue.flows.places import TAKE_FIRST, TRAIN
from recoup.rescue.rules.decide import decide as by_schedule
from recoup.rescue.rules.deciders import DECIDER
from recoup.rescue.rules.evidence import Evidence
from recoup.rescue.rules.explore import Offer, drawn
from recoup.rescue.rules.model import ENGINE, Engine, Model
from recoup.rescue.store.models import TRAININGS_KEPT, forget_trainings

PAST: Final = frozenset({"engine-2"})
_SUM_OFF: Final = 1e-5  # of probabilities, each rounded
_MINUTE: Final = timedelta(minutes=1)

Wrong = tuple[str, Any, Any]


def wrong_of(
    features: Mapping[str, Any],
    verdict: str,
    plan: Sequence[str],
    alternatives: Sequence[Mapping[str, Any]],
    taken: str | None,
    within: InForce | None,
) -> Wrong | None:
    """The part that does not follow, what would, and what is stored.

    Raises: KeyError, TypeError, ValueError for what no decision was made from.
    """
    evidence = Evidence.from_dict(features)
    if taken is None:  # the schedules decided for it
        decided = by_schedule(evidence, RETRY_2, within)
        return ("verdict", decided.verdict, verdict) if decided.verdict != verdict else None
    offers = [
        Offer(
            alternative["name"],
            at.timestamp() if (at := _instant(alternative)) else None,
            alternative["chance"],
            0.0,
            alternative["probability"],
        )
        for alternative in alternatives
        if alternative.get("probability") is not None
    ]
    whole = total(offer.probability for offer in offers)
    if abs(whole - 1.0) > _SUM_OFF:
        return "probabilities", 1.0, whole
    if evidence.facts is None:
        return "facts", "those that it was decided from", None
    draw = evidence.facts.draw  # probabilities are rounded: beside a border either is right
    names = [drawn(offers, near).name for near in (draw, draw - _SUM_OFF, draw + _SUM_OFF)]
    if taken not in names:
        return "taken", names[0], taken
    at = next(_instant(alternative) for alternative in alternatives if alternative["name"] == taken)
    if at is None or verdict == "wait" and at + _MINUTE >= evidence.expires_at:
        return ("verdict", "wait", verdict) if verdict != "wait" else None
    if verdict == "attempt_now":
        return ("taken", evidence.now, at) if at > evidence.now + _MINUTE else None
    first = datetime.fromisoformat(plan[0]) if plan else None
    return ("plan", at, first) if first is None or not at <= first <= at + _MINUTE else None


def _instant(offer: Mapping[str, Any]) -> datetime | None:
    return datetime.fromisoformat(offer["at"]) if offer.get("at") else None


def _of_history(*given: Any) -> Mapping[str, Model]:
    """Training loads arrays."""
    from recoup.engine.learn.history_models import models_of

    return models_of(*given)


LEARNED: Final = ENGINES - PAST
_BY_MODEL: Final = (
    PRICINGS,
    lambda data, pricing, model, within: model.decide(Evidence.from_dict(data), pricing, within),
)
LEARNING: Final = Feature(
    name="engine",
    folder=Path(__file__).parent,
    adds=(
        RETAIN(Retention(forget_trainings, TRAININGS_KEPT)),
        ENGINE(
            Engine(
                versions=LEARNED,
                past=dict.fromkeys(PAST, wrong_of),
                read=model_of,
            )
        ),
        HISTORY_MODELS(_of_history),
        TRAIN(train),
        TAKE_FIRST(take_prior),
        DECIDER(dict.fromkeys(LEARNED, _BY_MODEL)),
        LOOPS(lambda world: (("training", lambda: train_nightly(world), 60.0),)),
    ),
)
