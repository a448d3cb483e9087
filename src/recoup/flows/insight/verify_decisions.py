"""Every stored decision against what its decider and policy make of its stored features today."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from recoup.flows.insight.verify_orders import Wrong
from recoup.rules.rescue.replay import decide_again


def all_wrong(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[UUID, Wrong]]:
    """(order, the first thing that is wrong about one of its decisions). The sentences are not compared: they are
    words for people, and may be put better."""
    for row in rows:
        wrong = _decision(row)
        if wrong:
            yield row["order_id"], wrong


def _decision(row: Mapping[str, Any]) -> Wrong | None:
    name = f"decision {row['decision_id']}"
    try:
        again = decide_again(row["features"], row["versions"]).to_dict()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return name, "one that can be decided again", f"{type(error).__name__}: {error}"
    pairs = ((f"{part} of {name}", _plain(again[part]), row[part]) for part in ("verdict", "plan", "rules", "versions"))
    return next((pair for pair in pairs if pair[1] != pair[2]), None)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
