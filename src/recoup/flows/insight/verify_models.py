"""Every stored model against the hash that it was stored with, and those that decided, for deciding again."""

from collections.abc import Iterable
from typing import Final

from recoup.core.kit.model import BadModel, Model
from recoup.flows.models import find_model
from recoup.store.insight.models import model_names
from recoup.store.insight.proofs.decisions import StoredDecision
from recoup.store.insight.proofs.walk import Difference
from recoup.store.statement import Read

KEPT_MAX: Final = 4


async def damaged_models(connection: Read) -> list[Difference]:
    found = []
    for name in await model_names(connection):
        try:
            await find_model(connection, name)
        except BadModel as error:
            found.append(Difference(None, None, f"content of {name}", "as it was stored", str(error)))
    return found


async def load_models(connection: Read, rows: Iterable[StoredDecision], models: dict[str, Model]) -> None:
    """Into `models`, what these decisions name; of others a few stay. What is missing or damaged is left out."""
    wanted = {name for row in rows if (name := row.versions.get("model")) is not None}
    for name in list(models)[: max(0, len(models | dict.fromkeys(wanted)) - KEPT_MAX)]:
        if name not in wanted:
            del models[name]
    for name in sorted(wanted - models.keys()):
        try:
            model = await find_model(connection, name)
        except BadModel:
            continue
        if model is not None:
            models[name] = model
