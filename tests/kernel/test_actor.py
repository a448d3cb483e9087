"""Who did it, as text in the logs, and read back."""

import pytest

from recoup.kernel.scope import Actor


@pytest.mark.parametrize(
    ("actor", "text"),
    [
        (Actor("user", "u1"), "user:u1"),
        (Actor("user", "u1", "o1"), "user:u1 by operator:o1"),
        (Actor("api", "pk_test_a:b"), "api:pk_test_a:b"),
    ],
    ids=["a person", "somebody behind a person", "a key"],
)
def test_an_actor_is_read_back_from_its_text(actor: Actor, text: str) -> None:
    assert actor.text() == text
    assert Actor.of(text) == actor
