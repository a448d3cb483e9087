"""The engine: when to try a declined payment again, learned from how attempts ended. Decision 0055."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from recoup.core.kit.feature import Feature
from recoup.core.kit.model import Engine, Model
from recoup.features.engine.decide import ENGINES
from recoup.features.engine.learn.nightly import train, train_nightly
from recoup.features.engine.learn.prior import take_prior
from recoup.features.engine.model import model_of
from recoup.features.engine.past import PAST, wrong_of


def _of_history(*given: Any) -> Mapping[str, Model]:
    """Training loads arrays."""
    from recoup.features.engine.learn.history_models import models_of

    return models_of(*given)


ENGINE: Final = Feature(
    name="engine",
    folder=Path(__file__).parent,
    engine=Engine(
        versions=ENGINES - PAST,
        past=dict.fromkeys(PAST, wrong_of),
        read=model_of,
        of_history=_of_history,
        train=train,
        take_first=take_prior,
    ),
    loops=lambda world: (("training", lambda: train_nightly(world), 60.0),),
)
