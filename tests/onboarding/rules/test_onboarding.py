"""The conditions of going live, from facts of any kind; and lines that a shell reads as they are
meant."""

import json
import shlex
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from recoup.onboarding.rules.form import KINDS
from recoup.onboarding.rules.onboarding import (
    TASKS,
    Facts,
    StepEvidence,
    conditions,
    curl_line,
    kinds_on,
)

AT = datetime(2026, 3, 2, tzinfo=UTC)
SWITCHES = st.fixed_dictionaries({kind: st.booleans() for kind in KINDS})
SITES = st.lists(
    st.tuples(st.just("Shop"), st.sampled_from(["EXAMPLESHOES", "", "A"]), SWITCHES), max_size=3
)
FACTS = st.builds(
    Facts,
    st.sets(st.sampled_from([task.step for task in TASKS])).map(
        lambda steps: {step: StepEvidence(step, AT, None, None) for step in steps}
    ),
    st.booleans(),
    st.booleans(),
    st.frozensets(st.sampled_from(["added", "verified", "active", "replaced", "refused"])),
    SWITCHES,
    SITES,
    st.booleans(),
    st.sampled_from([None, "DE"]),
)


@given(FACTS)
def test_each_condition_holds_for_its_own_reason_only(facts: Facts) -> None:
    found = {one.name: one for one in conditions(facts)}
    assert {name: one.holds for name, one in found.items()} == {
        "checklist": set(facts.evidence) == {task.step for task in TASKS},
        "terms": facts.has_fees and facts.has_settlement,
        "bank": bool(facts.bank_states & {"verified", "active"}),
        "descriptors": bool(facts.sites)
        and all(descriptor == "EXAMPLESHOES" for _, descriptor, _ in facts.sites),
        "switches": any(
            facts.switches[kind] and any(on[kind] for *_, on in facts.sites) for kind in KINDS
        ),
        "active": facts.is_active,
        "country": facts.country is not None,
    }
    assert all(one.explanation for one in found.values())
    assert bool(kinds_on(facts)) == found["switches"].holds


def test_a_shell_reads_each_line_as_one_call() -> None:
    for task in TASKS:
        words = shlex.split(curl_line(task, "http://x.test"))
        assert words[0] == "curl"
        assert words[1] == f"http://x.test{task.path}"
        if task.body is not None:
            assert json.loads(words[words.index("-d") + 1]) == task.body
