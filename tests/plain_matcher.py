"""What the database searches in sets, said once more in memory, so that both can be held against
each other."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from recoup.bank.rules.matching import Found, Ours, Theirs, Verdict, judge, judge_missing


def match(
    kind: str,
    lines: Sequence[Theirs],
    ours: Iterable[Ours],
    period: tuple[datetime, datetime],
    route: str,
) -> tuple[list[Verdict], list[tuple[Ours, Verdict]]]:
    """Verdicts of the lines in their order, and of the movements of the period
    that have no line."""
    movements = list(ours)
    found = _search(lines, movements)
    about: dict[object, list[int]] = defaultdict(list)
    for i, (line, one) in enumerate(zip(lines, found, strict=True)):
        about[one.ours.entry if one.ours else line.line_id].append(i)
    taken = {one.ours.entry for one in found if one.ours}
    booked = {(o.source_id, o.units) for o in movements if o.from_file}
    results: dict[int, Found] = {}
    for group in about.values():
        results |= _grouped(lines, found, group, booked)
    wanted = {line.asset for line in lines}
    left = [o for o in movements if o.entry not in taken]
    alike = Counter((o.type, o.units, o.asset) for o in left if not o.from_file)
    verdicts = [
        judge(
            kind, line, results[i]._replace(alike=alike[line.type, line.units, line.asset]), route
        )
        for i, line in enumerate(lines)
    ]
    missing = [
        (o, judge_missing(o, period))
        for o in left
        if not o.from_file and period[0] <= o.at < period[1] and o.asset in wanted
    ]
    return verdicts, missing


def _grouped(
    lines: Sequence[Theirs],
    found: Sequence[Found],
    group: Sequence[int],
    booked: set[tuple[UUID, int]],
) -> dict[int, Found]:
    """Of the lines about one movement, or that say the same of none."""
    ours, firsts = found[group[0]].ours, dict[object, int]()
    for i in sorted(group, key=lambda i: lines[i].number):
        firsts.setdefault((lines[i].units, lines[i].asset, lines[i].at), i)
    best = lines[min(group, key=lambda i: (not _exact(lines[i], ours), lines[i].number))]
    parts = _parts(lines, sorted(group, key=lambda i: lines[i].number), ours)
    results = {}
    for i in group:
        line = lines[i]
        first = lines[firsts[line.units, line.asset, line.at]].number
        results[i] = found[i]._replace(
            first=first if first != line.number and i not in parts else None,
            taken=best.number if best.number != line.number else None,
            same_amount=(line.units, line.asset) == (best.units, best.asset),
            parts=i in parts,
            same_day=(line.units, line.asset, line.at) == (best.units, best.asset, best.at),
            booked=(line.line_id, line.units) in booked,
        )
    return results


def _parts(lines: Sequence[Theirs], group: Sequence[int], ours: Ours | None) -> set[int]:
    """The lines that have the movement's amount together: all that differ, and as many equal ones
    as that takes."""
    if ours is None or any(lines[i].asset != ours.asset for i in group):
        return set()
    times = Counter[object]()
    waves: dict[int, list[int]] = defaultdict(list)
    for i in group:
        said = (lines[i].units, lines[i].at)
        waves[times[said]].append(i)
        times[said] += 1
    order = [i for wave in sorted(waves) for i in waves[wave]]
    for count in range(max(2, len(waves[0])), len(order) + 1):
        if sum(lines[i].units for i in order[:count]) == ours.units:
            return set(order[:count])
    return set()


def _search(lines: Sequence[Theirs], movements: Sequence[Ours]) -> list[Found]:
    by_id = {(o.source_id, o.type): o for o in movements if not o.from_file}
    by_reference: dict[tuple[str, str], list[Ours]] = defaultdict(list)
    for o in movements:
        if o.reference and not o.from_file:
            by_reference[o.reference, o.type].append(o)
    booked = {o.source_id: o for o in movements if o.from_file}
    return [_one(line, by_id, by_reference, booked) for line in lines]


def _one(
    line: Theirs,
    by_id: Mapping[tuple[UUID, str], Ours],
    by_reference: Mapping[tuple[str, str], Sequence[Ours]],
    booked: Mapping[UUID, Ours],
) -> Found:
    mine = by_id.get((line.our_id, line.type)) if line.our_id else None
    same = (
        by_reference.get((line.reference, line.type), ()) if line.reference and mine is None else ()
    )
    conflict = mine is not None and bool(
        line.reference and mine.reference and line.reference != mine.reference
    )
    if mine is not None and not conflict:
        return Found(mine, "id")
    if len(same) == 1:
        return Found(same[0], "reference")
    if line.line_id in booked:
        return Found(booked[line.line_id], "booked")
    return Found(None, "conflict" if conflict else "", several=len(same) > 1)


def _exact(line: Theirs, ours: Ours | None) -> bool:
    return ours is not None and ours.units == line.units and ours.asset == line.asset
