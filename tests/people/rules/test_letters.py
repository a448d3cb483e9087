"""Mails about people: said in their language, and what somebody typed stays as they typed it."""

from datetime import UTC, datetime, timedelta

import pytest

from recoup.kit.languages.catalogues import ENGLISH, languages
from recoup.kit.languages.locale import PLAIN, Locale
from recoup.people.rules.account_words import HAPPENINGS
from recoup.people.rules.letters import Letter, of_account, of_impersonation, of_invitation

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
LASTS = (AT, AT + timedelta(minutes=15))
# What our catalogues know, and what looks like a shape: neither is ever said otherwise.
TYPED = "Refused. {shop} Nothing was done."


def letters(to: Locale) -> dict[str, Letter]:
    made = {
        f"{name} {left}": of_account(told, AT, "ann@shop.example", left, to)
        for name, told in HAPPENINGS.items()
        if told.mail
        for left in (None, 0, 1, 9)
    }
    made["invitation"] = of_invitation(TYPED, "owner", AT, "https://x.test/invitations/a", to)
    made["look"] = of_impersonation("Olga", "Leaf", (TYPED, "owner"), TYPED, LASTS, True, to)
    return made | {
        "look as a role": of_impersonation("Olga", "", ("", "analyst"), TYPED, LASTS, False, to)
    }


@pytest.mark.parametrize("language", [one for one in languages() if one != ENGLISH])
def test_nothing_of_a_letter_stays_english_but_what_was_typed(language: str) -> None:
    english, here = letters(PLAIN), letters(Locale(language))
    for name, (subject, parts) in here.items():
        there = [english[name][0], *english[name][1]]
        for said, known in zip((subject, *parts), there, strict=True):
            rest = known.replace(TYPED, "")
            assert [
                one for one in rest.rstrip(".").split(". ") if " " in one and one in said
            ] == [], name
            assert said.count(TYPED) == known.count(TYPED)


def test_words_and_times_are_those_of_the_reader() -> None:
    to = Locale("de", "Europe/Berlin")
    subject, parts = of_invitation("Leaf", "owner", AT, "https://x.test/invitations/a", to)
    assert subject == "Einladung zu Leaf"
    assert parts[:3] == [
        "Sie sind zu Leaf eingeladen, mit der Rolle Inhaber.",
        "Dieser Link gilt einmal, bis 20. Nov. 2026 13:00 Europe/Berlin:",
        "https://x.test/invitations/a",
    ]
    _, parts = of_account(
        HAPPENINGS["recovery_code_used"], AT, "ann@shop.example", 1, Locale("fr", "Asia/Kolkata")
    )
    assert parts[0].endswith("Il en reste un.")
    assert "20 nov. 2026 17:30 Asia/Kolkata" in parts[1]
