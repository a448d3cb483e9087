"""Meaning of a scheme's dispute reason codes, and whose matter each dispute is.

`fraud`: the cardholder denies it. `service`: about what was bought. `authorisation`, `processing`:
about how it was authorised or charged, which is the operator's work. `other`: none of these, or a
code on no list: people look at it, and nothing else follows. Source: data/dispute-reasons.csv,
where each row names its documents; one number means other things at another network. `generic` rows
are words of processors that give no scheme's code.
"""

from typing import Final, Literal, NamedTuple

from msgspec import convert

from recoup.networks.tables import read_table

Kind = Literal["fraud", "service", "authorisation", "processing", "other"]


class Reason(NamedTuple):
    scheme: str
    code: str
    meaning: str
    kind: Kind
    known: bool = True


REASONS: Final = {
    (row["scheme"], row["code"]): Reason(
        row["scheme"], row["code"], row["meaning"], convert(row["kind"], Kind)
    )
    for row in read_table("dispute-reasons.csv")
}


def reason_of(scheme: str, code: str) -> Reason:
    """The meaning of the code."""
    name = code.strip().upper()
    known = REASONS.get((scheme, name)) or REASONS.get(("generic", name))
    if known is not None:
        return known
    elsewhere = any(code == name for _, code in REASONS)
    message = "a code that only other networks use" if elsewhere else "a reason that is on no list"
    return Reason(scheme, code, message, "other", known=False)
