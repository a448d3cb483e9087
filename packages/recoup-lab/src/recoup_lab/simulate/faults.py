"""Faults of a simulated month, and how often each occurs."""

from dataclasses import dataclass, fields, replace

from recoup.kernel.problem import Problem


@dataclass(frozen=True, slots=True)
class Faults:
    """Shares of 1, of the calls or deeds that each is about.

    Of the way to the processor: `silent` it happened and nobody says so, `lost` it never arrived,
    `late` it arrives after the time-out, `duplicate` it arrives twice, `refused` no connection,
    `unprocessed` a code that proves it, `garbage` an answer nobody can read, `hidden` the first
    inquiry finds nothing, `outage` no counterpart at all for an hour or more. Of ours: `crash` the
    process dies at a statement or call, `twice` two workers do the same work, `repeat` the merchant
    sends a call again.
    """

    silent: float = 0.015
    lost: float = 0.008
    late: float = 0.006
    duplicate: float = 0.015
    refused: float = 0.01
    unprocessed: float = 0.004
    garbage: float = 0.003
    hidden: float = 0.004
    outage: float = 0.01
    crash: float = 0.003
    twice: float = 0.01
    repeat: float = 0.03

    def times(self, factor: float) -> "Faults":
        return replace(
            self, **{f.name: min(0.9, getattr(self, f.name) * factor) for f in fields(self)}
        )


CALL_FAULTS = ("silent", "lost", "late", "duplicate", "refused", "unprocessed", "garbage", "hidden")
NEVER_ARRIVES = frozenset({"outage", "refused", "lost", "unprocessed"})
NOBODY_SAYS = frozenset({"silent", "late", "hidden", "garbage"})  # whether it arrived


def drawn(faults: Faults, left: float) -> str | None:
    """Draws at most one fault of the way, by a number from 0 to 1."""
    for fault in CALL_FAULTS:
        left -= getattr(faults, fault)
        if left < 0:
            return fault
    return None


def faults_of(text: str) -> Faults:
    """Parses faults: `none`, `some` (the default), `many`, or names with shares:
    `crash=0.02,silent=0.05`, all others then 0.

    Raises: Problem(invalid).
    """
    named = {"none": Faults().times(0), "some": Faults(), "many": Faults().times(5)}
    if text in named:
        return named[text]
    known = {f.name for f in fields(Faults)}
    shares: dict[str, float] = {}
    for part in text.split(","):
        name, _, share = part.strip().partition("=")
        try:
            shares[name] = float(share)
        except ValueError:
            shares[name] = -1.0
        if name not in known or not 0 <= shares[name] <= 0.9:
            cure = (
                f"Use none, some, many, or shares from 0 to 0.9 like crash=0.01 of: "
                f"{', '.join(sorted(known))}."
            )
            raise Problem(
                "invalid", f"There is no fault {part.strip()!r}.", field="faults", cure=cure
            )
    return replace(named["none"], **shares)
