"""A decline by which the bank wants its customer to confirm, where only the processor says so and
its code does not."""

from dataclasses import replace
from typing import Final

from recoup.networks.codes import Reading
from recoup.networks.reasons import REASONS, cure_of

SCA: Final = "sca_required"


def as_sca(reading: Reading) -> Reading:
    """The codes stay as they came. A hard decline stays one: no confirmation cures it."""
    if reading.terminal or reading.reason == SCA:
        return reading
    return replace(
        reading,
        meaning=REASONS[SCA][0],
        klass="sca",
        retry="after_authentication",
        min_wait_hours=None,
        wait_by_rule=False,
        reason=SCA,
        cure=cure_of(SCA, "sca"),
    )
