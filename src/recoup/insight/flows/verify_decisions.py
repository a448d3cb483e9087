"""Every stored decision against what its decider, policy and model make of its stored features
today."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from uuid import UUID

from recoup.insight.flows.verify_orders import Wrong
from recoup.insight.store.proofs.decisions import StoredDecision
from recoup.policies.rules.in_force import NO_POLICIES, Policies
from recoup.rescue.rules.model import Model, past_decider
from recoup.webhooks.rules.replay import DECIDERS, decide_again


def all_wrong(
    rows: Iterable[StoredDecision],
    decided: Counter[str],
    gone: Counter[str],
    models: Mapping[str, Model],
    policies: Policies,
) -> Iterator[tuple[UUID, Wrong]]:
    """(order, the first thing that is wrong about one of its decisions). The sentences are not
    compared: they are words for people, and may be put better. `decided`: how many each version of
    a decider has decided again; `gone`: how many name a decider that is no more."""
    for row in rows:
        decider = str(row.versions.get("decider"))
        if decider not in DECIDERS and past_decider(decider) is None:
            gone[decider] += 1
        elif wrong := differs_from(row, models, policies):
            yield row.order_id, wrong
        else:
            decided[decider] += 1


def of_gone(gone: Counter[str]) -> Iterator[Wrong]:
    for decider, number in sorted(gone.items()):
        yield (
            f"decider of {number:,} decisions",
            "one that can decide again",
            f"{decider}, which is gone",
        )


def differs_from(
    row: StoredDecision, models: Mapping[str, Model], policies: Policies = NO_POLICIES
) -> Wrong | None:
    """The first thing that its stored inputs decide otherwise today."""
    name, decider = f"decision {row.decision_id}", row.versions.get("decider")
    try:
        if wrong_of := past_decider(decider):
            set_by = row.versions.get("policies")
            within = policies[set_by] if set_by else None
            wrong = wrong_of(
                row.features, row.verdict, row.plan, row.alternatives, row.taken, within
            )
            return (f"{wrong[0]} of {name}", *wrong[1:]) if wrong is not None else None
        again = decide_again(row.features, row.versions, models, policies).to_dict()
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        return name, "one that can be decided again", f"{type(error).__name__}: {error}"
    pairs = [(f"{part} of {name}", _plain(again[part]), getattr(row, part)) for part in _PARTS]
    if row.taken is not None:
        pairs.append(
            (f"alternatives of {name}", _named(again["alternatives"]), _named(row.alternatives))
        )
    return next((pair for pair in pairs if pair[1] != pair[2]), None)


_PARTS: Final = ("verdict", "plan", "rules", "versions", "taken")


def _named(alternatives: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Alternatives that could have been taken, without the words about them."""
    return [
        {name: value for name, value in alternative.items() if name != "note"}
        for alternative in alternatives
    ]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
