"""What a scheme's reason code says about a dispute, and whose matter it is.

`fraud`: the cardholder denies it. `service`: about what was bought. `processing`: about how it was charged, which is
the operator's work. Source: data/dispute-reasons.csv, where each row names its document; `generic` rows are words of
processors that give no scheme's code.
"""

from typing import Final, Literal, NamedTuple

from msgspec import convert

from recoup.rules.network.tables import read_table

Kind = Literal["fraud", "service", "processing"]


class Reason(NamedTuple):
    scheme: str
    code: str
    meaning: str
    kind: Kind


REASONS: Final = {
    (row["scheme"], row["code"]): Reason(row["scheme"], row["code"], row["meaning"], convert(row["kind"], Kind))
    for row in read_table("dispute-reasons.csv")
}


def reason_of(scheme: str, code: str) -> Reason:
    """What the code says. One that we do not know is taken as fraud: that never costs the merchant."""
    name = code.strip().upper()
    known = REASONS.get((scheme, name)) or REASONS.get(("generic", name))
    return known or Reason(scheme, code, "a reason that we do not know", "fraud")
