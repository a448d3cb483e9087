"""Without a language's package, or with one that cannot be used, Recoup speaks English and says
why."""

from collections.abc import Iterator
from importlib.metadata import EntryPoint

import pytest

from recoup.kernel import extensions
from recoup.kit.languages import catalogues
from recoup.kit.languages.catalogues import (
    GROUP,
    accepted_language,
    broken_languages,
    language_in,
    languages,
)
from recoup.kit.languages.locale import Locale

CACHED = (catalogues._installed, languages, catalogues.catalogue, catalogues._by_country)
BROKEN = {
    "de": EntryPoint("de", "a_package_that_is_not_there:DE", GROUP),
    "fr": EntryPoint("fr", "json:no_such_name", GROUP),
    "es": EntryPoint("es", "json:dumps", GROUP),
}


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    for one in CACHED:
        one.cache_clear()
    yield
    for one in CACHED:
        one.cache_clear()


@pytest.mark.parametrize("added", [{}, BROKEN], ids=["none", "broken"])
def test_it_speaks_english(monkeypatch: pytest.MonkeyPatch, added: dict[str, EntryPoint]) -> None:
    monkeypatch.setattr(extensions, "added", lambda group: added)
    to = Locale("de")
    assert (languages(), accepted_language("de, fr"), language_in("DE")) == (
        {"en": "English"},
        "en",
        "en",
    )
    assert (to.say("One is left."), to.said("It waits."), to.lang) == (
        "One is left.",
        "It waits.",
        "en",
    )
    said = [problem.sentence() for problem in broken_languages()]
    assert [
        name
        for name, one in zip(added, said, strict=True)
        if f"adds '{name}' to {GROUP}" not in one
    ] == []
    assert [one for one in said if "\n" in one or not one.endswith("or remove it.")] == []
