"""Languages that people cannot read Recoup in, at start and in `recoup doctor`."""

from recoup.flows.world import World
from recoup.kernel.problem import Problem
from recoup.rules.languages.catalogues import broken_languages, languages
from recoup.store.messages.notification_settings import chosen_languages


async def language_troubles(world: World) -> list[Problem]:
    """Languages that people chose and that are not installed, and installed ones that cannot be used."""
    async with world.people.read() as connection:
        chosen = await chosen_languages(connection)
    missing = (one for one in chosen if one.language not in languages())
    return [*broken_languages(), *(_missing(one.language, one.people) for one in missing)]


def _missing(language: str, people: int) -> Problem:
    message = f"{people:,} chose the language {language!r}, which is not installed: they read English."
    return Problem("unavailable", message, cure="Install the package that has it, like recoup-languages.")
