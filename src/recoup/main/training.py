"""What is trained by night, as the settings say, and the process that does it."""

from collections.abc import Mapping
from typing import Any

from recoup.flows.insight.learn.nightly import failed
from recoup.flows.insight.learn_risk import RISK
from recoup.flows.world import Trainer
from recoup.main.databases import Databases
from recoup.main.own_process import NoAnswerError, done_apart, environment_of
from recoup.main.settings import Settings


def mode_of(settings: Settings) -> str:
    """`auto`: a better model is stored and waits for a person."""
    return "candidate" if settings.training == "auto" else settings.training


def risk_mode_of(settings: Settings) -> str:
    """`auto`: weights that are no worse are used."""
    return "take" if settings.training == "auto" else settings.training


def trainer_of(settings: Settings, databases: Databases, world: str) -> Trainer:
    """For a worker of this world."""
    environment = environment_of(settings, databases)

    async def trainer(mode: str) -> Mapping[str, Any]:
        try:
            if mode == RISK:
                return await done_apart(environment, world, RISK)
            return await done_apart(environment, world, "training", mode)
        except NoAnswerError as error:
            return failed(str(error))

    return trainer
