"""Choice of who decides about the risk of an order."""

from typing import Literal

RiskArm = Literal["engine", "ladder", "holdout", "shadow"]
