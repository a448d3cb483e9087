"""Words of the log of acts and pages on collecting in parts."""

from typing import Final

from recoup.rescue.rules.amount import FeatureChange

AUDITS: Final = {"order.parts": "changed the terms of collecting in parts"}
WITHOUT: Final = (FeatureChange("no_parts"), "Without collecting in parts")
