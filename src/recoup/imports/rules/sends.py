"""Past attempts that count as sends of a card that we hold. A merchant claims them, so they bind
that merchant alone.

A file is often of payments that came to us otherwise, too: the attempt nearest to a send of the
same card and amount is that send. What no window reaches any more is left out, unless its answer
forbids the card for good.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple
from uuid import UUID

from recoup.networks.limits import LOOKBACK

Counted = Literal["sent", "known", "old", "more", "not_sent"]
BESIDE: Final = timedelta(seconds=60)  # clocks of a merchant, its processor and ours differ
CARD_MAX: Final = 200  # of one card; every window is long full


AttemptName = tuple[str, str]  # its provider, and the provider's own id of it


class CountedSend(NamedTuple):
    """A send of the merchant's that counts already. `imported`: by a file."""

    send_id: UUID
    at: datetime
    units: int
    currency: str
    imported: bool


class Candidate(NamedTuple):
    """An attempt that names a card. `is_sent`: whether a card went out. `lasting`: its answer binds
    longer than any window. `is_counted`: it counts since an earlier file, and may say more now."""

    at: datetime
    units: int
    currency: str
    is_sent: bool
    lasting: bool
    is_counted: bool


def counted_as(
    candidate: Candidate, now: datetime, sends: Sequence[CountedSend], *, is_known: bool = False
) -> Counted:
    """`sends`: of the same card and merchant, as far as a window reaches. `is_known`: it is one of
    them, as `paired` says. Never raises."""
    if candidate.is_counted:
        return "sent"
    if not candidate.is_sent:
        return "not_sent"
    if candidate.at <= now - LOOKBACK and not candidate.lasting:
        return "old"
    if is_known:
        return "known"
    return "sent" if sum(send.imported for send in sends) < CARD_MAX else "more"


def paired(
    attempts: Iterable[tuple[AttemptName, Candidate]],
    sends: Sequence[CountedSend],
    held: Mapping[UUID, tuple[AttemptName, Candidate]],
) -> dict[UUID, AttemptName]:
    """Pairs each send with the attempt that it is, each at most one and each attempt at most one
    send: whoever is nearer keeps it, and who loses it takes the next that it is beside. `held`:
    what was so far. It comes out the same in whatever parts and order the attempts come.

    Source: Gale and Shapley 1962, deferred acceptance.
    """
    pairs, free = dict(held), list(attempts)
    while free:
        attempt = free.pop()
        for send in sorted(
            (s for s in sends if _is_same(attempt[1], s)),
            key=lambda s: (_apart(attempt[1], s), s.at, s.send_id),
        ):
            holder = pairs.get(send.send_id)
            if holder is None or _nearness(attempt, send) < _nearness(holder, send):
                pairs[send.send_id] = attempt
                if holder is not None:
                    free.append(holder)
                break
    return {send_id: name for send_id, (name, _) in pairs.items()}


def _nearness(
    attempt: tuple[AttemptName, Candidate], send: CountedSend
) -> tuple[timedelta, datetime, AttemptName]:
    return _apart(attempt[1], send), attempt[1].at, attempt[0]


def _apart(candidate: Candidate, send: CountedSend) -> timedelta:
    return abs(candidate.at - send.at)


def _is_same(candidate: Candidate, send: CountedSend) -> bool:
    return (
        not send.imported
        and (candidate.units, candidate.currency) == (send.units, send.currency)
        and _apart(candidate, send) <= BESIDE
    )
